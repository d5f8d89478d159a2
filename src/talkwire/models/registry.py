"""All configured models by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from talkwire.canon.errors import NotFound
from talkwire.canon.models import Standing
from talkwire.models.allowance import Allowance
from talkwire.models.building import build
from talkwire.models.callers import Caller, entry_for
from talkwire.models.entries import Continuation, Entry
from talkwire.models.pool import Model, Pool
from talkwire.models.probes import Probes

NAME_CHARS = 200
"""A model's name is at most so long, and printable: it is stored, and shown."""

C = TypeVar("C")
C_co = TypeVar("C_co", covariant=True)


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

    :raises ValueError: two entries of one name, an unknown default, a bad URL, key, recording or
        target.
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
        self._allowance = Allowance()
        self._lent_allowance = Allowance()  # callers with bad keys use up nothing of ours
        self._built = {entry.name: build(entry, self._allowance) for entry in entries}

    def resolve(self, name: str | None, caller: Caller | None = None) -> C:
        """The model of this name; None or "" is the default one.

        At a caller's server any name goes, as it is. What is made for a caller is lent for one
        turn: whoever asked closes it.

        :raises NotFound: no model takes the name. :raises ValueError: a key that cannot be sent.
        """
        asked = name or self._default
        if len(asked) > NAME_CHARS or not asked.isprintable():
            raise NotFound("There is no model of such a name.", param="model")
        caller = caller if self._lends else None
        if caller is not None and caller.base_url:
            return self._choice(Entry(asked, "openai-chat"), asked, caller)
        entry = self._models.get(asked) or self._open
        if entry is not None:
            return self._choice(entry, asked, caller)
        known = ", ".join(self.names())
        near = difflib.get_close_matches(asked, self._models, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise NotFound(f"There is no model {asked[:100]!r}.{hint} Known: {known}.", param="model")

    def names(self) -> tuple[str, ...]:
        """The configured names, the default one first."""
        others = (name for name in self._models if name != self._default)
        return (self._default, *others)

    def fallbacks(self, name: str) -> tuple[str, ...]:
        """The models that answer in the place of this one when it fails, in their order."""
        entry = self._models.get(name)
        return () if entry is None else entry.fallbacks

    def standings(self) -> tuple[Standing, ...]:
        """All configured models as they are just now, the default one first; no I/O."""
        known = (self._models.get(name) for name in self.names())
        return tuple(self._standing(entry) for entry in known if entry is not None)

    async def watch(self) -> None:
        """Look after what is unwell until cancelled; see `Probes`. For the server's upkeep."""
        pools = [model for model in self._built.values() if isinstance(model, Pool)]
        await Probes([each for pool in pools for each in pool.deployments]).watch()

    async def close(self) -> None:
        """Close every model."""
        for model in self._built.values():
            await model.close()

    def _standing(self, entry: Entry) -> Standing:
        model = self._built[entry.name]
        standing = Standing(
            entry.name,
            entry.type,
            price_in=entry.price_in,
            price_out=entry.price_out,
            context_tokens=entry.context_tokens,
        )
        return model.standing(standing) if isinstance(model, Pool) else standing

    def _choice(self, entry: Entry, name: str, caller: Caller | None) -> C:
        if entry.provider == "python":
            caller = None  # it has no server, and no key
        if caller is not None:
            entry = entry_for(entry, caller)
        return self._make(
            name=name,
            model_type=entry.type,
            model=self._built[entry.name] if caller is None else build(entry, self._lent_allowance),
            upstream_model=(entry.upstream_model if name == entry.name else "") or name,
            context_tokens=entry.context_tokens,
            continuation=entry.continuation,
            temperature=entry.temperature,
            max_output_tokens=entry.max_output_tokens,
            price_in=entry.price_in,
            price_out=entry.price_out,
            lent=caller is not None,
            reads=entry.provider != "scripted",
        )
