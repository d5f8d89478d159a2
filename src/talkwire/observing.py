"""What is told to the outside of a server that runs: figures, traces and bugs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from talkwire import __version__
from talkwire._settings.kinds import WIRES
from talkwire.engine.live import LiveTurn
from talkwire.engine.ports import Agents, Models, Tools
from talkwire.engine.turns import Turns
from talkwire.settings import Settings
from talkwire.storage import Storage
from talkwire.telemetry.exposition import Exposition
from talkwire.telemetry.gauges import Now
from talkwire.telemetry.metrics import Metrics
from talkwire.telemetry.sentry import Reports
from talkwire.telemetry.traces import Target, Traces

_LAST_S = 5.0  # for what is on its way to a collector when the server ends
_HINT = "Install the extra: pip install 'talkwire[{}]'. The server runs without it."
_log = structlog.get_logger("talkwire.observing")


@dataclass(frozen=True)
class Observing:
    """`metrics` count always; `traces` and `reports` are there where the settings name a place."""

    metrics: Metrics
    traces: Traces | None
    reports: Reports | None

    def turn_ended(self, live: LiveTurn) -> None:
        """A turn has ended here, and that is stored."""
        self.metrics.turn_ended(live.state, live.log.events)
        if self.traces is not None:
            self.traces.turn_ended(live.state, live.log.events)

    def watch(
        self, turns: Turns, storage: Storage, models: Models, streams: Callable[[], int]
    ) -> None:
        """Count what these do from now on, and tell how they are."""
        storage.database.timed = self.metrics.stored
        link = storage.link
        if link is not None:
            link.timed = self.metrics.redis

        def now() -> Now:
            alive = turns.alive()
            return Now(
                sessions=len({live.session_id for live in alive}),
                running=turns.running,
                waiting=sum(live.waits for live in alive),
                streams=streams(),
                backlog=sum(live.backlog for live in alive),
                draining=turns.draining,
                redis=None if link is None else not storage.degraded(),
                models=models.standings(),
            )

        self.metrics.watch(now)

    async def begin(self, stack: AsyncExitStack) -> None:
        """Load what sends, which `stack` ends with the last word sent."""
        if self.reports is not None and await _loaded(self.reports.begin, "sentry"):
            stack.push_async_callback(asyncio.to_thread, self.reports.finish, _LAST_S)
        if self.traces is not None and await _loaded(self.traces.begin, "traces"):
            stack.push_async_callback(asyncio.to_thread, self.traces.close, _LAST_S)

    def figures(self, folder: Path | None) -> Exposition:
        """The figures as text: of all workers that have this folder, or of this process alone."""
        if folder is None:
            return Exposition(self.metrics.registry)
        from talkwire.telemetry.sharing import Shared

        return Exposition(self.metrics.registry, Shared(folder))


def observing(settings: Settings, models: Models, tools: Tools | None, agents: Agents) -> Observing:
    """As the settings ask for it; nothing is loaded or opened yet."""

    def offered() -> Collection[str]:
        return () if tools is None else [tool.name for tool in tools.offered()]

    metrics = Metrics(
        version=__version__,
        wires=WIRES,
        models=models.names,
        tools=offered,
        agents=lambda: [card.id for card in agents.cards()],
    )
    return Observing(metrics, _traces(settings, metrics), _reports(settings))


def _traces(settings: Settings, metrics: Metrics) -> Traces | None:
    asked = settings.traces
    if asked.url is None:
        return None
    target = Target(
        asked.url,
        {name: value.get_secret_value() for name, value in asked.headers.items()},
        ratio=asked.sample_ratio,
        service=asked.service_name,
        version=__version__,
    )
    providers = {model.name: model.provider for model in settings.models}
    alone = "scripted" if settings.use_mock else "openai"

    def provider(model: str) -> str:
        return providers.get(model, alone).partition("-")[0]

    return Traces(target, provider=provider, count=metrics.traced)


def _reports(settings: Settings) -> Reports | None:
    asked = settings.sentry
    if asked.dsn is None:
        return None
    return Reports(
        asked.dsn.get_secret_value(),
        environment=asked.environment,
        sample_rate=asked.sample_rate,
        release=f"talkwire@{__version__}",
    )


async def _loaded(begin: Callable[[], None], extra: str) -> bool:
    """Whether it has begun; a server does not end for want of somebody to tell."""
    try:
        await asyncio.to_thread(begin)
    except ImportError:
        _log.warning(f"{extra}.not_installed", hint=_HINT.format(extra))
        return False
    except ValueError as error:
        _log.warning(f"{extra}.not_used", reason=type(error).__name__)
        return False
    return True
