"""Bugs of a running server reach Sentry: where, in which turn, and no word of what was said."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import asking
from tests.telemetry.inbox import Inbox

CANARY = "canary9d27"
# What breaks says what it was given, as so many exceptions do.
BROKEN = """
from starlette.requests import Request

from talkwire.canon.errors import UpstreamUnavailable
from talkwire.engine.perform import Performer
from talkwire.web.health import Health

async def fails(self, step, live, routed):
    text = live.state.asked.text
    if "away" in text:
        raise UpstreamUnavailable(text)
    raise ValueError(f"cannot say {text}")

async def breaks(self, request: Request):
    raise LookupError(str(request.url) + str(request.headers))

Performer._ask, Health.health = fails, breaks
"""


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    yield made
    made.close()


async def test_bugs_are_told_with_their_ids_and_nothing_of_what_was_said(
    inbox: Inbox, fresh_server: Callable[..., Server]
) -> None:
    env = {"USE_MOCK": "1", "SENTRY_DSN": inbox.dsn}
    server = await fresh_server(env=env, prelude=BROKEN).start()
    headers = {"Accept": "text/event-stream", "X-Request-Id": "req-1"}
    turns: list[str] = []
    for text in (f"away {CANARY}", f"break {CANARY}"):
        body = {"input": text}
        async with asking(server.port, "POST", "/turns", body=body, headers=headers) as answer:
            frames = [frame async for frame in answer.frames()]
            assert frames[-1].event == "turn.failed"
            turns.append(answer.headers["x-turn-id"])
    headers = {"X-Request-Id": "req-2", "Authorization": f"Bearer {CANARY}"}
    async with asking(server.port, "GET", f"/health?q={CANARY}", headers=headers) as answer:
        assert answer.status == 500
    async with asking(server.port, "GET", f"/nothing/{CANARY}") as answer:
        assert answer.status == 404
    server.terminate()
    await server.exited()
    await until(lambda: len(inbox.events) >= 2)

    by_type = {event["exception"]["values"][0]["type"]: event for event in inbox.events}
    assert set(by_type) == {"ValueError", "LookupError"}, "neither a 404 nor a model that is away"
    tags = by_type["ValueError"]["tags"]
    assert (tags["turn_id"], tags["request_id"]) == (turns[1], "req-1")
    assert tags["session_id"].startswith("s_")
    assert by_type["LookupError"]["tags"] == {"request_id": "req-2"}
    assert CANARY.encode() not in inbox.raw
