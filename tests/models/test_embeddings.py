"""Vectors from a real socket that speaks the embeddings API, well or not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from talkwire.canon.errors import ModelError
from talkwire.models.embeddings import AT_ONCE, Embeddings
from talkwire.models.entries import Entry

Reply = Callable[[dict[str, Any]], tuple[int, Any]]


def vectors(asked: dict[str, Any]) -> tuple[int, Any]:
    """For each text its length, and 4; told in the wrong order."""
    data = [{"index": n, "embedding": [len(text), 4.0]} for n, text in enumerate(asked["input"])]
    return 200, {"object": "list", "data": data[::-1], "usage": {}}


@asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[tuple[Embeddings, list[tuple[str, Any]]]]:
    """A server, a client of it, and what the server was asked: request line and body."""
    seen: list[tuple[str, Any]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode().split("\r\n")
            sizes = [line for line in lines if line.lower().startswith("content-length:")]
            body = await reader.readexactly(int(sizes[0].split(":")[1]))
            asked = json.loads(body)
            seen.append((lines[0] + " " + _authorization(lines), asked))
            status, answer = reply(asked)
            written = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            start = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n"
            writer.write(f"{start}content-length: {len(written)}\r\n\r\n".encode() + written)

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    entry = Entry(
        "vectors",
        "openai-chat",
        base_url=f"http://127.0.0.1:{port}/v1",
        api_key=SecretStr("sk-secret-of-vectors"),
        upstream_model="embed-small",
    )
    client = Embeddings(entry)
    try:
        yield client, seen
    finally:
        await client.close()
        server.close()


def _authorization(lines: list[str]) -> str:
    return next(line for line in lines if line.lower().startswith("authorization:"))


async def test_texts_become_unit_vectors_in_their_order() -> None:
    async with serving(vectors) as (client, seen):
        assert await client.embed(["abc", ""]) == [[0.6, 0.8], [0.0, 1.0]]

    ((line, body),) = seen
    assert line.startswith("POST /v1/embeddings HTTP/1.1")
    assert line.endswith("Bearer sk-secret-of-vectors")
    assert body == {"model": "embed-small", "input": ["abc", ""], "encoding_format": "float"}


async def test_many_texts_are_asked_for_in_several_requests() -> None:
    texts = ["x" * 3] * (AT_ONCE + 1)

    async with serving(vectors) as (client, seen):
        assert await client.embed(texts) == [[0.6, 0.8]] * len(texts)

    assert [len(body["input"]) for _, body in seen] == [AT_ONCE, 1]


async def test_no_text_asks_for_nothing() -> None:
    async with serving(vectors) as (client, seen):
        assert await client.embed([]) == []

    assert seen == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((401, {"error": {"message": "bad key sk-secret-of-vectors"}}), "upstream_auth"),
        ((429, {}), "upstream_rate_limited"),
        ((500, {}), "upstream_unavailable"),
        ((200, b"<html>"), "upstream_invalid"),
        ((200, {"data": []}), "upstream_invalid"),
        ((200, {"data": [{"index": 1, "embedding": [1.0]}]}), "upstream_invalid"),
        ((200, {"data": [{"index": 0, "embedding": []}]}), "upstream_invalid"),
        ((200, {"data": [{"index": 0, "embedding": ["a"]}]}), "upstream_invalid"),
        ((200, {"data": [{"index": 0, "embedding": [1.3e154] * 2}]}), "upstream_invalid"),
        ((200, {"data": [{"index": 0, "embedding": [1e200]}]}), "upstream_invalid"),
        ((200, b'{"x":' + b"[" * 100_000), "upstream_invalid"),
    ],
)
async def test_what_is_no_answer_is_an_error_without_the_key(
    answer: tuple[int, Any], code: str
) -> None:
    async with serving(lambda asked: answer) as (client, _):
        with pytest.raises(ModelError) as failed:
            await client.embed(["abc"])

    assert failed.value.code == code
    assert "sk-secret" not in failed.value.message


async def test_a_server_that_is_away_is_an_error() -> None:
    async with serving(vectors) as (client, _):
        await client.close()
        with pytest.raises(ModelError):
            await client.embed(["abc"])
