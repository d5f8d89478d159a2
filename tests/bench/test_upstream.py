from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI

from bench.frames import MARK, WORDS
from bench.upstream import listen


@pytest.fixture
async def base_url() -> AsyncIterator[str]:
    async with await listen() as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/v1"


@pytest.mark.parametrize("model", ["bench-n40-i0", "bench-n40-i1-b16", "bench-n5-i2-d3"])
async def test_chat_completions_hold_exactly_the_tokens(base_url: str, model: str) -> None:
    async with AsyncOpenAI(api_key="x", base_url=base_url) as client:
        stream = await client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": "hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    expected = int(model.split("-")[1][1:])
    assert "".join(said) == "".join(WORDS[i % len(WORDS)] for i in range(expected))
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == expected


async def test_responses_hold_exactly_the_tokens_on_a_kept_connection(base_url: str) -> None:
    async with AsyncOpenAI(api_key="x", base_url=base_url) as client:
        for count in (1, 40, 40):
            model = f"bench-n{count}-i0"
            stream = await client.responses.create(model=model, input="hi", stream=True)
            events = [event async for event in stream]
            deltas = [event for event in events if event.type == "response.output_text.delta"]
            assert sum(event.delta.count(MARK) for event in deltas) == len(deltas) == count
            assert events[-1].type == "response.completed"


async def test_a_tool_is_called_as_often_as_asked_and_then_the_tokens_come(base_url: str) -> None:
    messages: list[Any] = [{"role": "user", "content": "hi"}]
    async with AsyncOpenAI(api_key="x", base_url=base_url) as client:
        for _ in range(2):
            stream = await client.responses.create(
                model="bench-n3-i0-t2", input=messages, stream=True
            )
            events = [event async for event in stream]
            (call,) = [e.item for e in events if e.type == "response.output_item.done"]
            assert call.type == "function_call"
            assert (call.name, call.arguments) == ("noop", "{}")
            assert not any(MARK in str(event) for event in events)
            output = {"type": "function_call_output", "call_id": call.call_id, "output": ""}
            messages += [call.to_dict(), output]
        stream = await client.responses.create(model="bench-n3-i0-t2", input=messages, stream=True)
        events = [event async for event in stream]
    assert len([e for e in events if e.type == "response.output_text.delta"]) == 3
    assert len({message.get("call_id") for message in messages}) == 3


async def test_a_client_that_asks_for_it_gets_a_stream_ended_by_close(base_url: str) -> None:
    port = int(base_url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"model": "bench-n4-i0", "stream": True}).encode()
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n")
    writer.write(b"content-length: %d\r\n\r\n%b" % (len(body), body))
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    head, _, stream = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert stream.count(MARK.encode()) == 4
    assert stream.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("responses", '{"model":"gpt-4o","stream":true}', 400),
        ("responses", '{"model":"bench-n1-i0"}', 400),
        ("responses", "[]", 400),
        ("responses", "{", 400),
        ("embeddings", "{}", 404),
    ],
)
async def test_what_it_cannot_answer_is_refused(
    base_url: str, path: str, body: str, status: int
) -> None:
    async with httpx2.AsyncClient() as client:
        answer = await client.post(f"{base_url}/{path}", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
