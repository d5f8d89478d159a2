"""The wires that settings switch on, as routes over the parts.

Wires that share a path are joined on it here: none of them knows another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.routing import BaseRoute, Route

from talkwire.models.callers import Caller
from talkwire.parts import Parts
from talkwire.settings import Settings
from talkwire.stores.conversations import SqlConversations
from talkwire.stores.session_book import SqlSessionBook
from talkwire.toolbox import policy
from talkwire.web import shared_path
from talkwire.web.form import Fault, Form, StreamLimits
from talkwire.web.limits import Body
from talkwire.web.shared_path import Way
from talkwire.web.upload import SLACK_BYTES, Uploads
from talkwire.wires.agent_chat import routes as agent_chat
from talkwire.wires.agent_chat import sessions, sessions_batch, sessions_whole, voice
from talkwire.wires.mcp import routes as mcp
from talkwire.wires.native import routes as native
from talkwire.wires.responses_sse import routes as responses_sse
from talkwire.wires.routed_chat import routes as routed_chat
from talkwire.wires.routed_chat import told as routed
from talkwire.wires.support import routes as support
from talkwire.wires.tool_chat import routes as tool_chat

CHAT = "/chat/stream"
ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    "responses-sse": (CHAT, "/prompts"),
    "agent-chat": (
        *(sessions.CREATE, agent_chat.MESSAGE, agent_chat.STREAM, voice.VOICE),
        sessions.LIST,
    ),
    "tool-chat": ("/api/chat/stream", "/api/tools", "/api/servers"),
    "support": (CHAT, "/chat", "/scenarios"),
    "routed-chat": (routed.STREAM, routed.WHOLE, routed.MODELS),
    "native": ("/turns",),
    "mcp": (mcp.PATH,),
}


@dataclass(frozen=True)
class Wire:
    """One wire: its routes, and its way through the path that it shares, if it has one. `asking`
    are the paths where even a GET may cost a model call.
    """

    form: Form
    router: APIRouter
    asking: tuple[str, ...]
    way: Way | None = None


@dataclass(frozen=True)
class Wired:
    """The wires that are on. `routers` are in the order in which they are looked at. `routes` are
    each wire's by its name; one that several wires have is each one's.
    """

    wires: Sequence[Wire]
    routers: Sequence[APIRouter]
    routes: Mapping[str, Sequence[BaseRoute]]

    @property
    def asking(self) -> frozenset[str]:
        """The paths where even a GET may cost a model call."""
        return frozenset(path for wire in self.wires for path in wire.asking)

    @property
    def bearer(self) -> frozenset[str]:
        """The paths that ask for a key as `Authorization: Bearer`, whatever others ask for."""
        routes = (route for w in self.wires if w.form.bearer for route in self.routes[w.form.name])
        return frozenset(route.path for route in routes if isinstance(route, Route))

    @property
    def shapes(self) -> list[tuple[Sequence[BaseRoute], Fault]]:
        """The shape of errors on each wire's routes."""
        return [(self.routes[wire.form.name], wire.form.fault) for wire in self.wires]


def wired(made: Parts) -> Wired:
    """The wires that the settings switch on, over these parts."""
    on = [wire for wire in _wires(made) if wire.form.name in made.settings.wires]
    ways = [wire.way for wire in on if wire.way is not None]
    routers = [wire.router for wire in on]
    routes = {wire.form.name: list(wire.router.routes) for wire in on}
    if ways:
        depth = made.settings.limits.json_depth
        shared = shared_path.router(CHAT, made.turns, ways, json_depth=depth)
        routers.append(shared)
        for way in ways:
            routes[way.wire] += shared.routes
    return Wired(on, routers, routes)


def endpoints(settings: Settings) -> list[str]:
    """Where the wires that are on begin."""
    found = [path for name in settings.wires for path in ENDPOINTS[name]]
    return [*dict.fromkeys(found), "/health"]


def _wires(made: Parts) -> list[Wire]:
    settings, turns = made.settings, made.turns
    streams = StreamLimits(
        heartbeat_s=settings.streams.heartbeat_s,
        send_timeout_s=settings.streams.send_timeout_s,
        max_send_bytes=settings.streams.max_send_bytes,
    )
    depth, chars = settings.limits.json_depth, settings.limits.input_chars
    bounds: Mapping[str, Any] = {"streams": streams, "json_depth": depth, "input_chars": chars}
    tools = tool_chat.router(
        turns, made.tools, made.results, policy=policy(settings), caller=Caller, **bounds
    )
    conversations = SqlConversations(made.storage.database)
    book = SqlSessionBook(made.storage.database)
    wires = [
        Wire(
            responses_sse.FORM,
            responses_sse.router(turns, made.prompts, json_depth=depth),
            responses_sse.ASKING,
            responses_sse.Chat(turns, streams=streams, input_chars=chars),
        ),
        Wire(
            agent_chat.FORM,
            _together(
                agent_chat.router(turns, book, made.agents, **bounds),
                *_sessions(made, book),
                _voice(made, book, streams),
            ),
            agent_chat.ASKING,
        ),
        Wire(tool_chat.FORM, tools, tool_chat.ASKING),
        Wire(
            routed_chat.FORM,
            routed_chat.router(turns, made.models, **bounds),
            routed_chat.ASKING,
        ),
        Wire(native.FORM, native.router(turns, **bounds), native.ASKING),
        Wire(mcp.FORM, mcp.router(turns, conversations, scenarios=made.desk, **bounds), mcp.ASKING),
    ]
    if made.desk is not None:
        routes, way = support.router(turns, made.desk, **bounds), support.Chat(turns, **bounds)
        wires.append(Wire(support.FORM, routes, support.ASKING, way))
    return wires


def _sessions(made: Parts, book: SqlSessionBook) -> list[APIRouter]:
    """The routes of sessions that the wire agent-chat has."""
    ttl_s, depth = made.settings.sessions.ttl_s, made.settings.limits.json_depth
    known = sessions.Known(made.agents, made.prompts)
    return [
        sessions.router(book, known, ttl_s=ttl_s, json_depth=depth),
        sessions_whole.router(book, known, ttl_s=ttl_s, json_depth=depth),
        sessions_batch.router(book, made.forgetting.forget_many, json_depth=depth),
    ]


def _voice(made: Parts, book: SqlSessionBook, streams: StreamLimits) -> APIRouter:
    """The agents' wire for those who speak."""
    asked = made.settings.voice.hearing
    uploads = Uploads(voice.FILE, most_bytes=asked.max_bytes, waiting_bytes=asked.waiting_bytes)
    return voice.router(
        made.turns,
        book,
        made.agents,
        listening=made.listening,
        uploads=uploads,
        streams=streams,
        input_chars=made.settings.limits.input_chars,
    )


def larger(settings: Settings) -> dict[str, Body]:
    """The paths that take larger bodies than others, and give them more time."""
    asked = settings.voice.hearing
    return {voice.VOICE: Body(asked.max_bytes + SLACK_BYTES, asked.upload_s)}


def _together(*parts: APIRouter) -> APIRouter:
    """One router of several: parts of a wire that have a module each."""
    return APIRouter(routes=[route for part in parts for route in part.routes])
