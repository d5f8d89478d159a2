"""With the real program, where it is installed."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import uvloop

from talkwire.canon.errors import SpeechError
from talkwire.canon.speech import Sound
from talkwire.voice.ahead import Bounds
from talkwire.voice.encoding import Format
from talkwire.voice.espeak import Espeak, found, is_chinese
from tests.engine.fakes import until
from tests.voice.decoding import seconds

PROGRAM = shutil.which("espeak-ng") or ""
needs_it = pytest.mark.skipif(not PROGRAM, reason="espeak-ng is not installed")


def speak(voice: Espeak, *texts: str, voice_id: str = "x") -> AsyncGenerator[Sound, None]:
    async def each() -> AsyncGenerator[str, None]:
        for text in texts:
            yield text

    return voice.speak(each(), voice_id=voice_id, session_id="s")


def script(folder: Path, body: str) -> str:
    """A program that answers instead."""
    program = folder / "espeak-ng"
    program.write_text(f"#!/bin/sh\ncd {folder}\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    return str(program)


@needs_it
@pytest.mark.parametrize("wanted", ["wav", "mp3", "opus"])
async def test_english_and_mandarin_become_one_stream(wanted: Format) -> None:
    voice = Espeak(PROGRAM, format=wanted)
    texts = ("Hello, my friend.", "今天天气很好。", "See you [[h@'loU]] tomorrow.")
    sounds = [sound async for sound in speak(voice, *texts)]
    audio = b"".join(sound.data for sound in sounds)
    told_s = sum(sound.ms for sound in sounds) / 1000

    assert 3 < told_s < 12
    assert seconds(audio) == pytest.approx(told_s, abs=0.15)
    assert all(len(sound.data) % 3 == 0 for sound in sounds[:-1])


@needs_it
async def test_it_tells_what_voices_it_has() -> None:
    told = await Espeak(PROGRAM).check()
    assert "cmn" in told
    assert "en-us" in told
    assert found() == PROGRAM


def children(folder: Path) -> list[int]:
    """What still runs of a program that works in this folder."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if child.cwd() == str(folder):
                found.append(child.pid)
    return found


def asked(program: str) -> str:
    """How it was called."""
    return Path(program + ".asked").read_text()


VOICES = r"""case " $* " in
*--voices*) printf 'Pty Language Age\n 5 en-us M\n 5 cmn M\n 5 en-gb M\n';;
*) cat >/dev/null; echo "$*" >>"$0.asked"; printf 'no wav, no wav';; esac"""


@pytest.mark.parametrize(
    ("text", "voice_id", "spoken"),
    [
        ("Hello", "nora", "en-us"),
        ("你好", "nora", "cmn"),
        ("The word 你好", "nora", "cmn"),
        ("Hello", "en-gb", "en-gb"),
        ("Hello", "EN-GB+f3", "EN-GB+f3"),
        ("你好", "en-gb+f3", "cmn+f3"),
        ("Hello", "cmn", "en-us"),
        ("Hello", "fred", "en-gb+m2"),
        ("Hello", "en-gb/../x", "en-us"),
        ("Hello", "-f/etc/passwd", "en-us"),
        ("Hello", "", "en-us"),
    ],
)
async def test_the_voice_fits_the_text_and_only_known_ones_are_named(
    text: str, voice_id: str, spoken: str, tmp_path: Path
) -> None:
    program = script(tmp_path, VOICES)
    voice = Espeak(program, voices={"fred": "en-gb+m2"}, rate=200)
    with pytest.raises(SpeechError, match="WAV that was asked for"):
        _ = [sound async for sound in speak(voice, text, voice_id=voice_id)]

    assert asked(program) == f"-b 1 -s 200 --stdin --stdout -v {spoken}\n"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("exit 3", "status 3"),
        ("cat >/dev/null", "no audio"),
        ("exec sleep 60", "fell silent"),
        ("echo text, no wav", "WAV that was asked for"),
    ],
)
async def test_a_program_that_fails_is_one_error(body: str, told: str, tmp_path: Path) -> None:
    known = 'case "$*" in *--voices*) echo x; exit 0;; esac\n'
    voice = Espeak(script(tmp_path, known + body), idle_timeout_s=0.5)
    with pytest.raises(SpeechError, match=told):
        _ = [sound async for sound in speak(voice, "Hello")]
    assert children(tmp_path) == []


def test_a_program_that_ends_before_it_is_told_anything_is_one_error_on_every_loop(
    tmp_path: Path,
) -> None:
    program = script(tmp_path, "exit 0")

    async def often() -> None:
        for _ in range(20):
            with pytest.raises(SpeechError, match="no audio"):
                _ = [sound async for sound in speak(Espeak(program), "Hello")]

    asyncio.run(often())
    uvloop.run(often())


async def test_the_program_is_told_nothing_of_this_ones_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    program = script(tmp_path, 'env >"$0.asked"')

    with pytest.raises(SpeechError):
        _ = [sound async for sound in speak(Espeak(program), "Hello")]

    assert "canary" not in asked(program)
    assert "PATH=" in asked(program)


async def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(SpeechError, match="cannot be run"):
        await Espeak("/nowhere/espeak-ng").check()


async def test_closing_the_iterator_kills_the_process_and_no_more_run_than_may(
    tmp_path: Path,
) -> None:
    body = VOICES.replace("cat >/dev/null;", 'echo $$ >>"$0.pids"; exec sleep 60;')
    program = script(tmp_path, body)
    voice = Espeak(program, processes=2, bounds=Bounds(sentences=5))
    speech = speak(voice, "One.", "Two.", "Three.", "Four.")
    pids = Path(program + ".pids")
    waiting = asyncio.ensure_future(anext(speech))

    def running() -> list[int]:
        return [int(pid) for pid in pids.read_text().split()] if pids.exists() else []

    await until(lambda: len(running()) == 2)
    assert len(children(tmp_path)) == 2
    waiting.cancel()
    await asyncio.wait([waiting])
    await speech.aclose()

    assert len(running()) == 2
    for pid in running():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_chinese_is_what_has_chinese_in_it() -> None:
    assert all(map(is_chinese, ("你好", "用 Python", "say 你")))
    assert not any(map(is_chinese, ("Hello", "Привет", "かな", "", "1")))


async def test_a_program_that_is_left_with_much_to_say_is_still_closed(tmp_path: Path) -> None:
    program = tmp_path / "talks"
    program.write_text("#!/bin/sh\nexec head -c 3000000 /dev/zero\n")
    program.chmod(0o755)
    output = Espeak(str(program))._run("x")
    await anext(output)
    await asyncio.sleep(0.2)  # its pipe fills up, and is read no more
    async with asyncio.timeout(20):
        await output.aclose()
