"""An agent answers a turn: what it is given, and what it can do while it works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import structs

from talkwire.canon.deltas import Delta, Hear, Retry
from talkwire.canon.errors import ModelError, UpstreamRejected
from talkwire.canon.events import AttemptFailed, ToolCalled, ToolFinished
from talkwire.canon.tools import CallContext, Tool, ToolAnswer
from talkwire.canon.turn import Call, ModelRequest
from talkwire.engine import aside
from talkwire.engine.agent_ports import Agent
from talkwire.engine.assemble import Answering
from talkwire.engine.calls import Calls
from talkwire.engine.ids import call_id
from talkwire.engine.live import LiveTurn
from talkwire.engine.route import Routed, Router
from talkwire.engine.summaries import Summaries

_NEEDS_A_PERSON = (
    "This tool needs a person's approval, which an agent cannot wait for: it was not run."
)


async def run(
    agent: Agent,
    answering: Answering,
    hear: Callable[[Sequence[Delta]], Awaitable[None] | None],
    live: LiveTurn,
    hands: TurnHands,
) -> None:
    """Have the agent answer. Nothing that it has begun is left without an end in a turn that goes
    on.

    :raises TalkwireError: see `Agent.answer`. :raises BudgetExceeded: the question is too much.
    """
    if live.meter is not None:
        live.meter.begin(answering.request, answering.plan).end()
    asked_for = CallContext(live.owner, live.session_id, live.turn_id, "")
    request = structs.replace(answering.request, asked_for=asked_for, tools=())
    await agent.answer(request, hear, hands)
    live.append(answering.assembler.left_running())


class TurnHands:
    """Fits `Hands`, for one turn."""

    def __init__(self, live: LiveTurn, routed: Routed, router: Router, calls: Calls | None) -> None:
        self._live = live
        self._routed = routed
        self._router = router
        self._calls = calls
        self._summaries = Summaries(live, routed)

    def offered(self) -> Mapping[str, Tool]:
        """See `Hands.offered`."""
        return {} if self._calls is None else self._calls.offered()

    async def ask(self, model: str, request: ModelRequest, hear: Hear) -> tuple[Call, ...]:
        """See `Hands.ask`: another model takes over before anything was said, never after."""
        said = False

        def on_deltas(deltas: Sequence[Delta]) -> Awaitable[object] | None:
            nonlocal said
            again = [each for each in deltas if isinstance(each, Retry)]
            if again:  # hardly ever, and this is asked with each token
                self._live.append(
                    AttemptFailed(each.attempt, each.max_attempts, each.delay_ms, each.reason)
                    for each in again
                )
            said = said or len(again) < len(deltas)
            return hear(deltas)

        if self._live.answering is not None:
            self._live.answering.counts = True
        *others, last = (model, *self._router.fallbacks(model))
        for name in others:
            try:
                return await self._ask(name, request, on_deltas)
            except ModelError as error:
                if said or isinstance(error, UpstreamRejected):
                    raise
        return await self._ask(last, request, on_deltas)

    async def _ask(self, model: str, request: ModelRequest, hear: Hear) -> tuple[Call, ...]:
        routed = self._router.switched(self._routed, model)
        plan = routed.plan
        request = structs.replace(
            request,
            model=routed.choice.upstream_model,
            temperature=plan.temperature,
            max_output_tokens=plan.max_output_tokens,
        )
        answer = await aside.listen(request, self._live, routed, hear)
        # Some providers count their calls from 0 in each answer, and an agent asks many times.
        return tuple(Call(call_id(), each.name, each.arguments) for each in answer.calls())

    async def call(self, name: str, arguments: str) -> ToolAnswer:
        """See `Hands.call`."""
        tool = self.offered().get(name)
        if tool is None or self._calls is None:
            return ToolAnswer(f"There is no tool {name!r}.", is_error=True)
        live, call = self._live, ToolCalled(call_id(), tool.name, arguments)
        if tool.requires_approval:
            live.append([call, ToolFinished(call.call_id, _NEEDS_A_PERSON, is_error=True)])
            return ToolAnswer(_NEEDS_A_PERSON, is_error=True)
        live.append([call])
        if live.speaking is not None:
            live.speaking.hear([call])
        at = live.state.count
        while live.log.held < at:  # no tool begins before its call is held
            await live.room(max(0, live.state.count - at))
        done = await self._calls.one(call, live, self._summaries)
        return ToolAnswer(done.result, is_error=done.is_error, truncated=done.truncated)
