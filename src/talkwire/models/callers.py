"""Models asked in a caller's way: at a server of the caller's choice, with a key of the caller's.

The rule that this module is for: the key of the settings goes to the server of the settings and
nowhere else. So an entry is never changed in its `base_url` alone.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct
from pydantic import SecretStr

from talkwire.models.entries import Entry, at_one

THEIRS = "caller"
"""The type of a model at a caller's server."""


class Caller(Struct, frozen=True):
    """What a caller brought. Both for one turn: kept nowhere, told to nobody.

    `base_url` comes with the `addresses` that were checked for it; "" is none.

    :raises ValueError: one of the two without the other.
    """

    base_url: str = ""
    addresses: tuple[str, ...] = ()
    api_key: SecretStr | None = None

    def __post_init__(self) -> None:
        if bool(self.base_url) != bool(self.addresses):
            raise ValueError("base_url needs the addresses that were checked for it.")

    def __repr__(self) -> str:
        return "Caller(…)"


def entry_for(entry: Entry, caller: Caller) -> Entry:
    """The entry as it is asked for this caller.

    With a `base_url` of the caller's the key is the caller's too, or there is none, and the API is
    Chat Completions, which every compatible server has. With a key alone the server is ours: of
    several the first one, since a key is for one. What a caller pays for has no price here.
    """
    if caller.base_url:
        return msgspec.structs.replace(
            entry,
            provider="openai-chat",
            base_url=caller.base_url,
            addresses=caller.addresses,
            api_key=caller.api_key,
            sites=(),
            type=THEIRS,
            price_in=None,
            price_out=None,
        )
    if caller.api_key is None:
        return entry
    return msgspec.structs.replace(
        at_one(entry), api_key=caller.api_key, price_in=None, price_out=None
    )
