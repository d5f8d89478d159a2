"""All configured models by name. The one place that knows which provider is which class."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, Literal, Protocol, TypeVar

from msgspec import Struct
from pydantic import SecretStr

from talkwire.canon.deltas import Hear
from talkwire.canon.errors import NotFound
from talkwire.canon.models import Standing
from talkwire.canon.turn import ModelRequest
from talkwire.models import playback
from talkwire.models._endpoint import Codec, Endpoint
from talkwire.models._http import Client, Limits, origin
from talkwire.models.callers import Caller, entry_for
from talkwire.models.fallback import Fallback
from talkwire.models.openai_chat import ChatCodec
from talkwire.models.openai_responses import ResponsesCodec
from talkwire.models.retrying import Retrying
from talkwire.models.scripted import Scripted

Provider = Literal["openai", "openai-responses", "openai-chat", "scripted"]
Continuation = Literal["none", "prefill"]
C = TypeVar("C")
C_co = TypeVar("C_co", covariant=True)


class Model(Protocol):
    """A model; see the engine's port of this name."""

    async def answer(self, request: ModelRequest, hear: Hear) -> None: ...
    async def check(self) -> str: ...
    async def close(self) -> None: ...


class Entry(Struct, frozen=True):
    """One configured model, in plain values.

    `openai` asks for the Responses API and falls back to Chat Completions. An entry with
    `any_name` also takes every name that no other entry has, and hands it on as it is.
    `script` is a recording that a scripted model plays back instead of its demo. `addresses` are
    dialled in the place of the host of `base_url`.
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


class MakeChoice(Protocol[C_co]):
    """Makes the engine's `Choice`, which this folder may not know."""

    def __call__(
        self,
        *,
        name: str,
        model_type: str,
        model: Model,
        upstream_model: str,
        context_tokens: int,
        continuation: Continuation,
        temperature: float | None,
        max_output_tokens: int | None,
        price_in: float | None,
        price_out: float | None,
        lent: bool,
        reads: bool,
    ) -> C_co: ...


class Catalogue(Generic[C]):
    """The models of one process. Nothing is opened before the first request; close it.

    `told` says in one line which models there are and why. One that does not `lend` answers callers
    as everybody else, whatever they brought.

    :raises ValueError: two entries of one name, an unknown default, a bad URL, key or recording.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        choice: MakeChoice[C],
        *,
        default: str | None = None,
        told: str = "",
        lends: bool = True,
    ) -> None:
        self.told = told
        self._lends = lends
        self._make = choice
        self._models = {entry.name: entry for entry in entries}
        if len(self._models) != len(entries) or not entries:
            raise ValueError("models need at least one entry, each with a name of its own.")
        self._open = next((entry for entry in entries if entry.any_name), None)
        self._default = default or entries[0].name
        if default and default not in self._models and self._open is None:
            raise ValueError(f"default_model {default!r} is no configured model.")
        self._built = {entry.name: build(entry) for entry in entries}

    def resolve(self, name: str | None, caller: Caller | None = None) -> C:
        """The model of this name; None or "" is the default one.

        At a caller's server any name goes, as it is. What is made for a caller is lent for one
        turn: whoever asked closes it.

        :raises NotFound: no model takes the name. :raises ValueError: a key that cannot be sent.
        """
        asked = name or self._default
        caller = caller if self._lends else None
        if caller is not None and caller.base_url:
            return self._choice(Entry(asked, "openai-chat"), asked, asked, caller)
        entry = self._models.get(asked)
        if entry is not None:
            return self._choice(entry, asked, entry.upstream_model or asked, caller)
        if self._open is not None:
            return self._choice(self._open, asked, asked, caller)
        known = ", ".join(self.names())
        near = difflib.get_close_matches(asked, self._models, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise NotFound(f"There is no model {asked[:100]!r}.{hint} Known: {known}.", param="model")

    def names(self) -> tuple[str, ...]:
        """The configured names, the default one first."""
        others = (name for name in self._models if name != self._default)
        return (self._default, *others)

    def standings(self) -> tuple[Standing, ...]:
        """All configured models as they are just now, the default one first."""
        entries = (self._models.get(name) for name in self.names())
        return tuple(
            Standing(
                entry.name,
                entry.type,
                context_tokens=entry.context_tokens,
                price_in=entry.price_in,
                price_out=entry.price_out,
            )
            for entry in entries
            if entry is not None
        )

    def fallbacks(self, name: str) -> tuple[str, ...]:
        """The models that answer in the place of this one when it fails, in their order."""
        entry = self._models.get(name)
        return () if entry is None else entry.fallbacks

    async def close(self) -> None:
        """Close every model."""
        for model in self._built.values():
            await model.close()

    def _choice(self, entry: Entry, name: str, upstream_model: str, caller: Caller | None) -> C:
        if caller is not None:
            entry = entry_for(entry, caller)
        return self._make(
            name=name,
            model_type=entry.type,
            model=self._built[entry.name] if caller is None else build(entry),
            upstream_model=upstream_model,
            context_tokens=entry.context_tokens,
            continuation=entry.continuation,
            temperature=entry.temperature,
            max_output_tokens=entry.max_output_tokens,
            price_in=entry.price_in,
            price_out=entry.price_out,
            lent=caller is not None,
            reads=entry.provider != "scripted",
        )


def build(entry: Entry) -> Model:
    """The model of an entry. :raises ValueError: a bad URL, key or recording."""
    match entry.provider:
        case "scripted":
            return playback.load(entry.script) if entry.script else Scripted()
        case "openai-chat":
            model: Model = _endpoint(entry, ChatCodec(entry.continuation))
        case "openai-responses":
            model = _endpoint(entry, ResponsesCodec())
        case "openai":
            chat = _endpoint(entry, ChatCodec(entry.continuation))
            model = Fallback(_endpoint(entry, ResponsesCodec()), chat)
    return Retrying(model, max_attempts=entry.max_attempts)


def _endpoint(entry: Entry, codec: Codec) -> Endpoint:
    key = entry.api_key.get_secret_value().strip() if entry.api_key else ""
    limits = Limits(
        connect_s=entry.connect_timeout_s,
        first_token_s=entry.first_token_timeout_s,
        idle_s=entry.idle_timeout_s,
        max_connections=entry.max_connections,
    )
    client = Client(origin(entry.base_url, entry.addresses), key, limits)
    # An entry that takes any name has no model of its own to look for.
    named = "" if entry.any_name else entry.upstream_model or entry.name
    return Endpoint(client, codec, key=key, upstream_model=named)
