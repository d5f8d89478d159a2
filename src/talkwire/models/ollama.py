"""Is there an Ollama on this host? Its models speak OpenAI's Chat Completions."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

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


def find(url: str = URL, *, within_s: float = WITHIN_S) -> Ollama | None:
    """The running Ollama, or None; never raises. Blocks, for `within_s` at most at each step.

    Meant for the start of a server, before it serves anybody.
    """
    place = urlsplit(url)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=within_s)
    try:
        connection.request("GET", "/api/tags")
        answer = connection.getresponse()
        body = answer.read(_LISTING_BYTES)
        tags = msgspec.json.decode(body, type=_Tags) if answer.status == 200 else _Tags()
    except (OSError, HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()
    if tags.models is None:
        return None
    return Ollama(f"{url}/v1", tuple(model.name for model in tags.models))
