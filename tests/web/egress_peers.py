"""Whom a request must not reach, and who says where names lead: real sockets on loopback."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

A, AAAA = 1, 28
PAGE = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 6\r\n\r\nsecret"


@dataclass
class Private:
    """A server that nobody outside may reach. Counts connections, keeps what was sent."""

    answer: bytes = PAGE
    accepted: int = 0
    heard: list[bytes] = field(default_factory=list)
    port: int = 0
    hangs: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            self.heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.answer)
            await writer.drain()
            if self.hangs:
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(host: str, answer: bytes = PAGE) -> AsyncIterator[Private]:
    """A private server at `host`, on a port of its own."""
    private = Private(answer)
    async with await asyncio.start_server(private.serve, host, 0) as server:
        private.port = server.sockets[0].getsockname()[1]
        yield private


@dataclass
class Names(asyncio.DatagramProtocol):
    """A DNS server. Each name has answers, one after another; the last one stays."""

    zone: dict[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    address: tuple[str, int] = ("", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        name, end = _name(data, 12)
        (kind,) = struct.unpack_from("!H", data, end)
        answers = self._answers(name, kind)
        question = data[12 : end + 4]
        flags = 0x8180 if name in self.zone else 0x8183
        header = struct.pack(
            "!HHHHHH", *struct.unpack_from("!H", data), flags, 1, len(answers), 0, 0
        )
        self._transport.sendto(header + question + b"".join(answers), sender)

    def _answers(self, name: str, kind: int) -> list[bytes]:
        turns = self.zone.get(name, [[]])
        told = turns[min(self.asked[name] // 2, len(turns) - 1)]  # both kinds are asked each time
        self.asked[name] += 1
        packed = [ipaddress.ip_address(text).packed for text in told]
        fitting = [each for each in packed if len(each) == (4 if kind == A else 16)]
        return [
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(each)) + each for each in fitting
        ]

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Ask this server by UDP, as a resolver does: fits the policy's `Resolve`."""
        loop = asyncio.get_running_loop()
        found: list[str] = []
        for number, kind in enumerate((A, AAAA)):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
                asking.setblocking(False)
                await loop.sock_connect(asking, self.address)
                await loop.sock_sendall(asking, _query(number, host, kind))
                found += _told(await asyncio.wait_for(loop.sock_recv(asking, 4096), 5))
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return found


@asynccontextmanager
async def answering(zone: dict[str, Sequence[Sequence[str]]]) -> AsyncIterator[Names]:
    """A DNS server for this zone."""
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(
        lambda: Names(zone), local_addr=("127.0.0.1", 0)
    )
    try:
        yield names
    finally:
        transport.close()


def _query(number: int, host: str, kind: int) -> bytes:
    labels = b"".join(bytes([len(each)]) + each.encode() for each in host.split("."))
    header = struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0)
    return header + labels + b"\0" + struct.pack("!HH", kind, 1)


def _name(data: bytes, at: int) -> tuple[str, int]:
    labels = []
    while (length := data[at]) != 0:
        labels.append(data[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels), at + 1


def _told(data: bytes) -> list[str]:
    (count,) = struct.unpack_from("!H", data, 6)
    at = _name(data, 12)[1] + 4
    found = []
    for _ in range(count):
        (length,) = struct.unpack_from("!H", data, at + 10)
        found.append(str(ipaddress.ip_address(data[at + 12 : at + 12 + length])))
        at += 12 + length
    return found
