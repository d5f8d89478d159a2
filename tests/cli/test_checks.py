"""Each part, well and ill."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from talkwire.cli import checks, local_servers
from talkwire.settings import ModelSettings, Settings

CANARY = "sk-canary0123"


@pytest.fixture(autouse=True)
def _nobody_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else runs on the machine of the tests is not looked at."""
    monkeypatch.setattr(local_servers, "PLACES", ())


class Upstream(http.server.BaseHTTPRequestHandler):
    """Knows one key and the models `a` and `b`; says at `/` that it is Talkwire."""

    def do_GET(self) -> None:
        """Answer."""
        accepted = self.headers.get("authorization") == f"Bearer {CANARY}"
        listed = [{"id": "a"}, {"id": "b"}]
        body = json.dumps({"name": "talkwire", "data": listed}).encode()
        self.send_response(200 if accepted or self.path == "/" else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@pytest.fixture
def upstream() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def dead() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return int(gone.getsockname()[1])


def test_a_model_answers_with_the_right_key_alone(upstream: int) -> None:
    url = f"http://127.0.0.1:{upstream}/v1"

    right = checks.listing("model", url, SecretStr(CANARY))
    wrong = checks.listing("model", url, SecretStr("sk-other"))
    none = checks.listing("model", url, None)

    assert (right.outcome, wrong.outcome, none.outcome) == ("ok", "broken", "broken")
    assert "not accepted" in wrong.found
    assert "a key is wanted" in none.found
    assert "sk-" not in f"{right}{wrong}{none}"


def test_a_silent_model_is_told_without_its_password(dead: int) -> None:
    found = checks.listing("model", f"http://u:{CANARY}@127.0.0.1:{dead}/v1?k={CANARY}", None)

    assert found.outcome == "broken"
    assert f"http://127.0.0.1:{dead} does not answer" in found.found
    assert CANARY not in found.found


def test_every_configured_model_is_asked(upstream: int, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{upstream}/v1"
    key = SecretStr(CANARY)
    models = (
        ModelSettings(name="a", provider="openai-chat", base_url=url, api_key=key),
        ModelSettings(name="b", provider="scripted"),
        ModelSettings(name="c", provider="scripted", script=tmp_path / "none"),
    )

    found = list(checks.models(Settings(models=models)))

    assert [(c.part, c.outcome) for c in found] == [
        ("model a", "ok"),
        ("model b", "ok"),
        ("model c", "broken"),
    ]


def test_every_deployment_is_asked(upstream: int, dead: int) -> None:
    here, gone = (f"http://127.0.0.1:{port}/v1" for port in (upstream, dead))
    sites = [
        {"base_url": here, "api_key": CANARY},
        {"base_url": here, "api_key": CANARY, "upstream_model": "aa"},
        {"base_url": gone},
    ]
    model = {"name": "m", "provider": "openai-chat", "upstream_model": "a", "deployments": sites}

    found = list(checks.models(Settings.model_validate({"models": [model]})))

    assert [(c.part, c.outcome) for c in found] == [
        ("model m, deployment 1", "ok"),
        ("model m, deployment 2", "note"),
        ("model m, deployment 3", "broken"),
    ]
    assert found[1].found.endswith("does not list aa; it has a")
    assert CANARY not in str(found)


def test_an_entry_without_a_server_is_asked_at_the_environments(upstream: int) -> None:
    entry = {"name": "a", "provider": "openai-chat"}
    url = f"http://127.0.0.1:{upstream}/v1"
    given = {"models": [entry], "openai_base_url": url, "openai_api_key": CANARY}

    found = list(checks.models(Settings.model_validate(given)))

    assert [(c.part, c.outcome) for c in found] == [("model a", "ok"), ("model", "ok")]


def test_a_function_is_looked_for_and_not_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("raise SystemExit('executed')\n", "utf-8")

    def outcome(target: str) -> str:
        model = {"name": "m", "provider": "python", "target": target}
        return next(iter(checks.models(Settings.model_validate({"models": [model]})))).outcome

    for there in ("mine.py:answer", "./mine.py:answer", "mine:answer", "json.decoder:x"):
        assert outcome(there) == "ok"
    for missing in ("none.py:answer", "no_such_package.models:answer"):
        assert outcome(missing) == "broken"


def test_local_servers_that_nobody_configured_are_told(
    upstream: int, dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = local_servers.Found("llama.cpp", "http://127.0.0.1:8080/v1", ("qwen",))
    monkeypatch.setattr(local_servers, "look", lambda: iter([near]))
    monkeypatch.setattr(checks, "OLLAMA", f"http://127.0.0.1:{dead}")

    def told(**given: object) -> list[str]:
        settings = Settings.model_validate(given)
        return [c.part for c in checks.models(settings) if c.outcome == "note"]

    model = {"name": "m", "provider": "openai-chat", "base_url": "http://localhost:8080/v1"}
    assert told() == ["Ollama", "llama.cpp"]
    assert told(models=[model]) == []
    assert told(use_mock=True) == ["model"]


def test_the_demo_is_told(monkeypatch: pytest.MonkeyPatch, dead: int) -> None:
    monkeypatch.setattr(checks, "OLLAMA", f"http://127.0.0.1:{dead}")

    assert "scripted demo" in next(iter(checks.models(Settings(use_mock=True)))).found
    assert "OPENAI_API_KEY" in next(iter(checks.models(Settings()))).found


def test_a_port_is_free_ours_or_somebody_elses(upstream: int, dead: int) -> None:
    assert checks.address("127.0.0.1", dead).found == "free"
    assert checks.address("127.0.0.1", upstream).found == "Talkwire serves here"
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        assert checks.address("127.0.0.1", mute.getsockname()[1]).outcome == "broken"


def test_folders(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "a.md").touch()

    assert checks.folder(tmp_path / "new").found.endswith("(will be made)")
    assert not (tmp_path / "new").exists()
    assert checks.folder(tmp_path / "file" / "x").outcome == "broken"
    assert checks.prompts(tmp_path).found.endswith("1 templates")
    assert checks.prompts(tmp_path / "none").outcome == "broken"
    assert checks.sqlite(tmp_path).outcome == "ok"


def test_a_proxy_that_holds_frames_back_is_told() -> None:
    written = [0.0, 0.5, 1.0, 1.5, 2.0]

    assert checks.judge(written, [9.0, 9.5, 10.0, 10.5, 11.0]).outcome == "ok"
    assert checks.judge(written, [9.0, 9.0, 9.01, 9.01, 9.02]).outcome == "broken"
    assert "proxy_buffering off" in checks.judge(written, [9.0] * 5).found
    assert checks.judge([0.0, 0.01], [9.0, 9.0]).outcome == "note"
    assert checks.judge([], []).outcome == "note"


def test_a_server_that_is_not_there_is_told(dead: int) -> None:
    (found,) = checks.stream(f"http://127.0.0.1:{dead}")

    assert found.outcome == "broken"
