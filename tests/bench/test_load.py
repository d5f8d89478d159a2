from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bench import result
from bench.load import measure
from bench.slots import Plan
from bench.upstream import listen


@pytest.fixture
async def plan() -> AsyncIterator[Plan]:
    async with await listen() as server:
        port = server.sockets[0].getsockname()[1]
        yield Plan(
            url=f"http://127.0.0.1:{port}/v1/responses",
            body='{"model":"bench-n20-i1","input":"@UID@","stream":true}',
            stop=b"response.output_text.done",
            end=b"response.completed",
            expect=20,
            slots=4,
            warmup_s=0.05,
            window_s=0.3,
        )


async def test_whole_streams_are_counted_and_timed(plan: Plan) -> None:
    got = await measure(replace(plan, pid=os.getpid()))
    assert (got.streams_failed, got.reasons) == (0, [])
    assert got.streams_ok >= 4
    assert got.tokens > 20
    assert got.max_open == 4
    assert got.ttft_p50_ms > 0
    assert got.gap_p99_ms >= got.gap_p50_ms > 0
    assert got.cpu_s >= 0
    assert got.rss_peak_kib >= got.rss_before_kib > 0
    assert result.load(got.dump()).dump() == got.dump()


async def test_one_stream_for_each_slot_where_that_is_asked(plan: Plan) -> None:
    got = await measure(replace(plan, once=True))
    assert (got.streams_ok, got.streams_failed) == (4, 0)


async def test_a_short_stream_is_an_error(plan: Plan) -> None:
    got = await measure(replace(plan, expect=21, once=True))
    assert got.streams_failed == 4
    assert got.reasons[0] == "expected 21 tokens, counted 20"


async def test_a_refused_request_is_an_error(plan: Plan) -> None:
    got = await measure(replace(plan, body='{"model":"gpt-4o"}', once=True))
    assert got.streams_failed == 4
    assert got.reasons[0] == "status 400"


async def test_a_stream_that_does_not_end_in_time_is_an_error(plan: Plan) -> None:
    slow = replace(plan, body=plan.body.replace("-i1", "-i60000"), once=True, drain_s=0.1)
    got = await measure(slow)
    assert got.streams_failed == 4
    assert got.reasons[0] == "the stream did not end in time"


async def test_a_connection_lost_in_the_stream_is_an_error(plan: Plan) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n~~\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(cut, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/v1/responses"
        got = await measure(replace(plan, url=url, once=True, window_s=0.1))
    assert got.streams_failed == 4
    assert set(got.reasons) == {"connection lost"}
