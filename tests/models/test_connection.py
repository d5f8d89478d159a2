"""A connection belongs to one answer at a time."""

from __future__ import annotations

import asyncio
import socket

from talkwire.models._connection import Connection
from talkwire.models._rounds import Rounds


class Kept:
    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.left = 0

    def keep(self, connection: Connection) -> None:
        self.connections.append(connection)

    def leave(self) -> None:
        self.left += 1


async def test_a_connection_is_kept_after_a_whole_answer_and_told_left_once() -> None:
    ours, theirs = socket.socketpair()
    kept, loop = Kept(), asyncio.get_running_loop()
    theirs.setblocking(False)
    _, connection = await loop.create_connection(lambda: Connection(kept.keep, Rounds()), sock=ours)

    answer = connection.ask(b"GET /", first_s=2, idle_s=2, on_left=kept.leave)
    assert await loop.sock_recv(theirs, 100) == b"GET /"
    await loop.sock_sendall(theirs, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
    assert await answer.read() == b"hi"
    answer.close()
    answer.close()

    assert (kept.connections, kept.left, connection.reused) == ([connection], 1, True)
    theirs.close()
    connection.abort()


async def test_bytes_that_nobody_asked_for_close_the_connection() -> None:
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    theirs.setblocking(False)
    _, connection = await loop.create_connection(
        lambda: Connection(lambda _: None, Rounds()), sock=ours
    )

    await loop.sock_sendall(theirs, b"HTTP/1.1 408 Request Timeout\r\n\r\n")

    assert await asyncio.wait_for(loop.sock_recv(theirs, 1), 5) == b""
    assert not connection.open
    theirs.close()
