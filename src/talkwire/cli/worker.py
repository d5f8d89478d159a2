"""One of several server processes. `talkwire.cli.workers` starts it, and is the other end here.

The two share a lifeline, a pair of connected sockets. Down come the orders: first a line of JSON
(what `talkwire serve` was called with), then `drain` and `now`, a line each. Up goes `ready` and
the model's name. Its end means that the other one is dead, however it died.

The process takes a signal of its own for the order to drain, once: whoever signals the whole group
(a terminal, an init system) must not count as asking twice.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from talkwire.cli import serve, server

_ORDERS_WITHIN_S = 30.0
_ACCEPTED_S = 0.2  # how long what was accepted last has for its request, before the drain begins


class Lifeline:
    """The worker's end. `begin` is called when the worker serves, on its event loop."""

    def __init__(self, link: socket.socket) -> None:
        link.set_inheritable(False)
        self._link = link
        self._heard = b""
        self._draining = False
        self._then: dict[int, Any] = {}

    def called_with(self) -> dict[str, Any]:
        """The first line. :raises EOFError: there is nobody at the other end."""
        self._link.settimeout(_ORDERS_WITHIN_S)
        while b"\n" not in self._heard:
            if not (more := self._link.recv(65_536)):
                raise EOFError("the supervisor is gone")
            self._heard += more
        self._link.setblocking(False)
        first, _, self._heard = self._heard.partition(b"\n")
        asked: dict[str, Any] = json.loads(first)
        return asked

    def begin(self, running: uvicorn.Server, model: str) -> None:
        """Report that the worker is ready, and listen for orders from now on."""
        self._running = running
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._then[number] = signal.signal(number, self._on_signal)
        self._loop.add_reader(self._link, self._hear)
        self._link.send(b"ready " + json.dumps(model).encode() + b"\n")
        self._obey()

    def _hear(self) -> None:
        try:
            more = self._link.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        if not more:
            self._loop.remove_reader(self._link)
            self._drain()
        self._heard += more
        self._obey()

    def _obey(self) -> None:
        *orders, self._heard = self._heard.split(b"\n")
        for order in orders:
            if order == b"now" and self._draining:
                self._pass_on()
            else:
                self._drain()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        """Leave the port to the other workers at once, then drain as a lone server does."""
        if self._draining:
            return
        self._draining = True
        for listening in self._running.servers:
            listening.close()
        self._loop.call_later(_ACCEPTED_S, self._begin_drain)

    def _begin_drain(self) -> None:
        self._pass_on()
        for connection in list(self._running.server_state.connections):
            connection.shutdown()  # one that is idle; others after their answer

    def _pass_on(self) -> None:
        handler = self._then[signal.SIGTERM]
        if callable(handler):
            handler(signal.SIGTERM, None)


def main(argv: Sequence[str]) -> int:
    """Serve until told otherwise. `argv`: the numbers of the lifeline and of what listens."""
    lifeline = Lifeline(socket.socket(fileno=int(argv[0])))
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it is meant for the supervisor
    try:
        asked = lifeline.called_with()
    except (EOFError, OSError):
        return 0
    loaded = serve.settings_of(Path(asked["config"]) if asked["config"] else None, asked["options"])
    if loaded is None:
        return serve.REFUSED
    from talkwire.app import build, start_logging

    start_logging(loaded.settings)
    application = build(loaded.settings)
    model = str(application.state.parts.models.told)
    return attend(lifeline, application, argv[1:], model, serve.not_started(loaded.settings))


def attend(
    lifeline: Lifeline,
    application: Any,
    listening: Sequence[str],
    model: str,
    on_failed: server.OnFailed,
) -> int:
    """Serve the application on inherited sockets, at the end of the lifeline."""
    sockets = [socket.socket(fileno=int(each)) for each in listening]
    for each in sockets:
        each.set_inheritable(False)
        each.setblocking(False)
    try:
        server.serve(
            application,
            sockets,
            on_started=lambda running: lifeline.begin(running, model),
            on_failed=on_failed,
        )
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
