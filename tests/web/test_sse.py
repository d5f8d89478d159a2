"""The writer of streams against a client made of conditions, not of time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from talkwire.canon.events import Stamped
from talkwire.engine.reader import Log
from talkwire.web.faults import problem
from talkwire.web.form import Form, StreamLimits
from talkwire.web.sse import CutsAreMeant, EventStream, cut_up, hush_cuts
from talkwire.wires.native.encode import Encoder
from tests.cases.turns import CASES, SESSION, TURN
from tests.web.wire import Client, reader, scope

PLAIN = CASES["plain"]
FORM = Form(name="native", encoder=Encoder, fault=problem)
FRAMES = Encoder(TURN, SESSION).feed(PLAIN)


def stream(log: Log, limits: StreamLimits | None = None, form: Form = FORM) -> EventStream:
    return EventStream(reader(log), Encoder(TURN, SESSION), form, limits or StreamLimits())


def held(until: int) -> Log:
    """The plain turn of which `until` events are held."""
    log = Log(PLAIN)
    log.held = until
    return log


async def run(answer: EventStream, client: Client) -> None:
    async with asyncio.timeout(5):
        await answer(scope(), client.receive, client.send)


async def test_a_finished_turn_is_a_head_and_one_last_send() -> None:
    client = Client()

    await run(stream(Log(PLAIN)), client)

    assert [m["type"] for m in client.sent] == ["http.response.start", "http.response.body"]
    assert client.body == b"".join(FRAMES)
    assert client.complete


async def test_the_head_goes_out_before_there_is_an_event() -> None:
    client, log = Client(), held(0)
    task = asyncio.create_task(run(stream(log), client))

    await client.until(1)

    head = dict(client.sent[0]["headers"])
    assert head[b"content-type"] == b"text/event-stream"
    assert head[b"cache-control"] == b"no-cache, no-transform"
    assert head[b"x-accel-buffering"] == b"no"
    assert head[b"x-turn-id"] == TURN.encode()
    assert head[b"x-session-id"] == SESSION.encode()
    log.show(len(PLAIN))
    await task


async def test_events_of_one_wake_up_are_one_send() -> None:
    client, log = Client(), held(2)
    task = asyncio.create_task(run(stream(log), client))
    await client.until(2)

    log.show(5)
    await client.until(3)
    log.show(len(PLAIN))
    await task

    assert client.bodies == [
        b"".join(FRAMES[:2]),
        b"".join(FRAMES[2:5]),
        b"".join(FRAMES[5:]),
    ]


async def test_silence_is_filled_with_heartbeats_and_only_silence() -> None:
    client, log = Client(), held(2)
    task = asyncio.create_task(run(stream(log, StreamLimits(heartbeat_s=0.02)), client))

    await client.until(5)
    log.show(len(PLAIN))
    await task

    assert client.bodies[1:4] == [b": heartbeat\n\n"] * 3
    assert client.body.replace(b": heartbeat\n\n", b"") == b"".join(FRAMES)


async def test_a_heartbeat_may_tell_how_far_the_encoder_is() -> None:
    class Counting(Encoder):
        count = 0

        def feed(self, batch: Sequence[Stamped]) -> list[bytes]:
            self.count += len(batch)
            return super().feed(batch)

        def heartbeat(self) -> bytes:
            return b"data: %d\n\n" % self.count

    form = Form("counting", Counting, problem, heartbeat=Counting.heartbeat)
    client, log = Client(), held(2)
    limits = StreamLimits(heartbeat_s=0.02)
    answer = EventStream(reader(log), Counting(TURN, SESSION), form, limits)
    task = asyncio.create_task(run(answer, client))

    await client.until(3)
    log.show(4)
    await client.until(6)
    log.show(len(PLAIN))
    await task

    beats = [body for body in client.bodies if body.startswith(b"data: ")]
    assert list(dict.fromkeys(beats)) == [b"data: 2\n\n", b"data: 4\n\n"]


async def test_a_wire_without_heartbeats_is_silent() -> None:
    form = Form(name="native", encoder=Encoder, fault=problem, heartbeat=None)
    client, log = Client(), held(2)
    limits = StreamLimits(heartbeat_s=0.01, send_timeout_s=0.02)
    task = asyncio.create_task(run(stream(log, limits, form), client))
    await client.until(2)

    done, _ = await asyncio.wait([task], timeout=0.1)

    assert not done
    assert len(client.sent) == 2
    log.show(len(PLAIN))
    await task


async def test_a_client_that_leaves_frees_its_reader() -> None:
    client, log = Client(), held(2)
    task = asyncio.create_task(run(stream(log), client))
    await client.until(2)
    assert len(log.readers) == 1

    client.left.set()
    await task

    assert not log.readers
    assert not client.complete


async def test_a_client_that_does_not_read_is_cut_without_an_end() -> None:
    client, log = Client(), held(2)
    task = asyncio.create_task(run(stream(log, StreamLimits(send_timeout_s=0.05)), client))
    await client.until(2)

    client.reading.clear()
    log.show(5)
    await task

    assert not log.readers
    assert not client.complete
    assert client.body == b"".join(FRAMES[:2])


async def test_a_client_that_pauses_is_given_everything_once_when_it_reads_on() -> None:
    client, log = Client(), held(1)
    task = asyncio.create_task(run(stream(log), client))
    await client.until(2)

    client.reading.clear()
    for until in range(2, len(PLAIN)):
        log.show(until)  # the first of these finds a send that waits, the others find it waiting
    client.reading.set()
    log.show(len(PLAIN))

    await task
    assert client.body == b"".join(FRAMES)
    assert client.complete


async def test_frames_go_out_where_the_commit_is_told() -> None:
    client, log = Client(), held(2)
    task = asyncio.create_task(run(stream(log), client))
    await client.until(2)
    await asyncio.sleep(0)
    sent = len(client.sent)

    log.show(3)

    assert len(client.sent) == sent + 1, "no task had to be woken"
    log.show(len(PLAIN))
    await task
    assert client.body == b"".join(FRAMES)


async def test_a_bug_in_an_encoder_ends_the_stream_and_is_told() -> None:
    class Odd(Encoder):
        def feed(self, batch: Sequence[Stamped]) -> list[bytes]:
            if batch and batch[0].n:
                raise ValueError("odd")
            return super().feed(batch)

    client, log = Client(), held(1)
    answer = EventStream(reader(log), Odd(TURN, SESSION), FORM, StreamLimits())
    task = asyncio.create_task(run(answer, client))
    await client.until(2)

    log.show(2)

    with pytest.raises(ValueError, match="odd"):
        await task
    assert not log.readers


async def test_being_cancelled_from_outside_stays_a_cancellation() -> None:
    client, log = Client(), held(2)
    task = asyncio.create_task(run(stream(log), client))
    await client.until(2)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not log.readers


async def test_a_cut_reader_ends_the_stream_without_a_terminal_frame_or_chunk() -> None:
    client, log = Client(), held(2)
    task = asyncio.create_task(run(stream(log), client))
    await client.until(2)

    log.cut()
    await task

    assert client.body == b"".join(FRAMES[:2])
    assert not client.complete
    assert not log.readers


async def test_large_wakes_are_sent_in_pieces_between_frames() -> None:
    client = Client()
    limits = StreamLimits(max_send_bytes=500)

    await run(stream(Log(CASES["long"][:300] + PLAIN[-1:]), limits), client)

    assert all(len(piece) <= 500 for piece in client.bodies)
    assert all(piece.endswith(b"\n\n") for piece in client.bodies)


def test_a_frame_larger_than_a_piece_is_cut_and_nothing_is_lost() -> None:
    frames = [b"a" * 3, b"b" * 25, b"c" * 3, b"d" * 3]

    pieces = cut_up(frames, 10)

    assert b"".join(pieces) == b"".join(frames)
    assert max(map(len, pieces)) <= 10


async def test_only_the_complaint_about_a_cut_is_dropped_from_the_log() -> None:
    log = logging.getLogger("uvicorn.error")
    hush_cuts()
    hush_cuts()
    found = [each for each in log.filters if isinstance(each, CutsAreMeant)]
    record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "m", None, None)
    heard: list[bool] = []

    async def cut() -> None:
        turn = held(2)
        turn.cut()
        client = Client()
        await stream(turn)(scope(), client.receive, client.send)
        heard.append(found[0].filter(record))

    await asyncio.create_task(cut())

    assert len(found) == 1
    assert heard == [False]
    assert found[0].filter(record)
    log.removeFilter(found[0])
