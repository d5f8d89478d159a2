from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from typing import TypedDict as OldTypedDict

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from talkwire.canon.tools import CallContext, ToolAnswer
from talkwire.tools import McpToolExecute, ToolInfo
from tests.tools.calls import CONTEXT, Heard, call

Handled = Callable[..., Any]


async def answered(
    handler: Handled, arguments: dict[str, Any] | None = None, heard: Heard | None = None
) -> ToolAnswer:
    executor = McpToolExecute()
    executor.register_tool_handler("t", handler)
    return await call(executor, "t", arguments or {}, heard)


async def _documented(
    arguments: Any, on_chunk: Any = None, on_complete: Any = None, on_error: Any = None
) -> str:
    assert on_complete is not None
    assert on_error is not None
    on_chunk("plain ")
    await on_chunk("awaited")
    return f"hello {arguments['name']}"


async def test_a_handler_as_documented_streams_and_returns_its_result() -> None:
    heard = Heard()

    assert await answered(_documented, {"name": "you"}, heard) == ToolAnswer("hello you")
    assert heard.text == "plain awaited"


def _nothing() -> str:
    return "none"


def _only(arguments):  # type: ignore[no-untyped-def] # as people write them
    return arguments["a"]


def _two(args, emit):  # type: ignore[no-untyped-def] # as people write them
    emit("x")
    return args["a"]


async def _by_name(arguments: dict[str, Any], *, on_chunk: Any) -> str:
    await on_chunk("x")
    return str(arguments["a"])


def _rest(arguments: dict[str, Any], **more: Any) -> str:
    return "".join(sorted(more))


def _all(*given: Any) -> str:
    return str(len(given))


def _own_default(arguments: dict[str, Any], retries: int = 3) -> str:
    return str(retries)


def _with_context(arguments: dict[str, Any], who: CallContext) -> str:
    return who.owner


class _Callable:
    async def __call__(self, arguments: dict[str, Any]) -> str:
        return f"object {arguments['a']}"

    def method(self, arguments: dict[str, Any], on_chunk: Any = None) -> str:
        return f"method {arguments['a']}"


@pytest.mark.parametrize(
    ("handler", "result"),
    [
        (_nothing, "none"),
        (_only, "1"),
        (_two, "1"),
        (_by_name, "1"),
        (_rest, "on_chunkon_completeon_error"),
        (_all, "4"),
        (_own_default, "3"),
        (_with_context, CONTEXT.owner),
        (_Callable(), "object 1"),
        (_Callable().method, "method 1"),
        (functools.partial(_by_name), "1"),
        (lambda arguments: _by_name(arguments, on_chunk=lambda _: asyncio.sleep(0)), "1"),
        (dict, '{"a":"1"}'),
    ],
)
async def test_a_handler_takes_as_much_as_it_likes(handler: Handled, result: str) -> None:
    assert await answered(handler, {"a": "1"}) == ToolAnswer(result)


def test_a_parameter_that_nobody_fills_in_is_told_when_it_is_registered() -> None:
    def handler(arguments: dict[str, Any], a: Any, b: Any, c: Any, database: Any) -> str:
        return ""

    with pytest.raises(TypeError, match="'database' that nobody fills in"):
        McpToolExecute().register_tool_handler("t", handler)


async def test_a_handler_may_complete_instead_of_returning() -> None:
    async def handler(arguments: Any, on_complete: Any) -> None:
        await on_complete({"n": 1})

    assert await answered(handler) == ToolAnswer('{"n":1}')


async def test_pieces_are_the_result_of_a_handler_that_returns_nothing() -> None:
    def handler(arguments: Any, on_chunk: Any) -> None:
        on_chunk("a")
        on_chunk("b")

    assert await answered(handler) == ToolAnswer("ab")


@pytest.mark.parametrize(
    ("error", "told"), [("no luck", "no luck"), (ValueError("bad"), "bad"), (OSError(), "OSError")]
)
async def test_an_error_that_a_handler_tells_of_makes_an_error(error: Any, told: str) -> None:
    async def handler(arguments: Any, on_chunk: Any, on_complete: Any, on_error: Any) -> None:
        await on_error(error)

    assert await answered(handler) == ToolAnswer(told, is_error=True)


