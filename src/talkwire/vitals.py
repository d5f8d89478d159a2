"""How a server's parts are: what is looked at for readiness, and all that admins are shown.

A look asks a part what only that part can tell, in bounded time, and never costs tokens. Models
are not asked: what their requests, and the probes of those that are unwell, have told is known.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from talkwire import __version__, hearing
from talkwire import desk as desks
from talkwire.canon.errors import Unavailable
from talkwire.canon.models import Standing
from talkwire.canon.secrecy import Known, scrubbed
from talkwire.gateway.registering import Registering
from talkwire.parts import Parts
from talkwire.settings import Settings
from talkwire.stores.redis import Away
from talkwire.stores.roster import Roster
from talkwire.stores.versions import versions
from talkwire.web import detailed
from talkwire.web.checks import Found, Look, Part
from talkwire.web.health import Health, why_none
from talkwire.wiring import endpoints

_SERVICE_KEPT_S = 30.0  # a service of somebody else's is asked no more often
_EMBEDDING = "embedding"


class Vitals:
    """The health of one server: `health` and `detailed` are its routes. `more` are parts that are
    shown to admins too. Close it.
    """

    def __init__(self, made: Parts, more: Sequence[Part] = ()) -> None:
        self._made = made
        self._store = Part("store", self._stored)
        self._parts = [self._store, Part("nodes", self._nodes), Part("turns", self._turns)]
        needed = [self._store]
        if made.storage.link is not None:
            redis = Part("redis", self._redis)
            self._parts.append(redis)
            if made.settings.redis.required:
                needed.append(redis)
        agents = Part("agents", self._agents)
        needed.append(agents)
        self._parts += [Part("models", self._models), agents]
        if made.tools is not None:
            self._parts.append(Part("tools", self._tools))
        if made.desk is not None:
            self._parts.append(Part("scenarios", self._scenarios))
        if made.speech is not None:
            self._parts.append(_service("voice", self._voice, _provider(made.speech)))
        if (provider := hearing.provider(made.settings)) != "none":
            self._parts.append(_service("hearing", self._hearing, provider))
        self._parts += more
        self.health = Health(
            version=__version__,
            draining=lambda: made.turns.draining,
            needed=needed,
            routes=self.routes,
            degraded=lambda: {
                **made.storage.degraded(),
                **desks.degraded(made.desk),
                **made.agents.degraded(),
            },
            told=lambda: desks.health(made.desk),
            service=self._service,
            with_page={"responses-sse", "native"} <= set(made.settings.wires),
        )
        known = Known(made.settings.secrets)
        self.detailed = detailed.Detailed(
            self.health,
            self._parts,
            hide=lambda text: scrubbed(known.hidden(text)),
            fixed={
                "versions": {"talkwire": __version__, "python": platform.python_version()},
                "limits": _limits(made.settings),
            },
        )

    def routes(self) -> list[Standing]:
        """All that can answer a turn, as it is just now, without I/O: models, agents that have a
        model of their own, and the server of agents elsewhere.
        """
        models = [m for m in self._made.models.standings() if m.model_type != _EMBEDDING]
        cards = self._made.agents.cards()
        own = [_agent(c.id) for c in cards if c.kind != "remote" and not c.model]
        elsewhere = self._made.agents.elsewhere
        return [*models, *own, *([] if elsewhere is None else [_agent("agentos", elsewhere.why)])]

    async def close(self) -> None:
        """End the looks that are under way."""
        for part in self._parts:
            await part.close()

    def _service(self) -> Mapping[str, Any]:
        made = self._made
        return {
            "wires": list(made.settings.wires),
            "models": list(made.models.names()),
            "model": made.models.told,
            "docs": "/docs",
            "endpoints": endpoints(made.settings),
        }

    async def _stored(self) -> Found:
        database = self._made.storage.database
        found = await database.read(versions)
        return Found({**found, "pool": database.pool(), "queued": database.queued})

    async def _nodes(self) -> Found:
        nodes = self._made.storage.nodes
        dead_after_ms = self._made.settings.node.dead_after_s * 1000
        listed = [
            {
                "id": each.id,
                "epoch": each.epoch,
                "silent_ms": each.silent_ms,
                "alive": each.silent_ms < dead_after_ms,
                "turns": len(each.turns),
            }
            for each in await Roster(self._made.storage.database).nodes()
        ]
        facts = {"node": nodes.node, "epoch": nodes.epoch, "nodes": listed}
        silent = [each["id"] for each in listed if not each["alive"]]
        return Found(facts, fault=f"silent: {', '.join(map(str, silent))}" if silent else "")

    async def _turns(self) -> Found:
        turns = self._made.turns
        backlog = sum(live.backlog for live in turns.alive())
        return Found({"running": turns.running, "backlog_events": backlog})

    async def _redis(self) -> Found:
        storage = self._made.storage
        link = storage.link
        if link is None:
            return Found()
        try:
            await link.probe()
        except Away as error:
            raise Unavailable(str(error)) from None
        facts = {"version": await link.version(), "pool": link.pool()}
        return Found(facts, fault=storage.degraded().get("redis", ""))

    async def _models(self) -> Found:
        models = self._made.models.standings()
        routes = self.routes()
        if not any(each.reachable for each in routes):
            raise Unavailable(why_none(routes))
        unwell = [each.name for each in models if not each.healthy]
        fault = f"not well: {', '.join(unwell)}" if unwell else ""
        return Found({"models": [structs.asdict(each) for each in models]}, fault=fault)

    async def _agents(self) -> Found:
        agents = self._made.agents
        await agents.check()
        kinds = {card.id: card.kind for card in agents.cards()}
        return Found({"agents": kinds}, fault=agents.degraded().get("agentos", ""))

    async def _tools(self) -> Found:
        tools = self._made.tools
        servers = [] if tools is None else [_server(each) for each in tools.status()]
        unwell = [each["name"] for each in servers if each["status"] in ("failed", "connecting")]
        offered = 0 if tools is None else len(tools.offered())
        facts: dict[str, Any] = {"tools": offered, "servers": servers}
        if servers:
            facts["protocol"] = await asyncio.to_thread(_mcp_protocol)
        return Found(facts, fault=f"not connected: {', '.join(unwell)}" if unwell else "")

    async def _scenarios(self) -> Found:
        desk = self._made.desk
        status = {} if desk is None else dict(desk.status())
        problem = status.pop("problem", None)
        return Found({**status, "loaded": status.get("loaded", False)}, fault=problem or "")

    async def _voice(self) -> Found:
        speech = self._made.speech
        if speech is None:
            return Found()
        return Found({"told": await speech.check()})

    async def _hearing(self) -> Found:
        return Found({"told": await self._made.listening.check()})


def _agent(name: str, why: str = "") -> Standing:
    return Standing(name, "agent", healthy=not why, why=why, reachable=not why)


def registered(gateway: Registering) -> Part:
    """What is known of the registration; the gateway is not asked."""

    async def look() -> Found:
        at = gateway.renewed_at
        facts = {"instance": gateway.instance.id, "renewed_at": None if at is None else round(at)}
        return Found(facts, fault=gateway.fault)

    return Part("gateway", look)


def _server(status: Mapping[str, Any]) -> dict[str, Any]:
    told = ("name", "status", "since", "tools", "latency_ms", "last_error", "protocol_version")
    return {key: status.get(key) for key in told}


def _service(name: str, look: Look, provider: str) -> Part:
    return Part(name, look, always={"provider": provider}, kept_s=_SERVICE_KEPT_S)


def _provider(service: object) -> str:
    """One file a vendor: the file's name is the vendor's."""
    return type(service).__module__.rpartition(".")[2]


def _mcp_protocol() -> str:
    """The newest one that is spoken here. Its library is slow to import."""
    from mcp_types.version import LATEST_PROTOCOL_VERSION

    return str(LATEST_PROTOCOL_VERSION)


def _limits(settings: Settings) -> dict[str, Any]:
    turns = settings.turns
    return {
        **settings.limits.model_dump(),
        "max_running": turns.max_running,
        "max_waiting": turns.max_waiting,
        "max_turn_s": turns.max_turn_s,
    }
