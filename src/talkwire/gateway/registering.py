"""Keeps a server registered at its gateway for as long as it takes requests.

A gateway that is away is none of the server's business: it starts, serves and ends without it, and
registers when the gateway is back. Renewing is registering for a gateway that has forgotten it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import SystemRandom

import structlog

from talkwire.gateway.instance import Forgotten, Gateway, GatewayAway, Instance

RENEWED_WITHIN = 3  # times in a `ttl_s`: two may get lost
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0
_LEAVE_S = 3.0
_DICE = SystemRandom()
_log = structlog.get_logger("talkwire.gateway")


class Registering:
    """`fault` is why the gateway does not know of the server, "" where it does, or once did and
    was not asked since. `renewed_at` are Unix seconds, None before the first time.
    """

    def __init__(
        self,
        gateway: Gateway,
        instance: Instance,
        *,
        now: Callable[[], float] = time.time,
        chance: Callable[[], float] = _DICE.random,
    ) -> None:
        self.instance = instance
        self.fault = "it was not told yet"
        self.renewed_at: float | None = None
        self._gateway = gateway
        self._now = now
        self._chance = chance
        self._registered = False
        self._away = False
        self._keeping: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Register, and keep registered, from now on; returns at once."""
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(), name="gateway")

    async def leave(self) -> None:
        """Deregister: when this returns the gateway sends nothing more, or could not be told so
        within a few seconds. May be called twice.
        """
        keeping, self._keeping = self._keeping, None
        if keeping is None:
            return
        keeping.cancel()
        await asyncio.wait([keeping])
        try:
            async with asyncio.timeout(_LEAVE_S):
                await self._gateway.deregister(self.instance)
        except (GatewayAway, TimeoutError) as error:
            _log.warning("gateway.not_left", reason=str(error) or "no answer in time")
        else:
            _log.info("gateway.left", instance=self.instance.id)
        self.fault = "the server goes"

    async def close(self) -> None:
        """Leave, and give up all connections."""
        await self.leave()
        await self._gateway.close()

    async def _keep(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._tell()
            except Forgotten:
                self._registered = False
                _log.warning("gateway.forgot", instance=self.instance.id)
            except GatewayAway as error:
                self._lose(str(error))
                # Never the same: all servers lose a gateway at the same moment.
                await asyncio.sleep(pause_s * (0.5 + self._chance() / 2))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S, self.instance.ttl_s)
            else:
                pause_s = _FIRST_PAUSE_S
                await asyncio.sleep(self.instance.ttl_s / RENEWED_WITHIN)

    async def _tell(self) -> None:
        if self._registered:
            await self._gateway.renew(self.instance)
        else:
            await self._gateway.register(self.instance)
            self._registered = True
            _log.info("gateway.registered", instance=self.instance.id, url=self.instance.url)
        self.fault, self._away = "", False
        self.renewed_at = self._now()

    def _lose(self, why: str) -> None:
        self.fault = why
        if not self._away:
            self._away = True
            _log.warning("gateway.away", reason=why)
