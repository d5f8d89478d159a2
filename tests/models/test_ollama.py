"""An Ollama is found fast, or not at all."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from talkwire.models.ollama import find


@contextmanager
def serving(body: bytes, status: int = 200) -> Iterator[str]:
    class Tags(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/api/tags" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Tags) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_running_ollama_tells_its_models() -> None:
    with serving(b'{"models":[{"name":"llama3:8b","size":1},{"name":"qwen"}]}') as url:
        found = find(url)

    assert found is not None
    assert (found.base_url, found.models) == (f"{url}/v1", ("llama3:8b", "qwen"))


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"models":null}', b'{"models":[1]}', b'{"x":' + b"[" * 100_000],
)
def test_anything_else_is_none(body: bytes) -> None:
    with serving(body) as url:
        assert find(url) is None


def test_an_error_is_none() -> None:
    with serving(b'{"models":[]}', status=500) as url:
        assert find(url) is None


def test_nobody_there_and_somebody_silent_are_none_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        assert find(url) is None
        assert time.monotonic() - began < 2
    assert find(url) is None
