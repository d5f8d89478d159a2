"""A question to the turn's model beside the conversation: nothing of it but its usage is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec import structs

from talkwire.canon.deltas import Delta, Hear, Reasoning, Text
from talkwire.canon.errors import UpstreamIncomplete
from talkwire.canon.events import UsageCounted
from talkwire.canon.turn import FinishReason, ModelRequest
from talkwire.engine.assemble import Assembler
from talkwire.engine.counting import cut_off, usage_of
from talkwire.engine.live import LiveTurn
from talkwire.engine.prices import priced
from talkwire.engine.route import Routed
from talkwire.engine.tally import Tally, asked_tokens


async def ask(
    request: ModelRequest, live: LiveTurn, routed: Routed, hear: Callable[[str], None]
) -> FinishReason:
    """Ask, hand the text on as it comes, and count what was used, whatever the end.

    :raises ModelError: it cannot answer. :raises BudgetExceeded: it may not, or not to the end.
    """

    def on_deltas(deltas: Sequence[Delta]) -> None:
        hear("".join(delta.text for delta in deltas if type(delta) is Text))

    assembler = await listen(request, live, routed, on_deltas)
    return _finish(assembler)


async def listen(request: ModelRequest, live: LiveTurn, routed: Routed, hear: Hear) -> Assembler:
    """As `ask`, for all that the model says; what is not text comes whole, in the end."""
    assembler, heard = Assembler("aside"), Tally()
    stream = None if live.meter is None else live.meter.begin(request, routed.plan)
    asked = request if stream is None else stream.capped(request)
    counts = False

    def on_deltas(deltas: Sequence[Delta]) -> Awaitable[object] | None:
        assembler.feed([delta for delta in deltas if type(delta) is not Text])
        for delta in deltas:
            if isinstance(delta, Text | Reasoning):
                heard.add(delta.text, delta.pieces)
        return hear(deltas)

    try:
        bounded = on_deltas if stream is None else stream.bounded(on_deltas)
        await routed.choice.model.answer(asked, bounded)
        counts = assembler.finish_reason is not None
    except BaseException as error:
        counts = cut_off(error, live)
        raise
    finally:
        # Every way to end leaves its figure: what was cut off is estimated, its question at least.
        if stream is not None:
            stream.end()
        if counts or assembler.usage is not None or heard.tokens:
            live.append([_used(assembler, heard, request, live, routed)])
    _finish(assembler)
    return assembler


def _finish(assembler: Assembler) -> FinishReason:
    if assembler.finish_reason is None:
        raise UpstreamIncomplete("The model's answer ended before it was finished.")
    return assembler.finish_reason


def _used(
    assembler: Assembler, heard: Tally, request: ModelRequest, live: LiveTurn, routed: Routed
) -> UsageCounted:
    """The usage, under the model's name where the turn's route does not tell it yet."""
    plan = routed.plan
    used = usage_of(assembler.usage, asked=lambda: asked_tokens(request), said=lambda: heard.tokens)
    if live.state.model != plan.model:
        used = structs.replace(used, model=plan.model)
    return priced(used, plan)
