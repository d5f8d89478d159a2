"""A model that is asked again while it has said nothing yet.

Once a single text, reasoning or call has come, a failure is final: asking again would say it
twice. There is no limit of time in here, the engine has one for the whole turn.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Sequence
from typing import Protocol

import stamina

from talkwire.canon.deltas import CallPiece, Delta, Finish, Hear, Reasoning, Retry, Text
from talkwire.canon.errors import ModelError, UpstreamIncomplete
from talkwire.canon.turn import ModelRequest

RETRY_AFTER_MAX_S = 20.0
WAIT_MAX_S = 8.0
WAIT_FIRST_S = 0.25

_SAID = (Text, Reasoning, CallPiece, Finish)


class Model(Protocol):
    """What is wrapped; see the engine's port of this name."""

    async def answer(self, request: ModelRequest, hear: Hear) -> None: ...
    async def check(self) -> str: ...
    async def close(self) -> None: ...


class Retrying:
    """Fits the port `Model`. `max_attempts` counts the first one; 1 asks once.

    A server that says `Retry-After` over 20 s is not asked again.
    """

    def __init__(self, model: Model, *, max_attempts: int = 3) -> None:
        self._model = model
        self._max = max(max_attempts, 1)

    async def answer(self, request: ModelRequest, hear: Hear) -> None:
        """See `Model.answer`."""
        failure = await self._once(request, hear)
        if failure is not None:
            await self._again(request, hear, failure)

    async def _once(self, request: ModelRequest, hear: Hear) -> ModelError | None:
        """One attempt; why nothing was said, or None. :raises ModelError: it failed later."""
        opening = _Opening(hear)
        try:
            await self._model.answer(request, opening)
        except ModelError as error:
            if opening.said:
                raise
            return error
        return None if opening.said else UpstreamIncomplete("The answer ended before it began.")

    async def _again(self, request: ModelRequest, hear: Hear, failure: ModelError) -> None:
        """The attempts after a first one that failed."""
        wait_s: float | None = None

        def planned(_: Exception) -> bool | float:
            return False if wait_s is None else wait_s

        async for attempt in stamina.retry_context(on=planned, attempts=self._max, timeout=None):
            if attempt.num > 1:
                again = await self._once(request, hear)
                if again is None:
                    return
                failure = again
            wait_s = self._wait_s(failure, attempt.num)
            if wait_s is not None:
                hear([Retry(attempt.num, self._max, round(wait_s * 1000), failure.code)])
            # Only the failure itself goes through stamina: its contexts swallow cancellation.
            with attempt:
                raise failure

    async def check(self) -> str:
        """See `Model.check`; asks once."""
        return await self._model.check()

    async def close(self) -> None:
        """See `Model.close`."""
        await self._model.close()

    def _wait_s(self, failure: ModelError, attempt: int) -> float | None:
        if not failure.retryable or attempt >= self._max:
            return None
        told = failure.retry_after_s
        if told is not None and told > RETRY_AFTER_MAX_S:
            return None
        backoff = min(WAIT_FIRST_S * 2 ** (attempt - 1), WAIT_MAX_S)
        # Between half of it and all of it, so that turns that failed together part.
        jittered: float = backoff * (0.5 + random.random() / 2)  # noqa: S311 - no secret
        return jittered if told is None else told + jittered / 4


class _Opening:
    """Holds back what comes before anything is said: another attempt would say it again."""

    __slots__ = ("_hear", "_held", "said")

    def __init__(self, hear: Hear) -> None:
        self.said = False
        self._hear = hear
        self._held: list[Delta] = []

    def __call__(self, deltas: Sequence[Delta]) -> Awaitable[object] | None:
        if self.said:
            return self._hear(deltas)
        self._held += deltas
        if not any(isinstance(delta, _SAID) for delta in deltas):
            return None
        self.said = True
        return self._hear(self._held)
