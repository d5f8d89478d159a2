from __future__ import annotations

import asyncio
import keyword
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from talkwire.canon.tools import CallContext, ToolAnswer
from talkwire.tools import McpToolExecute, tool
from talkwire.tools.decorated import Decorated
from tests.tools.calls import CONTEXT, Heard, call


class Unit(Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


class Place(BaseModel):
    city: str
    country: str | None = None


async def result(
    decorated: Decorated[..., Any], heard: Heard | None = None, **arguments: Any
) -> ToolAnswer:
    return await call(McpToolExecute([decorated]), decorated.tool.name, arguments, heard)


@tool(idempotent=True, timeout_s=5)
def forecast(
    place: Place,
    days: int = 1,
    unit: Unit = Unit.CELSIUS,
    detail: Literal["short", "long"] = "short",
    tags: list[str] | None = None,
    since: Annotated[date | None, "The first day."] = None,
    limit: int = Field(3, ge=1, le=9, description="How many."),
) -> dict[str, Any]:
    """Tell the weather.

    For a place, and for some days.

    Args:
        place: Where, as exactly
            as is known.
        days (int): How many days.

    Returns:
        The weather.
    """
    return {"place": place.city, "days": days, "unit": unit.value, "tags": tags, "limit": limit}


def test_a_schema_says_all_that_the_signature_and_the_docstring_say() -> None:
    offered = forecast.tool

    assert (offered.name, offered.server) == ("forecast", "local")
    assert offered.description == "Tell the weather.\n\nFor a place, and for some days."
    assert (offered.idempotent, offered.requires_approval, offered.timeout_s) == (True, False, 5)
    schema = offered.input_schema
    assert schema["required"] == ["place"]
    assert schema["additionalProperties"] is False
    properties = schema["properties"]
    assert properties["place"]["description"] == "Where, as exactly as is known."
    assert properties["days"] == {
        "type": "integer",
        "default": 1,
        "description": "How many days.",
    }
    assert properties["detail"]["enum"] == ["short", "long"]
    assert properties["since"]["description"] == "The first day."
    assert properties["limit"] == {
        "type": "integer",
        "default": 3,
        "minimum": 1,
        "maximum": 9,
        "description": "How many.",
    }
    assert schema["$defs"]["Unit"]["enum"] == ["c", "f"]
    assert schema["$defs"]["Place"]["required"] == ["city"]


async def test_arguments_arrive_as_the_types_that_were_asked_for() -> None:
    answer = await result(forecast, place={"city": "Rome"}, unit="f", tags=["a"], days=2)

    assert answer == ToolAnswer('{"place":"Rome","days":2,"unit":"f","tags":["a"],"limit":3}')


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "place: Field required"),
        ({"place": {}}, "place.city: Field required"),
        ({"place": {"city": "x"}, "days": "many"}, "days: Input should be a valid integer"),
        ({"place": {"city": "x"}, "detail": "no"}, "detail: Input should be 'short' or 'long'"),
        ({"place": {"city": "x"}, "limit": 10}, "limit: Input should be less than or equal to 9"),
        ({"place": {"city": "x"}, "nope": 1}, "nope: Extra inputs are not permitted"),
    ],
)
async def test_arguments_that_do_not_fit_are_told_by_their_names(
    arguments: dict[str, Any], told: str
) -> None:
    answer = await result(forecast, **arguments)

    assert answer.is_error
    assert told in answer.result
    assert "pydantic" not in answer.result


def test_the_function_can_be_called_as_it_was() -> None:
    assert forecast(Place(city="Rome"), days=3, limit=1)["days"] == 3
    assert forecast.__doc__ == forecast.function.__doc__


async def test_names_that_pydantic_keeps_for_itself_may_be_parameters() -> None:
    @tool
    def odd(schema: str, model_config: int, _x: int, copy: bool = False) -> str:
        return f"{schema} {model_config} {_x} {copy}"

    assert set(odd.tool.input_schema["properties"]) == {"schema", "model_config", "_x", "copy"}
    answer = await result(odd, schema="s", model_config=1, _x=2)
    assert answer == ToolAnswer("s 1 2 False")


async def test_the_context_is_filled_in_and_not_shown() -> None:
    @tool
    async def mine(context: CallContext, /, what: str, *, who: CallContext | None = None) -> str:
        assert who is context
        return f"{what} of {context.owner}"

    assert set(mine.tool.input_schema["properties"]) == {"what"}
    assert await result(mine, what="x") == ToolAnswer(f"x of {CONTEXT.owner}")


async def test_types_of_an_enclosing_function_are_found() -> None:
    class Inner(BaseModel):
        n: int

    @tool
    async def first(inner: Inner) -> Inner:
        return inner

    @tool(name="second")
    async def other(inner: Inner) -> int:
        return inner.n

    assert await result(first, inner={"n": 1}) == ToolAnswer('{"n":1}')
    assert await result(other, inner={"n": 1}) == ToolAnswer("1")


