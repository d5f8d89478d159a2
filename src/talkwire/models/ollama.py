"""Is there an Ollama on this host? Its models speak OpenAI's Chat Completions."""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct

from talkwire.canon.errors import ModelError
from talkwire.models._http import Client, Limits, origin

URL = "http://127.0.0.1:11434"
WITHIN_S = 0.3
_LISTING_BYTES = 4_194_304


class Ollama(Struct, frozen=True):
    """A running Ollama: where its OpenAI-compatible API is, and the models it has."""

    base_url: str
    models: tuple[str, ...]


class _Named(Struct):
    name: str


class _Tags(Struct):
    models: list[_Named] | None = None


async def find(url: str = URL, *, within_s: float = WITHIN_S) -> Ollama | None:
    """The running Ollama, or None; never raises and never takes longer than `within_s`."""
    client = Client(origin(url), "", Limits(connect_s=within_s, first_token_s=within_s))
    try:
        async with asyncio.timeout(within_s):
            answer = await client.ask("GET", "/api/tags")
            try:
                body = await answer.read_whole(_LISTING_BYTES)
            finally:
                answer.close()
            tags = msgspec.json.decode(body, type=_Tags) if answer.status == 200 else None
    except (TimeoutError, ModelError, ValueError):
        return None
    finally:
        await client.close()
    if tags is None or tags.models is None:
        return None
    return Ollama(f"{url}/v1", tuple(model.name for model in tags.models))
