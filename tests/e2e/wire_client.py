"""A client that keeps the bytes: HTTP/1.1 and SSE by hand, so that nothing is repaired unseen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


class Broken(ConnectionError):
    """The connection ended inside of an answer, or the answer is not HTTP."""


@dataclass(frozen=True)
class Frame:
    """One SSE frame: its bytes as they came (without the blank line) and its fields."""

    raw: bytes
    fields: Mapping[str, str]

    @property
    def id(self) -> str | None:
        return self.fields.get("id")

    @property
    def number(self) -> int:
        """The n of `id: <turn>:<n>`."""
        return int(self.fields["id"].rpartition(":")[2])

    @property
    def event(self) -> str:
        return self.fields.get("event", "message")

    @property
    def data(self) -> Any:
        return json.loads(self.fields["data"])


@dataclass
class Answer:
    """Status and headers; the body is read by `body`, `json` or `frames`, once."""

    status: int
    headers: dict[str, str]
    _reader: asyncio.StreamReader = field(repr=False)
    whole: bool = False  # the body has come to its end in order

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. :raises Broken: it was cut."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int((await _line(self._reader)).split(b";")[0], 16):
                yield await _exactly(self._reader, size)
                await _line(self._reader)
            await _line(self._reader)
        elif (length := int(self.headers.get("content-length", "-1"))) >= 0:
            yield await _exactly(self._reader, length)
        elif self.status not in (204, 304):
            while data := await self._reader.read(65_536):
                yield data
        self.whole = True

    async def body(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])

    async def json(self) -> Any:
        return json.loads(await self.body())

    async def frames(self) -> AsyncIterator[Frame]:
        """Whole frames; comments alone are left out, a frame that is cut off is thrown away."""
        held = b""
        async for piece in self.pieces():
            held += piece
            *whole, held = held.split(b"\n\n")
            for raw in whole:
                if not all(line.startswith(b":") for line in raw.split(b"\n")):
                    yield parse(raw)


def parse(raw: bytes) -> Frame:
    """The fields of one frame; each name at most once, else it is no frame of ours."""
    fields: dict[str, str] = {}
    for line in raw.split(b"\n"):
        name, _, value = line.decode("utf-8").partition(":")
        if name:
            assert name not in fields, f"{name!r} twice in {raw!r}"
            fields[name] = value.removeprefix(" ")
    return Frame(raw, fields)


@asynccontextmanager
async def asking(
    port: int,
    method: str,
    path: str,
    *,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    within_s: float = 10.0,
) -> AsyncIterator[Answer]:
    """One request on a connection of its own; the block's end closes it.

    A body that is bytes is sent as it is, without a type of its own.
    :raises OSError: refused, reset, or `Broken` while the head comes; TimeoutError: no head.
    """
    raw = isinstance(body, bytes)
    payload = body if raw else b"" if body is None else json.dumps(body).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    if body is not None:
        head += [f"Content-Length: {len(payload)}"]
        head += [] if raw else ["Content-Type: application/json"]
    head += [f"{name}: {value}" for name, value in (headers or {}).items()]
    async with asyncio.timeout(within_s):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    try:
        async with asyncio.timeout(within_s):
            writer.write("\r\n".join([*head, "", ""]).encode() + payload)
            answer = await _head(reader)
        yield answer
    finally:
        writer.close()


async def ask(port: int, method: str, path: str, **given: Any) -> tuple[int, Any]:
    """Status and JSON body (None when there is none) of a request that is no stream."""
    async with asking(port, method, path, **given) as answer, asyncio.timeout(10):
        body = await answer.body()
        return answer.status, json.loads(body) if body else None


async def _head(reader: asyncio.StreamReader) -> Answer:
    words = (await _line(reader)).split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1."):
        raise Broken(f"not HTTP: {words!r}")
    headers: dict[str, str] = {}
    while line := await _line(reader):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return Answer(int(words[1]), headers, reader)


async def _line(reader: asyncio.StreamReader) -> bytes:
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise Broken("cut inside of a line")
    return line.rstrip(b"\r\n")


async def _exactly(reader: asyncio.StreamReader, size: int) -> bytes:
    try:
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as cut:
        raise Broken(f"cut after {len(cut.partial)} of {size} bytes") from cut
