"""The turns that this process runs, and those of them that ended lately."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from talkwire.canon.errors import Fenced
from talkwire.canon.events import Stamped
from talkwire.canon.records import Started
from talkwire.canon.turn import Message, input_message_id
from talkwire.engine.crew import Crew
from talkwire.engine.elsewhere import Elsewhere
from talkwire.engine.live import LiveTurn, Observer, now_ms
from talkwire.engine.policy import Policy
from talkwire.engine.route import Routed
from talkwire.engine.runner import Runner, Wait
from talkwire.engine.storage_ports import Journal

_FIRST_READER_S = 15.0  # how long a turn that nobody has read yet waits for its first reader


class Board:
    """Who runs, who has ended, and who waits for whom. The tasks belong to `crew`."""

    def __init__(
        self,
        runner: Runner,
        crew: Crew,
        *,
        journal: Journal,
        elsewhere: Elsewhere,
        policy: Policy,
        observer: Observer,
        on_end: Callable[[LiveTurn], None],
    ) -> None:
        self.running = 0  # turns that have not ended, waiting ones too
        self.orphaned = False  # turns were given up here for want of storage
        self._runner = runner
        self._crew = crew
        self._journal = journal
        self._elsewhere = elsewhere
        self._policy = policy
        self._observer = observer
        self._on_end = on_end  # told of each turn that ended here, once
        self._live: dict[str, LiveTurn] = {}
        self._recent: deque[LiveTurn] = deque()

    def __len__(self) -> int:
        """How many are known, ended ones too."""
        return len(self._live)

    def __iter__(self) -> Iterator[LiveTurn]:
        """All that are known, ended ones too; the board may change meanwhile."""
        return iter(list(self._live.values()))

    def find(self, turn_id: str, owner: str | None = None) -> LiveTurn | None:
        """The turn, where it is known here; None for another owner's."""
        live = self._live.get(turn_id)
        return live if live is not None and owner in (None, live.owner) else None

    def begin(self, owner: str, started: Started) -> LiveTurn:
        """A turn that was accepted here a moment ago."""
        live = self.make(started.events, owner, key_id=started.record.key_id)
        for stamped in started.events:
            self._observer(live.state, stamped)
        request = live.state.asked
        if started.new_session and request.parts:
            name = input_message_id(live.turn_id)
            live.history = [Message(name, "user", request.parts)]
        return live

    def make(self, events: Iterable[Stamped], owner: str, *, key_id: str | None = None) -> LiveTurn:
        """A turn from its events so far."""
        live = LiveTurn(
            events, owner, journal=self._journal, observer=self._observer, key_id=key_id
        )
        self._live[live.turn_id] = live
        chosen = live.state.asked.on_disconnect or self._policy.on_disconnect
        if chosen == "abort":
            grace_s = self._policy.disconnect_grace_s
            live.log.on_left = lambda: self._leave_alone(live, grace_s)
            self._leave_alone(live, max(grace_s, _FIRST_READER_S))
        return live

    def launch(self, live: LiveTurn, ahead: Sequence[Wait], routed: Routed | None) -> None:
        """Run it behind those ahead; `routed` is None for one that is adopted."""
        self.running += 1
        live.task = self._crew.own(self._runner.run(live, ahead, routed=routed))
        live.task.add_done_callback(lambda _: self._ended(live))

    def stop(self, live: LiveTurn, by: str) -> None:
        """Abort it, unless its end is being stored; who comes first is named."""
        if live.aborted_by is None and not live.sealed:
            live.aborted_by = by
            live.stop()

    def ahead(
        self, owner: str, turn_ids: Sequence[str], here: Sequence[LiveTurn] = ()
    ) -> list[Wait]:
        """What a turn waits for: the ends of these turns, wherever they run."""
        found = {live.turn_id: live for live in here}
        found |= {each: self._live[each] for each in turn_ids if each in self._live}
        away = [each for each in turn_ids if each not in found]
        waits: list[Wait] = [live.over.wait for live in found.values()]
        return waits + [partial(self._elsewhere.over, owner, each) for each in away]

    def drop(self, turn_ids: Iterable[str]) -> None:
        """Let go of turns that were deleted, which have ended."""
        gone = {each for each in turn_ids if (live := self._live.get(each)) and live.log.ended}
        for turn_id in gone:
            del self._live[turn_id]
        if gone:
            kept = (live for live in self._recent if live.turn_id not in gone)
            self._recent = deque(kept)

    def let_go(self, spoken_s: float | None) -> None:
        """Drop turns with audio that ended longer ago than this, in seconds; None drops none."""
        if spoken_s is None:
            return
        before = now_ms() - int(spoken_s * 1000)
        self.drop(
            [
                live.turn_id
                for live in self._recent
                if live.state.audio != "none" and live.log.events[-1].at < before
            ]
        )

    def _ended(self, live: LiveTurn) -> None:
        self.running -= 1
        if not live.log.ended and not isinstance(live.error, Fenced):
            self.orphaned = True
        if live.log.ended:
            if live.turn_id in self._live:  # not deleted meanwhile
                self._recent.append(live)
        else:
            self._live.pop(live.turn_id, None)  # whoever carries it on is read by the journal
        while len(self._recent) > self._policy.keep_ended:
            self._live.pop(self._recent.popleft().turn_id, None)
        if live.log.ended:
            self._on_end(live)

    def _leave_alone(self, live: LiveTurn, grace_s: float) -> None:
        """Nobody reads a turn with `on_disconnect: abort`: stop it unless somebody comes back."""
        if not live.over.is_set():
            loop = asyncio.get_running_loop()
            live.alone = loop.call_later(grace_s, self.stop, live, "disconnect")
