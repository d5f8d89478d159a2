"""What an answer has used: as its provider tells it where that can be believed, else estimated.

Every way to end leaves its figure, and no piece of an answer is counted twice, however many models
and processes have worked on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from talkwire.canon.deltas import Tokens
from talkwire.canon.errors import BudgetExceeded
from talkwire.canon.events import UsageCounted
from talkwire.canon.turn import ModelRequest
from talkwire.engine.live import LiveTurn
from talkwire.engine.prices import priced
from talkwire.engine.tally import asked_tokens, said_tokens
from talkwire.engine.window import estimate_tokens, message_tokens

MOST_TOKENS = 1_000_000_000_000
"""More than this is no count of tokens, whoever tells it."""

_CUTS = (asyncio.CancelledError, TimeoutError, BudgetExceeded)


def usage_of(
    told: Tokens | None, *, asked: Callable[[], int], said: Callable[[], int]
) -> UsageCounted:
    """The figures that the provider told, and estimates in the place of those it did not tell, or
    that cannot be: no question has no tokens, and no answer that said something.
    """
    given = told.input_tokens if told is not None else 0
    answered = told.output_tokens if told is not None else 0
    estimated = False
    if not 0 < given <= MOST_TOKENS:
        given, estimated = asked(), True
    if not 0 < answered <= MOST_TOKENS:
        heard = said()
        estimated = estimated or told is None or answered != 0 or heard > 0
        answered = heard
    return UsageCounted(given, answered, estimated=estimated)


def settled(live: LiveTurn) -> list[UsageCounted]:
    """What the answer has used that is under way, and is no more from now on: to be appended at
    once. Nothing where its model failed before it said or told anything; one that was cut off by
    then had the question, which is billed, and may have thought unseen.
    """
    answering, live.answering = live.answering, None
    if answering is None:
        return _left_behind(live)
    request, assembler, stream = answering.request, answering.assembler, answering.stream
    if answering.counts or (assembler.counted and not live.state.uncounted):
        return []
    if stream is not None:
        stream.end()

    def asked() -> int:
        return asked_tokens(request) if stream is None else stream.given

    def said() -> int:
        if stream is not None:
            return stream.tokens
        return said_tokens([*live.state.uncounted, *assembler.called])

    told, finished = assembler.usage, assembler.finish_reason is not None
    if told is None and not finished and not answering.cut and not said():
        return []
    return [priced(usage_of(told, asked=asked, said=said), answering.plan)]


def cut_off(error: BaseException, live: LiveTurn) -> bool:
    """Whether an answer that ended so was stopped, took too long or was too much; else its model
    failed.
    """
    return live.stopped or isinstance(error, _CUTS)


def _left_behind(live: LiveTurn) -> list[UsageCounted]:
    """What is there of an answer that nobody is writing any more, of whose question only the
    user's part is known."""
    state = live.state
    said = said_tokens(state.uncounted)
    recited = state.scene is not None and state.scene.move != "answer"
    if not said or recited:
        return []
    context = state.asked.context
    asked = sum(map(message_tokens, context)) or estimate_tokens(state.asked.text)
    return [UsageCounted(asked, said, estimated=True)]


def lost(request: ModelRequest, live: LiveTurn) -> UsageCounted:
    """What a process that died has used for the half of an answer that it left behind."""
    return UsageCounted(asked_tokens(request), said_tokens(live.state.uncounted), estimated=True)
