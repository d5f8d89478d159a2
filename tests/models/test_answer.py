"""An answer fed by hand: time, limits and rude endings."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from talkwire.canon.errors import (
    ModelError,
    UpstreamIncomplete,
    UpstreamInvalid,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from talkwire.models._answer import HELD_BYTES, Answer, Enough
from talkwire.models._rounds import Rounds

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


class Wire:
    """A connection that only remembers what it was told."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.rounds = Rounds()
        self.said: list[str] = []

    def abort(self) -> None:
        self.said.append("abort")

    def pause(self) -> None:
        self.said.append("pause")

    def resume(self) -> None:
        self.said.append("resume")

    def left(self, answer: Answer, *, keep: bool) -> None:
        self.said.append("keep" if keep else "drop")


def made(first_s: float = 2, idle_s: float = 2) -> tuple[Answer, Wire]:
    wire = Wire()
    return Answer(wire, first_s, idle_s, reused=False), wire


async def whole(answer: Answer) -> bytes:
    await answer.head()
    return await answer.read()


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


async def test_all_that_has_come_is_read_at_once() -> None:
    answer, wire = made()
    answer.received(HEAD + chunk(b"a"))
    answer.received(chunk(b"b") + chunk(b"c"))

    assert await answer.read() == b"abc"

    answer.received(END)
    assert await answer.read() == b""
    answer.close()
    assert wire.said == ["keep"]


async def test_a_waiting_read_is_woken_once_by_what_comes() -> None:
    answer, _ = made()
    answer.received(HEAD)
    reading = asyncio.ensure_future(answer.read())
    await asyncio.sleep(0)

    answer.received(chunk(b"a"))
    answer.received(chunk(b"b"))

    assert await reading == b"ab"
    answer.close()


async def test_reading_stops_while_too_much_is_held() -> None:
    answer, wire = made()
    answer.received(HEAD)
    answer.received(chunk(b"x" * (HELD_BYTES + 1)))
    assert wire.said == ["pause"]

    await answer.read()

    assert wire.said == ["pause", "resume"]
    answer.close()
    assert wire.said[-1] == "drop"


async def test_silence_before_the_first_token_and_after_it_have_limits_of_their_own() -> None:
    answer, _ = made(first_s=0.05, idle_s=9)
    answer.received(HEAD)
    with pytest.raises(UpstreamTimeout, match=r"within 0\.05 s"):
        await answer.read()
    answer.close()

    answer, _ = made(first_s=9, idle_s=0.05)
    answer.received(HEAD + chunk(b"a"))
    await answer.read()
    answer.flowing()
    with pytest.raises(UpstreamTimeout, match=r"for 0\.05 s"):
        await answer.read()
    answer.close()


async def test_an_informational_head_is_passed_over() -> None:
    answer, _ = made()
    answer.received(b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\n" + HEAD + chunk(b"a") + END)

    await answer.head()

    assert (answer.status, "x" in answer.headers) == (200, False)
    assert await answer.read() == b"a"
    answer.close()


@pytest.mark.parametrize(
    "body",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nzz",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3_000,
        HEAD + b"1;" + b"e" * 70_000,
        HEAD + b"zz\r\n",
    ],
)
async def test_what_is_not_http_is_refused_within_bounds(body: bytes) -> None:
    answer, wire = made()
    for k in range(0, len(body), 4096):
        answer.received(body[k : k + 4096])

    with pytest.raises(UpstreamInvalid):
        await whole(answer)
    assert "abort" in wire.said
    answer.close()


@pytest.mark.parametrize(
    ("before", "error"),
    [(b"", UpstreamUnavailable), (HEAD[:20], UpstreamUnavailable), (HEAD, UpstreamIncomplete)],
)
async def test_a_cut_is_told_by_where_it_was(before: bytes, error: type[ModelError]) -> None:
    answer, _ = made()
    answer.received(before)
    answer.cut(None)

    with pytest.raises(error):
        await whole(answer)
    answer.close()


async def test_what_came_before_a_cut_is_still_read() -> None:
    answer, _ = made()
    answer.received(HEAD + chunk(b"a"))
    answer.cut(ConnectionResetError())

    assert await answer.read() == b"a"
    with pytest.raises(UpstreamIncomplete):
        await answer.read()
    answer.close()


