"""An OpenAI-compatible speech service on a real socket that does what it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from talkwire.voice.silence import FRAME
from tests.voice.decoding import wav

OK = (
    b"HTTP/1.1 200 OK\r\nContent-Type: audio/x\r\nConnection: close\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"
FRAMES_A_SENTENCE = 25  # of MP3: 600 ms
WAV_S = 0.6


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def audio(asked: dict[str, Any]) -> bytes:
    """What a sentence sounds like: 600 ms, whatever it says."""
    return wav(WAV_S) if asked["response_format"] == "wav" else FRAME * FRAMES_A_SENTENCE


@dataclass
class SpeechService:
    """What was asked, in order; how many requests are under way, and how many were cut off by the
    client. `go_on` is for scripts that wait for the test.
    """

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    running: int = 0
    most: int = 0
    cut: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)


Script = Callable[[SpeechService, dict[str, Any], asyncio.StreamWriter], Awaitable[None]]


async def speaks(service: SpeechService, asked: dict[str, Any], to: asyncio.StreamWriter) -> None:
    """The whole of it, in pieces."""
    to.write(OK)
    sound = audio(asked)
    for start in range(0, len(sound), 1_000):
        to.write(chunk(sound[start : start + 1_000]))
    to.write(END)


async def stalls(service: SpeechService, asked: dict[str, Any], to: asyncio.StreamWriter) -> None:
    """A beginning, and nothing more until the test says so."""
    to.write(OK + chunk(audio(asked)[:500]))
    await service.go_on.wait()


async def cuts(service: SpeechService, asked: dict[str, Any], to: asyncio.StreamWriter) -> None:
    """A beginning, and the end of the connection."""
    to.write(OK + chunk(audio(asked)[:500]))


def answers(status: int, media_type: str = "application/json") -> Script:
    """An error, with a body that nobody may see."""

    async def script(
        service: SpeechService, asked: dict[str, Any], to: asyncio.StreamWriter
    ) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {media_type}\r\nContent-Length: 6\r\n\r\n"
        to.write(head.encode() + b"secret")

    return script


@asynccontextmanager
async def speech_service(script: Script = speaks) -> AsyncIterator[SpeechService]:
    """Runs `script` for each request after having read it whole."""
    service, serving = SpeechService(), set[asyncio.Task[Any]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            serving.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in head[1:])}
            asked = json.loads(await reader.readexactly(int(headers["content-length"])))
            service.asked.append(asked)
            service.keys.append(headers.get("authorization", ""))
            service.running += 1
            service.most = max(service.most, service.running)
            try:
                await _unless_gone(script(service, asked, writer), reader, service)
                await writer.drain()
            finally:
                service.running -= 1
                writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield service
    finally:
        service.go_on.set()
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _unless_gone(
    work: Awaitable[None], reader: asyncio.StreamReader, service: SpeechService
) -> None:
    """Do it until the client goes away."""
    doing, gone = asyncio.ensure_future(work), asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait([doing, gone], return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            service.cut.set()
    finally:
        for each in (doing, gone):
            each.cancel()
        await asyncio.gather(doing, gone, return_exceptions=True)
