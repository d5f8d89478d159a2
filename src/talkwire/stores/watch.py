"""Connections that wait for an answer, and the end of those that get none.

The kernel notices a link whose packets vanish. It does not notice one whose other end takes
everything and says nothing, as a proxy may; a driver that waits there waits for ever.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from threading import get_ident
from time import monotonic
from typing import Any

import psycopg

Driver = psycopg.Connection[Any]


class Watch:
    """`silence_s` is how long one unit of work may take. Called from any thread."""

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        self._waiting: dict[int, tuple[float, Driver]] = {}

    def begin(self, driver: Driver) -> None:
        """This thread's work on the connection begins now, also when it had begun before."""
        self._waiting[get_ident()] = (monotonic(), driver)

    def end(self) -> None:
        """This thread waits no more."""
        self._waiting.pop(get_ident(), None)

    def cut(self) -> int:
        """Break the connections that have been silent for too long; how many. Never blocks."""
        before = monotonic() - self._silence_s
        silent = [driver for since, driver in list(self._waiting.values()) if since < before]
        for driver in silent:
            with suppress(OSError, psycopg.Error), _socket(driver) as link:
                link.shutdown(socket.SHUT_RDWR)
        return len(silent)


def _socket(driver: Driver) -> socket.socket:
    """A second handle of the connection's socket: closing it closes nothing."""
    return socket.socket(fileno=os.dup(driver.pgconn.socket))
