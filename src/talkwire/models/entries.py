"""What is configured of a model, in plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct, structs
from pydantic import SecretStr

from talkwire.models.breaker import Tolerance

Provider = Literal["openai", "openai-responses", "openai-chat", "python", "scripted"]
Continuation = Literal["none", "prefill"]


class Site(Struct, frozen=True):
    """One of several servers of a model. `upstream_model` "" is that of the entry."""

    base_url: str
    api_key: SecretStr | None = None
    upstream_model: str = ""
    weight: float = 1.0


class Entry(Struct, frozen=True):
    """One configured model.

    `openai` asks for the Responses API and falls back to Chat Completions. An entry with
    `any_name` also takes every name that no other entry has, and hands it on as it is. With `sites`
    it is asked there, and `base_url` and `api_key` say nothing.
    `script` is a recording that a scripted model plays back instead of its demo; `target` is the
    function of a `python` model, as `module:function`, said with `pace_s` between two words.
    `addresses` are dialled in the place of the host of `base_url`.
    """

    name: str
    provider: Provider
    base_url: str = "https://api.openai.com/v1"
    api_key: SecretStr | None = None
    upstream_model: str = ""
    type: str = "cloud_large"
    context_tokens: int = 128_000
    continuation: Continuation = "none"
    temperature: float | None = None
    max_output_tokens: int | None = None
    price_in: float | None = None
    price_out: float | None = None
    connect_timeout_s: float = 10.0
    first_token_timeout_s: float = 30.0
    idle_timeout_s: float = 60.0
    max_attempts: int = 3
    max_connections: int = 5000
    script: Path | None = None
    any_name: bool = False
    addresses: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    sites: tuple[Site, ...] = ()
    tolerance: Tolerance = Tolerance()
    target: str = ""
    pace_s: float = 0.0
    threads: int = 1


def at(entry: Entry, site: Site) -> Entry:
    """The entry as it is asked at one of its sites."""
    return structs.replace(
        entry,
        base_url=site.base_url,
        api_key=site.api_key,
        upstream_model=site.upstream_model or entry.upstream_model,
        sites=(),
    )


def at_one(entry: Entry) -> Entry:
    """The entry as it is asked where only one server will do: at the first one."""
    return at(entry, entry.sites[0]) if entry.sites else entry
