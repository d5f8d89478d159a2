"""What every upstream codec shares: JSON out of frames, joined pieces, patience with garbage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from talkwire.canon.deltas import Delta, Reasoning, Text
from talkwire.canon.errors import ModelError, UpstreamInvalid
from talkwire.models._sse import Frame

BROKEN_FRAMES = 3
E = TypeVar("E")


class Reading(Generic[E]):
    """One stream being read. Feed it frames; it says deltas.

    `ahead` is what stands before the JSON of each word, where one API's words all begin alike.

    `done`: the protocol's own end was seen. `finishing`: all that matters was said, and the end
    may follow. `error`: the model failed; deltas of the same read were said before it. `broken`
    and `unknown` count frames that were skipped.
    """

    ahead = b""

    def __init__(self, decoder: msgspec.json.Decoder[E]) -> None:
        self.done = False
        self.finishing = False
        self.error: ModelError | None = None
        self.frames = 0
        self.broken = 0
        self.unknown = 0
        self._decode = decoder.decode
        self._type = decoder.type
        self._out: list[Delta] = []
        self._kind: type[Text] | type[Reasoning] = Text
        self._words: list[str] = []

    def take(self, frames: Sequence[Frame]) -> list[Delta]:
        """The deltas of some frames; adjacent text is one. Nothing is read after an end."""
        if self.done or self.error is not None:
            return []
        if len(frames) == 1:  # what a paced stream consists of
            self.frames += 1
            name, data = frames[0]
            if word := self.word(data):
                return [Text(word)]
            self._frame(name, data)
            return self._flushed()
        for name, data in frames:
            self.frames += 1
            if word := self.word(data):
                if self._kind is not Text:
                    self._join()
                    self._kind = Text
                self._words.append(word)
                continue
            if self._frame(name, data):
                break
        return self._flushed()

    def run(self, piece: bytes) -> list[Delta] | None:
        """The deltas of a piece of the stream that is whole frames of words and nothing else, as
        fast models send many of at a time: they are decoded as one array. None for any other.
        """
        ahead = self.ahead
        if not ahead or not piece.startswith(ahead) or not piece.endswith(b"\n\n"):
            return None
        array = piece[len(ahead) : -2].replace(b"\n\n" + ahead, b",")
        if b"\n" in array or b"\r" in array or self.done or self.error is not None:
            return None
        words = self.words(b"[%b]" % array)
        count = piece.count(b"\n\n")
        if words is None or len(words) != count or not all(words):
            return None
        self.frames += count
        return [Text("".join(words), count)]

    def words(self, array: bytes) -> list[str] | None:
        """What `word` tells of each value of a JSON array; None where one of them is no word."""
        return None

    def word(self, data: bytes) -> str | None:
        """The text of a frame that holds nothing else, as nearly all do; None for any other.

        Never raises: what cannot be read is looked at again, as a frame like any other.
        """
        raise NotImplementedError

    def event(self, name: bytes, event: E) -> None:
        """One frame's meaning."""
        raise NotImplementedError

    def closed(self) -> None:
        """`[DONE]` came."""
        raise NotImplementedError

    def end(self) -> list[Delta]:
        """The stream has ended: usage, if told, and `Finish`.

        :raises UpstreamIncomplete: it never said that it was finished.
        """
        raise NotImplementedError

    def misfit(self, data: bytes) -> bool:
        """A frame of valid JSON in a shape that is not known: True when it may be passed over."""
        return False

    def say(self, kind: type[Text] | type[Reasoning], words: str) -> None:
        """A piece of text or of thinking."""
        if kind is not self._kind:
            self._join()
            self._kind = kind
        self._words.append(words)

    def put(self, delta: Delta) -> None:
        """Anything else, in its place among the pieces."""
        self._join()
        self._out.append(delta)

    def _frame(self, name: bytes, data: bytes) -> bool:
        """Any frame; True when nothing is read after it."""
        try:
            event = self._decode(data)
        except (ValueError, RecursionError):
            if data == b"[DONE]":
                self.closed()
            else:
                self._mended(name, data)
        else:
            self.event(name, event)
        return self.done or self.error is not None

    def _join(self) -> None:
        words = self._words
        if words:
            count = len(words)
            self._out.append(self._kind(words[0] if count == 1 else "".join(words), count))
            words.clear()

    def _flushed(self) -> list[Delta]:
        self._join()
        out, self._out = self._out, []
        return out

    def _mended(self, name: bytes, data: bytes) -> None:
        """Lone surrogates and bytes that are no UTF-8 become U+FFFD; the rest is counted."""
        if not data.strip():
            return  # a heartbeat
        try:
            loose = json.loads(data.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            self._count_broken()
            return
        try:
            event = msgspec.convert(without_surrogates(loose), self._type)
        except (ValueError, RecursionError):
            if self.misfit(data):
                self.unknown += 1
            else:
                self._count_broken()
            return
        self.event(name, event)

    def _count_broken(self) -> None:
        self.broken += 1
        if self.broken >= BROKEN_FRAMES:
            self.error = UpstreamInvalid("The model's server sends broken JSON.")


def without_surrogates(value: object) -> object:
    """The JSON value with every lone surrogate replaced by U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(k): without_surrogates(v) for k, v in value.items()}
    return value
