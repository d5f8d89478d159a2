"""OpenAI's own Python client reads the frames, from a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
import pytest

from talkwire.wires.responses_sse.encode import Encoder
from tests.cases.turns import CASES, SESSION, TURN

WHOLE = {
    "plain": "Hello, world.",
    "one_token": "42",
    "empty": "",
    "retried": "At last.",
    "reasoning": "Yes.",
    "adopted_and_continued": "Half and half",
    "tool_call": "Let me look.Blue sky.",
    "parallel_calls": "Let me look.Blue sky.",
    "spoken": "Hi!",
}


@asynccontextmanager
async def upstream(stream: bytes) -> AsyncIterator[openai.AsyncOpenAI]:
    """A client of a server that answers every request with these bytes, cut at odd places."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for at in range(0, len(stream), 997):
            writer.write(stream[at : at + 997])
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with openai.AsyncOpenAI(
        api_key="none", base_url=f"http://127.0.0.1:{port}", max_retries=0
    ) as client:
        yield client
    server.close()
    await server.wait_closed()


def frames(case: str) -> bytes:
    return b"".join(Encoder(TURN, SESSION).feed(CASES[case]))


@pytest.mark.parametrize("case", sorted(set(CASES) - {"long"}))
async def test_the_plain_stream_yields_every_frame(case: str) -> None:
    async with upstream(frames(case)) as client:
        stream = await client.responses.create(model="m", input="x", stream=True)
        seen = [event async for event in stream]

    assert len(seen) == frames(case).count(b"\n\n")
    assert seen[0].type == "response.created"
    numbered = [event for event in seen if getattr(event, "type", None)]
    assert all(event.sequence_number == n for n, event in enumerate(seen) if event in numbered)


@pytest.mark.parametrize(("case", "text"), WHOLE.items())
async def test_the_stream_helper_puts_the_whole_response_together(case: str, text: str) -> None:
    async with (
        upstream(frames(case)) as client,
        client.responses.stream(model="m", input="x") as stream,
    ):
        said = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        response = await stream.get_final_response()

    assert "".join(said) == text
    assert response.output_text == text
    assert response.status == "completed"
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


async def test_tool_calls_come_whole() -> None:
    async with (
        upstream(frames("parallel_calls")) as client,
        client.responses.stream(model="m", input="x") as stream,
    ):
        async for _ in stream:
            pass
        response = await stream.get_final_response()

    calls = [item for item in response.output if item.type == "function_call"]
    assert [call.call_id for call in calls] == ["call_1", "call_2"]
    assert [call.arguments for call in calls] == [
        '{"city":"Bern","day":1}',
        '{"city":"Bern","day":2}',
    ]


@pytest.mark.parametrize("case", ["failed_midway", "aborted_midway", "adopted_then_lost"])
async def test_an_answer_that_is_not_whole_is_never_taken_for_one(case: str) -> None:
    async with (
        upstream(frames(case)) as client,
        client.responses.stream(model="m", input="x") as stream,
    ):
        async for _ in stream:
            pass
        with pytest.raises(RuntimeError):
            await stream.get_final_response()
