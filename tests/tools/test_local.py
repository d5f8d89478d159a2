from __future__ import annotations

import asyncio
from typing import Any

import pytest

from talkwire.canon.tools import ToolAnswer
from talkwire.tools import McpToolExecute, ToolInfo, tool
from tests.tools.calls import Heard, call


async def _echo(arguments: dict[str, Any]) -> str:
    return str(arguments.get("text", ""))


@tool(requires_approval=True)
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


def test_tools_are_offered_in_the_order_in_which_they_came() -> None:
    executor = McpToolExecute([pay], server="shop")
    executor.register_tool_handler("b", _echo)
    executor.register_tool_handler("a", _echo)

    assert [each.name for each in executor.offered()] == ["pay", "b", "a"]
    assert {each.server for each in executor.offered()} == {"shop"}
    assert executor.offered()[0].requires_approval


async def test_the_last_handler_of_a_name_counts_and_keeps_its_place() -> None:
    executor = McpToolExecute([pay])
    executor.register_tool_handler("a", _echo)
    executor.register_tool_handler("pay", _echo)

    assert [each.name for each in executor.offered()] == ["pay", "a"]
    assert await call(executor, "pay", {"text": "new"}) == ToolAnswer("new")


async def test_an_unknown_name_is_answered_with_near_ones() -> None:
    executor = McpToolExecute([pay])

    answer = await call(executor, "paye", {})

    assert answer == ToolAnswer("There is no tool 'paye'. Did you mean 'pay'?", is_error=True)


async def test_many_calls_at_once_keep_their_pieces_apart() -> None:
    executor = McpToolExecute()

    async def handler(arguments: dict[str, Any], on_chunk: Any) -> str:
        for _ in range(5):
            await on_chunk(arguments["n"])
        return str(arguments["n"])

    executor.register_tool_handler("t", handler)
    heard = [Heard() for _ in range(50)]
    answers = await asyncio.gather(
        *(call(executor, "t", {"n": str(n)}, heard[n]) for n in range(50))
    )

    assert [each.result for each in answers] == [str(n) for n in range(50)]
    assert [each.text for each in heard] == [str(n) * 5 for n in range(50)]


@pytest.mark.parametrize("name", ["", "two words", "new\nline", "x" * 129, "\x00"])
def test_a_name_has_to_be_one(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a tool"):
        McpToolExecute().register_tool_handler(name, _echo)


def test_a_handler_has_to_be_a_function() -> None:
    handler: Any = "not a function"
    with pytest.raises(TypeError, match="has to be a function, not 'not a function'"):
        McpToolExecute().register_tool_handler("t", handler)


@pytest.mark.parametrize("schema", [{}, {"type": "string"}])
def test_the_schema_of_a_tool_is_of_an_object(schema: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="has to be of an object"):
        McpToolExecute().register_tool_handler("t", _echo, ToolInfo("t", "", schema))


def test_what_is_told_of_a_tool_may_be_given_by_position() -> None:
    info = ToolInfo("t", "Says.", {"type": "object"})

    assert (info.name, info.description, info.supports_streaming) == ("t", "Says.", False)


async def test_a_decorated_function_may_be_registered_as_a_handler() -> None:
    executor = McpToolExecute()
    executor.register_tool_handler("give", pay)

    assert executor.offered()[0].input_schema["required"] == ["amount"]
    assert await call(executor, "give", {"amount": 3}) == ToolAnswer("paid 3")


async def test_it_opens_and_closes_as_any_source_does() -> None:
    executor = McpToolExecute([pay])
    await executor.open()
    assert await call(executor, "pay", {"amount": 2}) == ToolAnswer("paid 2")
    await executor.close()
