"""A server that speaks OpenAI's transcription API over a real socket.

What it answers is a test's to say: a text, a status, a document, a silence. `recognised` really
listens.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tests.e2e.listening import Listening


@dataclass
class Asked:
    """One request: its head, the fields of its form, and the sound in it."""

    head: str
    fields: dict[str, str] = field(default_factory=dict)
    audio: bytes = b""
    given_up: bool = False


@dataclass(frozen=True)
class Reply:
    """What is answered. `then` is `end`, `stall` (before anything is said), `cut` or `flood`."""

    body: bytes = b""
    status: int = 200
    then: str = "end"


Respond = Callable[[Asked], Reply]


def text(said: str, language: str | None = "english") -> Reply:
    """A verbose answer."""
    document: dict[str, Any] = {"task": "transcribe", "duration": 1.5, "text": said}
    if language is not None:
        document["language"] = language
    return Reply(json.dumps(document).encode())


def recognised(asked: Asked) -> Reply:
    """English, as PocketSphinx understands it; a few Mandarin words for everything in `zh`."""
    if asked.fields.get("language") == "zh":
        return text("今天天气怎么样", "chinese")
    import pocketsphinx

    decoder = pocketsphinx.Decoder(samprate=16_000, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(asked.audio[44:], full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return text(found.hypstr if found else "")


class HearingServer(Listening):
    """`async with HearingServer(respond) as server`: `server.base_url` goes into the settings."""

    def __init__(self, respond: Respond = recognised) -> None:
        super().__init__()
        self.respond = respond
        self.asked: list[Asked] = []

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        body = await _body(reader, head)
        asked = Asked(head, *_form(head, body))
        self.asked.append(asked)
        reply = await asyncio.to_thread(self.respond, asked)
        if reply.then == "stall":
            await reader.read()
            asked.given_up = True
            return
        length = len(reply.body) + (9 if reply.then == "cut" else 0)
        writer.write(
            f"HTTP/1.1 {reply.status} X\r\nContent-Type: application/json\r\n"
            f"Content-Length: {10**9 if reply.then == 'flood' else length}\r\n"
            "Connection: close\r\n\r\n".encode()
            + reply.body
        )
        while reply.then == "flood":
            writer.write(b" " * 65_536)
            await writer.drain()
        await writer.drain()


async def _body(reader: asyncio.StreamReader, head: str) -> bytes:
    length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
    if length is not None:
        return await reader.readexactly(int(length[1]))
    if not re.search(r"(?i)\r\ntransfer-encoding: *chunked", head):
        return b""
    pieces = []
    while size := int(await reader.readline(), 16):
        pieces.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(pieces)


def _form(head: str, body: bytes) -> tuple[dict[str, str], bytes]:
    kind = re.search(r"(?i)\r\n(content-type: *multipart/[^\r]+)", head)
    if kind is None:
        return {}, b""
    message = BytesParser(policy=HTTP).parsebytes(kind[1].encode() + b"\r\n\r\n" + body)
    fields, audio = {}, b""
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if name == "file":
            audio = content
        else:
            fields[str(name)] = content.decode()
    return fields, audio


@contextmanager
def listens(respond: Respond = recognised) -> Iterator[HearingServer]:
    """The server for fixtures that have no event loop: it has one of its own."""
    server = HearingServer(respond)
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        async with server:
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield server
    finally:
        stop.set()
        thread.join(10)
