"""English speech to text without a service: PocketSphinx, in a process of its own.

It needs no network and no weights but those in its package, and understands far less than a
service does: good for trying things out, and for a few clear words.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from talkwire.canon.errors import HearingError
from talkwire.canon.hearing import Heard
from talkwire.voice import _sphinx_child as child
from talkwire.voice.children import Children, Overrun

_PROGRAM = Path(child.__file__)
_MOST_BYTES = 262_144


def installed() -> bool:
    """Whether there is a PocketSphinx to listen with."""
    return importlib.util.find_spec("pocketsphinx") is not None


class SphinxHearing:
    """Fits the engine's `Hearing`."""

    def __init__(self, children: Children, *, timeout_s: float = 120.0) -> None:
        self._children = children
        self._timeout_s = timeout_s

    async def hear(self, audio: bytes, *, language: str | None) -> Heard:
        """The English text of a WAV. Words of another language come out as English ones, so that
        it is refused where the speaker says that it is another one.

        :raises HearingError: `language_unsupported`, or it failed.
        :raises Unavailable: too much is listened to already.
        """
        if language is not None and language.lower().partition("-")[0] != "en":
            raise _only_english()
        try:
            ended = await self._children.run(
                _PROGRAM, [], audio, timeout_s=self._timeout_s, most_bytes=_MOST_BYTES
            )
        except Overrun:
            raise HearingError("The speech took too long to be understood here.") from None
        if ended.status == child.MISSING:
            raise HearingError("PocketSphinx is not installed (pip install 'talkwire[voice]').")
        if ended.status != child.OK:
            raise HearingError("The program that listens has failed.")
        return Heard(ended.out.decode("utf-8", "replace").strip(), "en")

    async def check(self) -> str:
        """A short line for people. :raises HearingError: it is not installed."""
        if not installed():
            raise HearingError("PocketSphinx is not installed (pip install 'talkwire[voice]').")
        return "PocketSphinx on this machine: English only, and a few clear words of it"

    async def close(self) -> None:
        """Nothing is open."""


def _only_english() -> HearingError:
    error = HearingError(
        "This server understands spoken English only; configure voice.hearing.base_url for other"
        " languages.",
        code="language_unsupported",
        param="language",
    )
    error.status, error.retryable = 422, False
    return error
