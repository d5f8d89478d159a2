"""What an answer other than a stream means. Messages never hold a key nor an upstream's body.

Only where the request itself was refused is the upstream's own short sentence told, since nobody
else knows what was wrong with it: cut to 300 characters, and with everything key-like scrubbed.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from talkwire.canon.errors import (
    ModelError,
    UpstreamAuth,
    UpstreamInvalid,
    UpstreamNotFound,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamUnavailable,
)

BODY_BYTES = 65_536
_TOLD_CHARS = 300
_KEY_LIKE = re.compile(
    r"(?i)\b(?:sk|pk|key|api|gsk|xai)[-_][\w*.-]{4,}"  # as vendors begin their keys
    r"|bearer\s+\S+|key\s*[=:]\s*\S+|[\w*-]{28,}"
    r"|https?://[^\s\"'<>)]+"  # the server may be a caller's secret as well
)
# As providers mask a key that they repeat: with stars, or with dots between its ends.
_MASKED = re.compile(r"[\w.-]*\*{2,}[\w*.-]*|[\w-]{3,}(?:\.{3}|…)[\w-]{3,}")
_EDGE = 8  # so many characters of a key's beginning or end tell it
_WORD = r"(?:[A-Za-z]{1,32}|[0-9]{1,4})"
# Words, as people make them up: what has letters and digits mixed may be a key.
_CODE = re.compile(rf"(?=[A-Za-z].{{0,59}}\Z)(?!(?:sk|pk|gsk|xai)[-_]){_WORD}(?:[_.-]{_WORD})*")
_TRANSIENT = ("overloaded", "server_error", "rate_limit", "unavailable", "internal", "timeout")


class NoSuchPath(UpstreamNotFound):
    """The server is there, but the API is not."""


class Rejected(UpstreamRejected):
    """`body` is kept for who can ask again in another way; it is never shown."""

    body = ""


def of_status(
    status: int,
    headers: dict[str, str],
    body: bytes,
    *,
    server: str,
    key: str,
    hidden: Sequence[str] = (),
) -> ModelError:
    """The error that an HTTP status other than 200 stands for. `hidden`: what else no error may
    tell."""
    if 300 <= status < 400:
        return UpstreamInvalid(
            f"{server} redirects elsewhere, which is not followed: correct base_url.",
            code="upstream_redirect",
        )
    if status in (401, 403):
        return UpstreamAuth(f"{server} does not accept the configured API key (HTTP {status}).")
    if status in (404, 405, 501):
        return _not_found(status, body, server)
    if status == 429:
        limited = UpstreamRateLimited(f"{server} limits the rate of requests (HTTP 429).")
        limited.retry_after_s = retry_after_s(headers)
        return limited
    if status in (408, 409, 425) or status >= 500:
        down = UpstreamUnavailable(f"{server} cannot answer now (HTTP {status}).")
        down.retry_after_s = retry_after_s(headers)
        return down
    if status >= 400:
        return _rejected(status, body, server, (key, *hidden))
    return UpstreamInvalid(f"{server} answered HTTP {status} instead of a stream.")


def of_document(content_type: str, body: bytes, *, server: str) -> ModelError:
    """The error of a 200 that is a document instead of a stream."""
    error = _error_of(body) if "json" in content_type else None
    if error is not None:
        return of_frame(error)
    kind = content_type.partition(";")[0].strip() or "nothing"
    kind = kind if re.fullmatch(r"[\w.+/-]{1,60}", kind) else "something"
    return UpstreamInvalid(f"{server} answered {kind} instead of a stream of events.")


def of_frame(error: Any) -> ModelError:
    """The error that a model tells in mid-stream: an object with code, type and message."""
    fields = error if isinstance(error, dict) else {}
    told = [str(fields[name]) for name in ("code", "type") if fields.get(name)]
    code = next((word for word in told if _CODE.fullmatch(word) and word != "error"), "")
    failed = ModelError(f"The model reported an error ({code})." if code else _UNNAMED)
    failed.retryable = any(word in " ".join(told).lower() for word in _TRANSIENT)
    return failed


_UNNAMED = "The model reported an error."


def retry_after_s(headers: dict[str, str]) -> float | None:
    """`Retry-After` in seconds: a number or an HTTP date; `retry-after-ms` wins."""
    try:
        if (ms := headers.get("retry-after-ms")) is not None:
            seconds = float(ms) / 1000
        else:
            seconds = float(headers.get("retry-after", ""))
    except ValueError:
        when = (
            email.utils.parsedate_to_datetime(headers["retry-after"]) if _dated(headers) else None
        )
        seconds = when.timestamp() - time.time() if when else -1.0
    return min(seconds, 86_400.0) if seconds >= 0 else None


def _dated(headers: dict[str, str]) -> bool:
    return email.utils.parsedate(headers.get("retry-after", "")) is not None


def scrubbed(text: str, key: str, *hidden: str) -> str:
    """One short line without anything that looks like a key, and without what is hidden."""
    text = " ".join(text.split())
    for word in filter(None, hidden):
        text = text.replace(word, "***")
    if key:
        text = text.replace(key, "***")
    if len(key) >= 2 * _EDGE:
        edges = "|".join(map(re.escape, (key[:_EDGE], key[-_EDGE:])))
        text = re.sub(rf"[^\s,;]*(?:{edges})[^\s,;]*", "***", text)
    text = _KEY_LIKE.sub("***", _MASKED.sub("***", text))
    return "".join(c for c in text if c.isprintable())[:_TOLD_CHARS]


def _error_of(body: bytes) -> Any:
    """`error` of a JSON body, or the whole of one that has `message` or `detail`; else None."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        return None
    return document.get("error") or (document if document.keys() & {"message", "detail"} else None)


def _told(error: Any) -> str:
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or ""
    return error if isinstance(error, str) else ""


def _not_found(status: int, body: bytes, server: str) -> ModelError:
    error = _error_of(body)
    said = str(error).lower()
    if status == 404 and error is not None and "model" in said and "invalid url" not in said:
        return UpstreamNotFound(f"{server} does not know the model (HTTP 404).")
    return NoSuchPath(
        f"{server} has no such API (HTTP {status}): check base_url, it often ends in /v1."
    )


def _rejected(status: int, body: bytes, server: str, secrets: Sequence[str]) -> ModelError:
    told = scrubbed(_told(_error_of(body)), *secrets)
    detail = f": {told}" if told else "."
    rejected = Rejected(f"{server} rejected the request (HTTP {status}){detail}")
    rejected.body = body.decode("utf-8", "replace")
    return rejected
