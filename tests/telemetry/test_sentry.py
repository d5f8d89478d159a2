"""Bugs on their way to Sentry: a real server on loopback gets the envelope."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog

from talkwire.canon.errors import StorageUnavailable
from talkwire.telemetry.sentry import Reports
from tests.telemetry.inbox import Inbox

CANARY = "canary5e1c"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    yield made
    made.close()


@contextmanager
def reporting(inbox: Inbox) -> Iterator[None]:
    """Until the end of the block, when all is sent."""
    reports = Reports(inbox.dsn, environment="test", sample_rate=1, release="talkwire@1")
    reports.begin()
    try:
        yield
    finally:
        reports.finish(10)


def broken(text: str) -> None:
    secret = text
    raise ValueError(f"cannot do {secret}")


def test_a_bug_is_sent_with_its_way_and_its_ids_and_no_word_of_anybody(inbox: Inbox) -> None:
    structlog.contextvars.bind_contextvars(request_id="req_1", path=CANARY)
    with reporting(inbox):
        try:
            broken(CANARY)
        except ValueError as error:
            ids = {"turn_id": "t_1", "session_id": "s_1"}
            logging.getLogger("talkwire.x").error(CANARY, exc_info=error, extra=ids)
    structlog.contextvars.clear_contextvars()

    (event,) = inbox.events
    (found,) = event["exception"]["values"]
    assert (found["type"], found["value"]) == ("ValueError", "")
    assert found["stacktrace"]["frames"][-1]["function"] == "broken"
    assert event["tags"] == {"request_id": "req_1", "turn_id": "t_1", "session_id": "s_1"}
    assert (event["environment"], event["release"]) == ("test", "talkwire@1")
    assert CANARY.encode() not in inbox.raw
    assert b"server_name" not in inbox.raw
    assert b"modules" not in inbox.raw


def test_a_line_of_structlog_is_heard_too(inbox: Inbox) -> None:
    structlog.configure(
        processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    with reporting(inbox):
        try:
            broken(CANARY)
        except ValueError as error:
            log = structlog.get_logger("talkwire.web")
            log.error("request failed", exc_info=error, request_id="r")
            log.error("again", exc_info=True)
    structlog.reset_defaults()

    assert [event["exception"]["values"][0]["type"] for event in inbox.events] == 2 * ["ValueError"]
    assert inbox.events[0]["tags"] == {"request_id": "r"}
    assert CANARY.encode() not in inbox.raw


def test_what_somebody_was_told_of_is_no_bug(inbox: Inbox) -> None:
    with reporting(inbox):
        log = logging.getLogger("talkwire.x")
        log.error("no exception", extra={"turn_id": "t"})
        log.warning("no error", exc_info=ValueError())
        log.error("it has a code", exc_info=StorageUnavailable("away"))

    assert inbox.events == []


def test_nothing_is_sent_once_it_has_finished(inbox: Inbox) -> None:
    with reporting(inbox):
        pass
    logging.getLogger("talkwire.x").error("late", exc_info=ValueError())

    assert inbox.events == []


def test_what_is_no_dsn_is_said_at_once() -> None:
    with pytest.raises(ValueError, match="scheme"):
        Reports("nowhere", environment="x", sample_rate=1, release="x").begin()
