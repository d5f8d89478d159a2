from __future__ import annotations

import pytest

from talkwire.voice.sniffing import container
from tests.voice import sounds

NAMES = {"ogg": "ogg", "webm": "matroska", "m4a": "mov"}


@pytest.mark.parametrize("kind", sounds.KINDS)
def test_every_kind_is_known_by_what_stands_in_it(kind: str) -> None:
    assert container(sounds.encoded(kind, sounds.syllables(0.2))) == NAMES.get(kind, kind)


@pytest.mark.parametrize("length", range(12))
def test_a_few_bytes_are_nothing(length: int) -> None:
    assert container(b"RIFF\0\0\0\0WAVE"[:length]) is None
    assert container(b"ID3\x04\0\0\0\0\0\0\0\0"[:length]) is None


def test_an_mp3_is_found_behind_its_tag() -> None:
    frame = bytes.fromhex("fffb14c4").ljust(96, b"\0")

    assert container(b"ID3\x04\0\0\0\0\0\x05" + b"12345" + frame) == "mp3"
    assert container(b"ID3\x04\0\0\0\0\0\x05" + b"12345" + bytes(40) + frame) == "mp3"
    assert container(b"ID3\x04\0\x10\0\0\0\x05" + b"12345" + b"3DI4567890" + frame) == "mp3"
    assert container(b"ID3\x04\0\0\0\0\0\x05" + b"12345" + b"fLaC") is None
    assert container(b"ID3\x04\0\0\xff\xff\xff\xff" + frame) is None


@pytest.mark.parametrize(
    "header", ["fffa94c4", "fffd94c4", "fff994c4", "ffeb94c4", "fffbf4c4", "fffb04c4", "fffb9cc4"]
)
def test_bits_that_no_mp3_has_are_no_mp3(header: str) -> None:
    allowed = header == "fffa94c4"  # with a checksum

    assert (container(bytes.fromhex(header) + bytes(400)) == "mp3") is allowed


@pytest.mark.parametrize(
    "audio",
    [
        b"#EXTM3U\n",
        b"RIFF\0\0\0\0AVI ",
        b"\x1a\x45\xdf\xa3" + bytes(60),
        b"\0\0\0\x18ftypqt  ",
        b"\0\0\0\x18ftypavif",
        b"PK\x03\x04" + bytes(40),
        b"<html>",
    ],
)
def test_everything_else_is_refused(audio: bytes) -> None:
    assert container(audio) is None
