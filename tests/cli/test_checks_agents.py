"""What the doctor tells of agents."""

from __future__ import annotations

import importlib.util
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from talkwire.cli.checks import Check
from talkwire.cli.checks_agents import agents
from talkwire.settings import Settings

ANSWERS: dict[str, tuple[int, Any]] = {
    "/well/agents": (200, [{"id": "far"}]),
    "/other/agents": (200, {"detail": "x"}),
    "/missing/agents": (404, {}),
    "/locked/agents": (401, {}),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ANSWERS[self.path]
        if self.headers.get("Authorization") == "Bearer right":
            status = 200
            body = []
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def found(**given: Any) -> list[Check]:
    return list(agents(Settings.model_validate(given)))


def test_nothing_is_told_of_agents_that_nobody_has_configured() -> None:
    assert found() == []


def test_the_library_is_looked_for_and_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    (check,) = found(agents=[{"id": "a"}, {"id": "b"}])
    assert check.outcome == "ok"
    assert check.found.startswith("a, b (Agno ")

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (check,) = found(agents=[{"id": "a"}])
    assert check.outcome == "broken"
    assert "talkwire[agents]" in check.found


@pytest.mark.parametrize(
    ("path", "key", "outcome", "told"),
    [
        ("well", None, "ok", "1 agents"),
        ("other", None, "broken", "no AgentOS"),
        ("missing", None, "broken", "no AgentOS"),
        ("locked", None, "broken", "a key is wanted"),
        ("locked", "wrong", "broken", "not accepted"),
        ("locked", "right", "ok", "0 agents"),
    ],
)
def test_an_agentos_is_asked_for_its_list(
    base: str, path: str, key: str | None, outcome: str, told: str
) -> None:
    (check,) = found(agno={"api_url": f"{base}/{path}", "api_key": key})

    assert (check.part, check.outcome) == ("AgentOS", outcome)
    assert told in check.found
    assert key is None or key not in check.found


def test_an_agentos_that_is_not_there_is_broken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    (check,) = found(agno={"api_url": f"http://127.0.0.1:{port}"})

    assert check.outcome == "broken"
    assert "does not answer" in check.found
