"""People decide on calls of a running server: one decision is taken, whatever happens between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.keyed import KEYS_MODE, make_key, whole
from tests.e2e.servers import Server
from tests.e2e.strict import Strict
from tests.e2e.waiting import until
from tests.e2e.wire_client import Frame, ask, asking

TOOLS = """
import asyncio
from pathlib import Path

from talkwire.tools import tool

MARKS = Path({marks!r})


@tool(requires_approval=True)
async def act(n: int):
    "Changes something."
    with MARKS.open("a") as marks:
        marks.write(f"{{n}} ")
    return f"did {{n}}"


@tool(requires_approval=True)
async def hang(n: int):
    "Changes something, and never comes back."
    with MARKS.open("a") as marks:
        marks.write(f"{{n}} ")
    await asyncio.Event().wait()


@tool
def look(n: int):
    "Looks."
    return f"saw {{n}}"
"""


class Scene:
    """A provider that is strict, tools that ask first, and servers on one database."""

    def __init__(
        self, folder: Path, provider: Strict, make: Callable[..., Server], url: str | None
    ):
        self.provider = provider
        self._folder = folder
        self._make = make
        self._marks = folder / "marks"
        module = folder / "mine.py"
        module.write_text(TOOLS.format(marks=str(self._marks)))
        self._config: dict[str, Any] = {
            "models": [provider.model("chat"), provider.model("responses")],
            "tools": {"module": str(module)},
        }
        if url is not None:
            self._config["database"] = {"url": url}

    async def server(self, folder: str = "one", auth: Any = None, **tools: Any) -> Server:
        config = self._config | {"tools": self._config["tools"] | tools} | (auth or {})
        return await self._make(folder, config=config).start()

    @property
    def ran(self) -> list[int]:
        return [int(n) for n in self._marks.read_text().split()] if self._marks.exists() else []


@pytest.fixture
async def strict() -> AsyncIterator[Strict]:
    async with Strict() as provider:
        yield provider
        assert provider.refusals == []


@pytest.fixture
def scene(tmp_path: Path, strict: Strict, fresh_server: Callable[..., Server]) -> Scene:
    return Scene(tmp_path, strict, fresh_server, None)


@pytest.fixture(params=["sqlite", "postgres"])
def anywhere(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    strict: Strict,
    fresh_server: Callable[..., Server],
) -> Scene:
    """The same, on each kind of database."""
    kind: str = request.param
    url = None if kind == "sqlite" else request.getfixturevalue("postgres_url")
    return Scene(tmp_path, strict, fresh_server, url)


async def frames(port: int, path: str, body: Any, **given: Any) -> list[Any]:
    async with asking(port, "POST", path, body=body, **given) as answer, asyncio.timeout(20):
        assert answer.status == 200, await answer.body()
        return [frame.data async for frame in answer.frames()]


async def chat(server: Server, text: str, *rounds: list[Any], model: str = "chat") -> list[Any]:
    orders = json.dumps({"rounds": rounds, "words": 2})
    body = {"session_id": "s_1", "content": f"{text} orders={orders}"}
    asked = {**body, "model_config": {"model_name": model}}
    return await frames(server.port, "/api/chat/stream", asked)


async def decide(
    server: Server, call_id: str, approve: bool = True, **more: Any
) -> tuple[int, Any]:
    """The status, and the stream or the error."""
    path, body = f"/api/tools/{call_id}/decision", {"approve": approve, **more}
    async with asking(server.port, "POST", path, body=body) as answer, asyncio.timeout(20):
        if answer.status == 200:
            return 200, [frame.data async for frame in answer.frames()]
        return answer.status, json.loads(await answer.body())


def of_kind(kind: str, told: list[Any]) -> list[Any]:
    return [frame["data"] for frame in told if frame["type"] == kind]


def waiting(told: list[Any]) -> list[str]:
    return [data["tool_call_id"] for data in of_kind("tool_approval", told)]


def ending(told: list[Any]) -> str:
    assert told[-1]["type"] == "complete", told[-1]
    reason: str = told[-1]["data"]["message"]["finish_reason"]
    return reason


async def test_fifty_decisions_at_once_run_a_call_once(anywhere: Scene) -> None:
    server = await anywhere.server()
    told = await chat(server, "go", [["act", {"n": 7}]])
    assert ending(told) == "approval_required"
    (call_id,) = waiting(told)
    assert anywhere.ran == []

    outcomes = await asyncio.gather(*(decide(server, call_id) for _ in range(50)))

    taken = [body for status, body in outcomes if status == 200]
    refused = [body for status, body in outcomes if status == 409]
    assert (len(taken), len(refused)) == (1, 49)
    assert {body["code"] for body in refused} == {"approval_already_decided"}
    assert len({body["turn_id"] for body in refused}) == 1
    assert [data["result"] for data in of_kind("tool_result", taken[0])] == ["did 7"]
    assert ending(taken[0]) == "stop"
    assert anywhere.ran == [7]
    assert ending(await chat(server, "next")) == "stop"


async def test_a_refused_call_does_not_run_and_the_conversation_goes_on(scene: Scene) -> None:
    server = await scene.server()
    (call_id,) = waiting(await chat(server, "go", [["act", {"n": 1}]]))

    _, told = await decide(server, call_id, False, reason="Too dear.")

    (result,) = of_kind("tool_result", told)
    assert result["is_error"]
    assert "Too dear." in result["result"]
    assert ending(told) == "stop"
    assert (await decide(server, call_id))[0] == 409
    assert scene.ran == []


async def test_what_runs_is_what_was_asked_whatever_the_decision_says(scene: Scene) -> None:
    server = await scene.server()
    (call_id,) = waiting(await chat(server, "go", [["act", {"n": 1}]]))

    forged = await decide(server, "call_1")
    swapped = await decide(server, call_id, arguments={"n": 666}, tool_name="hang")

    assert forged[0] == 404
    assert swapped[0] in (200, 400, 422)
    if swapped[0] != 200:
        assert (await decide(server, call_id))[0] == 200
    assert scene.ran == [1]


async def test_a_crash_between_question_and_answer_changes_nothing(anywhere: Scene) -> None:
    server = await anywhere.server()
    told = await chat(server, "go", [["look", {"n": 3}], ["act", {"n": 2}]])
    (call_id,) = waiting(told)
    server.kill9()
    await server.restart()

    status, after = await decide(server, call_id)

    assert status == 200
    assert ending(after) == "stop"
    assert anywhere.ran == [2]
    assert (await decide(server, call_id))[0] == 409
    assert ending(await chat(server, "next")) == "stop"


async def test_a_call_that_a_crash_has_cut_off_is_not_run_again(anywhere: Scene) -> None:
    server = await anywhere.server()
    (call_id,) = waiting(await chat(server, "go", [["hang", {"n": 4}]]))
    deciding = asyncio.create_task(decide(server, call_id))
    await until(lambda: anywhere.ran == [4])
    server.kill9()
    with pytest.raises(ConnectionError):
        await deciding
    await server.restart()

    status, refused = await decide(server, call_id)
    assert (status, refused["code"]) == (409, "approval_already_decided")
    async with asking(server.port, "GET", f"/turns/{refused['turn_id']}/events") as answer:
        told: list[Frame] = [frame async for frame in answer.frames()]
    (result,) = [frame.data for frame in told if frame.event == "tool.finished"]
    assert result["result"].startswith("interrupted")
    assert told[-1].event == "turn.completed"
    assert ending(await chat(server, "next")) == "stop"
    assert anywhere.ran == [4]


async def test_two_calls_of_a_step_are_decided_one_by_one(scene: Scene) -> None:
    server = await scene.server()
    round_of_two = [["act", {"n": 1}], ["look", {"n": 9}], ["act", {"n": 2}]]
    told = await chat(server, "go", round_of_two, model="responses")
    one, two = waiting(told)
    assert [data["result"] for data in of_kind("tool_result", told)] == ["saw 9"]

    _, first = await decide(server, two)
    _, second = await decide(server, one, False)

    assert ending(first) == "approval_required"
    assert ending(second) == "stop"
    assert scene.ran == [2]
    assert ending(await chat(server, "next", model="responses")) == "stop"


async def test_what_is_said_instead_supersedes_the_call(scene: Scene) -> None:
    server = await scene.server()
    (call_id,) = waiting(await chat(server, "go", [["act", {"n": 1}]]))
    assert ending(await chat(server, "never mind")) == "stop"

    status, refused = await decide(server, call_id)

    assert (status, refused["code"]) == (409, "approval_superseded")
    assert scene.ran == []


async def test_after_its_time_a_call_cannot_be_decided(scene: Scene) -> None:
    server = await scene.server(approval_ttl_s=0.2)
    (call_id,) = waiting(await chat(server, "go", [["act", {"n": 1}]]))
    await asyncio.sleep(0.3)  # its time, and some

    status, refused = await decide(server, call_id)

    assert (status, refused["code"]) == (410, "approval_expired")
    assert ending(await chat(server, "next")) == "stop"
    assert scene.ran == []


async def test_settings_name_tools_that_a_person_decides_on(scene: Scene) -> None:
    server = await scene.server(approve=["look"])
    (call_id,) = waiting(await chat(server, "go", [["look", {"n": 5}]]))

    _, told = await decide(server, call_id)
    assert [data["result"] for data in of_kind("tool_result", told)] == ["saw 5"]


async def test_the_turn_s_record_says_that_it_waits(scene: Scene) -> None:
    server = await scene.server()
    body = {"input": 'orders={"rounds": [[["act", {"n": 1}]]], "words": 1}'}
    _, record = await ask(server.port, "POST", "/turns", body=body)
    path = f"/turns/{record['turn_id']}"
    async with asking(server.port, "GET", f"{path}/events") as answer:
        told = [frame async for frame in answer.frames()]

    assert [frame.event for frame in told[-2:]] == ["tool.approval_requested", "turn.completed"]
    _, record = await ask(server.port, "GET", path)
    assert (record["status"], record["finish_reason"]) == ("completed", "approval_required")
    status, after = await decide(server, told[-2].data["call_id"])
    assert (status, ending(after)) == (200, "stop")
    _, again = await decide(server, told[-2].data["call_id"])
    _, other = await ask(server.port, "POST", f"/turns/{again['turn_id']}/regenerate")
    async with asking(server.port, "GET", other["events_url"]) as answer:
        kinds = [frame.event async for frame in answer.frames()]
    assert kinds[-2:] == ["tool.approval_requested", "turn.completed"]


async def test_what_waits_for_one_person_is_not_there_for_another(scene: Scene) -> None:
    server = await scene.server(auth=KEYS_MODE)
    ann, bob = make_key(server, "--name", "ann"), make_key(server, "--name", "bob")
    orders = 'go orders={"rounds": [[["act", {"n": 1}]]], "words": 1}'
    asked = {"session_id": "s_1", "content": orders}
    (call_id,) = waiting(await frames(server.port, "/api/chat/stream", asked, headers=ann.headers))
    path, yes = f"/api/tools/{call_id}/decision", {"approve": True}
    unknown = "/api/tools/AAAAAAAAA/decision"

    foreign = await whole(server, "POST", path, body=yes, headers=bob.headers)
    nowhere = await whole(server, "POST", unknown, body=yes, headers=bob.headers)

    assert foreign.status == 404
    assert foreign.without(call_id) == nowhere.without("AAAAAAAAA")
    assert scene.ran == []
    assert ending(await frames(server.port, path, yes, headers=ann.headers)) == "stop"


async def test_any_node_takes_the_decision(
    postgres_url: str, tmp_path: Path, strict: Strict, fresh_server: Callable[..., Server]
) -> None:
    scene = Scene(tmp_path, strict, fresh_server, postgres_url)
    one = await scene.server("one")
    two = await scene.server("two")
    (call_id,) = waiting(await chat(one, "go", [["act", {"n": 7}]]))

    outcomes = await asyncio.gather(*(decide(two if n % 2 else one, call_id) for n in range(50)))

    assert sorted({status for status, _ in outcomes}) == [200, 409]
    (told,) = [body for status, body in outcomes if status == 200]
    assert ending(told) == "stop"
    assert scene.ran == [7]
