"""The tools, as a client calls them."""

from __future__ import annotations

from msgspec.structs import replace as changed

from talkwire.canon.events import TurnFailed
from talkwire.wires.mcp.encode import Encoder
from tests.cases.turns import CASES, SESSION, TURN
from tests.wires.mcp.desk import setting

TEXT = b"".join(Encoder(TURN, SESSION).feed(CASES["plain"])).decode()


async def test_chat_starts_a_turn_and_gives_its_text_and_what_it_was() -> None:
    async with setting() as here:
        given = await here.call("chat", input="Hello", session_id=SESSION)

    assert given["content"] == [{"type": "text", "text": TEXT}]
    assert given["structuredContent"]["turn_id"] == TURN
    assert given["isError"] is False
    assert [(turn.text, turn.wire) for turn in here.turns.asked] == [("Hello", "mcp")]
    assert not here.turns.log.readers


async def test_progress_has_the_text_where_it_was_asked_for() -> None:
    params = {"name": "chat", "arguments": {"input": "Hello"}}
    async with setting() as here:
        silent = await here.ask("tools/call", params)
        told = await here.ask("tools/call", {**params, "_meta": {"progressToken": "p"}})

    assert len(silent) == 1
    (progress,) = [each["params"] for each in told if "method" in each]
    assert progress == {"progressToken": "p", "progress": len(TEXT), "message": TEXT}


async def test_a_failed_turn_is_a_result_that_says_why() -> None:
    failed = TurnFailed("upstream_timeout", "Too slow.", retryable=True)
    events = [*CASES["plain"][:-1], changed(CASES["plain"][-1], event=failed)]
    async with setting(events) as here:
        given = await here.call("chat", input="Hello")

    assert given["isError"] is True
    assert "structuredContent" not in given  # clients hold it to the schema of what succeeds
    assert given["_meta"]["talkwire/error"] == {
        "error": "Too slow.",
        "code": "upstream_timeout",
        "retryable": True,
    }


async def test_arguments_that_do_not_fit_are_a_result_and_start_nothing() -> None:
    async with setting() as here:
        given = await here.call("chat", text="Hello")

    assert given["isError"] is True
    assert "input" in given["content"][0]["text"]
    assert here.turns.asked == []


async def test_an_unknown_tool_is_an_error_that_names_the_known_ones() -> None:
    async with setting() as here:
        error = await here.call("chta")

    assert error["code"] == -32602
    assert "list_sessions" in error["message"]


async def test_sessions_are_listed_and_read_in_pages() -> None:
    async with setting() as here:
        listed = await here.call("list_sessions", limit=1)
        await here.call("list_sessions", cursor=listed["structuredContent"]["next_cursor"])
        read = await here.call("read_session", session_id=SESSION, limit=1)
        await here.call("read_session", session_id=SESSION, cursor="m_0")
        other = await here.call("read_session", session_id="s_other")

    assert listed["structuredContent"]["sessions"][0]["last"] == "Hi"
    assert read["structuredContent"]["messages"][0]["text"] == "Hi"
    assert read["structuredContent"]["next_cursor"] == "m_0"
    assert other["isError"] is True
    assert here.shelf.asked == [
        ("local", 1, None),
        ("local", 20, (2, SESSION)),
        ("local", SESSION, 1, None),
        ("local", SESSION, 50, "m_0"),
        ("local", "s_other", 50, None),
    ]


async def test_a_bug_says_nothing_of_itself() -> None:
    async with setting() as here:
        here.turns.start = None  # type: ignore[assignment] # what a bug may do
        error = await here.call("chat", input="Hello")

    assert error["code"] == -32603
    assert "NoneType" not in error["message"]
