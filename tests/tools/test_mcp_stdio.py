"""A server as a child process: what is read of it is bounded, and nothing of it is left behind."""

from __future__ import annotations

import asyncio
import sys

import pytest
from anyio import ClosedResourceError
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCRequest

from talkwire.tools.mcp_config import Command
from talkwire.tools.mcp_link import Ended
from talkwire.tools.mcp_stdio import child

HELLO = '{"jsonrpc":"2.0","method":"hello"}'


def running(code: str) -> Command:
    return Command(command=sys.executable, args=("-S", "-E", "-c", code))


async def messages(code: str, ended: Ended) -> list[object]:
    """All that the server sent until it ended."""
    async with asyncio.timeout(40), child(running(code), ended) as (incoming, _):
        return [each.message async for each in incoming if isinstance(each, SessionMessage)]


async def test_lines_are_messages_and_other_lines_are_passed_over() -> None:
    found = await messages(f"print('Loading'); print('{HELLO}'); print('[]'); print()", Ended())

    assert found == [JSONRPCNotification(jsonrpc="2.0", method="hello")]


async def test_how_it_ended_is_told() -> None:
    ended = Ended()

    await messages("import sys; sys.stderr.write('why\\n'); sys.exit(4)", ended)

    assert ended.told() == "It exited with status 4. It said: why"


async def test_an_unreadable_answer_ends_its_request() -> None:
    deep = '{"jsonrpc":"2.0","id":7,"result":' + "[" * 300 + "]" * 300 + "}"

    (found,) = await messages(f"print('{deep}')", Ended())

    assert isinstance(found, JSONRPCError)
    assert found.id == 7


@pytest.mark.parametrize("ending", ["", "\\n"])
async def test_a_line_that_is_too_long_ends_the_server(ending: str) -> None:
    ended = Ended()

    await messages(f"import sys; sys.stdout.write('x' * 9_000_000 + '{ending}')", ended)

    assert ended.why == "It sent a message that is larger than any that is read."


async def test_notifications_that_come_too_fast_are_passed_over() -> None:
    ended = Ended()

    found = await messages(f"print('{HELLO}\\n' * 20_000)", ended)

    assert 1000 <= len(found) < 10_000
    assert ended.why == "It exited with status 0."


async def test_messages_are_written_to_it() -> None:
    code = "import sys; print(sys.stdin.readline().replace('ask', 'told'), flush=True)"
    async with asyncio.timeout(40), child(running(code), Ended()) as (incoming, outgoing):
        await outgoing.send(SessionMessage(JSONRPCRequest(jsonrpc="2.0", id=1, method="ask")))
        found = await incoming.receive()

    assert isinstance(found, SessionMessage)
    assert found.message == JSONRPCRequest(jsonrpc="2.0", id=1, method="told")


async def test_a_server_that_does_not_want_to_end_is_ended() -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(1000)"

    async with asyncio.timeout(40), child(running(code), Ended()) as (incoming, _):
        pass

    with pytest.raises(ClosedResourceError):
        await incoming.receive()


async def test_a_command_that_is_not_there_raises() -> None:
    with pytest.raises(FileNotFoundError):
        async with child(Command(command="/nowhere/at/all"), Ended()):
            pass
