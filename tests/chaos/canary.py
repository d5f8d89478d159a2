"""Secrets that are known again wherever they turn up: whole or in part, plain or encoded."""

from __future__ import annotations

import random
import string
from base64 import b64encode
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

EDGE = 8  # so many characters of a secret's beginning or end give it away
_LETTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True)
class Canary:
    """A secret; `core` is what is random in it. `told` names the places where it may be."""

    name: str
    core: str
    told: frozenset[str] = frozenset()
    plain: tuple[bytes, ...] = field(init=False)
    encoded: tuple[bytes, ...] = field(init=False)

    def __post_init__(self) -> None:
        edges = (self.core[:EDGE].encode(), self.core[-EDGE:].encode())
        object.__setattr__(self, "plain", edges)
        object.__setattr__(self, "encoded", tuple(_encoded(self.core.encode())))

    def is_in(self, data: bytes, folded: bytes) -> bool:
        """Whether any of it is in the data; `folded` is the same in lower case."""
        where = folded if self.core.islower() else data
        return any(each in where for each in self.plain) or any(
            each in data for each in self.encoded
        )


def _encoded(core: bytes) -> Iterator[bytes]:
    """Base64 at each offset that the core may have in what is encoded, and hexadecimal.

    What is percent-encoded or escaped in JSON still shows the core, which is letters and digits.
    """
    for lead in range(3):
        whole = b64encode(b"\0" * lead + core).rstrip(b"=")
        yield whole[4 if lead else 0 : len(whole) - 4]
    yield core.hex().encode()


class Cage:
    """All canaries of a run; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(f"{seed}/canaries")
        self.canaries: dict[str, Canary] = {}

    def new(self, name: str, form: str = "{}", *, told: Collection[str] = ()) -> str:
        """A new secret; `form` puts words around what is random in it."""
        core = "".join(self._dice.choices(_LETTERS, k=24))
        return self.held(name, form.format(core), core, told=told)

    def held(self, name: str, text: str, core: str, *, told: Collection[str] = ()) -> str:
        """A secret that others have made; its text. Names that come again are numbered."""
        again = sum(known.partition(" #")[0] == name for known in self.canaries)
        if again:
            name = f"{name} #{again + 1}"
        self.canaries[name] = Canary(name, core, frozenset(told))
        return text

    def found(self, data: bytes, place: str, told: Collection[str] = ()) -> list[str]:
        """The names of the canaries in the data, but for those that may be told there."""
        folded = data.lower()
        return [
            name
            for name, canary in self.canaries.items()
            if place not in canary.told and name.partition(" #")[0] not in told
            if canary.is_in(data, folded)
        ]
