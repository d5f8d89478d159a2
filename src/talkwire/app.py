"""The composition root: settings in, ASGI application out.

Building opens nothing and starts nothing; the application's lifespan does.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import structlog
from fastapi import FastAPI

from talkwire import __version__, access
from talkwire import desk as desks
from talkwire.canon.errors import Fenced, StorageUnavailable, TalkwireError
from talkwire.engine import upkeep
from talkwire.engine.ports import Models, Speech
from talkwire.engine.turns import Turns
from talkwire.gateway.registering import Registering
from talkwire.models.registry import Catalogue
from talkwire.parts import Parts, parts
from talkwire.registration import registering
from talkwire.settings import Settings
from talkwire.stores.cleaning import Cleaning
from talkwire.stores.conversations import SqlConversations
from talkwire.stores.refolding import Refolding
from talkwire.stores.roster import Roster
from talkwire.stores.usage import SqlUsage
from talkwire.telemetry import logging as lines
from talkwire.telemetry.placing import LogFiles
from talkwire.vitals import Vitals, registered
from talkwire.web import detailed, health, metrics, nodes, sessions, usage
from talkwire.web.access_log import AccessLog
from talkwire.web.auth import Trust, is_loopback
from talkwire.web.counted import Counted
from talkwire.web.draining import Draining
from talkwire.web.edge import Edge
from talkwire.web.faults import HANDLERS, Faults
from talkwire.web.limits import Limits
from talkwire.web.listeners import Listener, Listeners
from talkwire.web.sse import hush_cuts
from talkwire.wiring import Wired, larger, wired

_SWEEP_EVERY_S = 5.0
_ADOPT_EVERY_S = 2.0
_STOP_EVERY_S = 0.5
_REJOIN_EVERY_S = 0.5
_log = structlog.get_logger("talkwire.app")


def build(
    settings: Settings,
    *,
    models: Models | None = None,
    speech: Speech | None = None,
    desk: desks.Desk | None = None,
    shared: Path | None = None,
) -> FastAPI:
    """The server as these settings ask for it; what is given is used instead of the configured.

    `shared` is a folder that it has in common with the other workers of a server.
    """
    made = parts(settings, models, speech, desk)
    told = made.observing
    figures = told.figures(shared)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(asyncio.to_thread, lines.flush)
            await told.begin(stack)
            await figures.begin(stack)
            await _open(made, stack, gateway)
            stack.push_async_callback(vitals.close)
            await access.begin(made.who, stack)
            if gateway is not None:
                stack.push_async_callback(gateway.close)
                gateway.begin()
            yield

    app = Edge(
        title="Talkwire",
        version=__version__,
        lifespan=lifespan,
        exception_handlers=HANDLERS,
        docs_url="/docs",
        redoc_url=None,
    )
    gateway = registering(settings)
    vitals = Vitals(made, [] if gateway is None else [registered(gateway)])
    app.include_router(health.router(vitals.health))
    app.include_router(detailed.router(vitals.detailed))
    listed = Roster(made.storage.database).nodes
    app.include_router(nodes.router(listed, dead_after_s=settings.node.dead_after_s))
    app.include_router(metrics.router(figures.render))
    told.watch(made.turns, made.storage, made.models, lambda: app.streams)
    app.include_router(usage.router(SqlUsage(made.storage.database)))
    conversations = SqlConversations(made.storage.database)
    app.include_router(sessions.router(conversations, made.forgetting.forget))
    wires = wired(made)
    for router in wires.routers:
        app.include_router(router)
        app.shorten(router.routes)
    _wrap(app, made, wires)
    app.add_middleware(Counted, tell=told.metrics.request_ended, plain=app.plain)
    app.state.parts = made
    return app


def _wrap(app: Edge, made: Parts, wires: Wired) -> None:
    """What stands around all routes; the last one added is the outermost."""
    settings = made.settings
    if any(listener.wires is not None for listener in settings.listeners):
        app.add_middleware(Listeners, listeners=_listeners(settings), routes=wires.routes)
    limits = settings.limits
    app.add_middleware(
        Limits, body_bytes=limits.body_bytes, headers=limits.headers, larger=larger(settings)
    )
    proxies = settings.trusted_proxies
    access.add_gate(app, made.who, wires.routes, bearer=wires.bearer, proxies=proxies)
    app.add_middleware(
        Trust, hosts=_hosts(settings), asking=wires.asking, everyone=made.who.everyone
    )
    app.add_middleware(Faults, shapes=wires.shapes)
    # Its lines are no warnings: a log that drops them pays nothing for them.
    if settings.log.access and settings.log.level in ("debug", "info"):
        app.add_middleware(AccessLog)


def start_logging(settings: Settings) -> None:
    """Log as the settings say, for this process; commands call it before they build."""
    asked, folder = settings.log, settings.log_dir
    files = LogFiles(folder, asked.max_bytes, asked.backups) if folder is not None else None
    lines.configure(asked.level, asked.format, secrets=settings.secrets, files=files)


async def _open(made: Parts, stack: AsyncExitStack, gateway: Registering | None) -> None:
    """Become a node, carry on what was left, begin to keep house; all undone by `stack`."""
    settings, turns, store = made.settings, made.turns, made.storage
    if not settings.database.is_postgres:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        settings.sqlite_path.parent.mkdir(parents=True, exist_ok=True)
    hush_cuts()
    await store.open(stack)
    stack.push_async_callback(made.models.close)
    if made.speech is not None:
        stack.push_async_callback(made.speech.close)
    stack.push_async_callback(made.listening.close)
    if made.tools is not None:
        await made.tools.open()
        stack.push_async_callback(made.tools.close)
    await made.agents.open(stack)
    if made.embeddings is not None:
        stack.push_async_callback(made.embeddings.close)
    if made.desk is not None:
        await desks.begin(made.desk, stack, reload_s=settings.scenarios.reload_s)
    with suppress(StorageUnavailable):  # a lock of whoever died may be held for a while yet
        await store.nodes.take_over()
    adopted = await turns.adopt()
    if adopted:
        _log.info("turns.adopted", count=adopted)
    stack.push_async_callback(turns.drain, 0.0)
    draining = Draining(
        lambda: _drain(turns, settings.turns.drain_timeout_s, gateway),
        at_once=lambda: turns.drain(0.0),
    )
    draining.install()
    stack.callback(draining.remove)
    kept_s, spoken_s = settings.events.retention_s, settings.voice.retention_s
    cleaning = Cleaning(store.database, retention_s=kept_s, spoken_s=spoken_s)
    keeping = [
        upkeep.beat(store.nodes, settings.node.beat_s, lambda error: _come_back(made, error)),
        upkeep.take_up(store.nodes, turns, min(_ADOPT_EVERY_S, settings.node.beat_s)),
        upkeep.stop_asked(turns, _STOP_EVERY_S, store.signals),
        upkeep.sweep(cleaning.sweep, _SWEEP_EVERY_S, lambda: turns.let_go(spoken_s)),
        upkeep.sweep(Refolding(store.database).catch_up, _SWEEP_EVERY_S),
    ]
    if isinstance(made.models, Catalogue):
        keeping.append(made.models.watch())
    for work in keeping:
        task = asyncio.create_task(work)
        stack.push_async_callback(_end, task)


async def _drain(turns: Turns, timeout_s: float, gateway: Registering | None) -> None:
    """As `Turns.drain`; says what is waited for. Nobody is to send here any more before the first
    request is refused.
    """
    if gateway is not None:
        await gateway.leave()
    if turns.running:
        hint = "A second signal stops at once; what is left goes on at the next start."
        _log.info("server.draining", running=turns.running, at_most_s=timeout_s, hint=hint)
    await turns.drain(timeout_s)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def _come_back(made: Parts, error: Fenced) -> bool:
    """Another process has this one's turns: leave them to it, and come back as a new node."""
    made.turns.give_up(error)
    while True:
        try:
            await made.storage.nodes.rejoin()
        except Fenced:
            _log.error("server.replaced", hint="Another process has taken over this data folder.")
            signal.raise_signal(signal.SIGTERM)
            return False
        except TalkwireError as fault:
            _log.warning("node.not_back_yet: %s", fault.message)
            await asyncio.sleep(_REJOIN_EVERY_S)
        else:
            _log.info("node.back", node=made.storage.nodes.node)
            return True


def _listeners(settings: Settings) -> list[Listener]:
    return [
        Listener(each.host, each.port, None if each.wires is None else frozenset(each.wires))
        for each in settings.listeners
    ]


def _hosts(settings: Settings) -> tuple[str, ...] | None:
    """The `Host` names that are answered; any, where it is bound elsewhere and names none."""
    near = all(is_loopback(host.strip("[]")) for host, _ in settings.addresses)
    return settings.trusted_hosts if near or settings.trusted_hosts else None
