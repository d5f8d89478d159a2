"""Which log files there are, and what goes into each."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from talkwire.telemetry.behind import Behind, Sink
from talkwire.telemetry.files import Rotating

ALL, TROUBLE = "talkwire.log", "error.log"


class LogFiles(msgspec.Struct, frozen=True):
    """`folder` is made with the first line. All lines go into `talkwire.log`, warnings and errors
    into `error.log` too.
    """

    folder: Path
    max_bytes: int = 10_485_760
    backups: int = 5

    def handler(self) -> Behind:
        """What writes them; close it."""
        return Behind(
            [Sink(logging.NOTSET, self._file(ALL)), Sink(logging.WARNING, self._file(TROUBLE))],
            told=_told,
        )

    def _file(self, name: str) -> Rotating:
        return Rotating(self.folder / name, max_bytes=self.max_bytes, backups=self.backups)


def _told(count: int) -> str:
    line = {
        "event": "log.lines_dropped",
        "level": "warning",
        "logger": "talkwire.log",
        "count": count,
    }
    return msgspec.json.encode(line).decode()
