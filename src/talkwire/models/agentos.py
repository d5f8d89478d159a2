"""An AgentOS: a server of agents elsewhere, asked as models are, with the same limits.

Which agents it has is looked up now and then and kept; nothing of Agno is needed here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from pydantic import SecretStr

from talkwire.canon.agents import AgentCard
from talkwire.canon.deltas import Hear
from talkwire.canon.errors import ModelError, UpstreamInvalid
from talkwire.canon.turn import ModelRequest
from talkwire.models import _faults
from talkwire.models._agentos_run import FORM, RunCodec
from talkwire.models._agno_events import short
from talkwire.models._document import whole
from talkwire.models._endpoint import Endpoint
from talkwire.models._http import Client, Limits, origin
from talkwire.models.allowance import Allowance
from talkwire.models.health import Health
from talkwire.models.pool import Deployment, Pool

LOOK_EVERY_S = 15.0
LOOK_AGAIN_S = 5.0
"""How often it is looked at: while it answers, and while it does not."""

KNOWN_FOR_S = 2.0
"""For so long what was found is taken for true by who wants to know how it is."""

MOST_AGENTS = 500
_LISTING_BYTES = 8 * 1_048_576
_LISTING_S = 5.0
_CONNECT_S = 10.0
_ATTEMPTS = 3

_log = logging.getLogger(__name__)


class AgentOs:
    """One server. `why` tells in words why it cannot be asked, "" while it can; `listed` whether it
    has ever told which agents it has. Close it.

    :raises ValueError: a bad URL or key.
    """

    def __init__(
        self, api_url: str, api_key: SecretStr | None = None, *, timeout_s: float = 60.0
    ) -> None:
        self._key = api_key.get_secret_value().strip() if api_key else ""
        limits = Limits(
            connect_s=min(_CONNECT_S, timeout_s), first_token_s=timeout_s, idle_s=timeout_s
        )
        self._client = Client(origin(api_url), self._key, limits, content_type=FORM)
        self._health = Health()
        self._allowance = Allowance()
        self._agents: list[RemoteAgent] = []
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")
        self._doubt = asyncio.Event()
        self.why = ""
        self.listed = False

    @property
    def server(self) -> str:
        """Host and port, for people."""
        return self._client.server.text

    def agents(self) -> Sequence[RemoteAgent]:
        """Those it has told of; no I/O."""
        return self._agents

    async def look(self) -> None:
        """Look up its agents, unless that was just done. What is wrong is kept in `why`."""
        async with self._looking:
            if time.monotonic() - self._looked_at < KNOWN_FOR_S:
                return
            try:
                async with asyncio.timeout(_LISTING_S):
                    cards = [*await self._cards("agents"), *await self._cards("teams")]
            except (ModelError, TimeoutError) as error:
                late = f"{self.server} does not answer."
                self._found_out(error.message if isinstance(error, ModelError) else late)
            else:
                self._agents = [RemoteAgent(self, *card) for card in cards[:MOST_AGENTS]]
                self.listed = True
                self._found_out("")
            self._looked_at = time.monotonic()

    async def check(self) -> str:
        """A short line for people. :raises ModelError: it does not answer."""
        found = [*await self._cards("agents"), *await self._cards("teams")]
        return f"{self.server} answers, {len(found)} agents"

    async def watch(self) -> None:
        """Look at it now and then, and when a run has failed, until cancelled."""
        while True:
            self._doubt.clear()
            await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S if self.why else LOOK_EVERY_S):
                    await self._doubt.wait()

    async def close(self) -> None:
        """Give up all connections; running answers end with an error."""
        await self._client.close()

    async def run(self, card: AgentCard, request: ModelRequest, hear: Hear, *, team: bool) -> None:
        """Have one of its agents answer. :raises ModelError: it does not."""
        codec = RunCodec(card, team=team)
        endpoint = Endpoint(self._client, codec, key=self._key, upstream_model="")
        try:
            asked = Deployment(endpoint, health=self._health)
            pool = Pool(card.id, [asked], max_attempts=_ATTEMPTS, allowance=self._allowance)
            await pool.answer(request, hear)
        except ModelError:
            self._looked_at = float("-inf")  # what was known of it may be true no more
            self._doubt.set()
            raise

    def _found_out(self, why: str) -> None:
        if bool(why) != bool(self.why):
            if why:
                _log.warning("agentos.unwell: %s", why)
            else:
                _log.info("agentos.well_again: %s", self.server)
        self.why = why

    async def _cards(self, kind: str) -> list[tuple[AgentCard, bool]]:
        answer = await self._client.ask("GET", f"/{kind}")
        try:
            status, body = answer.status, await whole(answer, _LISTING_BYTES)
        finally:
            answer.close()
        if status == 404 and kind == "teams":
            return []
        if status != 200:
            raise _faults.of_status(
                status, answer.headers, body, server=self.server, key=self._key, hidden=()
            )
        try:
            listed = msgspec.json.decode(body, type=list[dict[str, Any]])
        except (ValueError, RecursionError):
            why = f"{self.server} does not list its {kind} as an AgentOS does."
            raise UpstreamInvalid(why) from None
        return list(_cards(listed, team=kind == "teams"))


class RemoteAgent:
    """Fits the port `Agent`. It has its own model and tools, where it runs."""

    def __init__(self, server: AgentOs, card: AgentCard, team: bool) -> None:
        self._server = server
        self._card = card
        self._team = team

    @property
    def card(self) -> AgentCard:
        """See `Agent.card`; `why` is that of its server."""
        return msgspec.structs.replace(self._card, why=self._server.why)

    async def answer(self, request: ModelRequest, hear: Hear, hands: object) -> None:
        """See `Agent.answer`."""
        await self._server.run(self._card, request, hear, team=self._team)


def _cards(listed: Sequence[dict[str, Any]], *, team: bool) -> Iterator[tuple[AgentCard, bool]]:
    for each in listed:
        name = short(each.get("name") or each.get("id") or "")
        agent_id = each.get("id") or each.get("name")
        if not isinstance(agent_id, str) or agent_id != short(agent_id):
            continue
        tools = each.get("tools")
        names = _names(tools.get("tools") if isinstance(tools, dict) else None, "name")
        card = AgentCard(
            agent_id,
            name,
            short(each.get("description") or ""),
            "remote",
            tools=tuple(name for name in names if not name.startswith("delegate_task_to_")),
            members=_names(each.get("members"), "id") if team else (),
        )
        yield card, team


def _names(listed: Any, key: str) -> tuple[str, ...]:
    if not isinstance(listed, list):
        return ()
    return tuple(short(each[key]) for each in listed if isinstance(each, dict) and each.get(key))
