"""The demo: useful, bilingual, honest about what it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from talkwire.canon.deltas import CallPiece, Finish, Reasoning, Text, Tokens
from talkwire.canon.errors import UpstreamUnavailable
from talkwire.canon.tools import Tool
from talkwire.canon.turn import Message, TextPart
from talkwire.models.scripted import SLOWER, Driven, Pause, Scripted, answer, pieces
from tests.models.conftest import ask, listen

DEMO = Scripted(pace_s=0)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("count to 5", "1, 2, 3, 4, 5."),
        ("Please count up to 3", "1, 2, 3."),
        ("数到 3", "1，2，3。"),
        ("请从1数到3", "1，2，3。"),
        ("echo a  b\nc", "a  b\nc"),
        ("复述 你好，world", "你好，world"),
    ],
)
async def test_it_does_as_it_is_told(asked: str, said: str) -> None:
    assert (await listen(DEMO, ask(text=asked))).text == said


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("What is love?", "scripted demo"),
        ("什么是爱？", "脚本演示"),
        ("help", "count to"),
        ("帮助", "数到"),
    ],
)
async def test_it_says_what_it_is_and_how_to_get_a_model(asked: str, says: str) -> None:
    text = (await listen(DEMO, ask(text=asked))).text

    assert says in text
    assert "OPENAI_API_KEY" in text


async def test_it_counts_its_tokens_and_finishes() -> None:
    heard = await listen(DEMO, ask(text="count to 4"))

    assert heard.deltas[-2:] == [Tokens(3, 4), Finish("stop")]
    assert len(heard.of(Text)) == 4


async def test_it_thinks_and_fails_when_asked() -> None:
    assert (await listen(DEMO, ask(text="think"))).of(Reasoning)
    failed = await listen(DEMO, ask(text="失败"))
    assert isinstance(failed.error, UpstreamUnavailable)
    assert failed.text


async def test_a_cut_answer_is_carried_on_exactly() -> None:
    assert (await listen(DEMO, ask(text="count to 4", partial="1, 2, "))).text == "3, 4."


@pytest.mark.parametrize(
    "asked", ["slow count to 3", "慢 数到 3", "慢慢地数到3", "slowly, count to 3"]
)
def test_slow_is_slower(asked: str) -> None:
    said = answer(ask(text=asked))

    assert said.slower == SLOWER
    assert "3" in said.text


@given(st.text())
def test_pieces_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@given(st.text())
def test_anything_has_an_answer(text: str) -> None:
    assert answer(ask(text=text)).text is not None


async def test_a_driven_model_says_its_steps() -> None:
    model = Driven([Text("a"), Pause(0), Finish("stop")], [UpstreamUnavailable("x")])

    first, second = await listen(model, ask()), await listen(model, ask())

    assert (first.deltas, model.closed) == ([Text("a"), Finish("stop")], 2)
    assert isinstance(second.error, UpstreamUnavailable)
    assert await model.check()
    await model.close()


@pytest.mark.parametrize(
    ("asked", "call"),
    [
        ('use sum {"a": [1]}', CallPiece(0, "", "sum", '{"a": [1]}')),
        ("使用 sum", CallPiece(0, "", "sum", "{}")),
        ("slowly use sum", CallPiece(0, "", "sum", "{}")),
    ],
)
async def test_it_calls_a_tool_that_there_is_and_tells_what_it_gave(
    asked: str, call: CallPiece
) -> None:
    request = replace(ask(text=asked), tools=(Tool("sum"),))
    answered = replace(
        request, messages=(*request.messages, Message("", "tool", (TextPart("42"),), call_id="c"))
    )

    assert (await listen(DEMO, request)).of(CallPiece) == [call]
    assert (await listen(DEMO, answered)).text.endswith("42")


async def test_a_tool_that_is_not_there_is_not_called() -> None:
    request = replace(ask(text="use product"), tools=(Tool("sum"),))

    assert not (await listen(DEMO, request)).of(CallPiece)
    assert not (await listen(DEMO, ask(text="use sum"))).of(CallPiece)
