"""How a turn is accepted: planned, stored, and run, whoever asked may be gone by then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from msgspec import structs

from talkwire.canon.errors import BudgetExceeded, Draining, StorageUnavailable, Unavailable
from talkwire.canon.records import Idempotency, NewTurn, Started, Verdict
from talkwire.canon.turn import Plan, TurnRequest
from talkwire.engine.board import Board
from talkwire.engine.budgets import Budgets
from talkwire.engine.crew import Crew
from talkwire.engine.elsewhere import Elsewhere
from talkwire.engine.ids import new_id
from talkwire.engine.live import now_ms
from talkwire.engine.policy import Policy
from talkwire.engine.ports import Caller
from talkwire.engine.route import Routed, Router, chosen
from talkwire.engine.storage_ports import Records

_MOST_DECISIONS = 1000  # that wait behind each other in one session


class Accepting:
    """The turns that are being stored just now are `under_way`; none is taken once `closed`."""

    def __init__(
        self,
        router: Router,
        records: Records,
        board: Board,
        crew: Crew,
        *,
        elsewhere: Elsewhere,
        policy: Policy,
        budgets: Budgets | None = None,
    ) -> None:
        self.closed = False
        self.under_way: dict[str, asyncio.Task[Started]] = {}
        self._router = router
        self._records = records
        self._board = board
        self._crew = crew
        self._elsewhere = elsewhere
        self._policy = policy
        self._budgets = budgets

    async def start(
        self,
        owner: str,
        request: TurnRequest,
        *,
        idempotency: Idempotency | None,
        caller: Caller | None,
        verdict: Verdict | None = None,
        key_id: str | None = None,
    ) -> Started:
        """Accept a turn and run it apart from whoever asks; see `Turns.start` and `decide`."""
        if self.closed:
            raise Draining("The server is shutting down; ask again in a moment.")
        if self._board.running >= self._policy.max_running:
            raise Unavailable("Too many answers are being written; ask again in a moment.")
        if self._budgets is not None:
            try:
                await self._budgets.check(owner, key_id)
            except BudgetExceeded:
                # Who asks again for a turn that is there pays nothing, though it used all up.
                known = None
                if idempotency is not None:
                    known = await self._records.known(owner, idempotency)
                if known is None:
                    raise
                return Started(known, fresh=False)
        request = structs.replace(request, with_caller=caller is not None)
        routed = await self._router.plan(request, caller)
        new = self._new_turn(owner, request, routed.plan, idempotency, verdict, key_id)
        accepting = self.under_way[new.turn_id] = self._crew.own(self._accept(new, routed))
        accepting.add_done_callback(lambda _: self.under_way.pop(new.turn_id))
        # A caller that goes away in here must not leave a turn stored that nobody runs.
        return await asyncio.shield(accepting)

    async def _accept(self, new: NewTurn, routed: Routed) -> Started:
        async with AsyncExitStack() as unused:
            unused.push_async_callback(routed.close)
            try:
                started = await self._records.start(new)
            except StorageUnavailable:
                self._board.orphaned = True  # it may have been stored all the same
                raise
            # Answers of the store may come out of order: those ahead become known here first.
            stored = [self.under_way[other] for other in started.ahead if other in self.under_way]
            if stored:
                await asyncio.wait(stored)
            if not started.fresh or self.closed:
                return started  # known already; or drained meanwhile, and left for adoption
            live = self._board.begin(new.owner, started)
            if new.on_busy == "interrupt":
                self._interrupt(started.ahead)
            unused.pop_all()
            self._board.launch(live, self._board.ahead(new.owner, started.ahead), routed)
        return started

    def _interrupt(self, turn_ids: Sequence[str]) -> None:
        """Storage knows already that they are to stop."""
        for turn_id in turn_ids:
            if (live := self._board.find(turn_id)) is not None:
                self._board.stop(live, "interrupt")
        self._elsewhere.tell_stop([each for each in turn_ids if not self._board.find(each)])

    def _new_turn(
        self,
        owner: str,
        request: TurnRequest,
        plan: Plan,
        idempotency: Idempotency | None,
        verdict: Verdict | None,
        key_id: str | None,
    ) -> NewTurn:
        # As many decisions may wait for each other as calls did: the model had bounds for those.
        most = self._policy.max_waiting if verdict is None else _MOST_DECISIONS
        return NewTurn(
            turn_id=new_id("t_"),
            owner=owner,
            request=request,
            at=now_ms(),
            on_busy=request.on_busy or self._policy.on_busy,
            max_waiting=most,
            session_ttl_s=self._policy.session_ttl_s,
            route=None if request.routes_late else chosen(plan),
            idempotency=idempotency,
            verdict=verdict,
            key_id=key_id,
        )
