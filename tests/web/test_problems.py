"""How errors are told in the document: as a wire makes them."""

from __future__ import annotations

from starlette.types import Scope

from talkwire.canon.errors import TalkwireError
from talkwire.web.problems import ALWAYS, PROBLEM, code_of, in_form, problem_answer


def shouted(error: TalkwireError, scope: Scope) -> tuple[int, bytes, str]:
    return error.status, f"{scope['path']}: {error.message}".upper().encode(), "text/plain; x=y"


def test_a_problem_has_an_example_with_its_status_and_code() -> None:
    told = problem_answer("Not now", 503, "draining")["content"]["application/problem+json"]

    assert told["schema"] == PROBLEM
    assert set(PROBLEM["required"]) <= set(told["example"])
    assert (told["example"]["status"], told["example"]["code"]) == (503, "draining")
    assert told["example"]["retryable"]


def test_a_wire_that_has_a_form_of_its_own_shows_it() -> None:
    told = in_form(shouted, "/a", {})("Not found", 404)

    assert told["description"] == "Not found"
    assert told["content"] == {
        "text/plain": {"schema": {"type": "string"}, "example": "/A: NOT FOUND."}
    }


def test_a_status_has_its_usual_code() -> None:
    assert {status: code_of(status) for status in (401, 404, 409, 413, 500)} == {
        401: "unauthorized",
        404: "not_found",
        409: "turn_in_progress",
        413: "payload_too_large",
        500: "internal_error",
    }
    assert all(code_of(status) == code for status, (_, code) in ALWAYS.items())
