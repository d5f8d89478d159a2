"""The composition root: settings in, ASGI application out.

Building opens nothing and starts nothing; the application's lifespan does.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.routing import BaseRoute

from talkwire import __version__, access
from talkwire.canon.errors import Fenced, StorageUnavailable, TalkwireError
from talkwire.engine import upkeep
from talkwire.engine.ports import Models, Speech
from talkwire.engine.turns import Turns
from talkwire.models.callers import Caller
from talkwire.parts import Parts, parts
from talkwire.settings import Settings
from talkwire.stores.cleaning import Cleaning
from talkwire.stores.conversations import SqlConversations
from talkwire.stores.roster import Roster
from talkwire.telemetry import logging as lines
from talkwire.toolbox import policy
from talkwire.web import health, nodes
from talkwire.web.auth import Trust, is_loopback
from talkwire.web.draining import Draining
from talkwire.web.edge import Edge
from talkwire.web.faults import HANDLERS, Faults
from talkwire.web.form import Fault, Form, StreamLimits
from talkwire.web.limits import Limits
from talkwire.web.listeners import Listener, Listeners
from talkwire.web.sse import hush_cuts
from talkwire.wires.mcp import routes as mcp
from talkwire.wires.native import routes as native
from talkwire.wires.responses_sse import routes as responses_sse
from talkwire.wires.tool_chat import routes as tool_chat

_SWEEP_EVERY_S = 5.0
_ADOPT_EVERY_S = 2.0
_STOP_EVERY_S = 0.5
_REJOIN_EVERY_S = 0.5
_log = structlog.get_logger("talkwire.app")


def build(
    settings: Settings, *, models: Models | None = None, speech: Speech | None = None
) -> FastAPI:
    """The server as these settings ask for it; what is given is used instead of the configured."""
    made = parts(settings, models, speech)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await _open(made, stack)
            await access.begin(made.who, stack)
            yield

    app = Edge(
        title="Talkwire",
        version=__version__,
        lifespan=lifespan,
        exception_handlers=HANDLERS,
        docs_url="/docs",
        redoc_url=None,
    )
    app.include_router(health.router(_health(made)))
    listed = Roster(made.storage.database).nodes
    app.include_router(nodes.router(listed, dead_after_s=settings.node.dead_after_s))
    asking: tuple[str, ...] = ()
    wires: dict[str, Sequence[BaseRoute]] = {}
    shapes: list[tuple[Sequence[BaseRoute], Fault]] = []
    for form, router, paths in _wires(made):
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
    access.add_gate(app, made.who, wires, proxies=settings.trusted_proxies)
    app.add_middleware(Trust, hosts=_hosts(settings), asking=asking, everyone=made.who.everyone)
    app.add_middleware(Faults, shapes=shapes)
    app.state.parts = made
    return app


def start_logging(settings: Settings) -> None:
    """Log as the settings say, for this process; commands call it before they build."""
    lines.configure(settings.log.level, settings.log.format, secrets=settings.secrets)


async def _open(made: Parts, stack: AsyncExitStack) -> None:
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
    if made.tools is not None:
        await made.tools.open()
        stack.push_async_callback(made.tools.close)
    with suppress(StorageUnavailable):  # a lock of whoever died may be held for a while yet
        await store.nodes.take_over()
    adopted = await turns.adopt()
    if adopted:
        _log.info("turns.adopted", count=adopted)
    stack.push_async_callback(turns.drain, 0.0)
    draining = Draining(
        lambda: _drain(turns, settings.turns.drain_timeout_s), at_once=lambda: turns.drain(0.0)
    )
    draining.install()
    stack.callback(draining.remove)
    cleaning = Cleaning(store.database, retention_s=settings.events.retention_s)
    for work in (
        upkeep.beat(store.nodes, settings.node.beat_s, lambda error: _come_back(made, error)),
        upkeep.take_up(store.nodes, turns, min(_ADOPT_EVERY_S, settings.node.beat_s)),
        upkeep.stop_asked(turns, _STOP_EVERY_S, store.signals),
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


def _wires(made: Parts) -> list[tuple[Form, Any, tuple[str, ...]]]:
    """Each wire's form, routes, and the paths where even a GET costs a model call."""
    settings = made.settings
    streams = StreamLimits(
        heartbeat_s=settings.streams.heartbeat_s,
        send_timeout_s=settings.streams.send_timeout_s,
        max_send_bytes=settings.streams.max_send_bytes,
    )
    conversations = SqlConversations(made.storage.database)
    bounds: Mapping[str, Any] = {
        "streams": streams,
        "json_depth": settings.limits.json_depth,
        "input_chars": settings.limits.input_chars,
    }
    return [
        (
            responses_sse.FORM,
            responses_sse.router(made.turns, made.prompts, **bounds),
            responses_sse.ASKING,
        ),
        (
            tool_chat.FORM,
            tool_chat.router(
                made.turns,
                made.tools,
                made.results,
                policy=policy(settings),
                caller=Caller,
                **bounds,
            ),
            tool_chat.ASKING,
        ),
        (native.FORM, native.router(made.turns, **bounds), native.ASKING),
        (mcp.FORM, mcp.router(made.turns, conversations, **bounds), mcp.ASKING),
    ]


def _health(made: Parts) -> health.Health:
    async def store() -> None:
        await made.storage.database.read(
            lambda connection: connection.exec_driver_sql("SELECT 1").close()
        )

    def service() -> Mapping[str, Any]:
        return {
            "wires": list(made.settings.wires),
            "models": list(made.models.names()),
            "model": made.models.told,
            "docs": "/docs",
            "endpoints": [
                "/chat/stream",
                "/api/chat/stream",
                "/turns",
                "/mcp",
                "/prompts",
                "/health",
            ],
        }

    return health.Health(
        version=__version__,
        draining=lambda: made.turns.draining,
        checks={"store": store},
        degraded=made.storage.degraded,
        service=service,
        with_page={"responses-sse", "native"} <= set(made.settings.wires),
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
