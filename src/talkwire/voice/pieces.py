"""Regrouping a byte stream, so that the base64 of each piece can be decoded by itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

MOST_PIECE_BYTES = 24_576


async def regrouped(
    source: AsyncGenerator[bytes, None], most: int = MOST_PIECE_BYTES
) -> AsyncGenerator[bytes, None]:
    """The same bytes, each piece a multiple of 3 long except the last, none over `most`.

    What has come goes on at once; at most 2 bytes wait for the next read. `source` is closed
    with this iterator. `most` is a multiple of 3.
    """
    held = b""
    async with aclosing(source):
        async for read in source:
            held += read
            whole = len(held) - len(held) % 3
            for start in range(0, whole, most):
                yield held[start : min(start + most, whole)]
            held = held[whole:]
    if held:
        yield held
