"""Speech without a service: the program espeak-ng, as a process a sentence.

It is under the GPL and stays a program apart. English or Mandarin is chosen by what a sentence is
written in. The text goes through stdin: what stands on a command line can be seen by others.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from contextlib import aclosing, suppress
from typing import TypeVar

from talkwire.canon.errors import SpeechError
from talkwire.canon.speech import Sound
from talkwire.voice.ahead import Bounds, in_order
from talkwire.voice.encoding import Format, available, encoded
from talkwire.voice.wav import Pcm, WavReader

PROGRAM = "espeak-ng"
_ENGLISH, _MANDARIN = "en-us", "cmn"
_FITTING = ("en", "cmn")
_WIDE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_NAME = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*(\+[A-Za-z0-9_]+)?")
_READ_BYTES = 16_384
Done = TypeVar("Done")


def found() -> str | None:
    """Where the program is."""
    return shutil.which(PROGRAM)


class Espeak:
    """Fits the engine's `Speech`. `voices` are the program's by the ids that clients use; an id
    that is neither there nor the program's own is spoken in the usual voice. At most `processes`
    run at once.
    """

    whole = False

    def __init__(
        self,
        program: str,
        *,
        voices: Mapping[str, str] | None = None,
        rate: int = 175,
        format: Format = "mp3",
        processes: int = 4,
        idle_timeout_s: float = 30.0,
        max_bytes: int = 10_485_760,
        bounds: Bounds | None = None,
    ) -> None:
        self._program = program
        self._voices = dict(voices or {})
        self._rate = rate
        self._format = available(format)
        self._idle_timeout_s = idle_timeout_s
        self._max_bytes = max_bytes
        self._bounds = bounds or Bounds()
        self._running = asyncio.Semaphore(processes)
        self._known: frozenset[str] | None = None

    def speak(
        self, text: str | AsyncIterator[str], *, voice_id: str, session_id: str
    ) -> AsyncGenerator[Sound, None]:
        """The speech of sentences as one stream. Closing the iterator ends the processes.

        :raises SpeechError: the program fails, or the speech gets too long.
        """
        texts = _alone(text) if isinstance(text, str) else text

        def say(text: str) -> AsyncGenerator[Pcm, None]:
            return self._say(text, voice_id)

        told = in_order(texts, say, self._bounds, lasts=lambda pcm: pcm.seconds)
        return encoded(told, self._format, max_bytes=self._max_bytes)

    async def check(self) -> str:
        """The program, and its voices of use. :raises SpeechError: it does not run, or has none."""
        fitting = sorted(each for each in await self._names() if each.startswith(_FITTING))
        if not fitting:
            raise SpeechError(f"{self._program} has no voices.")
        return f"{self._program}: {', '.join(fitting)}"

    async def close(self) -> None:
        """Nothing is open: each process ends with its sentence."""

    async def _say(self, text: str, voice_id: str) -> AsyncGenerator[Pcm, None]:
        # Who comes first runs first: a sentence that is ahead never keeps an earlier one waiting.
        async with self._running:
            voice = await self._voice(text, voice_id)
            reader = WavReader()
            async with aclosing(self._run(text, "--stdin", "--stdout", "-v", voice)) as output:
                async for read in output:
                    if pcm := reader.feed(read):
                        yield pcm

    async def _run(self, text: str, *options: str) -> AsyncGenerator[bytes, None]:
        """What the program writes. It is killed when the iterator is closed."""
        try:
            process = await asyncio.create_subprocess_exec(
                self._program,
                *("-b", "1", "-s", str(self._rate), *options),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},  # there are keys in this process's own
            )
        except OSError as error:
            raise SpeechError(f"{PROGRAM} cannot be run ({type(error).__name__}).") from None
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both were asked for")
        try:
            # It may have ended already; uvloop says so by a RuntimeError.
            with suppress(ConnectionError, RuntimeError):
                process.stdin.write(_plain(text).encode())
                process.stdin.close()
            while read := await self._in_time(process.stdout.read(_READ_BYTES)):
                yield read
            status = await self._in_time(process.wait())
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            # What it has said is read to its end: a pipe that is full hides that it was closed.
            while await process.stdout.read(_READ_BYTES):
                pass
            await process.wait()
        if status != 0:
            raise SpeechError(f"{PROGRAM} failed with status {status}.")

    async def _in_time(self, work: Awaitable[Done]) -> Done:
        try:
            async with asyncio.timeout(self._idle_timeout_s):
                return await work
        except TimeoutError:
            raise SpeechError(f"{PROGRAM} fell silent.") from None

    async def _voice(self, text: str, voice_id: str) -> str:
        """The program's voice for a sentence: of the id, in the language of the text."""
        named = self._voices.get(voice_id, voice_id)
        language, _, variant = named.partition("+")
        usual = _MANDARIN if is_chinese(text) else _ENGLISH
        if _NAME.fullmatch(named) is None or language.lower() not in await self._names():
            return usual
        fits = language.lower().startswith("cmn") == (usual == _MANDARIN)
        language = language if fits else usual
        return f"{language}+{variant}" if variant else language

    async def _names(self) -> frozenset[str]:
        """The languages that the program has voices for."""
        if self._known is None:
            said = b""
            async with aclosing(self._run("", "--voices")) as output:
                async for read in output:
                    said += read
            rows = [line.split() for line in said.decode(errors="replace").splitlines()[1:]]
            self._known = frozenset(row[1].lower() for row in rows if len(row) > 1)
        return self._known


def is_chinese(text: str) -> bool:
    """Whether any of it is written in Chinese: the program's Mandarin reads Latin words too."""
    return _WIDE.search(text) is not None


def _plain(text: str) -> str:
    """The text without what the program would take for orders: phonemes in double brackets."""
    return text.replace("[[", "[ [").replace("\0", " ")


async def _alone(text: str) -> AsyncGenerator[str, None]:
    yield text
