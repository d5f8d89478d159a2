"""Runs one turn: fold, next step, perform, until it has ended or is not ours any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from talkwire.canon.errors import ModelError
from talkwire.canon.events import Terminal
from talkwire.canon.fold import TurnState
from talkwire.canon.turn import OnLost
from talkwire.engine.budgets import Budgets
from talkwire.engine.endings import refused
from talkwire.engine.fallover import Fallover
from talkwire.engine.live import LiveTurn
from talkwire.engine.perform import Performer
from talkwire.engine.route import Routed, Router
from talkwire.engine.seal import seal, store_end
from talkwire.engine.steps import (
    LOST,
    CallModel,
    CallTools,
    Finish,
    Rules,
    by_agent,
    next_step,
)
from talkwire.engine.storage_ports import Journal, Records

Wait = Callable[[], Awaitable[None]]
"""Waits until something is over."""


class Limits(Struct, frozen=True):
    """Bounds of every turn. Times in seconds."""

    max_turn_s: float = 600.0
    max_tool_rounds: int = 10
    on_lost: OnLost = "auto"


class Runner:
    """Runs turns; it keeps nothing between them."""

    def __init__(
        self,
        performer: Performer,
        router: Router,
        *,
        journal: Journal,
        records: Records,
        limits: Limits,
        budgets: Budgets | None = None,
    ) -> None:
        self._performer = performer
        self._router = router
        self._journal = journal
        self._records = records
        self._limits = limits
        self._budgets = budgets
        self._fallover = Fallover(router, limits.on_lost)

    async def run(self, live: LiveTurn, ahead: Sequence[Wait], *, routed: Routed | None) -> None:
        """Run a turn to its end behind the ones ahead of it in its session.

        `routed` is None for an adopted turn: it is planned again. Closed in the end. Never raises.
        """
        live.began, stored = True, False
        try:
            terminal = await seal(live, self._work(live, ahead, routed=routed))
            stored = terminal is not None and await store_end(live, terminal, self._journal)
        finally:
            if live.meter is not None:
                live.meter.close(stored=stored)
            live.leave()
            if routed is not None:
                await routed.close()

    async def _work(
        self, live: LiveTurn, ahead: Sequence[Wait], *, routed: Routed | None
    ) -> Terminal:
        if live.stopped:
            raise asyncio.CancelledError
        live.waits = bool(ahead)
        for end in ahead:
            await end()
        live.waits = False
        resumed = routed is None
        if ahead or resumed:
            await self._records.running(live.turn_id)
        if resumed and _is_lost(live.state):
            return _close_off(live)
        async with asyncio.timeout(self._limits.max_turn_s):
            if routed is None:
                routed = await self._router.plan(live.state.asked)
            if self._budgets is not None:
                live.meter = await self._budgets.open(live.owner, live.key_id, live.state)
            try:
                return await self._advance(live, routed, resumed=resumed)
            finally:
                if live.speaking is not None:
                    await live.speaking.stop()

    async def _advance(self, live: LiveTurn, routed: Routed, *, resumed: bool) -> Terminal:
        if resumed:
            routed = self._router.follow(routed, live.state)
            await self._performer.count_lost(live, routed)
        while True:
            routed = self._router.follow(routed, live.state)
            step = next_step(live.state, self._rules(routed), resumed=resumed)
            resumed = False
            if step is None:
                raise AssertionError("a turn that has ended was run")
            if isinstance(step, Finish):
                return step.terminal
            try:
                await self._performer.perform(step, live, routed)
            except ModelError as error:
                asked = isinstance(step, CallModel)
                if not asked or not self._fallover.take_over(error, live, routed):
                    raise

    def _rules(self, routed: Routed) -> Rules:
        return Rules(
            on_lost=self._limits.on_lost,
            can_prefill=routed.plan.continuation == "prefill",
            can_read=routed.choice.reads,
            max_tool_rounds=self._limits.max_tool_rounds,
        )


def _is_lost(state: TurnState) -> bool:
    """Whether nobody can carry the turn on: the caller's key died with the process that had it, or
    an agent that was at work.
    """
    at_work = by_agent(state) and state.visible and state.message is None
    return state.terminal is None and (state.asked.with_caller or at_work)


def _close_off(live: LiveTurn) -> Terminal:
    """The end of a turn that is lost. What its agent was doing has an end, too."""
    rules = Rules(on_lost="fail")
    step = next_step(live.state, rules, resumed=True)
    if isinstance(step, CallTools) and by_agent(live.state):
        live.append(refused(step))
        step = next_step(live.state, rules, resumed=True)
    return step.terminal if isinstance(step, Finish) else LOST
