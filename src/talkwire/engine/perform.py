"""The steps done: ask the model, answer its calls, speak. The only place with effects."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import assert_never

from msgspec import Struct, structs

from talkwire.canon.deltas import Delta
from talkwire.canon.errors import Unavailable, UpstreamIncomplete
from talkwire.canon.events import (
    ToolCalled,
    ToolFinished,
)
from talkwire.canon.tools import Decision, Tool
from talkwire.canon.turn import Message, ModelRequest, Plan
from talkwire.engine import agency
from talkwire.engine.agency import TurnHands
from talkwire.engine.approvals import refusal
from talkwire.engine.assemble import Answering, Assembler
from talkwire.engine.calls import Calls, as_spoken
from talkwire.engine.counting import lost, settled
from talkwire.engine.endings import answered, at_limit, refused
from talkwire.engine.live import LiveTurn
from talkwire.engine.prices import priced
from talkwire.engine.route import Routed, Router, chosen
from talkwire.engine.scenes import Scenes
from talkwire.engine.speaking import Speaker
from talkwire.engine.steps import (
    CallModel,
    CallTools,
    Decide,
    Finish,
    Recite,
    Route,
    SayLimit,
    Speak,
    Step,
)
from talkwire.engine.storage_ports import Records
from talkwire.engine.window import Bounds, estimate_tokens, fit


class WindowShare(Struct, frozen=True):
    """How much history a model is given: messages, and a share (0 … 1) of its context."""

    messages: int = 40
    share: float = 0.75


class Performer:
    """Performs the steps of turns; it has no state of its own.

    `backlog_events` bounds what a turn may have on its way to the journal: past it the model is
    not read on.
    """

    def __init__(
        self,
        records: Records,
        speaker: Speaker,
        window: WindowShare,
        *,
        calls: Calls | None = None,
        scenes: Scenes | None = None,
        router: Router | None = None,
        backlog_events: int = 2000,
    ) -> None:
        self._records = records
        self._speaker = speaker
        self._window = window
        self._calls = calls
        self._scenes = scenes
        self._router = router
        self._backlog = backlog_events

    async def perform(self, step: Step, live: LiveTurn, routed: Routed) -> None:
        """Do what the step says and append what happens, as it happens.

        :raises TalkwireError: the step failed; what came before it stays.
        """
        match step:
            case Route():
                await self._route(live, routed)
            case CallModel():
                await self._ask(step, live, routed)
            case Decide():
                await self._decide(step.decision, live, routed)
            case CallTools():
                await self._run(step, live, routed)
            case SayLimit():
                live.append(at_limit(step, live.state))
            case Recite():
                self._scenes_of(live).recite(step.partial, live)
            case Speak():
                await self._speaker.speak(step, live)
            case Finish():
                raise AssertionError("Finish is done by seal")
            case _ as never:
                assert_never(never)

    async def _route(self, live: LiveTurn, routed: Routed) -> None:
        asked = live.state.asked
        if not asked.routes_late:
            live.append([chosen(routed.plan)])
            return
        if asked.scenario is not None:
            # All of it, not what fits a model: a flow goes on from what was said at its beginning.
            talk = [m for m in await self._all(live) if m.role in ("user", "assistant")]
            await self._scenes_of(live).choose(live, routed, talk)
        elif self._router is not None:
            said = await self._all(live)  # what fits is a question to the model that is chosen
            tools = bool(self._offered(live))
            spent = live.meter.spent if live.meter is not None else 0.0
            chose = self._router.decide(routed, live.state, said, tools=tools, spent=spent)
            live.append([chose])
        else:
            raise AssertionError("a turn that routes late needs a router")

    def _scenes_of(self, live: LiveTurn) -> Scenes:
        if self._scenes is None:
            raise Unavailable("This server has no scenarios any more; the question needs them.")
        return self._scenes

    async def count_lost(self, live: LiveTurn, routed: Routed) -> None:
        """Count what a process that died has used for the half of an answer that it left."""
        scene = live.state.scene
        recited = scene is not None and (scene.move != "answer" or not routed.choice.reads)
        if live.state.uncounted and not recited:
            request = await self._request(live, routed, self._offered(live))
            live.append([priced(lost(request, live), routed.plan)])

    def _offered(self, live: LiveTurn) -> dict[str, Tool]:
        # A scenario answers from its own words alone.
        offers = self._calls is not None and live.state.scene is None
        return self._calls.offered() if self._calls is not None and offers else {}

    async def _request(
        self, live: LiveTurn, routed: Routed, offered: Mapping[str, Tool], partial: str = ""
    ) -> ModelRequest:
        plan, turn, scene = routed.plan, live.state, live.state.scene
        instructions = plan.instructions
        if scene is not None:
            instructions = self._scenes_of(live).instructions(plan, scene, turn.asked)
        return ModelRequest(
            model=routed.choice.upstream_model,
            messages=tuple(map(as_spoken, await self._given(live, plan, instructions))),
            instructions=instructions,
            temperature=plan.temperature,
            max_output_tokens=plan.max_output_tokens,
            partial=partial,
            tools=tuple(structs.replace(tool, name=name) for name, tool in offered.items()),
        )

    async def _ask(self, step: CallModel, live: LiveTurn, routed: Routed) -> None:
        plan, turn, agent = routed.plan, live.state, routed.agent
        offered = self._offered(live) if agent is None else {}
        request = await self._request(live, routed, offered, step.partial)
        stream = None
        if live.meter is not None and agent is None:
            stream = live.meter.begin(request, plan)
            request = stream.capped(request)
        assembler = Assembler(f"call_{turn.turn_id}_{len(turn.rounds)}")
        live.answering = answering = Answering(request, plan, assembler, stream)
        speaking = self._speaker.begin(live, step.partial)
        feed, append, most = assembler.feed, live.append, self._backlog

        def hear(deltas: Sequence[Delta]) -> Awaitable[None] | None:
            if events := feed(deltas):
                append(events)
                if speaking is not None:
                    speaking.hear(events)
                if live.backlog > most:
                    return live.room(most // 2)
            return None

        if agent is not None and self._router is not None:
            able = TurnHands(live, routed, self._router, self._calls)
            await agency.run(agent, answering, hear, live, able)
        else:
            bounded = hear if stream is None else stream.bounded(hear)
            await routed.choice.model.answer(request, bounded)
        if assembler.finish_reason is None:
            raise UpstreamIncomplete("The model's answer ended before it was finished.")
        said = answered(assembler, turn, plan=plan, request=request, offered=offered)
        live.append([*settled(live), *said])
        if speaking is not None:
            speaking.hear(said)

    async def _given(self, live: LiveTurn, plan: Plan, instructions: str) -> Sequence[Message]:
        """What the model hears: a context as it is, else what fits of the session's history beside
        the instructions.
        """
        said = await self._all(live)
        return said if live.state.asked.context else fit(said, self._bounds(plan, instructions))

    async def _all(self, live: LiveTurn) -> Sequence[Message]:
        """What was said: a context, or the whole history; and in this turn."""
        turn = live.state
        if context := turn.asked.context:
            return (*context, *turn.rounds)
        history = live.history
        if history is None:
            stored = await self._records.path(live.owner, turn.session_id, turn.parent_id)
            history = live.history = [item.message for item in stored]
        return (*history, *turn.rounds)

    async def _decide(self, decision: Decision, live: LiveTurn, routed: Routed) -> None:
        call = ToolCalled(decision.call_id, decision.name, decision.arguments)
        if decision.approved:
            live.append([call])
            await self._run(CallTools((call,)), live, routed)
        else:
            live.append([call, ToolFinished(call.call_id, refusal(decision), is_error=True)])

    async def _run(self, step: CallTools, live: LiveTurn, routed: Routed) -> None:
        if self._calls is None:
            live.append(refused(step))
        else:
            await self._calls.run(step.calls, live, routed, interrupted=step.interrupted)

    def _bounds(self, plan: Plan, instructions: str) -> Bounds:
        room = int(plan.context_tokens * self._window.share)
        room -= estimate_tokens(instructions)
        return Bounds(messages=self._window.messages, tokens=max(room, 0))
