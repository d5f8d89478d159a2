from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bench.scrape import scrape


class _Figures(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"# HELP a what\na 1\nb 2\n")

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), _Figures) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_scrape_counts_figures_and_not_what_is_said_of_them(port: int) -> None:
    took_ms, figures = scrape(port)

    assert took_ms > 0
    assert figures == 2


def test_a_refusal_is_no_measurement(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Figures, "status", 401)

    with pytest.raises(SystemExit, match="answered 401"):
        scrape(port)
