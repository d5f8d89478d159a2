"""Bugs told to Sentry: what went wrong and where, never what anybody said.

A bug is a log line of an error with an exception that nobody foresaw. Errors that have a code are
none: whoever met them was told. Of an exception goes its type and the way to it; its words stay
here, since they may quote anything. The library is loaded by `begin`.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, cast

import structlog

from talkwire.canon.errors import TalkwireError

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

_TAGS = ("request_id", "turn_id", "session_id")
_KEPT = ("event_id", "level", "platform", "timestamp", "release", "environment", "sdk", "logger")
_FRAME = ("function", "module", "filename", "lineno", "in_app")


class Reports(logging.Handler):
    """A handler of log lines that sends bugs. `begin` before use; `finish` sends what is left."""

    def __init__(self, dsn: str, *, environment: str, sample_rate: float, release: str) -> None:
        super().__init__(logging.ERROR)
        self._dsn = dsn
        self._environment = environment
        self._sample_rate = sample_rate
        self._release = release
        self._client: Any = None

    def begin(self) -> None:
        """Load the library, and listen to the log. Blocks.

        :raises ImportError: the extra `sentry` is not installed.
        :raises ValueError: not a DSN.
        """
        from sentry_sdk import Client

        self._client = Client(
            self._dsn,
            environment=self._environment,
            sample_rate=self._sample_rate,
            release=self._release,
            server_name="",
            default_integrations=False,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            send_client_reports=False,
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            before_send=_bare,
        )
        logging.getLogger().addHandler(self)

    def finish(self, timeout_s: float) -> None:
        """Listen no more, and send what is left for so long at most. Blocks."""
        logging.getLogger().removeHandler(self)
        if self._client is not None:
            self._client.close(timeout=timeout_s)

    def emit(self, record: logging.LogRecord) -> None:
        """Send the line's exception if it is a bug."""
        error = _error(record)
        if self._client is None or error is None or isinstance(error, TalkwireError):
            return
        if record.name.startswith("sentry_sdk"):
            return
        from sentry_sdk import Scope
        from sentry_sdk.utils import event_from_exception

        event, hint = event_from_exception(error, client_options=self._client.options)
        event["logger"] = record.name
        event["tags"] = _tags(record)
        scope = Scope(client=self._client)
        self._client.capture_event(event, hint, scope=scope)


def _bare(event: Event, hint: Hint) -> Event | None:
    """The event with what is known to be harmless, and nothing else that a library may put in."""
    whole: Any = event
    bare: Any = {key: whole[key] for key in _KEPT if key in whole}
    bare["tags"] = {key: value for key, value in whole.get("tags", {}).items() if key in _TAGS}
    found = whole.get("exception", {}).get("values", [])
    bare["exception"] = {"values": [_exception(each) for each in found]}
    return cast("Event", bare)


def _exception(value: dict[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames", [])
    kept = [{key: frame[key] for key in _FRAME if key in frame} for frame in frames]
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "value": "",
        "stacktrace": {"frames": kept},
    }


def _error(record: logging.LogRecord) -> BaseException | None:
    """The exception of a line of the standard library's, or of structlog's."""
    found: Any = record.exc_info
    if not found and isinstance(record.msg, dict):
        found = record.msg.get("exc_info")
    if found is True:
        found = sys.exc_info()
    if isinstance(found, tuple):
        found = found[1]
    return found if isinstance(found, Exception) else None


def _tags(record: logging.LogRecord) -> dict[str, str]:
    bound = structlog.contextvars.get_contextvars()
    line = record.msg if isinstance(record.msg, dict) else {}
    told = {
        name: getattr(record, name, None) or line.get(name) or bound.get(name) for name in _TAGS
    }
    return {name: str(value) for name, value in told.items() if value}
