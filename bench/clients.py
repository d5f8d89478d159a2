"""What a token costs in an HTTP client: our own, aiohttp and httpx2, interleaved in one run.

`python -m bench.clients` starts the synthetic upstream as a child, then streams from it by turns
with each client: 40 streams at once, a token each 5 ms. Prints user CPU in µs a token. Every client
has the same decoder and codec behind it, so that only the client differs.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version

import aiohttp
import httpx2
import uvloop

from bench.frames import MARK
from talkwire.canon.deltas import Text
from talkwire.models._http import Client, Limits, origin
from talkwire.models._sse import Decoder
from talkwire.models.openai_chat import ChatReading

TOKENS, INTERVAL_MS, STREAMS, ROUNDS = 200, 5, 40, 5
MODEL = f"bench-n{TOKENS}-i{INTERVAL_MS}"
BODY = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "go"}]}
Chunks = AsyncIterator[bytes]


async def count(chunks: Chunks) -> int:
    """The tokens of one stream, through our decoder and codec."""
    decoder, reading, tokens = Decoder(), ChatReading(), 0
    async for chunk in chunks:
        for delta in reading.take(decoder.feed(chunk)):
            if isinstance(delta, Text):
                tokens += delta.text.count(MARK)
    return tokens


async def own(base_url: str) -> float:
    client = Client(origin(base_url), "", Limits())

    async def chunks() -> Chunks:
        answer = await client.ask("POST", "/chat/completions", json.dumps(BODY).encode())
        try:
            while chunk := await answer.read():
                yield chunk
        finally:
            answer.close()

    try:
        return await cost(chunks)
    finally:
        await client.close()


async def with_aiohttp(base_url: str) -> float:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def chunks() -> Chunks:
            async with session.post(f"{base_url}/chat/completions", json=BODY) as answer:
                async for chunk in answer.content.iter_any():
                    yield chunk

        return await cost(chunks)


async def with_httpx2(base_url: str) -> float:
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(limits=limits, trust_env=False, timeout=30) as client:

        async def chunks() -> Chunks:
            url = f"{base_url}/chat/completions"
            async with client.stream("POST", url, json=BODY) as answer:
                async for chunk in answer.aiter_raw():
                    yield chunk

        return await cost(chunks)


async def cost(chunks: Callable[[], Chunks]) -> float:
    """User CPU of this process, µs a token; the first stream is not counted."""
    await count(chunks())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    counted = await asyncio.gather(*(count(chunks()) for _ in range(STREAMS)))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
    assert counted == [TOKENS] * STREAMS
    return used / sum(counted) * 1e6


def wait_for(port: int) -> None:
    """Until somebody listens; at most 10 s."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the synthetic upstream does not start")


CLIENTS = {"own on httptools": own, "aiohttp": with_aiohttp, "httpx2": with_httpx2}


def main() -> None:
    """Measure and print a Markdown table."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "bench.upstream", "--port", str(port)]
    with subprocess.Popen(command) as upstream:
        try:
            wait_for(port)
            base_url = f"http://127.0.0.1:{port}/v1"
            costs: dict[str, list[float]] = {name: [] for name in CLIENTS}
            for _ in range(ROUNDS):
                for name, client in CLIENTS.items():
                    costs[name].append(uvloop.run(client(base_url)))
        finally:
            upstream.kill()
    print(f"aiohttp {version('aiohttp')}, httpx2 {version('httpx2')}, {MODEL}, {STREAMS} streams\n")
    print("| client | user CPU, µs a token: median | least | most |\n| --- | --- | --- | --- |")
    for name, each in costs.items():
        told = (statistics.median(each), min(each), max(each))
        print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in told) + " |")


if __name__ == "__main__":
    main()
