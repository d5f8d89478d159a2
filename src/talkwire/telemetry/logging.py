"""Log lines: an event name and key-values, for people on a terminal and as JSON elsewhere.

What is bound in context (request_id, turn_id, session_id) is on every line. Redaction is the
second line of defence: the first is that nobody logs text or secrets. A line that cannot be
written is dropped; it never becomes an error of the request that it tells of.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterable, MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import msgspec
import structlog

from talkwire.canon.secrecy import HIDDEN, Known, scrubbed
from talkwire.telemetry.behind import Behind
from talkwire.telemetry.placing import LogFiles

Format = Literal["auto", "console", "json"]
Hide = Callable[[str], str]

_SECRET_KEY = re.compile(
    r"(?i)(^|[_.-])(api[_-]?key|x-api-key|authorization|cookie|password|secret|(access|bearer)_token)$"
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
        # The words are uvicorn's own; arguments that do not fit their text are not our business.
        return "returned without completing response" not in str(record.msg)


class QuietHandler(logging.StreamHandler[TextIO]):
    """Writes lines, and drops those that cannot be written (a full disk, a closed pipe)."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Nobody is left to be told."""


def configure(
    level: str = "info",
    form: Format = "auto",
    *,
    stream: TextIO | None = None,
    secrets: Iterable[str] = (),
    files: LogFiles | None = None,
) -> None:
    """Send structlog's and the standard library's lines to `stream` (stderr), once for all.

    `auto` is for people where the stream is a terminal, else JSON. `secrets` are never written.
    With `files` all lines go there too, as JSON, behind the program's back.
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
    hide = Known(secrets).hidden
    handlers: list[logging.Handler] = [QuietHandler(stream)]
    handlers[0].setFormatter(_formatter(first, _last(form, stream, hide)))
    if files is not None:
        handlers.append(files.handler())
        handlers[1].setFormatter(_formatter(first, [_dated, *_last("json", stream, hide)]))
    for handler in handlers:
        handler.addFilter(CutStreams())
    root = logging.getLogger()
    for before in root.handlers:
        if isinstance(before, Behind):
            before.close()
    root.handlers[:] = handlers
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _TOLD_BY_EVENTS:
        logging.getLogger(name).setLevel(logging.ERROR)


def flush() -> None:
    """Wait, for a short time, until all lines of now are in the files."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, Behind):
            handler.flush()


def _formatter(
    first: list[structlog.typing.Processor], last: list[structlog.typing.Processor]
) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*first, structlog.stdlib.ExtraAdder()], processors=last
    )


def _last(form: Format, stream: TextIO, hide: Hide) -> list[structlog.typing.Processor]:
    def redacted(
        _logger: Any, _method: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        return redact(line, hide)

    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    failures: list[structlog.typing.Processor] = [structlog.processors.format_exc_info, redacted]
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


def redact(line: MutableMapping[str, Any], hide: Hide) -> MutableMapping[str, Any]:
    """Hide what looks like a secret, in keys and in text, and drop query strings.

    `hide` takes out of a text what is known to be one.
    """
    line.pop("color_message", None)  # the same once more, from uvicorn
    for key, value in line.items():
        line[key] = HIDDEN if _SECRET_KEY.search(key) else _redacted(value, hide)
    return line


def _redacted(value: Any, hide: Hide, depth: int = 0) -> Any:
    if isinstance(value, str):
        return scrub(hide(value))
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth < 4 and isinstance(value, dict):
        return {
            str(key): HIDDEN if _SECRET_KEY.search(str(key)) else _redacted(inner, hide, depth + 1)
            for key, inner in value.items()
        }
    if depth < 4 and isinstance(value, list | tuple):
        return [_redacted(inner, hide, depth + 1) for inner in value]
    return scrub(hide(str(value)))


def scrub(text: str) -> str:
    """The text without what looks like a secret, and of bounded length."""
    text = scrubbed(text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _dated(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """With the whole time, of which a terminal is only shown the end."""
    at = datetime.fromtimestamp(line["_record"].created, UTC)
    line["timestamp"] = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return line


def _json(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> str:
    return msgspec.json.encode(line, enc_hook=str).decode()
