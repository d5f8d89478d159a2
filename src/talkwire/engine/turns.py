"""Turns: start, read, abort, adopt, drain. A turn outlives the request that asked for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from talkwire.canon.errors import (
    Gone,
    NotFound,
    StorageUnavailable,
    TalkwireError,
    Unprocessable,
)
from talkwire.canon.events import TurnAdopted, TurnStarted
from talkwire.canon.records import (
    Idempotency,
    Started,
    StoredMessage,
    TurnRecord,
    Verdict,
)
from talkwire.canon.turn import TurnRequest
from talkwire.engine.accepting import Accepting
from talkwire.engine.approvals import carried_on
from talkwire.engine.board import Board
from talkwire.engine.budgets import Budgets
from talkwire.engine.crew import Crew
from talkwire.engine.elsewhere import Elsewhere
from talkwire.engine.following import Following
from talkwire.engine.live import LiveTurn, Observer
from talkwire.engine.policy import Policy
from talkwire.engine.ports import Caller
from talkwire.engine.reader import Log, Reader
from talkwire.engine.route import Router
from talkwire.engine.runner import Runner
from talkwire.engine.storage_ports import Journal, Nodes, Records

_LET_GO_S = 5.0  # how long stopped work may take to close what it holds


class Turns:
    """All turns of this process, and the door to those that are stored."""

    def __init__(
        self,
        router: Router,
        runner: Runner,
        *,
        records: Records,
        journal: Journal,
        nodes: Nodes,
        elsewhere: Elsewhere,
        policy: Policy,
        observer: Observer,
        on_end: Callable[[LiveTurn], None] = lambda live: None,
        budgets: Budgets | None = None,
    ) -> None:
        self._records = records
        self._journal = journal
        self._nodes = nodes
        self._elsewhere = elsewhere
        self._following = Following(records, elsewhere)
        self._crew = Crew()
        self._board = Board(
            runner,
            self._crew,
            journal=journal,
            elsewhere=elsewhere,
            policy=policy,
            observer=observer,
            on_end=on_end,
        )
        self._accepting = Accepting(
            router,
            records,
            self._board,
            self._crew,
            elsewhere=elsewhere,
            policy=policy,
            budgets=budgets,
        )

    @property
    def draining(self) -> bool:
        """True once the server is shutting down and starts nothing more."""
        return self._accepting.closed

    @property
    def running(self) -> int:
        """Turns of this process that have not ended, waiting ones too."""
        return self._board.running

    def alive(self) -> list[LiveTurn]:
        """The turns of this process that have not ended, waiting ones too."""
        return [live for live in self._board if not live.over.is_set()]

    @property
    def orphaned(self) -> bool:
        """True when turns were given up here for want of storage, until `adopt` has looked."""
        return self._board.orphaned

    async def start(
        self,
        owner: str,
        request: TurnRequest,
        *,
        idempotency: Idempotency | None = None,
        caller: Caller | None = None,
        key_id: str | None = None,
    ) -> Started:
        """Accept a turn and run it apart from whoever asks. What a `caller` brought is for this
        turn alone: it is not stored, so no other process can carry the turn on. With `key_id` the
        API key that asks pays for it too.

        :raises BudgetExceeded: nothing is left of a budget.
        :raises NotFound, Unprocessable: model, prompt or parent message cannot be used.
        :raises Busy, IdempotencyMismatch: see `Records.start`.
        :raises Unavailable: draining, or too many turns are running, or storage is away.
        """
        return await self._accepting.start(
            owner, request, idempotency=idempotency, caller=caller, key_id=key_id
        )

    async def known(self, owner: str, wanted: Idempotency) -> TurnRecord | None:
        """The turn that the key names, if it does. :raises IdempotencyMismatch: see `Records`."""
        return await self._records.known(owner, wanted)

    async def decide(
        self,
        owner: str,
        call_id: str,
        *,
        approve: bool,
        reason: str | None = None,
        idempotency: Idempotency | None = None,
        caller: Caller | None = None,
        key_id: str | None = None,
    ) -> Started:
        """Run a call that waits for a person, or tell the model that it was refused, in a turn
        that carries on where the other one has ended. What runs is what is stored: of a decision
        only the call's id is taken. One decision is, of however many that come at once; the same
        `idempotency` gives the same turn.

        :raises NotFound: no such call waits or waited, or it is another's.
        :raises AlreadyDecided: approved or refused before; it names the turn.
        :raises Gone: `approval_expired`. :raises Conflict: `approval_superseded`, by what was
            asked in the session meanwhile.
        :raises BudgetExceeded: as `start`; the call waits on.
        :raises Unprocessable: `caller_needed`: what the caller brought for the turn is not kept.
        """
        waits = await self._records.approval(owner, call_id)
        if waits.request.with_caller and caller is None:
            raise Unprocessable(
                "The model was the caller's, and nothing of that is kept: bring it again.",
                code="caller_needed",
            )
        verdict = Verdict(call_id, approve, reason)
        return await self._accepting.start(
            owner,
            carried_on(waits),
            idempotency=idempotency,
            caller=caller,
            verdict=verdict,
            key_id=key_id,
        )

    async def read(self, owner: str, turn_id: str, *, stored: bool = False) -> Reader:
        """A reader of a turn from event 0, live or finished. Close it. `stored` asks storage even
        for a turn of this process, which may have lost it and not know.

        :raises NotFound: unknown, or another's.
        :raises Gone: its events have been deleted with age; the messages remain.
        """
        live = None if stored else await self._here(owner, turn_id)
        if live is not None:
            if live.alone is not None:
                live.alone.cancel()
            return Reader(live.log, turn_id=turn_id, session_id=live.session_id)
        record = await self._records.turn(owner, turn_id)
        log = Log(await self._journal.read(turn_id, 0))
        if record.ended and not log.ended:
            raise Gone("The events of this turn are no longer kept; its messages are.")
        if not log.ended:
            following = self._following.follow(owner, turn_id, log, until=lambda: self.draining)
            self._crew.own(following)
        return Reader(log, turn_id=turn_id, session_id=record.session_id)

    async def under_way(self, owner: str, session_id: str) -> list[str]:
        """The session's turns that have not ended, oldest first, on whatever node they run."""
        return await self._records.under_way(owner, session_id)

    async def record(self, owner: str, turn_id: str) -> TurnRecord:
        """What is stored of a turn. :raises NotFound: unknown, or another's."""
        return await self._records.turn(owner, turn_id)

    async def request(self, owner: str, turn_id: str) -> TurnRequest:
        """What a turn was asked.

        :raises NotFound: unknown, or another's.
        :raises Gone: its events have been deleted with age.
        """
        live = await self._here(owner, turn_id)
        if live is not None:
            return live.state.asked
        await self._records.turn(owner, turn_id)
        events = await self._journal.read(turn_id, 0)
        if not events or not isinstance(events[0].event, TurnStarted):
            raise Gone("The events of this turn are no longer kept; ask anew.")
        return events[0].event.request

    async def message(self, owner: str, message_id: str) -> StoredMessage:
        """A stored message. :raises NotFound: unknown, or another's."""
        return await self._records.message(owner, message_id)

    async def abort(self, owner: str, turn_id: str, by: str = "client") -> TurnRecord:
        """Stop a turn; the record once it has ended. Of abort and completion one wins.

        :raises NotFound: unknown, or another's.
        """
        live = self._board.find(turn_id, owner)
        if live is not None:
            self._board.stop(live, by)
            await live.over.wait()
        if live is None or not live.log.ended:  # another process has it, or will have
            await self._elsewhere.stop(owner, turn_id, by)
        return await self._records.turn(owner, turn_id)

    async def stop_asked(self) -> None:
        """Stop the turns that another process was asked to stop, and the following of those that
        another process has deleted."""
        if self.running:
            for turn_id, by in await self._records.to_stop():
                if (live := self._board.find(turn_id)) is not None:
                    self._board.stop(live, by)
        await self._following.look()

    def let_go(self, spoken_s: float | None) -> None:
        """Remember turns with audio no longer than this, in seconds; None is no such bound."""
        self._board.let_go(spoken_s)

    def deleted(self, turn_ids: Sequence[str]) -> None:
        """These turns are deleted, by whatever process; with none named, any may be."""
        self._board.drop(turn_ids)
        self._following.deleted(turn_ids)

    def give_up(self, error: TalkwireError) -> None:
        """Stop all turns at once: another process has them. Their readers are cut."""
        for live in self._board:
            if not live.over.is_set():
                live.lost(error)

    async def adopt(self) -> int:
        """Carry on what a process before this one has left unfinished; how many turns."""
        self._board.orphaned = False
        try:
            unfinished = await self._records.unfinished()
        except StorageUnavailable:
            self._board.orphaned = True
            raise
        known = {*self._accepting.under_way, *(live.turn_id for live in self._board)}
        found = [left for left in unfinished if left.record.turn_id not in known]
        waiting: dict[tuple[str, str], list[LiveTurn]] = {}
        for live in self._board:
            if not live.over.is_set():
                waiting.setdefault((live.owner, live.session_id), []).append(live)
        for left in found:
            owner = left.record.owner
            live = self._board.make(left.events, owner, key_id=left.record.key_id)
            live.append([TurnAdopted(self._nodes.node, self._nodes.epoch)])
            ahead = waiting.setdefault((owner, live.session_id), [])
            self._board.launch(live, self._board.ahead(owner, left.ahead, ahead), None)
            ahead.append(live)
        return len(found)

    async def _here(self, owner: str, turn_id: str) -> LiveTurn | None:
        """The turn, where this process knows it. One that has ended may have been deleted by
        another process, so storage is asked. :raises NotFound: it was."""
        live = self._board.find(turn_id, owner)
        if live is not None and live.log.ended:
            try:
                await self._records.turn(owner, turn_id)
            except NotFound:
                self._board.drop([turn_id])
                raise
        return live

    async def drain(self, timeout_s: float) -> None:
        """Start nothing more, give running turns `timeout_s`, then leave the rest for adoption.

        Readers of turns that were left end with `ReaderCut`, so their clients resume.
        """
        self._accepting.closed = True
        await self._crew.finish(timeout_s)
        for live in self._board:
            live.stop()
        await self._crew.dismiss(_LET_GO_S)
