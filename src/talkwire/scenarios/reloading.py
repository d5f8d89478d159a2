"""Holds the newest good catalogue while its file is edited beneath the server."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from talkwire.canon.errors import Unavailable
from talkwire.scenarios.catalogue import Catalogue
from talkwire.scenarios.reading import SOPS, Attempt, attempt

MADE = TypeVar("MADE")

_LINES_TOLD = 5
_MOST_FILES = 10_000
_log = logging.getLogger(__name__)


class Library(Generic[MADE]):
    """What `make` made of the newest good catalogue, such as an index. `make` is called in a
    thread, and only where the contents are new.
    """

    def __init__(self, path: Path, make: Callable[[Catalogue], MADE]) -> None:
        self._path = path
        self._make = make
        self._sops = path.parent / SOPS
        self._stamp = ""
        self._version = ""
        self._made: MADE | None = None
        self._problem = ""
        self._looking = asyncio.Lock()

    @property
    def current(self) -> MADE:
        """What is in force. :raises Unavailable: there was no good catalogue yet."""
        if self._made is None:
            why = self._problem or "it was not read yet"
            raise Unavailable(f"The catalogue of scenarios could not be loaded: {why}")
        return self._made

    @property
    def problem(self) -> str:
        """What is wrong with the file as it is now, in a few lines; "" for nothing."""
        return self._problem

    async def open(self) -> None:
        """Read the file for the first time. A bad one is no error here: see `problem`."""
        await self.look()

    async def look(self) -> bool:
        """Read the file again if it or a procedure was changed; whether another catalogue is in
        force now. A file that is bad, or half written, leaves the last good one in force.
        """
        async with self._looking:
            try:
                return await self._looked()
            except (OSError, RecursionError) as error:  # else nobody would ever look again
                self._tell(f"{self._path.name}: cannot be read ({error})")
                self._stamp = ""
                return False

    async def _looked(self) -> bool:
        stamp = await asyncio.to_thread(_stamp, self._path, self._sops)
        if stamp == self._stamp:
            return False
        tried = await asyncio.to_thread(attempt, self._path)
        if tried.sops != self._sops:
            self._sops = tried.sops
            stamp = ""  # its files were not looked at before they were read: look again
        changed = await self._took(tried)
        self._stamp = stamp
        return changed

    async def watch(self, every_s: float) -> None:
        """Look again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(every_s)
            await self.look()

    async def _took(self, tried: Attempt) -> bool:
        catalogue = tried.catalogue
        if catalogue is None:
            self._tell(tried.error.first(_LINES_TOLD) if tried.error else "it cannot be read")
            return False
        changed = catalogue.version != self._version
        if changed:
            self._made = await asyncio.to_thread(self._make, catalogue)
            self._version = catalogue.version
        if changed or self._problem:
            count = len(catalogue.scenarios)
            _log.info("catalogue.loaded: %s, %d scenarios", self._path.name, count)
        self._problem = ""
        return changed

    def _tell(self, problem: str) -> None:
        """Log a problem, but not again as long as it stays the same."""
        if problem != self._problem:
            kept = "the last good one stays" if self._made is not None else "there is none"
            _log.warning("catalogue.bad: %s; %s", problem, kept)
        self._problem = problem


def _stamp(path: Path, sops: Path) -> str:
    """A digest of what would change with the files: names, sizes and times."""
    seen = hashlib.sha256()
    for each in (path, *sorted(_files(sops))):
        try:
            status = os.stat(each)
        except (OSError, ValueError):
            told = "none"
        else:
            told = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
        seen.update(f"{each}\0{told}\0".encode(errors="surrogateescape"))
    return seen.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    try:
        yield from islice(folder.iterdir(), _MOST_FILES)
    except OSError:
        return