async def test_what_is_returned_beside_an_error_is_what_the_model_sees() -> None:
    def handler(arguments: Any, on_error: Any) -> str:
        on_error("short")
        return "long"

    assert await answered(handler) == ToolAnswer("long", is_error=True)


async def test_handlers_may_be_generators_of_either_kind() -> None:
    async def awaited(arguments: dict[str, Any]) -> AsyncIterator[str]:
        yield "a"
        yield "b"

    def plain(arguments: dict[str, Any]) -> Iterator[str]:
        yield "c"
        yield "d"

    heard = Heard()

    assert await answered(awaited, heard=heard) == ToolAnswer("ab")
    assert await answered(plain, heard=heard) == ToolAnswer("cd")
    assert heard.text == "abcd"


async def test_a_handler_with_typed_parameters_is_called_by_their_names() -> None:
    async def weather(city: str, days: int = 1, on_chunk: Any = None) -> str:
        """Tell the weather.

        Args:
            city: Where.
        """
        await on_chunk(".")
        return f"{city} {days}"

    executor = McpToolExecute()
    executor.register_tool_handler("weather", weather)
    (offered,) = executor.offered()

    assert offered.description == "Tell the weather."
    assert offered.supports_streaming
    assert offered.input_schema["required"] == ["city"]
    assert offered.input_schema["properties"] == {
        "city": {"type": "string", "description": "Where."},
        "days": {"type": "integer", "default": 1},
    }
    assert await call(executor, "weather", {"city": "Rome", "days": 2}) == ToolAnswer("Rome 2")
    refused = await call(executor, "weather", {"days": "many"})
    assert refused.is_error
    assert "city: Field required" in refused.result
    assert "days: " in refused.result


class _Options(BaseModel):
    city: str = Field(description="Where.")


class _Named(TypedDict):
    city: str


@pytest.mark.parametrize("shape", [_Options, _Named])
async def test_arguments_with_a_shape_say_what_they_are_and_are_checked(shape: Any) -> None:
    def handler(arguments: Any) -> str:
        return str(arguments["city"] if isinstance(arguments, dict) else arguments.city)

    handler.__annotations__["arguments"] = shape
    executor = McpToolExecute()
    executor.register_tool_handler("t", handler)

    assert executor.offered()[0].input_schema["required"] == ["city"]
    assert await call(executor, "t", {"city": "Rome"}) == ToolAnswer("Rome")
    assert (await call(executor, "t", {})).is_error


class _Old(OldTypedDict):
    city: str


async def test_a_shape_that_cannot_be_read_is_taken_for_any_dictionary() -> None:
    def handler(arguments: _Old) -> str:
        return arguments["city"]

    handler.__annotations__["arguments"] = _Old

    assert await answered(handler, {"city": "Rome"}) == ToolAnswer("Rome")


def _typed_by_nobody(arguments: Nowhere) -> str:  # type: ignore[name-defined] # noqa: F821 - the point
    return str(arguments["a"])


def _everything(**given: Any) -> str:
    return "".join(sorted(given))


async def test_annotations_that_cannot_be_read_are_left_alone() -> None:
    assert await answered(_typed_by_nobody, {"a": 1}) == ToolAnswer("1")
    assert await answered(_everything, {"a": 1}) == ToolAnswer("on_chunkon_completeon_error")


def test_without_types_any_arguments_are_taken() -> None:
    executor = McpToolExecute()
    executor.register_tool_handler("t", _documented)

    assert executor.offered()[0].input_schema == {"type": "object", "properties": {}}


def test_what_is_told_of_a_tool_can_be_given_by_hand() -> None:
    executor = McpToolExecute()
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    executor.register_tool_handler(
        "find",
        _documented,
        ToolInfo(name="x", description="Find.", input_schema=schema, supports_streaming=True),
    )

    (offered,) = executor.offered()
    assert (offered.name, offered.description) == ("find", "Find.")
    assert offered.input_schema == schema
    assert offered.supports_streaming
