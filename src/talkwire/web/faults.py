"""Errors as answers: problem+json, or the shape of the wire whose route was reached.

No answer repeats what was sent: a value that is at fault may be a secret in the wrong field.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talkwire.canon.errors import (
    AlreadyDecided,
    BudgetExceeded,
    Busy,
    RateLimited,
    TalkwireError,
    Unauthorized,
    Unavailable,
    Unprocessable,
)
from talkwire.engine.ids import new_id
from talkwire.web.form import Fault

PROBLEM = "application/problem+json"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
Shapes = Sequence[tuple[Sequence[BaseRoute], Fault]]
_log = structlog.get_logger("talkwire.web")


class FieldError(msgspec.Struct, frozen=True):
    """One field that is not acceptable, and why; never its value."""

    field: str
    message: str


class Invalid(Unprocessable):
    """The body or query does not have the fields that it should have."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        first = errors[0]
        super().__init__(f"{first.field}: {first.message}", param=first.field)
        self.errors = tuple(errors)


def invalid(error: ValidationError | RequestValidationError) -> Invalid:
    """What Pydantic found, without the inputs that it found it in."""
    found = error.errors() if isinstance(error, RequestValidationError) else _found(error)
    return Invalid([FieldError(_path(each["loc"]), str(each["msg"])) for each in found[:20]])


def _found(error: ValidationError) -> Sequence[Any]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _path(loc: Sequence[object]) -> str:
    """`a.0.b`; names come from the client, so they are made printable and short."""
    return ".".join(ascii(str(part))[1:-1][:64] for part in loc[:8]) or "body"


def problem(error: TalkwireError, scope: Scope) -> tuple[int, bytes, str]:
    """The status, body and media type of an error in the form of RFC 9457."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": _title(error.status),
        "status": error.status,
        "code": error.code,
        "detail": error.message,
        "request_id": request_id_of(scope),
        "retryable": error.retryable,
    }
    if error.param is not None:
        body["param"] = error.param
    if isinstance(error, AlreadyDecided | Busy):
        body["turn_id"] = error.turn_id
    if isinstance(error, Invalid):
        body["errors"] = error.errors
    return error.status, msgspec.json.encode(body), PROBLEM


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def request_id_of(scope: Scope) -> str:
    """The request's id; empty outside of `Faults`."""
    return str(scope.get("talkwire.request_id", ""))


def answer(error: TalkwireError, scope: Scope) -> Response:
    """The error as a response, in the shape of the wire that was reached, or would have been."""
    scope["talkwire.error"] = error.code
    fault: Fault = scope.get("talkwire.fault") or _shape(scope)
    status, body, media_type = fault(error, scope)
    headers = {"Cache-Control": "no-store", "Content-Type": media_type}
    if isinstance(error, Unavailable | RateLimited | BudgetExceeded):
        if error.retry_after_s is not None:
            headers["Retry-After"] = str(error.retry_after_s)
    elif status in (429, 503) and error.code != BudgetExceeded.code:  # that one lasts
        headers["Retry-After"] = str(Unavailable.retry_after_s)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    if status in (408, 413, 431):
        headers["Connection"] = "close"  # the rest of the request is not read
    return Response(body, status, headers)


def _shape(scope: Scope) -> Fault:
    """The shape of the wire whose path was asked for, whatever the method."""
    shapes: Shapes = scope.get("talkwire.shapes", ())
    for routes, fault in shapes:
        if any(route.matches(scope)[0] is not Match.NONE for route in routes):
            return fault
    return problem


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Unknown paths and methods."""
    if not isinstance(error, HTTPException):
        raise error
    codes = {404: "not_found", 405: "method_not_allowed"}
    shaped = TalkwireError(
        _title(error.status_code), code=codes.get(error.status_code, "invalid_request")
    )
    shaped.status = error.status_code
    response = answer(shaped, request.scope)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    methods = request.scope.get("talkwire.methods")
    if error.status_code == 405 and methods is not None:
        response.headers["Allow"] = ", ".join(methods(request.scope))
    return response


async def on_validation(request: Request, error: Exception) -> Response:
    """What FastAPI itself found wrong."""
    if not isinstance(error, RequestValidationError):
        raise error
    return answer(invalid(error), request.scope)


HANDLERS: dict[Any, Any] = {
    HTTPException: on_http_exception,
    RequestValidationError: on_validation,
}


class Faults:
    """The outermost middleware: gives the request its id and turns what is raised into answers.

    `X-Request-Id` is taken over when it matches `[A-Za-z0-9._-]{1,64}`, else made; it is bound
    for logging and put on every answer. An error that nobody foresaw is logged and answered with
    500 and the request's id, nothing else of it; after the first byte it ends the connection.

    `shapes` are each wire's routes and its errors' shape, for what is raised before the wire has
    the request.
    """

    def __init__(self, app: ASGIApp, *, shapes: Shapes = ()) -> None:
        self._app = app
        self._shapes = tuple(shapes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and answer what is raised."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["talkwire.request_id"] = request_id
        scope["talkwire.shapes"] = self._shapes
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = False

        async def tell(message: Message) -> None:
            nonlocal started
            if not started:
                started = True
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, tell)
        except TalkwireError as error:
            if started:
                raise
            await answer(error, scope)(scope, receive, tell)
        except Exception as error:
            _log.error("request failed", error=type(error).__name__, exc_info=error)
            if started:
                raise
            unforeseen = TalkwireError("Something went wrong here; the log has more.")
            await answer(unforeseen, scope)(scope, receive, tell)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return bytes(value).decode()
    return new_id("req_")
