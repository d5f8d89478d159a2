"""A fake provider on a real socket, and models that ask it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from talkwire.canon.deltas import Delta, Text
from talkwire.canon.turn import ModelRequest, text_message
from talkwire.models._endpoint import Endpoint
from talkwire.models._http import Client, Limits, origin
from talkwire.models._reading import Reading
from talkwire.models._sse import Decoder
from talkwire.models.openai_chat import ChatCodec
from talkwire.models.openai_responses import ResponsesCodec
from talkwire.models.pool import Model
from tests.upstream.server import Upstream

KEY = "sk-canary-4f1d9c2e7b"


@dataclass
class Heard:
    """What a model said, up to its end or its error."""

    deltas: list[Delta] = field(default_factory=list)
    error: Exception | None = None

    def hear(self, deltas: Sequence[Delta]) -> Awaitable[object] | None:
        assert deltas, "a list of deltas is never empty"
        self.deltas += deltas
        return None

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas if isinstance(delta, Text))

    def of(self, kind: type) -> list[Delta]:
        return [delta for delta in self.deltas if isinstance(delta, kind)]


def told(reading: Reading[Any], *chunks: bytes) -> list[Delta]:
    """What a stream says to a fresh `reading`; raises as the endpoint would."""
    decoder, said = Decoder(), list[Delta]()
    for chunk in chunks:
        said += reading.take(decoder.feed(chunk))
    said += reading.take(decoder.end())
    if reading.error is not None:
        raise reading.error
    return said + reading.end()


def joined(said: list[Delta]) -> list[Delta]:
    """Adjacent text in one, as reads of other sizes would have it."""
    out: list[Delta] = []
    for delta in said:
        if isinstance(delta, Text) and out and isinstance(out[-1], Text):
            out[-1] = Text(out[-1].text + delta.text)
        else:
            out.append(delta)
    return out


def ask(model: str = "n3", text: str = "hi", partial: str = "") -> ModelRequest:
    return ModelRequest(model, (text_message("m1", "user", text),), partial=partial)


async def listen(model: Model, request: ModelRequest) -> Heard:
    """All that a model says; its error is told, not raised."""
    heard = Heard()
    try:
        await model.answer(request, heard.hear)
    except Exception as error:
        heard.error = error
    return heard


async def until(condition: Callable[[], object]) -> None:
    """Let the others run until it is so, for 5 s at most."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.001)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as running:
        yield running


MakeModel = Callable[..., Endpoint]


@pytest.fixture
async def make_model(upstream: Upstream) -> AsyncIterator[MakeModel]:
    """Makes endpoints of an API by name; closes them."""
    made: list[Endpoint] = []

    def make(api: str = "chat", *, limits: Limits | None = None, base_url: str = "") -> Endpoint:
        limits = limits or Limits(connect_s=2, first_token_s=2, idle_s=2)
        client = Client(origin(base_url or upstream.base_url), KEY, limits)
        codec = ChatCodec() if api == "chat" else ResponsesCodec()
        made.append(Endpoint(client, codec, key=KEY, upstream_model="n3"))
        return made[-1]

    yield make
    for model in made:
        await model.close()