async def test_a_released_answer_keeps_the_connection_when_its_end_comes() -> None:
    answer, wire = made()
    answer.received(HEAD + chunk(b"[DONE]"))
    await answer.read()
    answer.release()
    answer.close()
    assert wire.said == []

    answer.received(END)

    assert wire.said == ["keep"]


async def test_a_released_answer_that_goes_on_is_dropped() -> None:
    answer, wire = made()
    answer.received(HEAD)
    answer.release()

    for _ in range(20):
        answer.received(chunk(b"x" * 8000))

    assert "abort" in wire.said


async def test_bytes_after_the_end_spoil_the_connection() -> None:
    answer, wire = made()
    answer.received(HEAD + END + b"HTTP/1.1 200 OK\r\n")
    assert await answer.read() == b""
    answer.close()

    assert wire.said == ["drop"]


class Taken:
    """A sink that keeps what it is given, and says what it is told to say."""

    def __init__(self, *says: object) -> None:
        self.pieces: list[bytes] = []
        self._says = iter(says)

    def __call__(self, piece: bytes) -> object:
        self.pieces.append(piece)
        said = next(self._says, None)
        if isinstance(said, Exception):
            raise said
        return said


async def pouring(answer: Answer, sink: Taken) -> asyncio.Future[None]:
    answer.received(HEAD + chunk(b"first"))
    task = asyncio.ensure_future(answer.pour(sink))
    await asyncio.sleep(0)
    answer.flowing()
    return task


async def test_a_body_is_poured_where_it_is_read() -> None:
    answer, _ = made()
    sink = Taken()
    task = await pouring(answer, sink)
    assert sink.pieces == [b"first"]

    answer.received(chunk(b"a"))
    assert sink.pieces == [b"first", b"a"], "no task had to be woken"
    answer.received(chunk(b"b") + END)

    async with asyncio.timeout(5):
        await task
    assert b"".join(sink.pieces) == b"firstab"
    assert sink.pieces[-1] == b""
    answer.close()


async def test_a_sink_that_has_enough_is_given_nothing_more() -> None:
    answer, _ = made()
    sink = Taken(None, Enough)
    task = await pouring(answer, sink)

    answer.received(chunk(b"a"))
    answer.received(chunk(b"b"))

    async with asyncio.timeout(5):
        await task
    assert sink.pieces == [b"first", b"a"]
    answer.close()


async def test_what_a_sink_asks_to_wait_for_is_waited_for() -> None:
    answer, _ = made()
    room = asyncio.get_running_loop().create_future()
    sink = Taken(None, room)
    task = await pouring(answer, sink)
    answer.received(chunk(b"a"))
    await asyncio.sleep(0)
    answer.received(chunk(b"b"))
    assert sink.pieces == [b"first", b"a"]

    room.set_result(None)
    answer.received(END)

    async with asyncio.timeout(5):
        await task
    assert sink.pieces == [b"first", b"a", b"b", b""]
    answer.close()


async def test_the_error_of_a_sink_is_the_reader_s() -> None:
    answer, _ = made()
    task = await pouring(answer, Taken(None, ValueError("odd")))

    answer.received(chunk(b"a"))

    with pytest.raises(ValueError, match="odd"):
        await task
    answer.close()


async def test_pouring_ends_with_what_cut_the_body() -> None:
    answer, _ = made()
    sink = Taken()
    task = await pouring(answer, sink)
    answer.received(chunk(b"a"))

    answer.cut(ConnectionResetError())

    with pytest.raises(UpstreamIncomplete):
        await task
    assert sink.pieces == [b"first", b"a"]
    answer.close()


async def test_a_sink_runs_in_the_context_of_who_pours() -> None:
    who = contextvars.ContextVar[str]("who", default="nobody")
    answer, _ = made()
    heard: list[str] = []
    answer.received(HEAD)
    who.set("the turn")
    task = asyncio.ensure_future(answer.pour(lambda piece: heard.append(who.get())))
    await asyncio.sleep(0)

    who.set("the connection")
    answer.received(chunk(b"a") + END)

    await task
    assert set(heard) == {"the turn"}
