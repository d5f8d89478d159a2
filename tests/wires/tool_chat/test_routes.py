"""The routes over HTTP, with an engine of one turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace

from talkwire.canon.errors import NotFound
from talkwire.canon.records import ToolResult, TurnRecord
from talkwire.canon.tools import Tool
from talkwire.models.callers import Caller
from talkwire.web.egress import Policy
from talkwire.wires.tool_chat.encode import Encoder
from talkwire.wires.tool_chat.routes import router
from tests.cases.turns import CASES, SESSION, TURN
from tests.web.wire import OneTurn, client_of

FRAMES = Encoder(TURN, SESSION).feed(CASES["tool_call"])
ASKED = {"session_id": SESSION, "content": "Hello"}
DIRECT = {"session_id": SESSION, "messages": [{"role": "user", "content": "Hello"}]}
KEY = "sk-caller-1f2e"


class Tools:
    def offered(self) -> Sequence[Tool]:
        return [Tool("time.now", "The time.", server="time"), Tool("sum", supports_streaming=True)]

    def status(self) -> list[dict[str, Any]]:
        return [
            {"name": "time", "status": "connected", "tools": ["now"]},
            {"name": "git", "status": "failed", "tools": []},
        ]


class Results:
    async def result(self, owner: str, call_id: str) -> ToolResult:
        if call_id != "call_1":
            raise NotFound("There is no such result.")
        return ToolResult(call_id, SESSION, TURN, "read", "All of it", False, 1)


class Ending(OneTurn):
    """Its turn ends by an abort, or before it."""

    status: Any = "running"

    def _known(self, turn_id: str) -> TurnRecord:
        return replace(super()._known(turn_id), status=self.status)

    async def abort(self, owner: str, turn_id: str, by: str = "client") -> TurnRecord:
        return replace(await super().abort(owner, turn_id, by), status="aborted")


async def resolve(host: str, port: int) -> Sequence[str]:
    return ["93.184.216.34"]


def setting(turns: OneTurn | None = None) -> tuple[OneTurn, httpx2.AsyncClient]:
    turns = turns or OneTurn(CASES["tool_call"])
    policy = Policy([], private=False, enabled=True, resolve=resolve)
    return turns, client_of(router(turns, Tools(), Results(), policy=policy, caller=Caller))


@pytest.mark.parametrize(
    ("path", "body"), [("/api/chat/stream", ASKED), ("/api/chat/stream/direct", DIRECT)]
)
async def test_a_post_starts_a_turn_and_answers_with_its_stream(
    path: str, body: dict[str, Any]
) -> None:
    turns, client = setting()
    async with client:
        response = await client.post(path, json=body)
        rest = await client.post(path, headers={"Last-Event-ID": f"{TURN}:2"})
        over = await client.post(f"{path}?lastEventId={TURN}:{len(FRAMES) - 1}")

    assert response.status_code == 200
    assert response.content == b"".join(FRAMES)
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["x-turn-id"] == TURN
    assert response.headers["x-session-id"] == SESSION
    assert rest.content == b"".join(FRAMES[3:])
    assert over.status_code == 204
    assert len(turns.asked) == 1


async def test_a_key_of_the_caller_is_handed_to_the_turn_and_kept_out_of_the_fingerprint() -> None:
    turns, client = setting()
    async with client:
        for key in (KEY, "sk-another"):
            given = {"api_key": key, "base_url": "https://API.example:443/v1"}
            body = {**ASKED, "model_config": given}
            await client.post("/api/chat/stream", json=body, headers={"Idempotency-Key": "k"})
        await client.post("/api/chat/stream", json=ASKED, headers={"Idempotency-Key": "k"})

    first, _, none = turns.callers
    assert none is None
    assert isinstance(first, Caller)
    assert first.api_key is not None
    assert first.api_key.get_secret_value() == KEY
    assert (first.base_url, first.addresses) == ("https://api.example/v1", ("93.184.216.34",))
    keys = {each.fingerprint for each in turns.keys[:2] if each is not None}
    assert len(keys) == 1
    assert all(KEY not in str(each) for each in (*turns.asked, *turns.keys))


async def test_a_key_alone_goes_with_no_server() -> None:
    turns, client = setting()
    async with client:
        body = {**ASKED, "model_config": {"api_key": KEY}}
        assert (await client.post("/api/chat/stream", json=body)).status_code == 200

    (caller,) = turns.callers
    assert isinstance(caller, Caller)
    assert (caller.base_url, caller.addresses) == ("", ())


async def test_a_server_that_may_not_be_asked_is_403_and_not_told_again() -> None:
    turns, client = setting()
    async with client:
        given = {"base_url": "http://secret-host.internal/v1", "api_key": KEY}
        answer = await client.post("/api/chat/stream", json={**ASKED, "model_config": given})

    assert (answer.status_code, answer.json()["code"]) == (403, "base_url_not_allowed")
    assert answer.json()["error"] == answer.json()["detail"]
    assert "secret-host" not in answer.text
    assert KEY not in answer.text
    assert turns.asked == []


async def test_tools_and_servers_are_told_by_the_names_they_are_called_by() -> None:
    _, client = setting()
    async with client:
        tools = (await client.get("/api/tools")).json()
        servers = (await client.get("/api/servers")).json()

    assert tools == {
        "tools": [
            {
                "name": "time.now",
                "description": "The time.",
                "input_schema": {"type": "object"},
                "supports_streaming": False,
                "server": "time",
            },
            {
                "name": "sum",
                "description": "",
                "input_schema": {"type": "object"},
                "supports_streaming": True,
                "server": "local",
            },
        ],
        "total": 2,
    }
    assert [(each["name"], each["tools"]) for each in servers["servers"]] == [
        ("time", ["time.now"]),
        ("git", []),
    ]
    assert servers["total"] == 2


async def test_without_tools_the_lists_are_empty() -> None:
    policy = Policy([], private=False, enabled=False)
    async with client_of(
        router(OneTurn(), None, Results(), policy=policy, caller=Caller)
    ) as client:
        assert (await client.get("/api/tools")).json() == {"tools": [], "total": 0}
        assert (await client.get("/api/servers")).json() == {"servers": [], "total": 0}


@pytest.mark.parametrize(
    ("body", "aborted"),
    [
        ({"turn_id": TURN}, [TURN]),
        ({"session_id": SESSION}, [TURN]),
        ({"session_id": SESSION, "turn_id": TURN}, [TURN]),
        ({"session_id": "another", "turn_id": TURN}, []),
        ({"session_id": "another"}, []),
        ({"turn_id": TURN[:-1] + "z"}, []),
        ({"turn_id": "no-turn-of-ours"}, []),
    ],
)
async def test_an_abort_names_what_it_stopped(body: dict[str, str], aborted: list[str]) -> None:
    turns, client = setting(Ending(CASES["tool_call"]))
    turns.running = [TURN]
    async with client:
        answer = await client.post("/api/chat/abort", json=body)

    assert (answer.status_code, answer.json()) == (200, {"aborted": aborted})
    assert turns.aborts == aborted


async def test_what_has_ended_is_not_stopped() -> None:
    turns = Ending(CASES["tool_call"])
    turns.status = "completed"
    async with setting(turns)[1] as client:
        answer = await client.post("/api/chat/abort", json={"turn_id": TURN})

    assert answer.json() == {"aborted": []}
    assert turns.aborts == []


async def test_a_turn_that_ends_by_itself_just_then_was_not_stopped() -> None:
    class Late(OneTurn):
        async def abort(self, owner: str, turn_id: str, by: str = "client") -> TurnRecord:
            return replace(self._known(turn_id), status="completed")

    async with setting(Late(CASES["tool_call"]))[1] as client:
        answer = await client.post("/api/chat/abort", json={"turn_id": TURN})

    assert answer.json() == {"aborted": []}


async def test_a_decision_answers_with_the_turn_that_goes_on() -> None:
    turns, client = setting()
    path = "/api/tools/call_1/decision"
    async with client:
        yes = await client.post(path, json={"approve": True}, headers={"Idempotency-Key": "k"})
        given = {"api_key": KEY, "base_url": "https://api.example/v1"}
        body = {"approve": False, "reason": "Too dear.", "model_config": given}
        no = await client.post(path, json=body)
        rest = await client.post(path, headers={"Last-Event-ID": f"{TURN}:2"})

    assert yes.content == no.content == b"".join(FRAMES)
    assert rest.content == b"".join(FRAMES[3:])
    assert turns.decisions == [(True, None), (False, "Too dear.")]
    assert [key is not None for key in turns.keys] == [True, False]
    none, caller = turns.callers
    assert none is None
    assert isinstance(caller, Caller)
    assert caller.addresses == ("93.184.216.34",)


@pytest.mark.parametrize("call_id", ["call_2", "a%00", "%0a", "x" * 300])
async def test_calls_of_nobody_are_not_found(call_id: str) -> None:
    turns, client = setting()
    async with client:
        for answer in (
            await client.post(f"/api/tools/{call_id}/decision", json={"approve": True}),
            await client.get(f"/api/tools/results/{call_id}"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert turns.decisions == []


async def test_a_long_result_is_shown_whole() -> None:
    _, client = setting()
    async with client:
        answer = await client.get("/api/tools/results/call_1")

    assert (answer.status_code, answer.json()["result"]) == (200, "All of it")
