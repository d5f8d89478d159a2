"""Which models there are, out of the settings: configured, from the environment, or stand-ins.

`USE_MOCK=1` wins over all. Else the entries of `models:`; without any, the server of
`OPENAI_API_KEY` or `OPENAI_BASE_URL`, which takes every name. With neither: an Ollama on this host,
else the demo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from msgspec import structs
from pydantic import SecretStr

from talkwire.models import ollama
from talkwire.models.breaker import Tolerance
from talkwire.models.embeddings import Embeddings
from talkwire.models.entries import Continuation, Entry, Site, at_one
from talkwire.models.ollama import Ollama
from talkwire.models.registry import Catalogue, MakeChoice

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_MODEL = "gpt-4.1-mini"
DEMO = "scripted"
EMBEDDING = "embedding"
"""The type of models that answer no messages: they make vectors of texts."""

LOCAL_FIRST_TOKEN_S = 120.0  # a local model is loaded from disk by its first question

C = TypeVar("C")


class DescribedSite(Protocol):
    """One of the `deployments` of an entry."""

    @property
    def base_url(self) -> str: ...
    @property
    def api_key(self) -> SecretStr | None: ...
    @property
    def upstream_model(self) -> str | None: ...
    @property
    def weight(self) -> float: ...


class DescribedTolerance(Protocol):
    """The `breaker` of an entry."""

    @property
    def failures(self) -> int: ...
    @property
    def open_s(self) -> float: ...
    @property
    def open_max_s(self) -> float: ...


class Described(Protocol):
    """One entry of `models:`."""

    @property
    def name(self) -> str: ...
    @property
    def provider(self) -> Literal["openai-responses", "openai-chat", "python", "scripted"]: ...
    @property
    def base_url(self) -> str | None: ...
    @property
    def api_key(self) -> SecretStr | None: ...
    @property
    def upstream_model(self) -> str | None: ...
    @property
    def type(self) -> str: ...
    @property
    def context_tokens(self) -> int: ...
    @property
    def continuation(self) -> Continuation: ...
    @property
    def temperature(self) -> float | None: ...
    @property
    def max_output_tokens(self) -> int | None: ...
    @property
    def price_in(self) -> float | None: ...
    @property
    def price_out(self) -> float | None: ...
    @property
    def connect_timeout_s(self) -> float: ...
    @property
    def first_token_timeout_s(self) -> float: ...
    @property
    def idle_timeout_s(self) -> float: ...
    @property
    def max_attempts(self) -> int: ...
    @property
    def max_connections(self) -> int: ...
    @property
    def script(self) -> Path | None: ...
    @property
    def deployments(self) -> Sequence[DescribedSite]: ...
    @property
    def fallbacks(self) -> tuple[str, ...]: ...
    @property
    def target(self) -> str | None: ...
    @property
    def pace_s(self) -> float: ...
    @property
    def threads(self) -> int: ...
    @property
    def breaker(self) -> DescribedTolerance: ...


class Wanted(Protocol):
    """The settings that say which models there are."""

    @property
    def use_mock(self) -> bool: ...
    @property
    def openai_api_key(self) -> SecretStr | None: ...
    @property
    def openai_base_url(self) -> str | None: ...
    @property
    def default_model(self) -> str | None: ...
    @property
    def models(self) -> Sequence[Described]: ...


def catalogue(
    settings: Wanted,
    choice: MakeChoice[C],
    *,
    find_ollama: Callable[[], Ollama | None] = ollama.find,
) -> Catalogue[C]:
    """The models of these settings. Looks for an Ollama (0.3 s) only where nothing is set.

    :raises ValueError: see `Catalogue`.
    """
    if settings.use_mock:
        told = "USE_MOCK is set: the scripted demo answers."
        return Catalogue([_demo()], choice, told=told, lends=False)
    chats = [described for described in settings.models if described.type != EMBEDDING]
    entries = [_entry(described, settings) for described in chats]
    if not entries and (settings.openai_api_key or settings.openai_base_url):
        entries.append(_from_environment(settings))
    if entries:
        told = f"Models: {', '.join(entry.name for entry in entries)}."
        return Catalogue(entries, choice, default=settings.default_model, told=told)
    return _stand_in(settings, choice, find_ollama())


def embeddings(settings: Wanted, name: str) -> Embeddings | None:
    """The embedding model of this name: an entry of `models`, else one of the environment's server.
    None where it has no server: the demo, or a function in this process. Close it.

    :raises ValueError: a bad URL or key.
    """
    if settings.use_mock:
        return None
    entries = [_entry(each, settings) for each in settings.models if each.name == name]
    if any(entry.provider in ("python", "scripted") for entry in entries):
        return None
    elsewhere = structs.replace(_from_environment(settings), name=name)
    return Embeddings(at_one(entries[0]) if entries else elsewhere)


def _stand_in(settings: Wanted, choice: MakeChoice[C], found: Ollama | None) -> Catalogue[C]:
    if found is None or not found.models:
        told = "No model is configured (set OPENAI_API_KEY): the scripted demo answers."
        return Catalogue([_demo()], choice, told=told)
    entries = [
        Entry(
            name,
            "openai-chat",
            base_url=found.base_url,
            type="local_small",
            first_token_timeout_s=LOCAL_FIRST_TOKEN_S,
        )
        for name in dict.fromkeys(found.models)
    ]
    default = settings.default_model if settings.default_model in found.models else None
    told = f"No model is configured: the Ollama on this host answers ({entries[0].name})."
    return Catalogue(entries, choice, default=default, told=told)


def _demo() -> Entry:
    # Its answers are the same each time, so that one that was cut is carried on exactly.
    return Entry(DEMO, "scripted", type="scripted", any_name=True, continuation="prefill")


def _from_environment(settings: Wanted) -> Entry:
    return Entry(
        settings.default_model or OPENAI_MODEL,
        "openai",
        base_url=settings.openai_base_url or OPENAI_URL,
        api_key=settings.openai_api_key,
        any_name=True,
    )


def _entry(described: Described, settings: Wanted) -> Entry:
    """An entry without a server of its own has that of the environment, and its key."""
    elsewhere = described.base_url is not None
    breaker = described.breaker
    sites = tuple(
        Site(each.base_url, each.api_key, each.upstream_model or "", each.weight)
        for each in described.deployments
    )
    entry = Entry(
        described.name,
        described.provider,
        base_url=described.base_url or settings.openai_base_url or OPENAI_URL,
        # A key is only ever sent to the server that it was given for.
        api_key=described.api_key or (None if elsewhere else settings.openai_api_key),
        upstream_model=described.upstream_model or "",
        type=described.type,
        context_tokens=described.context_tokens,
        continuation=described.continuation,
        temperature=described.temperature,
        max_output_tokens=described.max_output_tokens,
        price_in=described.price_in,
        price_out=described.price_out,
        connect_timeout_s=described.connect_timeout_s,
        first_token_timeout_s=described.first_token_timeout_s,
        idle_timeout_s=described.idle_timeout_s,
        max_attempts=described.max_attempts,
        max_connections=described.max_connections,
        script=described.script,
        fallbacks=described.fallbacks,
        sites=sites,
        tolerance=Tolerance(breaker.failures, breaker.open_s, breaker.open_max_s),
        target=described.target or "",
        pace_s=described.pace_s,
        threads=described.threads,
    )
    # What has servers of its own, or none, has nothing to do with that of the environment.
    return structs.replace(entry, api_key=None) if sites or described.target else entry
