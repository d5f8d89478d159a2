"""Texts as vectors, from a server that speaks OpenAI's embeddings API.

Source: openai-openapi, CreateEmbeddingRequest and CreateEmbeddingResponse.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from talkwire.canon.errors import ModelError, UpstreamInvalid
from talkwire.canon.secrecy import hold
from talkwire.models import _faults
from talkwire.models._document import whole
from talkwire.models._http import Client, Limits, origin
from talkwire.models.entries import Entry

AT_ONCE = 64
"""So many texts are asked for in one request."""

_DIMENSIONS = 8_192
_BODY_BYTES = 64 * 1024 * 1024


class _Vector(Struct):
    index: int
    embedding: list[float]


class _Answer(Struct):
    data: list[_Vector]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Answer).decode


class Embeddings:
    """One embedding model. Nothing is opened before the first request; close it.

    :raises ValueError: a bad URL or key.
    """

    def __init__(self, entry: Entry) -> None:
        self._key = entry.api_key.get_secret_value().strip() if entry.api_key else ""
        limits = Limits(
            connect_s=entry.connect_timeout_s,
            first_token_s=entry.first_token_timeout_s,
            idle_s=entry.idle_timeout_s,
            max_connections=entry.max_connections,
        )
        self._client = Client(origin(entry.base_url, entry.addresses), self._key, limits)
        self._model = entry.upstream_model or entry.name

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector of length 1 for each text, in their order.

        :raises ModelError: the server refused, failed, or answered something else.
        """
        vectors: list[list[float]] = []
        for start in range(0, len(texts), AT_ONCE):
            vectors += await self._ask(texts[start : start + AT_ONCE])
        return vectors

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _ask(self, texts: Sequence[str]) -> list[list[float]]:
        hold(self._key)
        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        answer = await self._client.ask("POST", "/embeddings", _encode(body))
        try:
            status, headers = answer.status, answer.headers
            written = await whole(answer, _BODY_BYTES)
        finally:
            answer.close()
        if status != 200:
            raise self._fault(status, headers, written)
        return _vectors(written, len(texts), self._client.server.text)

    def _fault(self, status: int, headers: dict[str, str], body: bytes) -> ModelError:
        server = self._client.server
        return _faults.of_status(
            status, headers, body, server=server.text, key=self._key, hidden=server.hidden
        )


def _vectors(body: bytes, count: int, server: str) -> list[list[float]]:
    try:
        data = sorted(_decode(body).data, key=lambda each: each.index)
    except (msgspec.MsgspecError, RecursionError):
        raise UpstreamInvalid(f"{server} answers no embeddings as OpenAI's API does.") from None
    sizes = {len(each.embedding) for each in data}
    in_order = [each.index for each in data] == list(range(count))
    if not in_order or len(sizes) != 1 or not 0 < max(sizes) <= _DIMENSIONS:
        raise UpstreamInvalid(f"{server} answers other embeddings than it was asked for.")
    try:
        return [_unit(each.embedding) for each in data]
    except OverflowError:
        raise UpstreamInvalid(f"{server} answers embeddings without a length.") from None


def _unit(vector: list[float]) -> list[float]:
    """The vector at length 1, zero as it is. :raises OverflowError: its length is no number."""
    length = math.sqrt(math.fsum(part * part for part in vector))
    if not math.isfinite(length):
        raise OverflowError
    return [part / length for part in vector] if length > 0 else vector
