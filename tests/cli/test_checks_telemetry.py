"""Whether a collector answers, without telling it anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from talkwire.cli.checks import Check
from talkwire.cli.checks_telemetry import telemetry
from talkwire.settings import Settings

CANARY = "canary41"


class Collector:
    """Answers with `status`; `seen` are the bodies and keys that came."""

    def __init__(self) -> None:
        self.status = 200
        self.seen: list[tuple[str, bytes, str | None]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.seen.append((self.path, body, self.headers["x-key"]))
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,)).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def found(**given: Any) -> list[Check]:
    return list(telemetry(Settings.model_validate(given)))


def test_nothing_is_said_of_what_nobody_asked_for() -> None:
    assert found() == []


def test_a_collector_that_answers_is_well_and_was_told_nothing(collector: Collector) -> None:
    (check,) = found(traces={"endpoint": collector.url, "headers": {"x-key": CANARY}})

    assert (check.part, check.outcome) == ("traces", "ok")
    assert collector.seen == [("/v1/traces", b"", CANARY)]


def test_one_that_refuses_or_is_away_is_not(collector: Collector) -> None:
    collector.status = 401
    (refused,) = found(traces={"endpoint": collector.url, "headers": {"x-key": CANARY}})
    (away,) = found(traces={"endpoint": "http://127.0.0.1:9"})

    assert (refused.outcome, away.outcome) == ("broken", "broken")
    assert "401" in refused.found
    assert "does not answer" in away.found
    assert CANARY not in refused.found


def test_sentry_is_named_by_its_host_alone() -> None:
    (well,) = found(sentry={"dsn": f"https://{CANARY}@sentry.example/1"})
    (ill,) = found(sentry={"dsn": CANARY})

    assert (well.outcome, ill.outcome) == ("ok", "broken")
    assert "sentry.example" in well.found
    assert CANARY not in well.found + ill.found


def test_an_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    told = found(traces={"endpoint": "http://127.0.0.1:9"}, sentry={"dsn": "https://x@y/1"})

    assert [check.outcome for check in told] == ["broken", "broken"]
    assert "talkwire[traces]" in told[0].found
    assert "talkwire[sentry]" in told[1].found
