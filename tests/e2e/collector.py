"""A collector of traces: takes OTLP over HTTP on a real socket, and keeps the spans."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2 as proto

from tests.e2e.listening import Listening


@dataclass
class Span:
    """One span, as it came over the wire."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    began: int
    ended: int
    kind: int
    error: str
    attributes: Mapping[str, Any]
    events: list[tuple[str, Mapping[str, Any]]]
    children: list[Span] = field(default_factory=list)

    @property
    def shape(self) -> Any:
        """Its name with those of the spans below it."""
        return (self.name, [each.shape for each in self.children]) if self.children else self.name

    def below(self) -> Iterator[Span]:
        """The span, and all that are below it."""
        yield self
        for each in self.children:
            yield from each.below()


class Collector(Listening):
    """`async with Collector() as collector`: `collector.url` is the endpoint. With `status` it
    answers so.
    """

    def __init__(self, status: int = 200) -> None:
        super().__init__()
        self.status = status
        self.spans: list[Span] = []
        self.heads: list[str] = []
        self.raw = b""
        self.resources: list[Mapping[str, Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    await self._take(reader, writer)
        finally:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(lines["content-length"]))
        self.heads.append(head)
        if self.status == 200:
            self.raw += body
            self._keep(ExportTraceServiceRequest.FromString(body))
        answer = f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\n\r\n"
        writer.write(answer.encode())
        await writer.drain()

    def _keep(self, asked: ExportTraceServiceRequest) -> None:
        for of_one in asked.resource_spans:
            self.resources.append(_attributes(of_one.resource.attributes))
            for scope in of_one.scope_spans:
                self.spans += [_span(each) for each in scope.spans]

    async def tree(self, turn_id: str, within_s: float = 15) -> Span:
        """The spans of a turn, once they are here."""
        async with asyncio.timeout(within_s):
            while True:
                for span in self.spans:
                    if span.attributes.get("talkwire.turn.id") == turn_id:
                        return self._grown(span)
                await asyncio.sleep(0.02)

    def _grown(self, span: Span) -> Span:
        below = [each for each in self.spans if each.parent_id == span.span_id]
        span.children = [self._grown(each) for each in sorted(below, key=lambda s: s.began)]
        return span


def _span(span: proto.Span) -> Span:
    failed = span.status.code == proto.Status.STATUS_CODE_ERROR
    return Span(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.kind,
        span.status.message if failed else "",
        _attributes(span.attributes),
        [(each.name, _attributes(each.attributes)) for each in span.events],
    )


def _attributes(found: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in found}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)
