"""Files that are no sound, or less of it, or more of it, than they claim; by name, with their
answer. Made by code, all of them, from a seed.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tests.voice import sounds

UNDECODABLE, NO_SPEECH, TOO_LONG = "audio_undecodable", "no_speech", "audio_too_long"
ANY = "any 4xx"


class Hostile(NamedTuple):
    """A file; `name` and `kind` are what it claims to be. `code` is what has to come of it."""

    what: str
    audio: bytes
    code: str
    name: str = "speech.wav"
    kind: str = "audio/wav"


@cache
def hostile() -> tuple[Hostile, ...]:
    """All of them."""
    makers = (
        _no_sound,
        _playlists,
        _bare_magic,
        _false_headers,
        _cut,
        _silent,
        _long,
        _chains,
        _boxes,
    )
    return tuple(each for maker in makers for each in maker())


def _no_sound() -> Iterator[Hostile]:
    pixel = zlib.compress(b"\0\0\0\0")
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + bytes(17)
    png += struct.pack(">I", len(pixel)) + b"IDAT" + pixel
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("bomb", bytes(5_000_000))
    files = {
        "empty": b"",
        "one byte": b"R",
        "a program": b"MZ" + bytes(200) + b"PE\0\0" + bytes(500),
        "an ELF program": b"\x7fELF\x02\x01\x01" + bytes(400),
        "a picture": png,
        "a GIF": b"GIF89a" + bytes(100),
        "a JPEG": b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(100),
        "a zip bomb": archive.getvalue(),
        "a gzip": b"\x1f\x8b\x08" + bytes(100),
        "a page": b"<!doctype html><script>alert(1)</script>",
        "a PDF": b"%PDF-1.7\n" + bytes(200),
        "JSON": b'{"audio":"no"}',
        "text": b"hello, this is not audio\n" * 50,
        "zeros": bytes(10_000),
        "ones": b"\xff" * 10_000,
        "noise": random.Random(1).randbytes(10_000),
        "a shell script": b"#!/bin/sh\nrm -rf /\n",
        "an AVI": b"RIFF" + struct.pack("<I", 1000) + b"AVI " + bytes(1000),
        "a WebP": b"RIFF" + struct.pack("<I", 1000) + b"WEBP" + bytes(1000),
        "MIDI": b"MThd\0\0\0\x06\0\1\0\1\0\x60" + bytes(50),
        "AMR": b"#!AMR\n" + bytes(300),
        "a MPEG program stream": b"\x00\x00\x01\xba" + bytes(300),
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    }
    for what, audio in files.items():
        yield Hostile(what, audio, UNDECODABLE)


def _playlists() -> Iterator[Hostile]:
    hls = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n%b\n#EXT-X-ENDLIST\n"
    files = {
        "a playlist of a file": hls % b"file:///etc/passwd",
        "a playlist of a page": hls % b"http://127.0.0.1:1/secret",
        "a playlist of parts": hls % b"concat:file:///etc/passwd|file:///etc/hosts",
        "a concat script": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "a DASH manifest": b'<?xml version="1.0"?><MPD><BaseURL>file:///etc/passwd</BaseURL></MPD>',
        "an SDP": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
        "a cue sheet": b'FILE "/etc/passwd" WAVE\n  TRACK 01 AUDIO\n',
    }
    for what, audio in files.items():
        yield Hostile(what, audio, UNDECODABLE, "speech.m3u8", "application/vnd.apple.mpegurl")
    yield Hostile("a playlist behind WAV", b"RIFF\0\0\0\0WAVE" + hls % b"/etc/passwd", UNDECODABLE)
    yield Hostile("a playlist behind Ogg", b"OggS" + hls % b"/etc/passwd", UNDECODABLE)


def _bare_magic() -> Iterator[Hostile]:
    dice = random.Random(2)
    heads = {
        "wav": b"RIFF\xff\xff\xff\x7fWAVE",
        "mp3": b"\xff\xfb\x90\x64",
        "id3": b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
        "ogg": b"OggS\0\x02" + bytes(20) + b"\x01\x13OpusHead",
        "flac": b"fLaC\0\0\0\x22",
        "webm": b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm",
        "m4a": struct.pack(">I", 24) + b"ftypM4A \0\0\0\0M4A isom",
    }
    for kind, head in heads.items():
        yield Hostile(f"nothing behind {kind}", head, UNDECODABLE)
        yield Hostile(f"noise behind {kind}", head + dice.randbytes(20_000), ANY)


def _false_headers() -> Iterator[Hostile]:
    voice = sounds.syllables()
    yield Hostile("65535 channels", sounds.wav(voice, channels=65_535), UNDECODABLE)
    yield Hostile("9 channels", sounds.wav(voice * 9, channels=9), UNDECODABLE)
    yield Hostile("no channel", sounds.wav(voice, channels=0), UNDECODABLE)
    yield Hostile("0 Hz", sounds.wav(voice, rate=0), UNDECODABLE)
    yield Hostile("1 Hz", sounds.wav(voice, rate=1), UNDECODABLE)
    yield Hostile("4 GHz", sounds.wav(voice, rate=4_000_000_000), UNDECODABLE)
    yield Hostile("no bits", sounds.wav(voice, bits=0), UNDECODABLE)
    yield Hostile("65535 bits", sounds.wav(voice, bits=65_535), UNDECODABLE)
    yield Hostile("an unknown form", sounds.wav(voice, form=0x5A5A), UNDECODABLE)
    yield Hostile("a film's codec", sounds.wav(voice, form=0x0161), UNDECODABLE)
    yield Hostile("no samples, gigabytes claimed", sounds.wav(b"", data_bytes=2**32 - 2), ANY)
    huge = b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff\x01\x00\x01\x00"
    yield Hostile("a header of gigabytes", huge + voice[:2000], UNDECODABLE)


def _cut() -> Iterator[Hostile]:
    """So early that there is no sound yet."""
    for kind, at in (("wav", 20), ("ogg", 60), ("flac", 30), ("webm", 150), ("m4a", 40)):
        yield Hostile(f"a {kind} cut at {at}", _file(kind)[:at], UNDECODABLE)
    yield Hostile("an m4a without its end", _file("m4a")[:-900], UNDECODABLE)
    yield Hostile("an mp3 cut in its first frame", _file("mp3")[:120], ANY)


def _silent() -> Iterator[Hostile]:
    yield Hostile("silence", sounds.wav(sounds.quiet(3)), NO_SPEECH)
    yield Hostile("a hum", sounds.wav(sounds.tone(3, 50)), NO_SPEECH)
    yield Hostile("a whistle", sounds.wav(sounds.tone(3, 2000)), NO_SPEECH)
    yield Hostile("hiss", sounds.wav(sounds.hiss(2)), NO_SPEECH)
    yield Hostile("a click", sounds.wav(sounds.quiet(1) + b"\xff\x7f" + sounds.quiet(1)), NO_SPEECH)
    yield Hostile("a constant", sounds.wav(b"\x00\x40" * 32_000), NO_SPEECH)
    yield Hostile("whispered below hearing", sounds.wav(sounds.syllables(2, loud=0.001)), NO_SPEECH)
    yield Hostile("silence in opus", sounds.encoded("ogg", sounds.quiet(3)), NO_SPEECH)
    yield Hostile("20 ms", sounds.wav(sounds.tone(0.02)), NO_SPEECH)


def _long() -> Iterator[Hostile]:
    """Hours that take little room, and minutes of a header that claims seconds."""
    yield Hostile("10 h of flac", sounds.silent_flac(36_000), TOO_LONG)
    minute = sounds.written("ogg", "libopus", [sounds.quiet(60)], bit_rate=6_000)
    yield Hostile("10 h of opus, a minute after the other", minute * 600, TOO_LONG)
    yield Hostile("1 h of mp3", _silent_mp3() * (3_600_000 // 24), TOO_LONG)
    minutes = sounds.wav(bytes(8_000 * 2 * 150), rate=8_000, data_bytes=16_000)
    yield Hostile("minutes behind a second", minutes, NO_SPEECH)
    yield Hostile("11 minutes", sounds.wav(bytes(8_000 * 2 * 660), rate=8_000), TOO_LONG)


def _chains() -> Iterator[Hostile]:
    head = sounds.encoded("ogg", sounds.quiet(0.1))[:200]
    yield Hostile("a thousand heads of ogg", head * 1_000, ANY)
    page = b"OggS\0\x02" + bytes(20) + b"\xff" + b"\xff" * 255
    yield Hostile("pages within pages", page * 2_000, UNDECODABLE)
    frames = b"\xff\xfb\x90\x64" * 20_000
    yield Hostile("heads of mp3 without bodies", frames, ANY)
    blocks = b"fLaC" + (b"\x04\xff\xff\xff" + bytes(16)) * 500
    yield Hostile("comments of gigabytes", blocks, UNDECODABLE)
    masters = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm" + b"\x18\x53\x80\x67\x01" + b"\xff" * 7
    yield Hostile("masters within masters", masters + b"\x16\x54\xae\x6b\xff" * 5_000, UNDECODABLE)


def _boxes() -> Iterator[Hostile]:
    """MP4 is boxes in boxes; their sizes may lie."""
    ftyp = struct.pack(">I", 24) + b"ftypM4A \0\0\0\0M4A isom"
    nested = b""
    for _ in range(2_000):
        nested = struct.pack(">I", 8 + len(nested)) + b"moov" + nested
    files = {
        "moov in moov": nested,
        "a box of no size": struct.pack(">I", 1) + b"moov" + bytes(8),
        "a box to the end": struct.pack(">I", 0) + b"moov" + bytes(100),
        "a box of exabytes": struct.pack(">I", 1) + b"moov" + b"\x7f" + b"\xff" * 7,
        "a table of billions": _box(
            b"moov", _box(b"trak", _box(b"stsz", bytes(8) + b"\xff" * 4 + bytes(64)))
        ),
        "a reference to a file": _box(
            b"moov", _box(b"dinf", _box(b"dref", b"\0\0\0\0\0\0\0\1" + _url(b"file:///etc/passwd")))
        ),
    }
    for what, audio in files.items():
        yield Hostile(what, ftyp + audio, UNDECODABLE, "speech.m4a", "audio/mp4")


@cache
def flipped() -> tuple[Hostile, ...]:
    """Good files with bytes that are not theirs: some are sound still, and nobody knows which."""
    return tuple(_flipped())


def _flipped() -> Iterator[Hostile]:
    dice = random.Random(3)
    for kind in sounds.KINDS:
        good = sounds.encoded(kind, sounds.syllables(0.5))
        for flips in (5, 60):
            broken = bytearray(good)
            for _ in range(flips):
                broken[dice.randrange(12, len(broken))] = dice.randrange(256)
            yield Hostile(f"{kind} with {flips} bytes flipped", bytes(broken), ANY)


@cache
def _file(kind: str) -> bytes:
    return sounds.encoded(kind, sounds.syllables(1.0))


def _box(name: bytes, inner: bytes) -> bytes:
    return struct.pack(">I", 8 + len(inner)) + name + inner


def _url(where: bytes) -> bytes:
    return _box(b"url ", b"\0\0\0\0" + where + b"\0")


def _silent_mp3() -> bytes:
    """24 ms of silence in 96 bytes; see `voice/silence.py`."""
    return bytes.fromhex("fffb14c4").ljust(96, b"\0")
