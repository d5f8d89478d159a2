"""Serve this folder, and hand /api on to Talkwire: the page and the server are one origin then.

    python examples/tool-chat/serve.py --server http://127.0.0.1:8000 --port 8080

For trying things out on one machine. Elsewhere the proxy that you have already does the same.
"""

from __future__ import annotations

import argparse
import http.client
from contextlib import suppress
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).parent
PASSED_ON = {"content-type", "authorization", "idempotency-key", "last-event-id", "origin"}
KEPT_BACK = {"connection", "transfer-encoding", "date", "server"}


class Handler(SimpleHTTPRequestHandler):
    """Files of this folder, and Talkwire behind /api."""

    server_url = "http://127.0.0.1:8000"

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, directory=str(HERE), **more)

    def do_GET(self) -> None:
        """A file, or what Talkwire says."""
        if self.path.startswith("/api/"):
            self.hand_on()
        else:
            super().do_GET()

    def do_POST(self) -> None:
        """What Talkwire says."""
        self.hand_on()

    def hand_on(self) -> None:
        """Ask Talkwire, and pass its answer on as it comes."""
        where = urlsplit(self.server_url)
        behind = http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port or 80)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {k: v for k, v in self.headers.items() if k.lower() in PASSED_ON}
        try:
            behind.request(self.command, self.path, body or None, headers)
            answer = behind.getresponse()
        except OSError as error:
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
