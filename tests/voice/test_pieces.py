from __future__ import annotations

import base64
from collections.abc import AsyncGenerator

from hypothesis import given
from hypothesis import strategies as st

from talkwire.voice.pieces import MOST_PIECE_BYTES, regrouped


async def _source(reads: list[bytes], closed: list[bool]) -> AsyncGenerator[bytes, None]:
    try:
        for read in reads:
            yield read
    finally:
        closed.append(True)


@given(st.lists(st.binary(max_size=20), max_size=12), st.sampled_from([3, 6, 12]))
async def test_the_base64_of_each_piece_is_decodable_by_itself(
    reads: list[bytes], most: int
) -> None:
    pieces = [piece async for piece in regrouped(_source(reads, []), most)]

    assert b"".join(pieces) == b"".join(reads)
    assert all(len(piece) % 3 == 0 for piece in pieces[:-1])
    assert all(0 < len(piece) <= most for piece in pieces)
    joined = "".join(base64.b64encode(piece).decode() for piece in pieces)
    assert base64.b64decode(joined) == b"".join(reads)


async def test_what_has_come_goes_on_before_the_next_read() -> None:
    closed: list[bool] = []
    pieces = regrouped(_source([b"1234", b"56"], closed))

    assert await anext(pieces) == b"123"
    await pieces.aclose()
    assert closed == [True]


async def test_a_large_read_is_parted() -> None:
    pieces = [p async for p in regrouped(_source([b"x" * 60_000], []))]

    assert [len(p) for p in pieces] == [MOST_PIECE_BYTES, MOST_PIECE_BYTES, 60_000 - 49_152]
