"""The decoder says the same however the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.errors import UpstreamInvalid
from talkwire.models._sse import FRAME_BYTES, Decoder, Frame

STREAM = (
    "\ufeff: hello\n\nevent: a\ndata: {}\n\ndata: 你好 😀\n\n\n\ndata:tight\ndata: two\n\n"
    "id: 7\nretry: 3\nevent: named\ndata\n\nevent: no data\n\n: note\ndata: after a note\n\n"
    "data: [DONE]\n\n"
)
FRAMES: list[Frame] = [
    (b"a", b"{}"),
    (b"", "你好 😀".encode()),
    (b"", b"tight\ntwo"),
    (b"named", b""),
    (b"", b"after a note"),
    (b"", b"[DONE]"),
]


def decoded(*chunks: bytes) -> list[Frame]:
    decoder = Decoder()
    return [frame for chunk in chunks for frame in decoder.feed(chunk)] + decoder.end()


@st.composite
def cuts(draw: st.DrawFn, body: bytes) -> list[bytes]:
    at = sorted(draw(st.sets(st.integers(0, len(body)), max_size=40)))
    return [body[a:b] for a, b in zip([0, *at], [*at, len(body)], strict=True)]


@given(st.data(), st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_split_and_any_line_end_decode_alike(data: st.DataObject, end: str) -> None:
    body = STREAM.replace("\n", end).encode()

    assert decoded(*data.draw(cuts(body))) == FRAMES


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_by_byte_decodes_alike(end: str) -> None:
    body = STREAM.replace("\n", end).encode()

    assert decoded(*(body[k : k + 1] for k in range(len(body)))) == FRAMES


@given(st.lists(st.sampled_from(["data: x", "event: y", ":", "", "\n", "\r", "da", "ta:"])))
def test_a_split_never_changes_what_comes_out(pieces: list[str]) -> None:
    body = "".join(pieces).encode()

    assert decoded(*(body[k : k + 1] for k in range(len(body)))) == decoded(body)


def test_the_last_event_needs_no_blank_line() -> None:
    assert decoded(b"data: [DONE]") == [(b"", b"[DONE]")]


def test_a_line_over_the_limit_is_refused_before_it_ends() -> None:
    decoder = Decoder()

    for _ in range(FRAME_BYTES // 65_536 - 1):
        decoder.feed(b"x" * 65_536)
    with pytest.raises(UpstreamInvalid):
        decoder.feed(b"x" * 131_073)


@pytest.mark.parametrize("body", [b"", b"<html>", b' {"error": 1}'])
def test_what_is_no_event_stream_is_told(body: bytes) -> None:
    decoder = Decoder()
    decoder.feed(body)

    assert decoder.foreign
