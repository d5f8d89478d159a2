"""Errors as answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from talkwire.canon.errors import BudgetExceeded, Busy, Draining, NotFound, TalkwireError
from talkwire.canon.events import TurnFailed
from talkwire.web.faults import Faults, FieldError, Invalid, answer, problem
from talkwire.web.whole import failure
from tests.web.wire import client_of, scope


def told(error: TalkwireError) -> dict[str, Any]:
    status, body, media_type = problem(error, {"talkwire.request_id": "req_1"})
    assert media_type == "application/problem+json"
    told: dict[str, Any] = json.loads(body)
    assert told["status"] == status
    return told


def test_a_problem_says_what_whether_to_ask_again_and_under_which_id() -> None:
    assert told(NotFound("No such turn.", param="turn_id")) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "detail": "No such turn.",
        "request_id": "req_1",
        "retryable": False,
        "param": "turn_id",
    }


def test_busy_names_the_turn_that_runs() -> None:
    busy = told(Busy("Wait.", turn_id="t_1"))

    assert (busy["turn_id"], busy["retryable"]) == ("t_1", True)


def test_all_fields_at_fault_are_named() -> None:
    invalid = told(Invalid([FieldError("a.0", "too long"), FieldError("b", "missing")]))

    assert invalid["status"] == 422
    assert invalid["errors"] == [
        {"field": "a.0", "message": "too long"},
        {"field": "b", "message": "missing"},
    ]


def test_who_may_ask_again_is_told_when() -> None:
    assert answer(Draining("Restarting."), scope()).headers["retry-after"] == "2"
    day = answer(BudgetExceeded("Used up.", retry_after_s=3600.2), scope())
    assert (day.status_code, day.headers["retry-after"]) == (429, "3601")
    ever = answer(BudgetExceeded("Used up."), scope())
    assert ever.status_code == 403
    assert "retry-after" not in ever.headers
    running = answer(failure(TurnFailed("budget_exceeded", "Used up.")), scope())
    assert running.status_code == 429
    assert "retry-after" not in running.headers


def test_a_wire_can_have_its_own_shape() -> None:
    asked = scope()
    asked["talkwire.fault"] = lambda error, _: (418, error.message.encode(), "text/plain")

    shaped = answer(NotFound("no"), asked)

    assert (shaped.status_code, shaped.body) == (418, b"no")


def routes() -> APIRouter:
    router = APIRouter()

    async def typed(n: int) -> Response:
        return Response(str(n))

    async def broken() -> Response:
        raise RuntimeError("the secret is swordfish")

    async def missing() -> Response:
        raise NotFound("No such thing.")

    router.add_api_route("/typed", typed, response_class=Response)
    router.add_api_route("/broken", broken, response_class=Response)
    router.add_api_route("/missing", missing, response_class=Response)
    return router


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("PUT", "/typed", 405, "method_not_allowed"),
        ("GET", "/typed?n=swordfish", 422, "invalid_request"),
        ("GET", "/missing", 404, "not_found"),
        ("GET", "/broken", 500, "internal_error"),
    ],
)
async def test_everything_is_a_problem_with_an_id_and_without_the_input(
    method: str, path: str, status: int, code: str
) -> None:
    async with client_of(routes()) as client:
        with capture_logs() as logs:
            response = await client.request(method, path)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert "swordfish" not in response.text
    assert [entry["event"] for entry in logs] == (["request failed"] if status == 500 else [])


@pytest.mark.parametrize(("given", "kept"), [("abc.-_9", True), ("a b", False), ("x" * 65, False)])
async def test_a_request_id_of_the_client_is_kept_when_it_is_harmless(
    given: str, kept: bool
) -> None:
    async with client_of(routes()) as client:
        response = await client.get("/typed?n=1", headers={"X-Request-Id": given})

    assert (response.headers["x-request-id"] == given) is kept


async def test_after_the_first_byte_an_error_ends_the_connection() -> None:
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("broken")

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    with capture_logs() as logs, pytest.raises(RuntimeError):
        await Faults(app)(scope(), receive, send)

    assert [message["type"] for message in sent] == ["http.response.start"]
    assert len(logs) == 1
