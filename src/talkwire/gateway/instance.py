"""What a gateway is told of a server, and how it can answer."""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import Struct


class GatewayAway(Exception):
    """The gateway did not take it; the message says why, with no address and no secret."""


class Forgotten(Exception):
    """The gateway knows nothing of this instance any more: it has to be registered again."""


class Instance(Struct, frozen=True):
    """One server process. `url` is where others reach it; `listeners` are all its addresses, each
    with the wires that are served there, where not all are.
    """

    id: str
    service: str
    url: str
    ttl_s: float
    version: str = ""
    listeners: tuple[dict[str, Any], ...] = ()


class Gateway(Protocol):
    """One kind of gateway. Each call is bounded in time."""

    async def register(self, instance: Instance) -> None:
        """Say that it is there; twice is once. :raises GatewayAway: nobody heard."""
        ...

    async def renew(self, instance: Instance) -> None:
        """Say that it is still there. :raises Forgotten: :raises GatewayAway: nobody heard."""
        ...

    async def deregister(self, instance: Instance) -> None:
        """Say that it goes; one that is not known is gone. :raises GatewayAway: nobody heard."""
        ...

    async def close(self) -> None:
        """Give up all connections."""
        ...
