"""One of several server processes. `talkwire.cli.workers` has it started, and orders it about.

The two share a lifeline, a pair of connected sockets. Down come the orders `drain` and `now`, a
line each. Up goes `ready` and the model's name. Its end means that the supervisor is dead.

The process takes a signal of its own for the order to drain, once: whoever signals the whole group
(a terminal, an init system) must not count as asking twice.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from talkwire.cli import serve, server

_ACCEPTED_S = 0.2  # how long what was accepted last has for its request, before the drain begins


class Lifeline:
    """The worker's end. `begin` is called when the worker serves, on its event loop."""

    def __init__(self, link: socket.socket) -> None:
        link.set_inheritable(False)
        link.setblocking(False)
        self._link = link
        self._heard = b""
        self._draining = False
        self._then: dict[int, Any] = {}

    @property
    def is_wanted(self) -> bool:
        """False where it has been told to drain already, or its supervisor is gone."""
        try:
            self._heard += self._link.recv(65_536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

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


def work(link: socket.socket, asked: Mapping[str, Any], listening: Sequence[str]) -> int:
    """Serve until told otherwise, with the settings as they are now; the exit status.

    `asked` is what `talkwire serve` was called with; `listening` are the numbers of its sockets.
    """
    lifeline = Lifeline(link)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not lifeline.is_wanted:
        return 0
    loaded = serve.settings_of(Path(asked["config"]) if asked["config"] else None, asked["options"])
    if loaded is None:
        return serve.REFUSED
    from talkwire.app import build, start_logging

    start_logging(loaded.settings)
    shared = asked.get("shared")  # an older supervisor gives none
    application = build(loaded.settings, shared=Path(shared) if shared else None)
    model = str(application.state.parts.models.told)
    return attend(lifeline, application, listening, model, serve.not_started(loaded.settings))


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
