from __future__ import annotations

import pytest

from bench.frames import script
from bench.tally import Tally


def _tally() -> Tally:
    return Tally(b"output_text.done", b"response.completed")


@pytest.mark.parametrize("size", [1, 2, 7, 64, 100_000])
def test_tokens_are_counted_once_wherever_the_bytes_are_cut(size: int) -> None:
    whole = script("responses", "bench-n33-i0", with_usage=False)
    data = whole.opening + b"".join(whole.writes) + whole.closing
    tally = _tally()
    fresh = sum(tally.feed(data[i : i + size]) for i in range(0, len(data), size))
    assert (fresh, tally.fault(33)) == (33, None)


def test_a_short_stream_is_a_fault() -> None:
    tally = _tally()
    tally.feed(b"~~ output_text.done ~~ response.completed")
    assert tally.fault(3) == "expected 3 tokens, counted 2"


def test_a_stream_without_its_terminal_frame_is_a_fault() -> None:
    tally = _tally()
    tally.feed(b"~~ output_text.done ~~")
    assert tally.fault(2) == "no 'response.completed' at the end"
