"""The routes over HTTP, with an engine of one turn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from talkwire.canon.errors import Busy, NotFound, Unauthorized, UpstreamTimeout
from talkwire.canon.events import Stamped
from talkwire.canon.models import Standing
from talkwire.canon.records import Started
from talkwire.web.form import StreamLimits
from talkwire.wires.routed_chat.encode import Encoder
from talkwire.wires.routed_chat.routes import FORM, router
from talkwire.wires.routed_chat.told import MODELS, STREAM, WHOLE, fault
from tests.cases.turns import CASES, SESSION, TURN
from tests.web.wire import OneTurn, client_of, scope

CASE = "fell_over_midway"
ASKED = {"message": "Hello", "session_id": SESSION}
EVENTS = {"Accept": "text/event-stream"}


class Refusing(OneTurn):
    """Starts nothing."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def start(self, *_: Any, **__: Any) -> Started:
        raise self.error


class Two:
    def names(self) -> tuple[str, ...]:
        return ("large", "small")

    def standings(self) -> Sequence[Standing]:
        return (Standing("small", "local_small"), Standing("large", "cloud_large"))


def setting(
    events: Sequence[Stamped] = CASES[CASE], turns: OneTurn | None = None, **bounds: Any
) -> tuple[OneTurn, httpx2.AsyncClient]:
    turns = turns or OneTurn(events)
    return turns, client_of(router(turns, Two(), **bounds))


def frame_of(response: httpx2.Response) -> dict[str, Any]:
    """The one error frame that a body is."""
    text = response.text
    assert text.startswith("data: {")
    assert text.endswith("}\n\n")
    assert text.count("\n") == 2
    told: dict[str, Any] = json.loads(text[6:])
    assert list(told) == ["error", "code", "content", "session_id"]
    assert told["content"] == ""
    return told


@pytest.mark.parametrize("body", [ASKED, {**ASKED, "stream": False}, {**ASKED, "stream": True}])
async def test_a_post_to_the_stream_always_streams(body: dict[str, Any]) -> None:
    turns, client = setting()
    async with client:
        response = await client.post(STREAM, json=body)

    assert response.content == b"".join(Encoder(TURN, SESSION).feed(CASES[CASE]))
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert response.headers["x-accel-buffering"] == "no"
    assert (response.headers["x-turn-id"], response.headers["x-session-id"]) == (TURN, SESSION)
    (asked,) = turns.asked
    assert (asked.text, asked.session_id, asked.model_type) == ("Hello", SESSION, "auto")


@pytest.mark.parametrize(
    ("accept", "told"),
    [
        ("text/event-stream", "text/event-stream"),
        ("application/json, Text/Event-Stream;q=0.9", "text/event-stream"),
        ("*/*", "text/plain; charset=utf-8"),
        ("text/*", "text/plain; charset=utf-8"),
        ("", "text/plain; charset=utf-8"),
    ],
)
async def test_a_stream_is_what_the_request_calls_it_and_so_are_errors(
    accept: str, told: str
) -> None:
    _, client = setting()
    headers = {"Accept": accept}
    async with client:
        stream = await client.post(STREAM, json=ASKED, headers=headers)
        cursor = {"Last-Event-ID": f"{TURN}:1", **headers}
        resumed = await client.post(STREAM, headers=cursor)
        refused = await client.post(STREAM, json={}, headers=headers)
        foreign = await client.post(STREAM, json=ASKED, headers={"Host": "evil.example", **headers})

    assert (stream.status_code, resumed.status_code, refused.status_code) == (200, 200, 400)
    assert {r.headers["content-type"] for r in (stream, resumed, refused)} == {told}
    assert foreign.status_code == 421


async def test_the_other_route_streams_where_it_is_asked_to() -> None:
    _, client = setting()
    async with client:
        stream = await client.post(WHOLE, json={**ASKED, "stream": True})
        other = await client.post(STREAM, json=ASKED)

    assert stream.content == other.content
    assert stream.headers["content-type"] == other.headers["content-type"]


async def test_a_whole_answer_is_one_object() -> None:
    turns, client = setting()
    async with client:
        response = await client.post(WHOLE, json=ASKED)

    told = response.json()
    assert response.status_code == 200
    assert (told["content"], told["model_used"]) == ("Half and half.", "cloud_large")
    assert set(told) >= {"content", "session_id", "model_used", "usage", "route", "turn_id"}
    assert told["route"]["tried"] == ["small", "large"]
    assert (response.headers["x-turn-id"], response.headers["x-session-id"]) == (TURN, SESSION)
    assert not turns.log.readers


@pytest.mark.parametrize("path", [STREAM, WHOLE])
async def test_an_abort_is_an_answer_as_far_as_it_went(path: str) -> None:
    _, client = setting(CASES["aborted_midway"])
    async with client:
        response = await client.post(path, json=ASKED)

    assert response.status_code == 200
    if path == WHOLE:
        told = response.json()
        assert (told["content"], told["finish_reason"]) == ("Half an ans", "aborted")
    else:
        assert '"finish_reason": "aborted"' in response.text
        assert response.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("case", ["failed_before_text", "failed_before_route"])
