"""A clone service on a real socket that fails in the way it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Script = Callable[["CloneServer", asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass
class CloneServer:
    """What was asked, in order. `go_on` is for scripts that wait for the test."""

    url: str
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def clone_server(script: Script | None = None) -> AsyncIterator[CloneServer]:
    """Runs `script` for each request after having read it whole; without one, speaks 9 bytes."""

    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            pairs = (line.partition(": ") for line in head[1:] if line)
            headers = {name.lower(): value for name, _, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            server.requests.append((head[0], headers, json.loads(body) if body else None))
            await (script or _nine)(server, writer)
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    server = CloneServer(f"http://127.0.0.1:{port}")
    try:
        yield server
    finally:
        server.go_on.set()
        listening.close()
        for writer in writers:
            writer.close()


async def _nine(server: CloneServer, writer: asyncio.StreamWriter) -> None:
    writer.write(OK + chunk(b"123456789") + END)
    await writer.drain()
