"""An MCP server at a URL: the SDK's streamable HTTP, over a client that reads only so much."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any

import httpx2
from mcp.client.streamable_http import streamable_http_client

from talkwire.tools.mcp_config import McpServerConfig
from talkwire.tools.mcp_flood import MESSAGE_BYTES, Allowance, Flooded
from talkwire.tools.mcp_link import Ended

_FAREWELL_S = 2.0


class TooMuch(httpx2.StreamError):
    """More came than is read. The SDK answers the request that it came for."""


class _Measured(httpx2.AsyncByteStream):
    """A body that is read as far as its server's allowance goes."""

    def __init__(self, body: httpx2.AsyncByteStream, allowance: Allowance, *, events: bool) -> None:
        self._body = body
        self._allowance = allowance
        self._events = events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for chunk in self._body:
            total += len(chunk)
            if not self._events and total > MESSAGE_BYTES:
                raise TooMuch("It sent a message that is larger than any that is read.")
            try:
                self._allowance.spend(len(chunk), chunk.count(b"data:") if self._events else 1)
            except Flooded as error:
                raise TooMuch(str(error)) from None
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


class _Wary(httpx2.AsyncBaseTransport):
    """Measures every body, refuses compressed ones, which may be of any size, and sets limits."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner
        self._allowance = Allowance()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        _limit(request)
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise TooMuch("It compresses its answers, though it was asked not to.")
        if not isinstance(response.stream, httpx2.AsyncByteStream):
            raise TypeError("a body that cannot be read asynchronously")
        events = response.headers.get("content-type", "").startswith("text/event-stream")
        response.stream = _Measured(response.stream, self._allowance, events=events)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def _limit(request: httpx2.Request) -> None:
    """A farewell is short; the stream of notifications may be silent for ever."""
    limits: dict[str, Any] = dict(request.extensions.get("timeout", {}))
    if request.method == "DELETE":
        limits = dict.fromkeys(limits, _FAREWELL_S)
    elif request.method == "GET":
        limits["read"] = None
    request.extensions = {**request.extensions, "timeout": limits}


class _Watched:
    """A stream of messages that tells when it has ended."""

    def __init__(self, stream: Any, ended: Ended) -> None:
        self._stream = stream
        self._ended = ended

    @property
    def last_context(self) -> Any:
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> Any:
        return await self._stream.receive()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> _Watched:
        return self

    async def __anext__(self) -> Any:
        return await self._stream.__anext__()

    async def __aenter__(self) -> _Watched:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.end("")
        await self._stream.__aexit__(kind, value, trace)


@asynccontextmanager
async def remote(config: McpServerConfig, url: str, headers: dict[str, str], ended: Ended) -> Any:
    """The streams to a server at a URL; a message is at most MESSAGE_BYTES of it."""
    client = httpx2.AsyncClient(
        headers={"accept-encoding": "identity", **headers},
        timeout=httpx2.Timeout(config.connect_timeout_s, read=2 * config.timeout_s + 60),
        transport=_Wary(httpx2.AsyncHTTPTransport(trust_env=False)),
        trust_env=False,
    )
    async with (
        client,
        streamable_http_client(url, http_client=client, max_sse_event_size=MESSAGE_BYTES) as pair,
    ):
        incoming, outgoing = pair
        yield _Watched(incoming, ended), outgoing
