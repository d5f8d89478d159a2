"""A synthetic OpenAI server that is far faster than anything it is put behind.

Raw asyncio protocol, httptools for the requests, answers of ready-made bytes. It serves
`POST /v1/chat/completions`, `POST /v1/responses` (streams only) and `GET /v1/models`. The ticks of
different streams are spread over the interval, not synchronised. A reader that stops reading stops
its stream until it reads again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any, cast

import httptools
import uvloop

from bench.frames import Dialect, Recipe, Script, call_script, recipe, script

PATHS: dict[bytes, Dialect] = {
    b"/v1/chat/completions": "chat",
    b"/v1/responses": "responses",
}
MODELS = b'{"object":"list","data":[{"id":"bench-n100-i20","object":"model","owned_by":"bench"}]}'
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"x-request-id: req_bench\r\ncache-control: no-cache\r\n"
)


def chunked(body: bytes) -> bytes:
    """One HTTP/1.1 chunk."""
    return b"%x\r\n%b\r\n" % (len(body), body)


class Stream:
    """One answer on one connection: writes its script at its times, each write by itself."""

    def __init__(
        self, wire: Connection, recipe: Recipe, script: Script, keep_alive: bool, phase: float
    ) -> None:
        self._wire = wire
        self._interval = recipe.interval_ms / 1000
        self._frame = chunked if keep_alive else bytes
        self._script = script
        self._keep_alive = keep_alive
        self._next = 0
        self._timer: asyncio.Handle | None = None
        self._paused = False
        self._loop = asyncio.get_running_loop()
        # The first write comes at once, the second after a part of an interval of its own:
        # streams that begin together do not tick together.
        self._due = self._loop.time() + recipe.delay_ms / 1000
        self._shift = phase * self._interval
        self._plan(self._due)

    def _plan(self, due: float) -> None:
        delay = due - self._loop.time()
        if delay > 0:
            self._timer = self._loop.call_later(delay, self._tick)
        else:
            self._timer = self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._paused:
            return
        writes = self._script.writes
        if self._next == 0:
            self._wire.send(self._head() + self._frame(self._script.opening))
        if self._next < len(writes):
            self._wire.send(self._frame(writes[self._next]))
            self._next += 1
        if self._next >= len(writes):
            self._finish()
            return
        self._due += self._shift if self._next == 1 else self._interval
        self._plan(self._due)

    def _head(self) -> bytes:
        if self._keep_alive:
            return _STREAM_HEAD + b"transfer-encoding: chunked\r\n\r\n"
        return _STREAM_HEAD + b"connection: close\r\n\r\n"

    def _finish(self) -> None:
        end = b"0\r\n\r\n" if self._keep_alive else b""
        self._wire.send(self._frame(self._script.closing) + end)
        self._wire.finished(keep_alive=self._keep_alive)

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        if self._timer is None:
            self._timer = self._loop.call_soon(self._tick)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class Connection(asyncio.Protocol):
    """One client: requests one after another, each answered before the next is asked."""

    def __init__(self, phases: random.Random) -> None:
        self._phases = phases
        self._stream: Stream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._stream is not None:
            self._stream.stop()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def pause_writing(self) -> None:
        if self._stream is not None:
            self._stream.pause()

    def resume_writing(self) -> None:
        if self._stream is not None:
            self._stream.resume()

    def on_message_begin(self) -> None:
        self._body = b""

    def on_url(self, url: bytes) -> None:
        self._path = url.partition(b"?")[0]

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._path == b"/v1/models":
            self._whole(b"200 OK", MODELS)
            return
        dialect = PATHS.get(self._path)
        if dialect is None:
            self._refuse(b"404 Not Found", f"no route {self._path.decode('latin-1')}")
            return
        try:
            asked = json.loads(self._body)
            if not asked.get("stream"):
                raise ValueError("this server only streams: expected 'stream': true")
            usage = bool((asked.get("stream_options") or {}).get("include_usage"))
            wanted = recipe(asked["model"])
            told = _results(asked) if wanted.calls else 0
            if told < wanted.calls:
                ready = call_script(asked["model"], told)
            else:
                ready = script(dialect, asked["model"], usage)
        except (ValueError, KeyError, AttributeError, TypeError) as bad:
            self._refuse(b"400 Bad Request", str(bad))
            return
        keep_alive: bool = self._parser.should_keep_alive()
        self._stream = Stream(self, wanted, ready, keep_alive, self._phases.random())

    def send(self, data: bytes) -> None:
        self._transport.write(data)

    def finished(self, *, keep_alive: bool) -> None:
        self._stream = None
        if not keep_alive:
            self._transport.close()

    def _refuse(self, status: bytes, message: str) -> None:
        error = {"error": {"message": message, "type": "invalid_request_error", "code": None}}
        self._whole(status, json.dumps(error).encode())

    def _whole(self, status: bytes, body: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (status, len(body), body)
        )
        if not self._parser.should_keep_alive():
            self._transport.close()


def _results(asked: dict[str, Any]) -> int:
    """How many results of calls a request to the Responses API brings."""
    items = asked.get("input")
    if not isinstance(items, list):
        return 0
    return sum(1 for item in items if item.get("type") == "function_call_output")


async def listen(port: int = 0, seed: int = 1) -> asyncio.Server:
    """Starts the upstream on 127.0.0.1; port 0 takes a free one. The caller closes it."""
    phases = random.Random(seed)
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(phases), "127.0.0.1", port, backlog=4096)


async def _serve(port: int) -> None:
    async with await listen(port) as server:
        await server.serve_forever()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.upstream", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(_serve(parser.parse_args(argv).port))


if __name__ == "__main__":
    main()
