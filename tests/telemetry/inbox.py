"""A server on loopback that stands for Sentry, and keeps what it was sent."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Inbox:
    """What stands for Sentry; `raw` is all that it was sent."""

    def __init__(self) -> None:
        self.raw = b""
        self.events: list[dict[str, Any]] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                inbox.take(body)
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,)).start()

    @property
    def dsn(self) -> str:
        return f"http://public@127.0.0.1:{self._server.server_address[1]}/7"

    def take(self, body: bytes) -> None:
        self.raw += body
        lines = body.split(b"\n")
        heads = [json.loads(line) for line in lines if line.startswith(b'{"type":"event"')]
        if heads:
            self.events.append(json.loads(lines[2]))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
