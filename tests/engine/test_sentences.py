from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.engine.sentences import HARD, Sentences, speakable


def sentences(*pieces: str) -> list[str]:
    splitter = Sentences()
    found = [said for piece in pieces for said in splitter.feed(piece)]
    return [*found, *splitter.end()]


def heard(text: str) -> list[str]:
    return [said.strip() for said in sentences(text)]


ENGLISH = [
    ("Hello. World", ["Hello.", "World"]),
    ("Really? Yes! No.", ["Really?", "Yes!", "No."]),
    ("Dr. Smith met Mrs. Jones. They left.", ["Dr. Smith met Mrs. Jones.", "They left."]),
    ("Pi is 3.14. That is all.", ["Pi is 3.14.", "That is all."]),
    ("See e.g. Bern, i.e. the capital. Good.", ["See e.g. Bern, i.e. the capital.", "Good."]),
    ("J. K. Rowling wrote it. So.", ["J. K. Rowling wrote it.", "So."]),
    ("The U.S. Army has it. So.", ["The U.S. Army has it.", "So."]),
    ("Look at No. 5 now. So.", ["Look at No. 5 now.", "So."]),
    ("Do you? No. Well.", ["Do you?", "No.", "Well."]),
    ("Wait... what? Hmm... Yes.", ["Wait... what?", "Hmm...", "Yes."]),
    ('She said "Stop." Then she left.', ['She said "Stop."', "Then she left."]),
    ("Is it v1.2.3? Use a.b.c to see.", ["Is it v1.2.3?", "Use a.b.c to see."]),
    ("So did I. Then rain.", ["So did I.", "Then rain."]),
    ("Odd?!! Yes.", ["Odd?!!", "Yes."]),
    ("No end", ["No end"]),
]
CHINESE = [
    ("你好，世界。今天好吗？很好！", ["你好，世界。", "今天好吗？", "很好！"]),
    ("他说：“走吧。”然后走了。", ["他说：“走吧。”", "然后走了。"]),
    ("「好。」她说。", ["「好。」", "她说。"]),
    ("圆周率是3.14。对！", ["圆周率是3.14。", "对！"]),
    ("嗯……好的。行", ["嗯……好的。", "行"]),
    ("用 Python 3.11 写的。OK!然后", ["用 Python 3.11 写的。", "OK!", "然后"]),
    ("第一；第二。", ["第一；", "第二。"]),
]
MARKDOWN = [
    ("# A title\nText.", ["A title", "Text."]),
    ("- one\n* two\n+ three\n- [x] four", ["one", "two", "three", "four"]),
    ("1. First. Then more.\n2. Second", ["1. First.", "Then more.", "2. Second"]),
    ("**Bold.** And *italic* and __more__.", ["Bold.", "And italic and more."]),
    ("Use `a.b(). C` here. Fine.", ["Use a.b(). C here.", "Fine."]),
    ("See [the docs. All](https://a.example/x.y?z=1). Next.", ["See the docs. All.", "Next."]),
    ("![A cat](cat.png) sits.", ["A cat sits."]),
    ("Go to https://www.example.com/a.b/c?d=1. Then", ["Go to example.com.", "Then"]),
    ("见 https://example.com/路径。好", ["见 example.com。", "好"]),
    ("Before.\n```python\nx = 1. Y\n\nprint('Hi. You')\n```\nAfter.", ["Before.", "After."]),
    ("~~~\ncode\n~~~\nText", ["Text"]),
    ("```\nnever closed. Really", []),
    ("```inline``` is code.", ["inline is code."]),
    ("> quoted. Text", ["quoted.", "Text"]),
    ("---\n***\n===\n", []),
    ("| a | b |\n|---|:-:|\n| 1 | 2. X |\n", ["a, b", "1, 2. X"]),
    ("a<br>b snake_case 2 * 3 5*3", ["a b snake_case 2 * 3 5*3"]),
    ("...\n\n!!!\n", []),
    ("A\x00B\u2028C", ["A B C"]),
]


@pytest.mark.parametrize(("text", "expected"), [*ENGLISH, *CHINESE, *MARKDOWN])
def test_a_text_is_these_sentences(text: str, expected: list[str]) -> None:
    assert heard(text) == expected


def test_a_sentence_is_told_as_soon_as_the_next_one_begins() -> None:
    splitter = Sentences()

    assert splitter.feed("Hello. ") == []
    assert splitter.feed("W") == ["Hello. "]
    assert splitter.feed("orld\n") == ["World\n"]
    assert splitter.feed("你好。") == []
    assert splitter.feed("世") == ["你好。"]
    assert splitter.end() == ["世"]
    assert splitter.end() == []


def test_another_text_may_begin_after_the_end() -> None:
    splitter = Sentences()
    splitter.feed("```\ncode")
    assert splitter.end() == []
    assert splitter.feed("# Title\n") == ["Title\n"]


def test_what_never_ends_is_cut_at_a_pause_or_anywhere() -> None:
    words = sentences("word " * 500)
    assert len(words) > 1
    assert all(len(said) <= HARD and said.endswith(" ") for said in words)
    assert "".join(words) == "word " * 500

    wide = sentences("长" * 1_000)
    assert "".join(wide) == "长" * 1_000
    assert max(map(len, wide)) <= HARD // 3 + 1


PIECE = st.one_of(
    st.sampled_from([text for text, _ in (*ENGLISH, *CHINESE, *MARKDOWN)]),
    st.text("aB1 .!?。！？…\n`*_[]()|#->,，\"”'好:/", max_size=12),
    st.text(max_size=8),
)


@given(st.lists(PIECE, max_size=8), st.data())
def test_any_cut_of_the_text_gives_the_same_sentences(
    pieces: list[str], data: st.DataObject
) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=10)))
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    assert sentences(*parts) == sentences(*text) == sentences(text)


@given(st.text("abcXY 12.!?。！？，,\n好吗\"”'", max_size=400))
def test_nothing_that_can_be_said_is_lost_or_doubled(text: str) -> None:
    said = "".join(sentences(text))

    assert [c for c in said if c.isalnum()] == [c for c in text if c.isalnum()]


@given(st.text(max_size=200))
def test_what_is_said_never_fails_and_has_no_control_characters(text: str) -> None:
    said = speakable(text)

    assert not any(c in said for c in "\x00\x1b\x7f\u2028")