@pytest.mark.parametrize("path", [STREAM, WHOLE])
async def test_a_failure_before_the_first_frame_has_its_own_status(path: str, case: str) -> None:
    _, client = setting(CASES[case])
    async with client:
        response = await client.post(path, json=ASKED)

    told = response.json() if path == WHOLE else frame_of(response)
    busy = case == "failed_before_route"
    assert response.status_code == (503 if busy else 502)  # a time-out is one of the model's
    assert told["code"] == ("unavailable" if busy else "upstream_timeout")
    assert told["session_id"] == SESSION
    assert ("retry-after" in response.headers) is busy
    if path == STREAM:
        assert response.headers["x-turn-id"] == TURN


@pytest.mark.parametrize("path", [STREAM, WHOLE])
async def test_a_failure_behind_text_is_in_the_stream(path: str) -> None:
    _, client = setting(CASES["failed_midway"])
    async with client:
        response = await client.post(path, json=ASKED)

    if path == WHOLE:
        assert (response.status_code, response.json()["content"]) == (502, "")
    else:
        assert response.status_code == 200
        assert response.content == b"".join(Encoder(TURN, SESSION).feed(CASES["failed_midway"]))
        assert b"[DONE]" not in response.content


async def test_after_a_silence_it_is_200_and_the_failure_comes_in_the_stream() -> None:
    turns = OneTurn(CASES["failed_before_text"])
    turns.log.held = 2
    _, client = setting(turns=turns, streams=StreamLimits(heartbeat_s=0.05))
    asyncio.get_running_loop().call_later(0.2, turns.log.show, len(turns.log.events))
    async with client:
        response = await client.post(STREAM, json=ASKED)

    assert response.status_code == 200
    assert response.text.startswith(": heartbeat\n\n")
    assert response.text.replace(": heartbeat\n\n", "").startswith(f"id: {TURN}:0\ndata: ")


async def test_every_frame_can_be_resumed_from_and_the_last_is_204() -> None:
    turns, client = setting()
    frames = Encoder(TURN, SESSION).feed(CASES[CASE])
    async with client:
        for n in range(len(frames)):
            for path in (STREAM, WHOLE):
                headers = {"Last-Event-ID": f"{TURN}:{n}"}
                response = await client.post(path, headers=headers)
                assert response.content == b"".join(frames[n + 1 :])
                assert response.status_code == (204 if n == len(frames) - 1 else 200)

    assert turns.asked == []


async def test_an_idempotency_key_reaches_the_engine() -> None:
    turns, client = setting()
    async with client:
        for path in (STREAM, WHOLE):
            await client.post(path, json=ASKED, headers={"Idempotency-Key": "k1"})

    assert [key.key for key in turns.keys if key is not None] == ["key:k1"] * 2


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("There is no model 'x'. Known: small.", param="model"), 400, "invalid_request"),
        (NotFound("There is no message."), 404, "not_found"),
        (Busy("Wait.", turn_id=TURN), 409, "turn_in_progress"),
        (RuntimeError("a bug"), 500, "internal_error"),
    ],
)
async def test_what_starts_no_turn_is_a_frame_with_its_status(
    error: Exception, status: int, code: str
) -> None:
    _, client = setting(turns=Refusing(error))
    async with client:
        with capture_logs():
            stream = await client.post(STREAM, json=ASKED)
            asked_for = await client.post(WHOLE, json={**ASKED, "stream": True})
            whole = await client.post(WHOLE, json=ASKED)

    assert {stream.status_code, asked_for.status_code, whole.status_code} == {status}
    told = frame_of(stream)
    assert (told["code"], told["session_id"]) == (code, SESSION)
    assert frame_of(asked_for) == whole.json() == told
    assert whole.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "body", "media_type"),
    [
        (STREAM, {"message": 1}, "text/plain; charset=utf-8"),
        (WHOLE, {"message": 1, "stream": True}, "text/plain; charset=utf-8"),
        (WHOLE, {"message": 1}, "application/json"),
        (WHOLE, {"message": "x", "stream": "yes"}, "application/json"),
    ],
)
async def test_invalid_parameters_are_400_and_never_422(
    path: str, body: dict[str, Any], media_type: str
) -> None:
    _, client = setting()
    async with client:
        response = await client.post(path, json=body)

    assert (response.status_code, response.headers["content-type"]) == (400, media_type)
    if media_type != "application/json":
        assert frame_of(response)["session_id"] == ""


def test_errors_before_the_wire_has_the_request_have_its_shape_too() -> None:
    assert fault(Unauthorized("No."), scope(STREAM, "POST"))[2] == FORM.media_type
    assert fault(Unauthorized("No."), scope(STREAM, "POST", EVENTS))[2] == "text/event-stream"
    assert fault(Unauthorized("No."), scope(WHOLE, "POST", EVENTS))[2] == "application/json"
    assert fault(UpstreamTimeout("Slow."), scope(MODELS))[0] == 502


async def test_models_are_listed() -> None:
    _, client = setting()
    async with client:
        told = (await client.get(MODELS)).json()

    assert told["default"] == "large"
    assert [each["name"] for each in told["models"]["local_small"]] == ["small"]


async def test_the_routes_are_in_the_openapi_document() -> None:
    _, client = setting()
    async with client:
        paths = (await client.get("/openapi.json")).json()["paths"]

    stream = paths[STREAM]["post"]
    schema = stream["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["message"]
    assert schema["properties"]["max_tokens"]["default"] == 1024
    assert set(stream["responses"]["200"]["content"]) == {"text/plain", "text/event-stream"}
    assert "application/json" in paths[WHOLE]["post"]["responses"]["200"]["content"]
    assert {STREAM, WHOLE, MODELS} <= set(paths)
