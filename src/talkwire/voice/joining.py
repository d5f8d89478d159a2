"""MP3 of several requests as one stream, frame by frame: nothing is decoded."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from talkwire.canon.speech import Sound
from talkwire.voice.ahead import Bounds, in_order
from talkwire.voice.mp3 import Mp3Frames
from talkwire.voice.pieces import Pieces

MIME = "audio/mpeg"
Asked = Callable[[str], AsyncGenerator[bytes, None]]
_Piece = tuple[bytes, float]  # with how many milliseconds it lasts


async def as_it_is(source: AsyncGenerator[bytes, None], *, max_bytes: int) -> AsyncGenerator[Sound]:
    """One request's audio to the byte; how long it lasts is known where it is MP3."""
    pieces, frames = Pieces(MIME, max_bytes=max_bytes), Mp3Frames()
    async with aclosing(source):
        async for read in source:
            before = frames.ms
            frames.feed(read)
            for sound in pieces.add(read, frames.ms - before):
                yield sound
    for sound in pieces.end():
        yield sound


async def joined(
    texts: AsyncIterator[str], ask: Asked, bounds: Bounds, *, max_bytes: int
) -> AsyncGenerator[Sound]:
    """The audio of each text, one after the other, as one stream.

    :raises SpeechError: as `ask` does, and where the stream gets too long.
    """
    pieces = Pieces(MIME, max_bytes=max_bytes)

    async def say(text: str) -> AsyncGenerator[_Piece, None]:
        frames = Mp3Frames()
        async with aclosing(ask(text)) as source:
            async for read in source:
                before = frames.ms
                if data := frames.feed(read):
                    yield data, frames.ms - before
        if data := frames.end():
            yield data, 0.0

    async with aclosing(in_order(texts, say, bounds, lasts=lambda piece: piece[1] / 1000)) as told:
        async for data, ms in told:
            for sound in pieces.add(data, ms):
                yield sound
    for sound in pieces.end():
        yield sound
