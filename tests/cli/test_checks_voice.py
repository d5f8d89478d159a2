from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from talkwire.cli.checks_voice import voice
from talkwire.settings import Settings
from talkwire.voice import encoding, espeak


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def there() -> Iterator[str]:
    """A service that answers."""
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://u:secret@127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def found(**given: Any) -> tuple[str, str]:
    check = voice(Settings.model_validate({"voice": given}))
    return check.outcome, check.found


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_service_answers_or_does_not(there: str, nowhere: str) -> None:
    for given in ({"clone_base_url": there}, {"openai": {"base_url": there}}):
        outcome, told = found(**given)
        assert outcome == "ok"
        assert "404" in told
        assert "secret" not in told
    assert found(clone_base_url=nowhere)[0] == "broken"


def test_no_voice_and_the_mock_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "found", lambda: None)
    monkeypatch.setattr(espeak, "PROGRAM", "/nowhere/espeak-ng")

    assert found()[0] == "note"
    assert "VOICE_CLONE_BASE_URL" in found()[1]
    assert found(use_mock=True)[0] == "note"
    assert found(provider="espeak")[0] == "broken"


def test_what_is_spoken_without_the_extra_is_told(
    there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "available", lambda wanted: "wav")
    outcome, told = found(openai={"base_url": there}, format="opus")

    assert outcome == "note"
    assert "extra `voice`" in told
