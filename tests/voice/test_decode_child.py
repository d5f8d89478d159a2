from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from talkwire.voice import _decode_child as child
from tests.voice import sounds

PROGRAM = Path(child.__file__)
MEMORY = 1 << 30


def _run(kind: str, audio: bytes, *, most_ms: int = 600_000) -> tuple[int, bytes]:
    arguments = [kind, str(most_ms), str(MEMORY), "20"]
    ended = subprocess.run(
        [sys.executable, "-P", str(PROGRAM), *arguments],
        input=audio,
        capture_output=True,
        check=False,
        timeout=50,
    )
    return ended.returncode, ended.stdout


def _confined(code: str) -> tuple[int, str]:
    """What code does once it is confined."""
    source = (
        f"import sys; sys.path.insert(0, {str(PROGRAM.parent)!r})\n"
        f"import socket\nimport _decode_child as child\nchild.confine({MEMORY}, 1)\n"
        f"try:\n    {code}\nexcept BaseException as error:\n    print(type(error).__name__)\n"
    )
    command: Sequence[str] = [sys.executable, "-c", source]
    ended = subprocess.run(command, capture_output=True, check=False, text=True, timeout=30)
    return ended.returncode, ended.stdout.strip()


def test_sound_comes_out_as_samples() -> None:
    status, out = _run("wav", sounds.wav(sounds.syllables(0.5, rate=8_000), rate=8_000))

    assert status == child.OK
    assert abs(len(out) / 2 / child.RATE - 0.5) < 0.01


def test_a_file_that_was_cut_is_decoded_up_to_there() -> None:
    whole = sounds.encoded("ogg", sounds.syllables(3.0))

    status, out = _run("ogg", whole[: len(whole) * 2 // 3])

    assert status == child.OK
    assert 0.5 < len(out) / 2 / child.RATE < 2.9


def test_it_stops_where_it_may_be_no_longer() -> None:
    assert _run("flac", sounds.silent_flac(3_600), most_ms=5_000)[0] == child.TOO_LONG


def test_no_sound_is_told_by_the_status() -> None:
    assert _run("wav", b"RIFF\0\0\0\0WAVE") == (child.UNDECODABLE, b"")


def test_only_the_container_that_was_named_is_tried() -> None:
    assert _run("wav", sounds.encoded("flac", sounds.syllables(0.2)))[0] == child.UNDECODABLE


def test_what_goes_on_and_on_is_ended_by_the_system() -> None:
    assert _confined("while True: pass")[0] < 0


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("open('/etc/hostname')", "OSError"),
        ("socket.socket()", "OSError"),
        (f"bytearray({2 * MEMORY})", "MemoryError"),
    ],
)
def test_what_is_given_up_does_not_come_back(code: str, said: str) -> None:
    assert _confined(code) == (0, said)


def test_without_its_library_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "av.py").write_text("raise ImportError", "utf-8")
    monkeypatch.setenv("PYTHONPATH", os.fspath(tmp_path))

    assert _run("wav", b"") == (child.MISSING, b"")


def test_this_process_is_not_confined() -> None:
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 3
