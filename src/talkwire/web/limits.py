"""Bounds on what is read: headers, bodies and the JSON inside them, queries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talkwire.canon.errors import BadRequest, PayloadTooLarge

JSON_DEPTH = 64
LINGER_S = 2.0
LINGER_BYTES = 16 * 1_048_576


class TooSlow(BadRequest):
    """The body did not come in time."""

    code, status = "request_timeout", 408


class HeadersTooLarge(BadRequest):
    """Too many headers, or too many bytes of them."""

    code, status = "headers_too_large", 431


class NotJson(BadRequest):
    """The body is declared as something else than UTF-8 JSON."""

    code, status = "unsupported_media_type", 415


class ClientLeft(BadRequest):
    """The client left before its request was whole; nobody reads the answer."""

    code, status = "client_closed_request", 400


class Body(NamedTuple):
    """What a body may be, and how long it may take to come."""

    most_bytes: int
    most_s: float


class Limits:
    """ASGI middleware: bounds headers, and bodies while they are read.

    A body has to come whole within `body_s` seconds and `body_bytes` bytes; of the paths in
    `larger`, within what is told there. One that is too large
    is read on for a while and thrown away before it is refused: closing a connection that still
    has bytes in it resets it, and the answer would be lost on its way to whoever is sending.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_bytes: int = 1_048_576,
        headers: int = 100,
        header_bytes: int = 32_768,
        body_s: float = 30.0,
        larger: Mapping[str, Body] | None = None,
    ) -> None:
        self._app = app
        self._body = Body(body_bytes, body_s)
        self._larger = dict(larger or {})
        self._headers = headers
        self._header_bytes = header_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """:raises PayloadTooLarge, HeadersTooLarge, TooSlow: over a bound."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = self._check_headers(scope)
        if declared == 0:
            await self._app(scope, receive, send)
            return
        most = self._larger.get(scope["path"], self._body)
        if declared is not None and declared > most.most_bytes:
            if not _waits_for_leave(scope):
                await throw_away(receive)
            raise PayloadTooLarge(_too_large(most.most_bytes))
        await self._app(scope, _Bounded(receive, most.most_bytes, most.most_s), send)

    def _check_headers(self, scope: Scope) -> int | None:
        """The body's declared length; 0 when there is none, None when it is told by chunks."""
        headers = scope["headers"]
        if len(headers) > self._headers:
            raise HeadersTooLarge("There are too many headers.")
        total = 0
        length: int | None = 0
        for name, value in headers:
            total += len(name) + len(value)
            if name == b"content-length":
                length = _length(value)
            elif name == b"transfer-encoding":
                length = None
        if total > self._header_bytes or len(scope.get("query_string", b"")) > 1_000_000:
            raise HeadersTooLarge("The headers are too large.")
        return length


def _length(value: bytes) -> int:
    if not value.isdigit() or len(value) > 18:
        raise BadRequest("Content-Length is not a number.", param="Content-Length")
    return int(value)


def _too_large(most: int) -> str:
    return f"The body is larger than {most} bytes."


def _waits_for_leave(scope: Scope) -> bool:
    """Whether the client sends its body only after a `100 Continue` (RFC 9110, 10.1.1)."""
    return any(name == b"expect" for name, _ in scope["headers"])


async def throw_away(receive: Receive) -> None:
    """Reads the rest of a body: at most `LINGER_BYTES`, for at most `LINGER_S` seconds."""
    left = LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while left > 0:
                message = await receive()
                if not message.get("more_body", False):
                    return
                left -= len(message["body"])


class _Bounded:
    """`receive` for one request: counts the body and its time; free of both once it is whole."""

    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self._receive = receive
        self._most = most
        self._until = asyncio.get_running_loop().time() + seconds
        self._whole = False

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise TooSlow("The body took too long to arrive.") from None
        if message["type"] == "http.request":
            self._most -= len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._most < 0:
                if not self._whole:
                    await throw_away(self._receive)
                raise PayloadTooLarge("The body is larger than this server accepts.")
        return message


async def read_json(request: Request, *, depth: int = JSON_DEPTH) -> dict[str, Any]:
    """The body as a JSON object: strict UTF-8, no NaN, no lone surrogates, bounded depth.

    :raises BadRequest: it is not; `param` names the field where one is at fault.
    """
    _check_type(request.headers.get("content-type"))
    try:
        body = await request.body()
    except ClientDisconnect:
        raise ClientLeft("The client left.") from None
    return parse_object(body, depth=depth)


def read_query(request: Request) -> dict[str, str]:
    """The query as fields; the last of equal names counts.

    :raises BadRequest: not UTF-8, or more than 100 fields.
    """
    raw: bytes = request.scope["query_string"]
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError:
        raise BadRequest("The query is not valid percent-encoded UTF-8.", param="query") from None
    return dict(pairs)


def _check_type(value: str | None) -> None:
    if value is None:
        return
    media, *parameters = (part.strip().lower() for part in value.split(";"))
    if media != "application/json" and not (
        media.startswith("application/") and media.endswith("+json")
    ):
        raise NotJson("The body must be JSON.", param="Content-Type")
    for parameter in parameters:
        name, _, charset = parameter.partition("=")
        if name.strip() == "charset" and charset.strip(' "') not in ("utf-8", "utf8"):
            raise NotJson("The body must be UTF-8.", param="Content-Type")


def parse_object(body: bytes, *, depth: int = JSON_DEPTH) -> dict[str, Any]:
    """:raises BadRequest: not a JSON object, or nested deeper than `depth`."""
    if body.count(b"{") + body.count(b"[") > depth and _nesting(body) > depth:
        raise BadRequest(f"The body is nested deeper than {depth} levels.")
    try:
        value = msgspec.json.decode(body)
    except UnicodeDecodeError:
        raise BadRequest("The body is not valid UTF-8.") from None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _why(body) from None
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.")
    return value


def _nesting(body: bytes) -> int:
    """How deep brackets are nested, outside of strings."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in body:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _why(body: bytes) -> BadRequest:
    """What is wrong with a body that is no JSON: a field with half a character, or the syntax."""
    if not body.strip():
        return BadRequest("The body is empty; it must be a JSON object.")
    try:
        value = json.loads(body.decode())
    except ValueError:
        return BadRequest("The body is not valid JSON.")
    path = _lone_surrogate(value, "")
    if path is None:
        return BadRequest("The body is not valid JSON: a number is not representable.")
    return BadRequest(
        "A string holds a lone surrogate, which is no Unicode text.", param=path or "body"
    )


def _lone_surrogate(value: object, path: str) -> str | None:
    """The path of the first string, or key, that cannot be UTF-8."""
    if isinstance(value, str):
        return path if _is_broken(value) else None
    items: list[tuple[object, object]] = []
    if isinstance(value, dict):
        if any(_is_broken(key) for key in value):
            return path
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for name, inner in items:
        found = _lone_surrogate(inner, f"{path}.{name}" if path else str(name))
        if found is not None:
            return found[:200]
    return None


def _is_broken(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)
