"""The engine's ports in memory: honest about order and errors, with the test as their clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from msgspec import structs

from talkwire.canon.deltas import Delta, Finish, Hear, Text
from talkwire.canon.errors import (
    NotFound,
)
from talkwire.canon.events import AnyEvent, Stamped
from talkwire.canon.fold import TurnState
from talkwire.canon.models import Standing
from talkwire.canon.records import (
    PromptVersion,
    RenderedPrompt,
)
from talkwire.canon.speech import Sound
from talkwire.canon.turn import ModelRequest, Scalar, TextPart, TurnRequest, VoiceMode
from talkwire.engine.approvals import Approvals
from talkwire.engine.budgets import Budgets
from talkwire.engine.calls import Calls
from talkwire.engine.elsewhere import Elsewhere
from talkwire.engine.live import LiveTurn
from talkwire.engine.long_results import LongResults
from talkwire.engine.perform import Performer, WindowShare
from talkwire.engine.policy import Policy
from talkwire.engine.ports import Caller, Choice, PromptVersions, Scenarios, Speech, Tools
from talkwire.engine.reader import Reader, ReaderCut
from talkwire.engine.route import Router
from talkwire.engine.runner import Limits, Runner
from talkwire.engine.scenes import Scenes
from talkwire.engine.speaking import Speaker
from talkwire.engine.storage_ports import Journal
from talkwire.engine.turns import Turns
from tests.engine.storage import FakeJournal, FakeRecords

LIMIT_S = 10.0
OWNER = "alice"

Act = Sequence[Delta] | BaseException | asyncio.Event


def says(*words: str) -> list[Act]:
    """A model's whole answer, a read a word."""
    return [*([Text(word)] for word in words), [Finish("stop")]]


class ScriptedModel:
    """Does what it is told: says deltas, waits for events, raises. The last answer repeats."""

    def __init__(self, *answers: Sequence[Act]) -> None:
        self.answers = answers
        self.requests: list[ModelRequest] = []
        self.yielded = 0
        self.closed = 0
        self.given_back = 0

    async def answer(self, request: ModelRequest, hear: Hear) -> None:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        try:
            for act in answer:
                if isinstance(act, BaseException):
                    raise act
                if isinstance(act, asyncio.Event):
                    await act.wait()
                    continue
                self.yielded += 1
                wait = hear(act)
                await (asyncio.sleep(0) if wait is None else wait)
        finally:
            self.closed += 1

    async def check(self) -> str:
        return "scripted"

    async def close(self) -> None:
        self.given_back += 1


class FakeModels:
    """One model under any name but `unknown`."""

    def __init__(self, model: ScriptedModel, *, prefill: bool = False, reads: bool = True) -> None:
        self.model = model
        self.prefill = prefill
        self.reads = reads
        self.callers: list[Caller | None] = []

    def resolve(self, name: str | None, caller: Caller | None = None) -> Choice:
        if name == "unknown":
            raise NotFound("There is no model 'unknown'.")
        self.callers.append(caller)
        return Choice(
            name or "default",
            "cloud",
            self.model,
            "upstream",
            continuation="prefill" if self.prefill else "none",
            price_in=1.0,
            price_out=2.0,
            lent=caller is not None,
            reads=self.reads,
        )

    def names(self) -> tuple[str, ...]:
        return ("default",)

    def standings(self) -> tuple[Standing, ...]:
        return (Standing("default", "cloud"),)

    def fallbacks(self, name: str) -> tuple[str, ...]:
        return ()

    async def close(self) -> None: ...

    @property
    def told(self) -> str:
        return "a fake"


class FakePrompts:
    async def render(self, name: str | None, variables: Mapping[str, Scalar]) -> RenderedPrompt:
        if name == "unknown":
            raise NotFound("There is no prompt 'unknown'.")
        return RenderedPrompt("Be kind.")

    async def list(self) -> PromptVersions:
        raise NotImplementedError

    async def versions(self, name: str) -> PromptVersions:
        raise NotImplementedError

    async def put(self, draft: PromptVersion) -> PromptVersion:
        raise NotImplementedError

    async def delete(self, name: str) -> int:
        raise NotImplementedError


class FakeSpeech:
    """Speaks each text in pieces of 100 ms; the acts may hold errors and events to wait for."""

    def __init__(self, *acts: bytes | BaseException | asyncio.Event, whole: bool = True) -> None:
        self.acts = acts
        self.whole = whole
        self.spoken: list[str] = []
        self.closed = 0

    async def speak(
        self, text: str | AsyncIterator[str], *, voice_id: str, session_id: str
    ) -> AsyncGenerator[Sound, None]:
        try:
            async for each in _alone(text) if isinstance(text, str) else text:
                self.spoken.append(each)
                for act in self.acts:
                    if isinstance(act, BaseException):
                        raise act
                    if isinstance(act, asyncio.Event):
                        await act.wait()
                    else:
                        yield Sound(act, "audio/mpeg", 100)
        finally:
            self.closed += 1

    async def check(self) -> str:
        return "fake"

    async def close(self) -> None:
        pass


