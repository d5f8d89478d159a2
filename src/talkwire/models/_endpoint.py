"""A model behind an HTTP API: asks, reads the stream, gives the connection back or closes it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol

import msgspec

from talkwire.canon.deltas import Delta
from talkwire.canon.errors import ModelError, UpstreamIncomplete, UpstreamInvalid
from talkwire.canon.turn import ModelRequest
from talkwire.models import _faults
from talkwire.models._answer import Answer
from talkwire.models._http import Client
from talkwire.models._reading import Reading
from talkwire.models._sse import Decoder

LAST_WORDS_S = 5.0


class Codec(Protocol):
    """One API's dialect: what is asked, and how the answer is read."""

    path: str

    def body(self, request: ModelRequest) -> bytes:
        """The request as JSON."""
        ...

    def reading(self) -> Reading[Any]:
        """A reader for one stream."""
        ...

    def learn(self, rejection: str) -> bool:
        """The body of a 400: True when the same request would now be asked in another way."""
        ...


class Endpoint:
    """Fits the port `Model`: one codec over one client. The client is owned by this."""

    def __init__(self, client: Client, codec: Codec, *, key: str, upstream_model: str) -> None:
        self._client = client
        self._codec = codec
        self._key = key
        self._model = upstream_model

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Delta], None]:
        """See `Model.stream`; asks once, whatever comes."""
        answer = await self._ask(request)
        try:
            await self._expect_stream(answer)
            decoder, reading, flowing = Decoder(), self._codec.reading(), False
            while not reading.done:
                chunk = _taken(answer, reading)
                if chunk is None:
                    await answer.coming()
                    continue
                deltas = reading.take(decoder.feed(chunk) if chunk else decoder.end())
                if deltas:
                    if not flowing:
                        flowing = True
                        answer.flowing()
                    yield deltas
                if reading.error is not None:
                    raise reading.error
                if not chunk:
                    break
                if reading.finishing and not reading.done:
                    answer.ending(LAST_WORDS_S)
            if not reading.frames:
                raise self._nothing(decoder)
            last = reading.end()
            answer.release()
            yield last
        finally:
            answer.close()

    async def check(self) -> str:
        """See `Model.check`: the list of models is asked for."""
        answer = await self._client.ask("GET", "/models")
        try:
            status, body = answer.status, await answer.read_whole(1_048_576)
        finally:
            answer.close()
        if status == 404:
            return f"{self._server} answers, but lists no models"
        if status != 200:
            raise self._fault(answer, body)
        known = _listed(body)
        if known is None:
            raise UpstreamInvalid(f"{self._server} does not list models as OpenAI's API does.")
        if self._model and known and self._model not in known:
            return f"{self._server} answers, but does not list {self._model!r}"
        return f"{self._server} answers, {len(known)} models"

    async def close(self) -> None:
        """See `Model.close`."""
        await self._client.close()

    @property
    def _server(self) -> str:
        return self._client.server.text

    async def _ask(self, request: ModelRequest) -> Answer:
        while True:
            answer = await self._client.ask("POST", self._codec.path, self._codec.body(request))
            if answer.status == 200:
                return answer
            try:
                body = await answer.read_whole(_faults.BODY_BYTES)
            finally:
                answer.close()
            fault = self._fault(answer, body)
            if not isinstance(fault, _faults.Rejected) or not self._codec.learn(fault.body):
                raise fault

    def _fault(self, answer: Answer, body: bytes) -> ModelError:
        return _faults.of_status(
            answer.status, answer.headers, body, server=self._server, key=self._key
        )

    async def _expect_stream(self, answer: Answer) -> None:
        encoding = answer.headers.get("content-encoding", "identity")
        if encoding not in ("identity", ""):
            raise UpstreamInvalid(f"{self._server} compresses its answer, which was not asked for.")
        kind = answer.headers.get("content-type", "").lower()
        if "html" in kind or "json" in kind:
            body = await answer.read_whole(_faults.BODY_BYTES)
            raise _faults.of_document(kind, body, server=self._server)

    def _nothing(self, decoder: Decoder) -> ModelError:
        if decoder.foreign:
            return UpstreamInvalid(f"{self._server} answered something that is no event stream.")
        return UpstreamIncomplete("The connection to the model was cut in mid-answer.")


def _taken(answer: Answer, reading: Reading[Any]) -> bytes | None:
    """What has come; an error after all that matters was said is as good as the end."""
    try:
        return answer.take()
    except ModelError:
        if not reading.finishing:
            raise
        return b""


class _Listed(msgspec.Struct):
    id: str = ""


class _Listing(msgspec.Struct):
    data: list[_Listed] | None


def _listed(body: bytes) -> set[str] | None:
    try:
        listing = msgspec.json.decode(body, type=_Listing)
    except ValueError:
        return None
    return {model.id for model in listing.data or ()}
