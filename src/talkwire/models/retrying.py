"""Asking again while nothing was said yet.

Once a single text, reasoning or call has come, a failure is final: asking again would say it
twice. There is no limit of time in here, the engine has one for the whole turn.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import stamina

from talkwire.canon.deltas import (
    AgentBegins,
    CallPiece,
    Delta,
    Finish,
    Hear,
    Reasoning,
    Retry,
    Text,
)
from talkwire.canon.errors import ModelError

RETRY_AFTER_MAX_S = 20.0
WAIT_MAX_S = 8.0
WAIT_FIRST_S = 0.25

_SAID = (Text, Reasoning, CallPiece, Finish, AgentBegins)


class Attempts(Protocol):
    """The attempts at one request."""

    async def once(self, opening: Opening) -> None:
        """One attempt. :raises ModelError: it failed, or ended without a word."""
        ...

    def wait_s(self, failure: ModelError, attempt: int) -> float | None:
        """How long to wait for the next attempt after this one, counted from 1; None: no more."""
        ...


class Opening:
    """Holds back what comes before anything is said: another attempt would say it again.

    `on_said` is called when the first word has come, before it is handed on.
    """

    __slots__ = ("_hear", "_held", "on_said", "said")

    def __init__(self, hear: Hear) -> None:
        self.said = False
        self.on_said: Callable[[], None] | None = None
        self._hear = hear
        self._held: list[Delta] = []

    def __call__(self, deltas: Sequence[Delta]) -> Awaitable[object] | None:
        if self.said:
            return self._hear(deltas)
        self._held += deltas
        if not any(isinstance(delta, _SAID) for delta in deltas):
            return None
        self.said = True
        if self.on_said is not None:
            self.on_said()
        return self._hear(self._held)


async def until_said(attempts: Attempts, hear: Hear, *, max_attempts: int) -> None:
    """Make attempts until one has said something; each that follows is told by a `Retry`.

    `max_attempts` counts the first one.

    :raises ModelError: the last failure, or the one that came after something was said.
    """
    failure = await _once(attempts, hear)
    if failure is not None:
        await _again(attempts, hear, failure, max_attempts)


async def _once(attempts: Attempts, hear: Hear) -> ModelError | None:
    """One attempt; why nothing was said, or None. :raises ModelError: it failed later."""
    opening = Opening(hear)
    try:
        await attempts.once(opening)
    except ModelError as error:
        if opening.said:
            raise
        return error
    return None


async def _again(attempts: Attempts, hear: Hear, failure: ModelError, most: int) -> None:
    """The attempts after a first one that failed."""
    wait_s: float | None = None

    def planned(_: Exception) -> bool | float:
        return False if wait_s is None else wait_s

    async for attempt in stamina.retry_context(on=planned, attempts=most, timeout=None):
        if attempt.num > 1:
            again = await _once(attempts, hear)
            if again is None:
                return
            failure = again
        wait_s = attempts.wait_s(failure, attempt.num) if attempt.num < most else None
        if wait_s is not None:
            hear([Retry(attempt.num, most, round(wait_s * 1000), failure.code)])
        # Only the failure itself goes through stamina: its contexts swallow cancellation.
        with attempt:
            raise failure


def pause_s(attempt: int, told_s: float | None) -> float | None:
    """The pause after an attempt, counted from 1, where the same server is asked again.

    `told_s` is what the server said; over 20 s it is not asked again: None.
    """
    if told_s is not None and told_s > RETRY_AFTER_MAX_S:
        return None
    backoff = min(WAIT_FIRST_S * 2.0 ** (attempt - 1), WAIT_MAX_S)
    # Between half of it and all of it, so that turns that failed together part.
    jittered: float = backoff * (0.5 + random.random() / 2)  # noqa: S311 - no secret
    return jittered if told_s is None else told_s + jittered / 4
