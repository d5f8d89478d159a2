"""A model behind an HTTP API: asks, reads the stream, gives the connection back or closes it."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from talkwire.canon.deltas import Hear
from talkwire.canon.errors import ModelError, UpstreamIncomplete, UpstreamInvalid
from talkwire.canon.secrecy import hold
from talkwire.canon.turn import ModelRequest
from talkwire.models import _faults
from talkwire.models._answer import Answer, Enough
from talkwire.models._document import whole
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

    async def answer(self, request: ModelRequest, hear: Hear) -> None:
        """See `Model.answer`; asks once, whatever comes."""
        hold(self._key)
        answer = await self._ask(request)
        try:
            await self._expect_stream(answer)
            said = _Said(answer, self._codec.reading(), hear)
            await said.all()
            if not said.reading.frames:
                raise self._nothing(said.decoder)
            last = said.reading.end()
            answer.release()
            if (wait := hear(last)) is not None:
                await wait
        finally:
            answer.close()

    async def check(self) -> str:
        """See `Model.check`: the list of models is asked for."""
        answer = await self._client.ask("GET", "/models")
        try:
            status, body = answer.status, await whole(answer, 1_048_576)
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
                body = await whole(answer, _faults.BODY_BYTES)
            finally:
                answer.close()
            fault = self._fault(answer, body)
            if not isinstance(fault, _faults.Rejected) or not self._codec.learn(fault.body):
                raise fault

    def _fault(self, answer: Answer, body: bytes) -> ModelError:
        return _faults.of_status(
            answer.status,
            answer.headers,
            body,
            server=self._server,
            key=self._key,
            hidden=self._client.server.hidden,
        )

    async def _expect_stream(self, answer: Answer) -> None:
        encoding = answer.headers.get("content-encoding", "identity")
        if encoding not in ("identity", ""):
            raise UpstreamInvalid(f"{self._server} compresses its answer, which was not asked for.")
        kind = answer.headers.get("content-type", "").lower()
        if "html" in kind or "json" in kind:
            body = await whole(answer, _faults.BODY_BYTES)
            raise _faults.of_document(kind, body, server=self._server)

    def _nothing(self, decoder: Decoder) -> ModelError:
        if decoder.foreign:
            return UpstreamInvalid(f"{self._server} answered something that is no event stream.")
        return UpstreamIncomplete("The connection to the model was cut in mid-answer.")


class _Said:
    """What one answer says, told while it comes."""

    __slots__ = ("_answer", "_flowing", "_hear", "decoder", "reading")

    def __init__(self, answer: Answer, reading: Reading[Any], hear: Hear) -> None:
        self.decoder = Decoder()
        self.reading = reading
        self._answer = answer
        self._hear = hear
        self._flowing = False

    async def all(self) -> None:
        """To the end. An error after all that matters was said is as good as the end."""
        try:
            await self._answer.pour(self._piece)
        except ModelError:
            if self.reading.error is not None or not self.reading.finishing:
                raise
            self._piece(b"")

    def _piece(self, chunk: bytes) -> object:
        """See `Sink`."""
        reading = self.reading
        deltas = reading.run(chunk) if self.decoder.between else None
        if deltas is None:
            deltas = reading.take(self.decoder.feed(chunk) if chunk else self.decoder.end())
        wait: object = None
        if deltas:
            if not self._flowing:
                self._flowing = True
                self._answer.flowing()
            wait = self._hear(deltas)
        if reading.error is not None:
            raise reading.error
        if reading.done:
            return Enough
        if reading.finishing:
            self._answer.ending(LAST_WORDS_S)
        return wait


class _Listed(msgspec.Struct):
    id: str = ""


class _Listing(msgspec.Struct):
    data: list[_Listed] | None


def _listed(body: bytes) -> set[str] | None:
    try:
        listing = msgspec.json.decode(body, type=_Listing)
    except (ValueError, RecursionError):
        return None
    return {model.id for model in listing.data or ()}
