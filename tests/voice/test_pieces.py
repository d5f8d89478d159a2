from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.errors import SpeechError
from talkwire.canon.speech import Sound
from talkwire.voice.pieces import MOST_PIECE_BYTES, Pieces


@given(st.lists(st.binary(max_size=20), max_size=12))
def test_the_base64_of_each_piece_is_decodable_by_itself(reads: list[bytes]) -> None:
    reads.append(b"x")
    pieces = Pieces("m", max_bytes=1_000)
    sounds = [sound for read in reads for sound in pieces.add(read, 1.5)] + pieces.end()

    whole = [sound.data for sound in sounds if sound.data]
    assert all(len(data) % 3 == 0 for data in whole[:-1])
    joined = "".join(base64.b64encode(data).decode() for data in whole)
    assert base64.b64decode(joined) == b"".join(reads)
    assert sum(sound.ms for sound in sounds) == 1.5 * len(reads)


def test_what_has_come_goes_on_at_once() -> None:
    pieces = Pieces("m", max_bytes=10)

    assert pieces.add(b"1234", 2) == [Sound(b"123", "m", 2)]
    assert pieces.end() == [Sound(b"4", "m")]


def test_a_large_read_is_parted() -> None:
    sounds = Pieces("m", max_bytes=60_000).add(b"x" * 60_000)

    assert [len(s.data) for s in sounds] == [MOST_PIECE_BYTES, MOST_PIECE_BYTES, 60_000 - 49_152]


def test_time_without_bytes_is_told_at_the_end() -> None:
    pieces = Pieces("m", max_bytes=10)
    pieces.add(b"123")
    pieces.add(b"", 5)

    assert pieces.end() == [Sound(b"", "m", 5)]


def test_too_much_and_nothing_are_errors() -> None:
    with pytest.raises(SpeechError, match="more than 2 bytes"):
        Pieces("m", max_bytes=2).add(b"123")
    with pytest.raises(SpeechError, match="no audio"):
        Pieces("m", max_bytes=2).end()
