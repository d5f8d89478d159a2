from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.voice.mp3 import Mp3Frames
from talkwire.voice.silence import FRAME, FRAME_MS

ID3 = b"ID3\x04\0\0" + bytes([0, 0, 1, 0]) + bytes(128)
XING = FRAME[: 4 + 17] + b"Xing" + FRAME[4 + 17 + 4 :]
LOW = bytes.fromhex("fff384c4").ljust(192, b"\0")  # MPEG-2, 64 kbit/s, 24 kHz, mono


def framed(*pieces: bytes) -> tuple[bytes, float]:
    frames = Mp3Frames()
    got = b"".join(frames.feed(piece) for piece in pieces) + frames.end()
    return got, frames.ms


@pytest.mark.parametrize(
    "whole",
    [
        FRAME * 5,
        ID3 + FRAME * 5,
        ID3 + XING + FRAME * 5,
        FRAME * 5 + b"TAG" + bytes(125),
        FRAME * 2 + b"garbage" + FRAME * 3,
        FRAME * 5 + FRAME[:50],
    ],
)
@given(data=st.data())
def test_the_frames_are_all_that_is_left_however_the_bytes_come(
    whole: bytes, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    got, ms = framed(*parts)
    assert got == FRAME * 5
    assert ms == pytest.approx(5 * FRAME_MS)


def test_other_rates_have_frames_of_other_lengths() -> None:
    got, ms = framed(LOW * 4)

    assert got == LOW * 4
    assert ms == pytest.approx(4 * 24)


def test_what_is_no_mp3_is_passed_on_as_it_is() -> None:
    assert framed(b"OggS", bytes(100), FRAME) == (b"OggS" + bytes(100) + FRAME, 0)
    assert framed(b"abc") == (b"abc", 0)
    assert framed(b"") == (b"", 0)
