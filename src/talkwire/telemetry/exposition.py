"""All figures as text for Prometheus, of this process or of all workers of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from talkwire.canon.errors import Unavailable

if TYPE_CHECKING:
    from talkwire.telemetry.sharing import Shared

_PUBLISH_EVERY_S = 5.0


class Exposition:
    """The figures of `registry`; with `shared` those of all workers of the server together."""

    def __init__(self, registry: CollectorRegistry, shared: Shared | None = None) -> None:
        self._registry = registry
        self._shared = shared

    async def render(self, accept: str) -> tuple[bytes, str]:
        """The text, and its media type, as an `Accept` header asks for it.

        :raises Unavailable: those of the other workers cannot be read. Without them every figure
            would seem to have fallen.
        """
        encode, media_type = choose_encoder(accept)
        mine = self.collect()

        def written() -> bytes:
            shared = self._shared
            return encode(_Collected(mine if shared is None else shared.together(mine)))

        try:
            return await asyncio.to_thread(written), media_type
        except OSError as error:
            raise Unavailable("The figures of the other workers cannot be read.") from error

    def collect(self) -> list[Metric]:
        """The figures of this process. When each began to be counted is nobody's business here:
        it would double their number."""
        return list(map(_without_created, self._registry.collect()))

    async def begin(self, stack: AsyncExitStack) -> None:
        """Take a place among the workers, which `stack` leaves with the last figures."""
        shared = self._shared
        if shared is None:
            return
        await asyncio.to_thread(shared.open)
        publishing = asyncio.create_task(self._publish_on(shared))

        async def leave() -> None:
            publishing.cancel()
            await asyncio.wait([publishing])
            await asyncio.to_thread(shared.close, self.collect())

        stack.push_async_callback(leave)

    async def _publish_on(self, shared: Shared) -> None:
        """Let the other workers know the figures of this one, until cancelled."""
        while True:
            with suppress(OSError):  # a full disk: others then know the figures of before
                await asyncio.to_thread(shared.publish, self.collect())
            await asyncio.sleep(_PUBLISH_EVERY_S)


@dataclass(frozen=True)
class _Collected(Collector):
    families: Sequence[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.families


def _without_created(family: Metric) -> Metric:
    family.samples = [each for each in family.samples if not each.name.endswith("_created")]
    return family
