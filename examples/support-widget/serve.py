"""Serve the widget, and hand its questions on to Talkwire: page and server are one origin then.

    python examples/support-widget/serve.py --server http://127.0.0.1:8000 --port 8080

For trying things out on one machine. Elsewhere the proxy that you have already does the same: only
what the widget asks for goes through, and a key, if the server needs one, is added on the way.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

PAGE = Path(__file__).with_name("index.html")
ASKED = re.compile(
    r"POST /chat/stream|GET /scenarios|(GET|DELETE) /sessions/[^/?]+|POST /turns/[^/?]+/abort"
)
PASSED_ON = {"content-type", "idempotency-key", "origin"}
KEPT_BACK = {"connection", "transfer-encoding", "date", "server"}
KEY = os.environ.get("TALKWIRE_KEY", "")


class Handler(BaseHTTPRequestHandler):
    """The page, and what it asks Talkwire for."""

    server_url = "http://127.0.0.1:8000"

    def do_GET(self) -> None:
        """The page, or what Talkwire says."""
        if urlsplit(self.path).path in ("/", "/index.html"):
            self.show()
        else:
            self.hand_on()

    def do_POST(self) -> None:
        """What Talkwire says."""
        self.hand_on()

    def do_DELETE(self) -> None:
        """What Talkwire says."""
        self.hand_on()

    def show(self) -> None:
        """The page; its policy stands in it."""
        page = PAGE.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(page)

    def hand_on(self) -> None:
        """Ask Talkwire, and pass its answer on as it comes."""
        if ASKED.fullmatch(f"{self.command} {self.path}") is None:
            self.send_error(404)
            return
        where = urlsplit(self.server_url)
        behind = http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port or 80)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {k: v for k, v in self.headers.items() if k.lower() in PASSED_ON}
        if KEY:
            headers["Authorization"] = f"Bearer {KEY}"
        try:
            behind.request(self.command, self.path, body or None, headers)
            answer = behind.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self.send_error(502, f"Talkwire does not answer: {error}")
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in KEPT_BACK:
                self.send_header(name, value)
        self.end_headers()
        with suppress(OSError, http.client.HTTPException):  # one of the two has left
            while piece := answer.read1(65536):
                self.wfile.write(piece)
                self.wfile.flush()
        behind.close()

    def log_message(self, *args: object) -> None:
        """Say nothing of each request."""


def main() -> None:
    """Serve until Ctrl-C."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--server", default="http://127.0.0.1:8000", help="where Talkwire is")
    options.add_argument("--port", type=int, default=8080)
    given = options.parse_args()
    Handler.server_url = given.server
    with ThreadingHTTPServer(("127.0.0.1", given.port), Handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
