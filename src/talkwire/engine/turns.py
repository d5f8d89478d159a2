"""Turns: start, read, abort, adopt, drain. A turn outlives the request that asked for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from talkwire.canon.errors import (
    Draining,
    Fenced,
    Gone,
    StorageUnavailable,
    TalkwireError,
    Unavailable,
)
from talkwire.canon.events import Stamped, TurnAdopted, TurnStarted
from talkwire.canon.fold import input_message_id
from talkwire.canon.records import (
    Idempotency,
    NewTurn,
    Started,
    StoredMessage,
    TurnRecord,
    Usage,
)
from talkwire.canon.turn import Message, Plan, TurnRequest
from talkwire.engine.crew import Crew
from talkwire.engine.elsewhere import Elsewhere
from talkwire.engine.ids import new_id
from talkwire.engine.live import LiveTurn, Observer, now_ms
from talkwire.engine.policy import Policy
from talkwire.engine.reader import Log, Reader
from talkwire.engine.route import Routed, Router, chosen
from talkwire.engine.runner import Runner, Wait
from talkwire.engine.storage_ports import Journal, Nodes, Records

_LET_GO_S = 5.0  # how long stopped work may take to close what it holds
_FIRST_READER_S = 15.0  # how long a turn that nobody has read yet waits for its first reader


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
        on_end: Callable[[str, Usage], None] = lambda owner, usage: None,
    ) -> None:
        self.draining = False
        self.orphaned = False  # turns were given up here for want of storage
        self._router = router
        self._runner = runner
        self._records = records
        self._journal = journal
        self._nodes = nodes
        self._elsewhere = elsewhere
        self._policy = policy
        self._observer = observer
        self._on_end = on_end  # told of each turn that ended here: its owner, and what it used
        self._live: dict[str, LiveTurn] = {}
        self._crew = Crew()
        self._accepting: dict[str, asyncio.Task[Started]] = {}
        self._recent: deque[LiveTurn] = deque()
        self._running = 0

    @property
    def running(self) -> int:
        """Turns of this process that have not ended, waiting ones too."""
        return self._running

    async def start(
        self, owner: str, request: TurnRequest, *, idempotency: Idempotency | None = None
    ) -> Started:
        """Accept a turn and run it apart from the caller.

        :raises NotFound, Unprocessable: model, prompt or parent message cannot be used.
        :raises Busy, IdempotencyMismatch: see `Records.start`.
        :raises Unavailable: draining, or too many turns are running, or storage is away.
        """
        if self.draining:
            raise Draining("The server is shutting down; ask again in a moment.")
        if self._running >= self._policy.max_running:
            raise Unavailable("Too many answers are being written; ask again in a moment.")
        routed = await self._router.plan(request)
        new = self._new_turn(owner, request, routed.plan, idempotency)
        accepting = self._accepting[new.turn_id] = self._crew.own(self._accept(new, routed))
        accepting.add_done_callback(lambda _: self._accepting.pop(new.turn_id))
        # A caller that goes away in here must not leave a turn stored that nobody runs.
        return await asyncio.shield(accepting)

    async def read(self, owner: str, turn_id: str, *, stored: bool = False) -> Reader:
        """A reader of a turn from event 0, live or finished. Close it. `stored` asks storage even
        for a turn of this process, which may have lost it and not know.

        :raises NotFound: unknown, or another's.
        :raises Gone: its events have been deleted with age; the messages remain.
        """
        live = None if stored else self._live.get(turn_id)
        if live is not None and live.owner == owner:
            if live.alone is not None:
                live.alone.cancel()
            return Reader(live.log, turn_id=turn_id, session_id=live.session_id)
        record = await self._records.turn(owner, turn_id)
        log = Log(await self._journal.read(turn_id, 0))
        if record.ended and not log.ended:
            raise Gone("The events of this turn are no longer kept; its messages are.")
        if not log.ended:
            self._crew.own(self._elsewhere.follow(turn_id, log, until=lambda: self.draining))
        return Reader(log, turn_id=turn_id, session_id=record.session_id)

    async def record(self, owner: str, turn_id: str) -> TurnRecord:
        """What is stored of a turn. :raises NotFound: unknown, or another's."""
        return await self._records.turn(owner, turn_id)

    async def request(self, owner: str, turn_id: str) -> TurnRequest:
        """What a turn was asked.

        :raises NotFound: unknown, or another's.
        :raises Gone: its events have been deleted with age.
        """
        live = self._live.get(turn_id)
        if live is not None and live.owner == owner:
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
        live = self._live.get(turn_id)
        if live is not None and live.owner == owner:
            self._stop(live, by)
            await live.over.wait()
        else:
            await self._elsewhere.stop(owner, turn_id, by)
        return await self._records.turn(owner, turn_id)

    async def stop_asked(self) -> None:
        """Stop the turns that another process was asked to stop."""
        if self._running:
            for turn_id, by in await self._records.to_stop():
                if (live := self._live.get(turn_id)) is not None:
                    self._stop(live, by)

    def give_up(self, error: TalkwireError) -> None:
        """Stop all turns at once: another process has them. Their readers are cut."""
        for live in list(self._live.values()):
            if not live.over.is_set():
                live.lost(error)

    async def adopt(self) -> int:
        """Carry on what a process before this one has left unfinished; how many turns."""
        self.orphaned = False
        try:
            unfinished = await self._records.unfinished()
        except StorageUnavailable:
            self.orphaned = True
            raise
        known = {*self._live, *self._accepting}
        found = [left for left in unfinished if left.record.turn_id not in known]
        waiting: dict[tuple[str, str], list[LiveTurn]] = {}
        for live in self._live.values():
            if not live.over.is_set():
                waiting.setdefault((live.owner, live.session_id), []).append(live)
        for left in found:
            owner = left.record.owner
            live = self._make(left.events, owner)
            live.append([TurnAdopted(self._nodes.node, self._nodes.epoch)])
            ahead = waiting.setdefault((owner, live.session_id), [])
            self._launch(live, self._ahead(owner, left.ahead, ahead), None)
            ahead.append(live)
        return len(found)

    def _ahead(
        self, owner: str, turn_ids: Sequence[str], here: Sequence[LiveTurn] = ()
    ) -> list[Wait]:
        """What a turn waits for: the ends of these turns, wherever they run."""
        found = {live.turn_id: live for live in here}
        found |= {each: self._live[each] for each in turn_ids if each in self._live}
        away = [each for each in turn_ids if each not in found]
        waits: list[Wait] = [live.over.wait for live in found.values()]
        return waits + [partial(self._elsewhere.over, owner, each) for each in away]

    async def drain(self, timeout_s: float) -> None:
        """Start nothing more, give running turns `timeout_s`, then leave the rest for adoption.

        Readers of turns that were left end with `ReaderCut`, so their clients resume.
        """
        self.draining = True
        await self._crew.finish(timeout_s)
        for live in list(self._live.values()):
            live.stop()
        await self._crew.dismiss(_LET_GO_S)

    async def _accept(self, new: NewTurn, routed: Routed) -> Started:
        try:
            started = await self._records.start(new)
        except StorageUnavailable:
            self.orphaned = True  # it may have been stored all the same
            raise
        # Answers of the store may come out of order: those ahead become known here first.
        stored = [self._accepting[other] for other in started.ahead if other in self._accepting]
        if stored:
            await asyncio.wait(stored)
        if not started.fresh or self.draining:
            return started  # known already; or drained meanwhile, and left for adoption
        live = self._begin(new.owner, started)
        if new.on_busy == "interrupt":
            self._interrupt(started.ahead)
        self._launch(live, self._ahead(new.owner, started.ahead), routed)
        return started

    def _interrupt(self, turn_ids: Sequence[str]) -> None:
        """Storage knows already that they are to stop."""
        for turn_id in turn_ids:
            if (live := self._live.get(turn_id)) is not None:
                self._stop(live, "interrupt")
        self._elsewhere.tell_stop([each for each in turn_ids if each not in self._live])

    def _new_turn(
        self, owner: str, request: TurnRequest, plan: Plan, idempotency: Idempotency | None
    ) -> NewTurn:
        return NewTurn(
            turn_id=new_id("t_"),
            owner=owner,
            request=request,
            at=now_ms(),
            on_busy=request.on_busy or self._policy.on_busy,
            max_waiting=self._policy.max_waiting,
            session_ttl_s=self._policy.session_ttl_s,
            route=chosen(plan),
            idempotency=idempotency,
        )

    def _begin(self, owner: str, started: Started) -> LiveTurn:
        live = self._make(started.events, owner)
        for stamped in started.events:
            self._observer(live.state, stamped)
        request = live.state.asked
        if started.new_session and request.parts:
            name = input_message_id(live.turn_id)
            live.history = [Message(name, "user", request.parts)]
        return live

    def _make(self, events: Iterable[Stamped], owner: str) -> LiveTurn:
        live = LiveTurn(events, owner, journal=self._journal, observer=self._observer)
        self._live[live.turn_id] = live
        chosen = live.state.asked.on_disconnect or self._policy.on_disconnect
        if chosen == "abort":
            grace_s = self._policy.disconnect_grace_s
            live.log.on_left = lambda: self._leave_alone(live, grace_s)
            self._leave_alone(live, max(grace_s, _FIRST_READER_S))
        return live

    def _launch(self, live: LiveTurn, ahead: Sequence[Wait], routed: Routed | None) -> None:
        self._running += 1
        live.task = self._crew.own(self._runner.run(live, ahead, routed=routed))
        live.task.add_done_callback(lambda _: self._ended(live))

    def _ended(self, live: LiveTurn) -> None:
        self._running -= 1
        if not live.log.ended and not isinstance(live.error, Fenced):
            self.orphaned = True
        if live.log.ended:
            self._recent.append(live)
            self._on_end(live.owner, live.state.total_usage())
        else:
            self._live.pop(live.turn_id, None)  # whoever carries it on is read by the journal
        while len(self._recent) > self._policy.keep_ended:
            self._live.pop(self._recent.popleft().turn_id, None)

    def _stop(self, live: LiveTurn, by: str) -> None:
        if live.aborted_by is None and not live.sealed:
            live.aborted_by = by
            live.stop()

    def _leave_alone(self, live: LiveTurn, grace_s: float) -> None:
        """Nobody reads a turn with `on_disconnect: abort`: stop it unless somebody comes back."""
        if not live.over.is_set():
            loop = asyncio.get_running_loop()
            live.alone = loop.call_later(grace_s, self._stop, live, "disconnect")
