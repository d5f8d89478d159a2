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

from talkwire.cli import checks
from talkwire.settings import ModelSettings, Settings, VoiceSettings

CANARY = "sk-canary0123"


class Upstream(http.server.BaseHTTPRequestHandler):
    """Knows one key; says at `/` that it is Talkwire."""

    def do_GET(self) -> None:
        """Answer."""
        accepted = self.headers.get("authorization") == f"Bearer {CANARY}"
        body = json.dumps({"name": "talkwire"}).encode()
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


def test_the_demo_is_told(monkeypatch: pytest.MonkeyPatch, dead: int) -> None:
    monkeypatch.setattr(checks, "OLLAMA", f"http://127.0.0.1:{dead}")

    assert "scripted demo" in next(iter(checks.models(Settings(use_mock=True)))).found
    assert "OPENAI_API_KEY" in next(iter(checks.models(Settings()))).found


def test_the_voice(upstream: int, dead: int) -> None:
    def outcome(voice: VoiceSettings) -> str:
        return checks.voice(Settings(voice=voice)).outcome

    assert outcome(VoiceSettings()) == "note"
    assert outcome(VoiceSettings(use_mock=True)) == "note"
    assert outcome(VoiceSettings(clone_base_url=f"http://127.0.0.1:{upstream}")) == "ok"
    assert outcome(VoiceSettings(clone_base_url=f"http://127.0.0.1:{dead}")) == "broken"


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
