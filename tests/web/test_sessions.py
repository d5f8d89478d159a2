"""A session as its owner sees it, and its deletion."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute
from msgspec.structs import replace
from starlette.requests import Request

from talkwire.canon.errors import Busy, Forbidden, NotFound
from talkwire.canon.records import SessionDetail, StoredMessage
from talkwire.canon.scenarios import Scene
from talkwire.canon.turn import Message, TextPart
from talkwire.web.principals import PRINCIPAL, Principal
from talkwire.web.sessions import LAST_MESSAGES, DeletedShape, SessionShape, router
from tests.web.wire import client_of, scope

DETAIL = SessionDetail(
    "holidays",
    None,
    created_at=1_790_000_000_007,
    updated_at=1_790_000_001_000,
    expires_at=1_790_086_400_123,
    messages=3,
    turns={"completed": 1, "running": 1},
    category="Orders",
    subcategory="1 Late",
    label="u1",
    agent="guide",
    prompt="default@2",
    metadata={"k": [1]},
    archived=True,
)
QUESTION = Message("msg_1_in", "user", (TextPart("Where is "), TextPart("it?")))
ANSWER = Message(
    "msg_1", "assistant", (TextPart("On its way."),), incomplete=True, scene=Scene("Orders")
)


class Kept:
    """One session, which is the local user's; it remembers what was forgotten."""

    def __init__(self, *messages: Message, detail: SessionDetail = DETAIL) -> None:
        self.stored = [
            StoredMessage(each, "holidays", None, "t_1", 1_790_000_000_500) for each in messages
        ]
        self.detail = detail
        self.limits: list[int] = []
        self.forgotten: list[tuple[str, str]] = []
        self.busy = False

    async def session(self, owner: str, session_id: str) -> SessionDetail:
        if (owner, session_id) != ("local", "holidays"):
            raise NotFound("There is no such session.")
        return self.detail

    async def messages(
        self, owner: str, session_id: str, *, limit: int, leaf: str | None = None
    ) -> list[StoredMessage]:
        self.limits.append(limit)
        if not self.stored:
            raise NotFound("There is nothing in it.")
        return self.stored

    async def forget(self, owner: str, session_id: str) -> None:
        if self.busy:
            raise Busy("This session has a running turn.", turn_id="t_1")
        await self.session(owner, session_id)
        self.forgotten.append((owner, session_id))


async def ask(kept: Kept, method: str = "GET", path: str = "/sessions/holidays") -> Any:
    async with client_of(router(kept, kept.forget)) as client:
        return await client.request(method, path)


async def test_its_owner_is_told_what_a_session_is_about_and_its_newest_messages() -> None:
    kept = Kept(QUESTION, ANSWER)
    answer = await ask(kept)

    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "session_id": "holidays",
        "thread_id": "holidays",
        "title": None,
        "user_id": "u1",
        "agent_id": "guide",
        "system_prompt_name": "default@2",
        "metadata": {"k": [1]},
        "archived": True,
        "created_at": "2026-09-21T14:13:20.007Z",
        "updated_at": "2026-09-21T14:13:21.000Z",
        "expires_at": "2026-09-22T14:13:20.123Z",
        "category": "Orders",
        "subcategory": "1 Late",
        "message_count": 3,
        "turn_count": 2,
        "turns": {"queued": 0, "running": 1, "completed": 1, "failed": 0, "aborted": 0},
        "messages": [
            {
                "id": "msg_1_in",
                "role": "user",
                "content": "Where is it?",
                "created_at": "2026-09-21T14:13:20.500Z",
                "incomplete": False,
                "turn_id": "t_1",
            },
            {
                "id": "msg_1",
                "role": "assistant",
                "content": "On its way.",
                "created_at": "2026-09-21T14:13:20.500Z",
                "incomplete": True,
                "turn_id": "t_1",
                "category": "Orders",
                "subcategory": "",
            },
        ],
    }
    assert kept.limits == [LAST_MESSAGES]


async def test_a_session_without_messages_has_an_empty_list() -> None:
    never = replace(DETAIL, expires_at=10**18, category=None, subcategory=None)
    told = (await ask(Kept(detail=never))).json()

    assert (told["messages"], told["category"], told["subcategory"]) == ([], None, None)
    assert told["expires_at"] == "9999-12-31T23:59:59.999Z"


async def test_a_deletion_is_told_by_both_names() -> None:
    kept = Kept()
    answer = await ask(kept, "DELETE")

    assert answer.status_code == 200
    assert answer.json() == {"deleted": True, "thread_id": "holidays", "session_id": "holidays"}
    assert kept.forgotten == [("local", "holidays")]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("name", ["unknown", "no%20name", "%00", "x" * 129, "Urlaub%C3%BC"])
async def test_what_is_not_there_is_a_problem(method: str, name: str) -> None:
    answer = await ask(Kept(), method, f"/sessions/{name}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


async def test_a_session_that_will_not_come_to_rest_is_busy() -> None:
    kept = Kept()
    kept.busy = True
    answer = await ask(kept, "DELETE")

    assert answer.status_code == 409
    told = answer.json()
    assert (told["code"], told["turn_id"], told["retryable"]) == ("turn_in_progress", "t_1", True)


@pytest.mark.parametrize(
    ("method", "scopes"),
    [("GET", {"chat", "sessions:write"}), ("DELETE", {"chat", "sessions:read"})],
)
async def test_a_key_needs_the_scope_for_it(method: str, scopes: set[str]) -> None:
    kept = Kept(QUESTION)
    (handler,) = (
        route.endpoint
        for route in router(kept, kept.forget).routes
        if isinstance(route, APIRoute) and method in (route.methods or ())
    )
    given = scope("/sessions/holidays", method)
    given["path_params"] = {"session_id": "holidays"}
    given[PRINCIPAL] = Principal("local", scopes=frozenset(scopes))

    with pytest.raises(Forbidden):
        await handler(Request(given))
    assert (kept.limits, kept.forgotten) == ([], [])


async def test_what_is_told_has_the_shape_that_is_promised() -> None:
    kept = Kept(QUESTION, ANSWER)
    for shape, method in ((SessionShape, "GET"), (DeletedShape, "DELETE")):
        told = (await ask(kept, method)).json()
        assert shape.model_validate(told).model_dump(exclude_unset=True) == told
        extra = shape.model_config["json_schema_extra"]
        assert isinstance(extra, dict)
        shape.model_validate(extra["examples"][0])  # type: ignore[index]  # JSON of any kind
