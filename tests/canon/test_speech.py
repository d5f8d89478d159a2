from __future__ import annotations

from talkwire.canon.speech import Sound


def test_how_long_a_piece_lasts_may_be_unknown() -> None:
    assert Sound(b"abc", "audio/mpeg") == Sound(b"abc", "audio/mpeg", 0.0)
