"""The server itself: uvicorn as Talkwire runs it, in a process of its own or as one of several."""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.lifespan.on import LifespanOn, LifespanSendMessage

from talkwire.canon.errors import TalkwireError
from talkwire.cli.serve import BACKLOG

_LAST_WORDS_S = 5  # for what is still open after the drain, which has limits of its own

OnStarted = Callable[[uvicorn.Server], None]
OnFailed = Callable[[TalkwireError], None]


def serve(
    application: Any,
    sockets: list[socket.socket],
    *,
    on_started: OnStarted,
    on_failed: OnFailed,
) -> None:
    """Serve on these sockets until a signal says otherwise.

    `on_started` is called on the event loop once the server serves, `on_failed` where the start
    is hindered by something that has words.

    :raises SystemExit: 0 after SIGTERM, 3 when the start failed.
    """
    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing in here asks where a request came from
        backlog=BACKLOG,
        timeout_graceful_shutdown=_LAST_WORDS_S,
    )
    # uvicorn raises the signal that stopped it once more, for whoever was there before it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _Told(config, on_started, on_failed).run(sockets=sockets)


class _Told(uvicorn.Server):
    """Tells when it serves, and what hinders it."""

    def __init__(self, config: uvicorn.Config, on_started: OnStarted, on_failed: OnFailed) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._on_failed = on_failed

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.lifespan = _Starting(self.config, self._on_failed)
        await super().startup(sockets)
        # What start-up has made lives as long as the process: leave it out of collections.
        gc.collect()
        gc.freeze()
        # What a stream makes is free of cycles: looking for them is needed seldom.
        gc.set_threshold(20_000, 20, 20)
        self._on_started(self)


class _Starting(LifespanOn):
    """Tells what hinders the start in words instead of a traceback, where there are words."""

    def __init__(self, config: uvicorn.Config, on_failed: OnFailed) -> None:
        super().__init__(config)
        self._on_failed = on_failed

    async def send(self, message: LifespanSendMessage) -> None:
        error = sys.exc_info()[1]  # the application tells of it while it handles it
        if message["type"] == "lifespan.startup.failed" and isinstance(error, TalkwireError):
            message = {**message, "message": ""}
            # All is said then: uvicorn would add a line of its own.
            self.logger = self.logger.getChild("said")
            self.logger.setLevel(logging.CRITICAL)
            self._on_failed(error)
        await super().send(message)
