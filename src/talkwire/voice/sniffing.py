"""Which container a file is, by what stands in it; what it is called or declared to be is no word.

A demuxer's name is given for the six that are taken, nothing for all else: playlists, archives,
pages and films that only look like sound are never handed to a decoder.
"""

from __future__ import annotations

_EBML = b"\x1a\x45\xdf\xa3"
_BRANDS = frozenset(
    (b"M4A ", b"M4B ", b"mp41", b"mp42", b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"dash")
)


def container(audio: bytes) -> str | None:
    """`wav`, `mp3`, `ogg`, `matroska`, `flac` or `mov`; None for everything else."""
    head = audio[:64]
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"OggS":
        return "ogg"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] == _EBML and (b"webm" in head or b"matroska" in head):
        return "matroska"
    if head[4:8] == b"ftyp" and head[8:12] in _BRANDS:
        return "mov"
    return "mp3" if _is_mp3(audio) else None


def _is_mp3(audio: bytes) -> bool:
    """Whether an MPEG layer III frame stands at the start, or behind an ID3 tag."""
    at = 0
    if audio[:3] == b"ID3" and len(audio) > 10 and max(audio[6:10]) < 0x80:
        high, upper, lower, low = audio[6:10]
        at = 10 + (high << 21 | upper << 14 | lower << 7 | low)
        if audio[5] & 0x10:  # a footer
            at += 10
        while audio[at : at + 1] == b"\0" and at < len(audio):  # padding that was not counted
            at += 1
    return _is_frame(audio[at : at + 4])


def _is_frame(header: bytes) -> bool:
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return False
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bitrate, rate = header[2] >> 4, header[2] >> 2 & 3
    return version != 1 and layer == 1 and rate != 3 and 0 < bitrate < 15
