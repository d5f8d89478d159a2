"""The composition root: settings in, ASGI application out. The only module that knows all parts.

Building opens nothing and starts nothing; the application's lifespan does.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.routing import BaseRoute

from talkwire import __version__, access
from talkwire.engine import upkeep
from talkwire.engine.perform import Performer, WindowShare
from talkwire.engine.ports import Choice, Journal, Models, Speech
from talkwire.engine.route import Router
from talkwire.engine.runner import Limits as TurnLimits
from talkwire.engine.runner import Runner
from talkwire.engine.turns import Policy, Turns
from talkwire.journals.memory import MemoryJournal
from talkwire.journals.sql import SqlJournal
from talkwire.models.configured import catalogue
from talkwire.prompts.templates import Templates
from talkwire.settings import Settings
from talkwire.stores.cleaning import Cleaning
from talkwire.stores.nodes import SqlNodes
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.prompts import SqlPrompts
from talkwire.stores.sqlite_database import SqliteDatabase
from talkwire.stores.turns import SqlRecords
from talkwire.telemetry import logging as lines
from talkwire.telemetry.observe import TurnLog
from talkwire.voice.clone import CloneVoice
from talkwire.voice.silence import Silence
from talkwire.web import health
from talkwire.web.auth import Trust, is_loopback
from talkwire.web.draining import Draining
from talkwire.web.edge import Edge
from talkwire.web.faults import HANDLERS, Faults
from talkwire.web.form import Fault, Form, StreamLimits
from talkwire.web.limits import Limits
from talkwire.web.listeners import Listener, Listeners
from talkwire.web.sse import hush_cuts
from talkwire.wires.native import routes as native
from talkwire.wires.responses_sse import routes as responses_sse

_SWEEP_EVERY_S = 5.0
_ADOPT_EVERY_S = 2.0
_log = structlog.get_logger("talkwire.app")


@dataclass(frozen=True)
class Parts:
    """All that is made once for a server."""

    settings: Settings
    database: SqliteDatabase
    who: access.Access
    nodes: SqlNodes
    records: SqlRecords
    journal: Journal
    models: Models
    speech: Speech | None
    prompts: Templates
    turns: Turns


def build(
    settings: Settings, *, models: Models | None = None, speech: Speech | None = None
) -> FastAPI:
    """The server as these settings ask for it; what is given is used instead of the configured."""
    parts = _parts(settings, models or catalogue(settings, Choice), speech or _speech(settings))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await _open(parts, stack)
            await access.begin(parts.who, stack)
            yield

    app = Edge(
        title="Talkwire",
        version=__version__,
        lifespan=lifespan,
        exception_handlers=HANDLERS,
        docs_url="/docs",
        redoc_url=None,
    )
    app.include_router(health.router(_health(parts)))
    asking: tuple[str, ...] = ()
    wires: dict[str, Sequence[BaseRoute]] = {}
    shapes: list[tuple[Sequence[BaseRoute], Fault]] = []
    for form, router, paths in _wires(parts):
        if form.name in settings.wires:
            app.include_router(router)
            app.shorten(router.routes)
            wires[form.name] = router.routes
            shapes.append((router.routes, form.fault))
            asking += paths
    # The last one added is the outermost.
    if any(listener.wires is not None for listener in settings.listeners):
        app.add_middleware(Listeners, listeners=_listeners(settings), routes=wires)
    limits = settings.limits
    app.add_middleware(Limits, body_bytes=limits.body_bytes, headers=limits.headers)
    access.add_gate(app, parts.who, wires)
    app.add_middleware(Trust, hosts=_hosts(settings), asking=asking, everyone=parts.who.everyone)
    app.add_middleware(Faults, shapes=shapes)
    app.state.parts = parts
    return app


def start_logging(settings: Settings) -> None:
    """Log as the settings say, for this process; commands call it before they build."""
    lines.configure(settings.log.level, settings.log.format)


def _parts(settings: Settings, models: Models, speech: Speech | None) -> Parts:
    database = SqliteDatabase(settings.sqlite_path, fence=settings.testing.fence)
    who = access.access(settings, database)
    nodes = SqlNodes(database, dead_after_s=settings.node.dead_after_s)
    records = SqlRecords(database, lambda: nodes.node)
    journal = _journal(settings, database)
    prompts = Templates(SqlPrompts(database), folder=settings.prompts_dir)
    router = Router(models, prompts)
    share = WindowShare(settings.sessions.window_messages, settings.sessions.window_share)
    runner = Runner(
        Performer(records, speech, share, backlog_events=settings.turns.max_backlog_events),
        router,
        journal=journal,
        records=records,
        limits=TurnLimits(
            max_turn_s=settings.turns.max_turn_s,
            on_lost=settings.turns.on_lost,
        ),
    )
    turns = Turns(
        router,
        runner,
        records=records,
        journal=journal,
        nodes=nodes,
        policy=_policy(settings),
        observer=TurnLog(brief=settings.log.level in ("warning", "error")),
    )
    database.crowd = lambda: turns.running
    return Parts(settings, database, who, nodes, records, journal, models, speech, prompts, turns)


def _policy(settings: Settings) -> Policy:
    asked = settings.turns
    return Policy(
        on_busy=asked.on_busy,
        max_waiting=asked.max_waiting,
        on_disconnect=asked.on_disconnect,
        disconnect_grace_s=asked.disconnect_grace_s,
        session_ttl_s=settings.sessions.ttl_s,
        max_running=asked.max_running,
        keep_ended=asked.keep_ended,
    )


def _journal(settings: Settings, database: SqliteDatabase) -> Journal:
    stored = SqlJournal(database, write_outcome, write_ahead=settings.testing.write_ahead)
    return stored if settings.durability == "journal" else MemoryJournal(stored.finish, stored.read)


def _speech(settings: Settings) -> Speech | None:
    voice = settings.voice
    if voice.use_mock:
        return Silence()
    if voice.clone_base_url is None:
        return None
    return CloneVoice(
        voice.clone_base_url,
        voice.clone_api_key,
        connect_timeout_s=voice.connect_timeout_s,
        idle_timeout_s=voice.idle_timeout_s,
        max_bytes=voice.max_bytes,
    )


async def _open(parts: Parts, stack: AsyncExitStack) -> None:
    """Take the node over, carry on what was left, begin to keep house; all undone by `stack`."""
    settings, turns = parts.settings, parts.turns
    settings.sqlite_path.parent.mkdir(parents=True, exist_ok=True)
    hush_cuts()
    await parts.database.open()
    stack.push_async_callback(parts.database.close)
    await parts.nodes.join()
    stack.push_async_callback(parts.nodes.leave)
    stack.push_async_callback(parts.models.close)
    if parts.speech is not None:
        stack.push_async_callback(parts.speech.close)
    adopted = await turns.adopt()
    if adopted:
        _log.info("turns.adopted", count=adopted)
    stack.push_async_callback(turns.drain, 0.0)
    draining = Draining(
        lambda: _drain(turns, settings.turns.drain_timeout_s), at_once=lambda: turns.drain(0.0)
    )
    draining.install()
    stack.callback(draining.remove)
    cleaning = Cleaning(parts.database, retention_s=settings.events.retention_s)
    for work in (
        upkeep.beat(parts.nodes, settings.node.beat_s, _stop_fenced),
        upkeep.take_up(turns, _ADOPT_EVERY_S),
        upkeep.sweep(cleaning.sweep, _SWEEP_EVERY_S),
    ):
        task = asyncio.create_task(work)
        stack.push_async_callback(_end, task)


async def _drain(turns: Turns, timeout_s: float) -> None:
    """As `Turns.drain`; says what is waited for."""
    if turns.running:
        hint = "A second signal stops at once; what is left goes on at the next start."
        _log.info("server.draining", running=turns.running, at_most_s=timeout_s, hint=hint)
    await turns.drain(timeout_s)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _stop_fenced() -> None:
    """Another process serves this database now: this one can do nothing more."""
    _log.error("server.replaced", hint="Another process has taken over this data folder.")
    signal.raise_signal(signal.SIGTERM)


def _wires(parts: Parts) -> list[tuple[Form, Any, tuple[str, ...]]]:
    """Each wire's form, routes, and the paths where even a GET costs a model call."""
    settings = parts.settings
    streams = StreamLimits(
        heartbeat_s=settings.streams.heartbeat_s,
        send_timeout_s=settings.streams.send_timeout_s,
        max_send_bytes=settings.streams.max_send_bytes,
    )
    bounds: Mapping[str, Any] = {
        "streams": streams,
        "json_depth": settings.limits.json_depth,
        "input_chars": settings.limits.input_chars,
    }
    return [
        (
            responses_sse.FORM,
            responses_sse.router(parts.turns, parts.prompts, **bounds),
            responses_sse.ASKING,
        ),
        (native.FORM, native.router(parts.turns, **bounds), native.ASKING),
    ]


def _health(parts: Parts) -> health.Health:
    async def store() -> None:
        await parts.database.read(lambda connection: connection.exec_driver_sql("SELECT 1").close())

    def service() -> Mapping[str, Any]:
        return {
            "wires": list(parts.settings.wires),
            "models": list(parts.models.names()),
            "model": parts.models.told,
            "docs": "/docs",
            "endpoints": ["/chat/stream", "/turns", "/prompts", "/health"],
        }

    return health.Health(
        version=__version__,
        draining=lambda: parts.turns.draining,
        checks={"store": store},
        service=service,
        with_page={"responses-sse", "native"} <= set(parts.settings.wires),
    )


def _listeners(settings: Settings) -> list[Listener]:
    return [
        Listener(each.host, each.port, None if each.wires is None else frozenset(each.wires))
        for each in settings.listeners
    ]


def _hosts(settings: Settings) -> tuple[str, ...] | None:
    """The `Host` names that are answered; any, where it is bound elsewhere and names none."""
    near = all(is_loopback(host.strip("[]")) for host, _ in settings.addresses)
    return settings.trusted_hosts if near or settings.trusted_hosts else None
