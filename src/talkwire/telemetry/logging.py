"""Log lines: an event name and key-values, for people on a terminal and as JSON elsewhere.

What is bound in context (request_id, turn_id, session_id) is on every line. Redaction is the
second line of defence: the first is that nobody logs text or secrets. A line that cannot be
written is dropped; it never becomes an error of the request that it tells of.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import msgspec
import structlog

Format = Literal["auto", "console", "json"]

_HIDDEN = "***"
_SECRET_KEY = re.compile(
    r"(?i)(^|[_.-])(api[_-]?key|x-api-key|authorization|cookie|password|secret|(access|bearer)_token)$"
)
_REDACTIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+"), r"\1 ***"),
    (re.compile(r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{4,}"), _HIDDEN),
    (re.compile(r"\b(tw_[0-9a-z]+_)[0-9a-f]{8,}"), r"\1***"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]+"), _HIDDEN),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@\"']+@"), r"\1***@"),
    (
        re.compile(
            r"(?i)\b((?:x-)?api[_-]?key|authorization|password|secret)(\W{1,4})[^\s\"',;&}]+"
        ),
        r"\1\2***",
    ),
    (re.compile(r"(/[^\s?\"'<>]*)\?[^\s\"'<>]+"), r"\1"),
)
_LONGEST = 8000
# These tell of each of their steps, or of every request they make, with its whole address.
_TALKATIVE = ("uvicorn", "uvicorn.error", "alembic", "httpx2", "httpcore2", "mcp")
_TOLD_BY_EVENTS = ("stamina",)
_CONTEXT = ("turn_id", "session_id", "request_id")


class CutStreams(logging.Filter):
    """Drops the server's complaint about streams that end unfinished: that is how they are cut."""

    def filter(self, record: logging.LogRecord) -> bool:
        """False for lines that tell nothing."""
        return "returned without completing response" not in record.getMessage()


class QuietHandler(logging.StreamHandler[TextIO]):
    """Writes lines, and drops those that cannot be written (a full disk, a closed pipe)."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Nobody is left to be told."""


def configure(level: str = "info", form: Format = "auto", *, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's lines to `stream` (stderr), once for all.

    `auto` is for people where the stream is a terminal, else JSON.
    """
    stream = stream or sys.stderr
    if form == "auto":
        form = "console" if stream.isatty() else "json"
    people = form == "console"
    first: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if people else "iso", utc=not people),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *first,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = QuietHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*first, structlog.stdlib.ExtraAdder()],
            processors=_last(form, stream),
        )
    )
    handler.addFilter(CutStreams())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _TOLD_BY_EVENTS:
        logging.getLogger(name).setLevel(logging.ERROR)


def _last(form: Format, stream: TextIO) -> list[structlog.typing.Processor]:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    failures: list[structlog.typing.Processor] = [structlog.processors.format_exc_info, redact]
    if form == "console":
        renderer = structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), sort_keys=False, pad_event_to=16, pad_level=False
        )
        return [strip, *failures, for_people, renderer]
    return [strip, *failures, _json]


def for_people(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """What happened first and ids last, without what is not set and what another id tells."""
    if str(line.get("logger", "")).startswith("talkwire"):
        del line["logger"]
    if "turn_id" in line:
        line.pop("request_id", None)
    for key in [key for key, value in line.items() if value is None]:
        del line[key]
    for key in _CONTEXT:
        if key in line:
            line[key] = line.pop(key)
    return line


def redact(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what looks like a secret, in keys and in text, and drop query strings."""
    line.pop("color_message", None)  # the same once more, from uvicorn
    for key, value in line.items():
        line[key] = _HIDDEN if _SECRET_KEY.search(key) else _redacted(value)
    return line


def _redacted(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth < 4 and isinstance(value, dict):
        return {
            str(key): _HIDDEN if _SECRET_KEY.search(str(key)) else _redacted(inner, depth + 1)
            for key, inner in value.items()
        }
    if depth < 4 and isinstance(value, list | tuple):
        return [_redacted(inner, depth + 1) for inner in value]
    return scrub(str(value))


def scrub(text: str) -> str:
    """The text without secrets and query strings, and of bounded length."""
    for pattern, replacement in _REDACTIONS:
        text = pattern.sub(replacement, text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _json(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> str:
    return msgspec.json.encode(line, enc_hook=str).decode()