async def _alone(text: str) -> AsyncGenerator[str, None]:
    yield text


class FakeNodes:
    node = "n1"
    epoch = 2

    def __init__(self) -> None:
        self.taken = 0

    async def beat(self) -> None:
        pass

    async def take_over(self) -> int:
        taken, self.taken = self.taken, 0
        return taken

    async def rejoin(self) -> None:
        pass


class FakeSignals:
    """Word that reaches all who hear, at once; `heard` by topic."""

    def __init__(self) -> None:
        self.hearers: dict[str, list[Callable[[Sequence[str]], None]]] = {}
        self.sent: list[tuple[str, list[str]]] = []

    def send(self, topic: str, ids: Sequence[str]) -> None:
        self.sent.append((topic, list(ids)))
        for heard in self.hearers.get(topic, ()):
            heard(ids)

    def hear(self, topic: str, heard: Callable[[Sequence[str]], None]) -> None:
        self.hearers.setdefault(topic, []).append(heard)


class World:
    """A server's engine around fakes. `restarted` is another process on the same storage."""

    def __init__(
        self,
        model: ScriptedModel | None = None,
        *,
        records: FakeRecords | None = None,
        policy: Policy | None = None,
        limits: Limits | None = None,
        speech: Speech | None = None,
        prefill: bool = False,
        backlog_events: int = 2000,
        signals: FakeSignals | None = None,
        tools: Tools | None = None,
        long: LongResults | None = None,
        approvals: Approvals | None = None,
        scenarios: Scenarios | None = None,
        reads: bool = True,
        router: Router | None = None,
        every_s: float = 0.001,
        budgets: Budgets | None = None,
        voice_mode: VoiceMode = "after",
    ) -> None:
        self.model = model or ScriptedModel(says("Hel", "lo"))
        self.records = records or FakeRecords()
        self.journal = FakeJournal(self.records)
        self.signals = signals or FakeSignals()
        self.seen: list[AnyEvent] = []
        self.watch: Callable[[TurnState, AnyEvent], object] = lambda state, event: None
        models = FakeModels(self.model, prefill=prefill, reads=reads)
        router = router or Router(models, FakePrompts(), scenarios)
        journal: Journal = self.journal
        runner = Runner(
            Performer(
                self.records,
                Speaker(speech, mode=voice_mode, backlog_events=backlog_events),
                WindowShare(),
                calls=None if tools is None else Calls(tools, long, approvals=approvals),
                router=router,
                scenes=None if scenarios is None else Scenes(scenarios, decide_timeout_s=0.05),
                backlog_events=backlog_events,
            ),
            router,
            journal=journal,
            records=self.records,
            limits=limits or Limits(),
            budgets=budgets,
        )
        self.turns = Turns(
            router,
            runner,
            records=self.records,
            journal=journal,
            nodes=FakeNodes(),
            elsewhere=Elsewhere(self.records, journal, self.signals, every_s=every_s),
            policy=policy or Policy(),
            observer=self._observe,
            budgets=budgets,
        )

    def _observe(self, state: TurnState, stamped: Stamped) -> None:
        self.seen.append(stamped.event)
        self.watch(state, stamped.event)

    def live(self, turn_id: str) -> LiveTurn:
        return self.turns._board._live[turn_id]

    async def ask(
        self, text: str = "Hi", *, owner: str = OWNER, key_id: str | None = None, **more: Any
    ) -> str:
        """Start a turn; its id."""
        started = await self.turns.start(owner, asking(text, **more), key_id=key_id)
        return started.record.turn_id

    async def events(self, turn_id: str) -> list[Stamped]:
        """All events of a turn, read to its end."""
        reader = await self.turns.read(OWNER, turn_id)
        try:
            return await drained(reader)
        finally:
            reader.close()

    async def kinds(self, turn_id: str) -> list[str]:
        return [type(stamped.event).__name__ for stamped in await self.events(turn_id)]


def asking(text: str = "Hi", session: str = "s_1", **more: Any) -> TurnRequest:
    """A request on a session."""
    parts = (TextPart(text),) if text else ()
    return structs.replace(TurnRequest(session, "native", parts), **more)


async def drained(reader: Reader) -> list[Stamped]:
    """All that a reader gives until its turn's end."""
    events: list[Stamped] = []
    async with asyncio.timeout(LIMIT_S):
        while not reader.ended:
            events += await reader.next()
    return events


async def cut(reader: Reader) -> list[Stamped]:
    """All that a reader gives until it is cut off."""
    events: list[Stamped] = []
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                events += await reader.next()
            except ReaderCut:
                return events


async def until(condition: Callable[[], object]) -> None:
    """Let the others run until it is so."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0)


async def steps(count: int) -> None:
    """Let the event loop go round so many times."""
    for _ in range(count):
        await asyncio.sleep(0)