async def test_a_default_is_the_very_object_of_the_signature() -> None:
    missing = object()

    @tool
    def plain(x: Any = missing) -> str:
        return str(x is missing)

    assert await result(plain) == ToolAnswer("True")


@tool
async def spoken(n: int) -> AsyncIterator[str]:
    for each in range(n):
        yield f"{each} "


@tool
def counted(n: int) -> Iterator[str]:
    for each in range(n):
        yield f"{each} "


@pytest.mark.parametrize("streaming", [spoken, counted])
async def test_generators_stream_and_their_pieces_together_are_the_result(
    streaming: Decorated[..., Any],
) -> None:
    heard = Heard()

    assert streaming.tool.supports_streaming
    assert await result(streaming, heard, n=3) == ToolAnswer("0 1 2 ")
    assert heard.text == "0 1 2 "
    assert await result(streaming, n=0) == ToolAnswer("")


async def test_each_piece_of_an_asynchronous_generator_is_heard_when_it_comes() -> None:
    go_on = asyncio.Event()

    @tool
    async def slow() -> AsyncIterator[str]:
        yield "a"
        await go_on.wait()
        yield "b"

    heard = Heard()
    task = asyncio.create_task(result(slow, heard))
    async with asyncio.timeout(5):
        await heard.any.wait()
    assert heard.pieces == ["a"]
    go_on.set()

    assert await task == ToolAnswer("ab")
    assert heard.pieces == ["a", "b"]


async def test_a_plain_function_that_blocks_does_not_block_the_loop() -> None:
    go_on = threading.Event()

    @tool
    def blocks() -> str:
        assert go_on.wait(5)
        return threading.current_thread().name

    task = asyncio.create_task(result(blocks))
    for _ in range(20):
        await asyncio.sleep(0)
    go_on.set()

    assert await task == ToolAnswer("talkwire-tool")


@dataclass
class Point:
    x: int
    when: date


@pytest.mark.parametrize(
    ("given_back", "text"),
    [
        ("as it is", "as it is"),
        (None, "null"),
        (7, "7"),
        ([1, "é", None], '[1,"é",null]'),
        (Point(1, date(2026, 1, 2)), '{"x":1,"when":"2026-01-02"}'),
        (Place(city="Rome"), '{"city":"Rome","country":null}'),
        (b"text", "text"),
        (b"\xff\xfe", "__4="),
        (float("nan"), '"NaN"'),
        ("half \ud83d", "half ?"),
    ],
)
async def test_what_is_given_back_becomes_text(given_back: Any, text: str) -> None:
    @tool
    def gives() -> Any:
        return given_back

    assert await result(gives) == ToolAnswer(text)


def _more(*parts: str) -> None: ...


def _any(**parts: str) -> None: ...


def _unreadable(lock: threading.Lock) -> None: ...


def _unknown(what: Nowhere) -> None: ...  # type: ignore[name-defined] # noqa: F821 - the point


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (_more, r"\*parts cannot be a tool's parameter"),
        (_any, r"\*parts cannot be a tool's parameter"),
        (_unreadable, "type that JSON cannot bring"),
        (_unknown, "'Nowhere' is not defined"),
    ],
)
def test_a_function_that_cannot_be_a_tool_says_where_and_why(
    function: Callable[..., Any], told: str
) -> None:
    with pytest.raises(TypeError, match=told) as error:
        tool(function)

    assert f"{function.__name__} ({__file__}, line " in str(error.value)


def test_names_that_models_do_not_take_are_refused() -> None:
    with pytest.raises(ValueError, match="no name that models take"):
        tool(name="two words")(spoken.function)
    with pytest.raises(ValueError, match="no name that models take"):
        tool(lambda: "")


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan")])
def test_a_time_out_has_to_be_one(timeout_s: float) -> None:
    with pytest.raises(ValueError, match="more than 0 s"):
        tool(timeout_s=timeout_s)


_TYPES = st.sampled_from(
    [int, str, bool, float, list[int], dict[str, int], int | None, Unit, Place, Literal["a", 1]]
)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), _TYPES, max_size=6))
def test_every_parameter_is_in_the_schema_and_required(types: dict[str, Any]) -> None:
    names = [name for name in types if name.isidentifier() and not keyword.iskeyword(name)]
    scope: dict[str, Any] = {}
    exec(f"def made({', '.join(names)}): ...", scope)  # noqa: S102 - made of identifiers alone
    made = scope["made"]
    made.__annotations__ = {name: types[name] for name in names}

    schema = tool(made).tool.input_schema

    assert list(schema["properties"]) == names
    assert schema.get("required", []) == names
