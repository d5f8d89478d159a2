"""A question to the turn's model beside the conversation: nothing of it but its usage is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from talkwire.canon.deltas import Delta, Text
from talkwire.canon.errors import UpstreamIncomplete
from talkwire.canon.events import UsageCounted
from talkwire.canon.turn import FinishReason, ModelRequest
from talkwire.engine.assemble import Assembler
from talkwire.engine.live import LiveTurn
from talkwire.engine.prices import priced
from talkwire.engine.route import Routed
from talkwire.engine.window import estimate_tokens


async def ask(
    request: ModelRequest, live: LiveTurn, routed: Routed, hear: Callable[[str], None]
) -> FinishReason:
    """Ask, hand the text on as it comes, and count what was used, whatever the end.

    :raises ModelError: it cannot answer.
    """
    assembler = Assembler("aside")
    heard = 0

    def on_deltas(deltas: Sequence[Delta]) -> None:
        nonlocal heard
        assembler.feed([delta for delta in deltas if type(delta) is not Text])
        text = "".join(delta.text for delta in deltas if type(delta) is Text)
        heard += estimate_tokens(text)
        hear(text)

    try:
        await routed.choice.model.answer(request, on_deltas)
    finally:
        # Every way to end leaves its figure: what was cut off is estimated.
        usage = assembler.counted(None) or _estimated(request, heard)
        if usage is not None:
            live.append([priced(usage, routed.plan)])
    if assembler.finish_reason is None:
        raise UpstreamIncomplete("The model's answer ended before it was finished.")
    return assembler.finish_reason


def _estimated(request: ModelRequest, heard: int) -> UsageCounted | None:
    if not heard:
        return None
    given = estimate_tokens(request.instructions)
    given += sum(estimate_tokens(message.text) for message in request.messages)
    return UsageCounted(given, heard, estimated=True)
