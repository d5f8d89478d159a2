from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.engine.traits import LOOKED_AT_CHARS, traits


@pytest.mark.parametrize(
    ("text", "trait"),
    [
        ("```python\nprint(1)\n```", "code_blocks"),
        ("Traceback (most recent call last):", "code_blocks"),
        ("why is my postgres index not used", "code"),
        ("这个函数有死锁", "code"),
        ("Write a parser", "makes"),
        ("帮我设计一个方案", "makes"),
        ("Prove it step by step", "reasons"),
        ("证明根号2是无理数", "reasons"),
        ("x^2 + 1 = 0", "maths"),
        ("求这个矩阵的行列式", "maths"),
        ("It must have at least two parts", "limits"),
        ("不超过三百字，要给出例子", "limits"),
        ("Can I sue over this contract?", "depth"),
        ("劳动合同到期赔偿", "depth"),
        ("translate this", "simple"),
        ("企鹅是鸟吗？", "simple"),
        ("who won last night", "now"),
        ("明天会下雨吗", "now"),
    ],
)
def test_traits_are_seen_in_both_languages(text: str, trait: str) -> None:
    assert getattr(traits(text), trait) > 0


@pytest.mark.parametrize("text", ["hello!", "你好呀", "谢谢", "I need a hug, haha"])
def test_small_talk_is_known(text: str) -> None:
    assert traits(text).chats


def test_numbers_lines_and_clauses_are_counted() -> None:
    found = traits("1, 2; 3\n4。5")

    assert (found.numbers, found.clauses, found.lines) == (5, 3, 1)


def test_nothing_has_no_traits() -> None:
    found = traits("")

    assert (found.tokens, found.code, found.reasons, found.chats) == (0, 0, 0, False)


def test_of_a_long_text_both_ends_are_looked_at() -> None:
    found = traits("prove " + "x" * 100_000 + " translate")

    assert (found.reasons, found.simple) == (1, 1)
    assert found.tokens > 20_000


@given(st.text(max_size=400))
def test_no_text_is_too_odd(text: str) -> None:
    assert traits(text).tokens >= 0


@pytest.mark.parametrize("piece", ["a ", "(", "1+", "是", "\n\t", "Trace", "at a(", "==", "    x"])
def test_no_text_takes_long(piece: str) -> None:
    """Each of these would keep an expression that backtracks busy for longer than a test may."""
    text = (piece * LOOKED_AT_CHARS)[:LOOKED_AT_CHARS]

    for _ in range(10):
        traits(text)
