from __future__ import annotations

import io
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.errors import SpeechError
from talkwire.voice.wav import Pcm, WavReader, header


def wav(samples: bytes, rate: int = 22_050, channels: int = 1, width: int = 2) -> bytes:
    """As the standard library writes it."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples)
    return out.getvalue()


def read(*pieces: bytes) -> list[Pcm]:
    reader = WavReader()
    return [pcm for piece in pieces if (pcm := reader.feed(piece))]


SAMPLES = bytes(range(200))
NOTED = wav(SAMPLES).replace(b"data", b"LIST\x03\0\0\0abc\0data", 1)


@pytest.mark.parametrize("channels", [1, 2])
@given(data=st.data())
def test_all_samples_come_however_the_bytes_do(channels: int, data: st.DataObject) -> None:
    whole = wav(SAMPLES, channels=channels)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    pieces = read(*parts)

    assert b"".join(pcm.data for pcm in pieces) == SAMPLES
    assert all((pcm.rate, pcm.channels) == (22_050, channels) for pcm in pieces)
    assert all(len(pcm.data) % (2 * channels) == 0 for pcm in pieces)


@pytest.mark.parametrize(
    "whole",
    [
        header(22_050, 1) + SAMPLES,
        wav(SAMPLES) + b"LIST\x04\0\0\0abcd",
        NOTED,
        wav(b"")[:-4] + b"\0\0\0\0" + SAMPLES,
        wav(b"")[:-4] + b"\x00\xf0\xff\x7f" + SAMPLES,
    ],
)
def test_its_length_is_taken_from_the_header_where_it_is_known_there(whole: bytes) -> None:
    assert b"".join(pcm.data for pcm in read(whole)) == SAMPLES


@pytest.mark.parametrize(
    "whole",
    [
        b"ID3\x04" + bytes(20),
        wav(SAMPLES, width=1),
        wav(SAMPLES, channels=2).replace(b"\x02\x00\x22\x56", b"\x09\x00\x22\x56"),
        wav(SAMPLES, rate=1_000),
        b"RIFF\0\0\0\0WAVEdata\0\0\0\0abcd",
        b"RIFF\0\0\0\0WAVELIST\xff\xff\xff\x7f" + bytes(10),
        b"RIFF\0\0\0\0WAVEfmt \x02\0\0\0\1\0data\0\0\0\0",
    ],
)
def test_what_is_no_wav_of_16_bit_is_refused(whole: bytes) -> None:
    with pytest.raises(SpeechError):
        read(whole)


def test_a_stream_that_has_a_header_can_be_opened_without_knowing_its_end() -> None:
    with wave.open(io.BytesIO(header(24_000, 1) + SAMPLES)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert file.readframes(1_000) == SAMPLES


def test_how_long_samples_last() -> None:
    assert Pcm(bytes(48_000), 24_000).seconds == 1
    assert Pcm(bytes(48_000), 24_000, 2).seconds == 0.5
