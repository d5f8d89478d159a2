"""Model servers on this machine are found, and nobody else is taken for one."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from talkwire.cli import local_servers
from talkwire.cli.local_servers import Found, look

Serve = Callable[[dict[str, Any]], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers on loopback: each path has its answer, as JSON or text. Tells the port."""
    servers: list[http.server.ThreadingHTTPServer] = []
    threads: list[threading.Thread] = []

    def start(answers: dict[str, Any]) -> int:
        class Server(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                said = answers.get(self.path)
                self.send_response(404 if said is None else 200)
                self.end_headers()
                body = said if isinstance(said, str) else json.dumps(said)
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:
                """Silence."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        servers.append(server)
        threads.append(thread)
        return server.server_port

    yield start
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()


def listing(*names: str, owner: str | None = None) -> dict[str, Any]:
    entries = [{"id": name, "object": "model", "owned_by": owner} for name in names]
    return {"/v1/models": {"object": "list", "data": entries}}


@pytest.mark.parametrize(
    ("owner", "kind"),
    [
        ("library", "Ollama"),
        ("llamacpp", "llama.cpp"),
        ("vllm", "vLLM"),
        ("organization_owner", "LM Studio"),
        ("me", "as it is mostly"),
        (None, "as it is mostly"),
    ],
)
def test_a_server_is_known_by_who_owns_its_models(
    owner: str | None, kind: str, serve: Serve
) -> None:
    port = serve(listing("qwen:7b", "llama", owner=owner))

    assert list(look([("as it is mostly", port)])) == [
        Found(kind, f"http://127.0.0.1:{port}/v1", ("qwen:7b", "llama"))
    ]


def test_whatever_else_listens_there_is_none(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = int(gone.getsockname()[1])
    others: list[dict[str, Any]] = [
        {**listing("m"), "/": {"name": "talkwire"}},
        {},
        {"/v1/models": "<html>"},
        {"/v1/models": []},
        {"/v1/models": {"data": "m"}},
    ]
    ports = [serve(each) for each in others]

    assert list(look([("vLLM", port) for port in [nobody, *ports]])) == []


def test_a_server_without_models_and_with_odd_ones_is_told(serve: Serve) -> None:
    empty = serve({"/v1/models": {"data": []}})
    odd = serve({"/v1/models": {"data": [7, {"name": "x"}, {"id": "a\x1b[31mb"}]}})

    found = list(look([("vLLM", empty), ("LM Studio", odd)]))

    assert [each.models for each in found] == [(), ("a[31mb",)]
    assert "upstream_model: NAME" in found[0].hint()


@pytest.mark.parametrize(("lang", "said"), [("en_US", "not configured"), ("zh_CN", "尚未配置")])
def test_it_is_said_how_to_configure_it(
    lang: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", lang)

    hint = Found("LM Studio", "http://127.0.0.1:1234/v1", ("a", "b", "c", "d")).hint()

    assert said in hint
    assert "a, b, c…" in hint
    assert (
        "{name: lm-studio, provider: openai-chat, base_url: http://127.0.0.1:1234/v1,"
        " upstream_model: a, type: local_small}"
    ) in hint


def test_the_usual_ports_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {port for _, port in local_servers.PLACES} == {11434, 8080, 8000, 1234}
    monkeypatch.setattr(local_servers, "PLACES", ())

    assert list(look()) == []
