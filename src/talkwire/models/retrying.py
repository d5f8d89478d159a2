"""A model that is asked again while it has said nothing yet.

Once a single text, reasoning or call has come, a failure is final: asking again would say it
twice. There is no limit of time in here, the engine has one for the whole turn.
"""

from __future__ import annotations

import random
from contextlib import aclosing
from typing import Protocol

import stamina

from talkwire.canon.deltas import CallPiece, Delta, Finish, Reasoning, Retry, Text
from talkwire.canon.errors import ModelError, UpstreamIncomplete
from talkwire.canon.turn import ModelRequest
from talkwire.models._relay import Found, Relay, Search, Stream

RETRY_AFTER_MAX_S = 20.0
WAIT_MAX_S = 8.0
WAIT_FIRST_S = 0.25

_SAID = (Text, Reasoning, CallPiece, Finish)


class Model(Protocol):
    """What is wrapped; see the engine's port of this name."""

    def stream(self, request: ModelRequest) -> Stream: ...
    async def check(self) -> str: ...
    async def close(self) -> None: ...


class Retrying:
    """Fits the port `Model`. `max_attempts` counts the first one; 1 asks once.

    A server that says `Retry-After` over 20 s is not asked again.
    """

    def __init__(self, model: Model, *, max_attempts: int = 3) -> None:
        self._model = model
        self._max = max(max_attempts, 1)

    def stream(self, request: ModelRequest) -> Stream:
        """See `Model.stream`."""
        return Relay(self._search(request))

    async def _search(self, request: ModelRequest) -> Search:
        stream = self._model.stream(request)
        opening = await _opening(stream)
        if not isinstance(opening, ModelError):
            yield Found(opening, stream)
            return
        async with aclosing(self._again(request, opening)) as more:
            async for found in more:
                yield found

    async def _again(self, request: ModelRequest, failure: ModelError) -> Search:
        """The attempts after a first one that failed."""
        wait_s: float | None = None

        def planned(_: Exception) -> bool | float:
            return False if wait_s is None else wait_s

        async for attempt in stamina.retry_context(on=planned, attempts=self._max, timeout=None):
            if attempt.num > 1:
                stream = self._model.stream(request)
                opening = await _opening(stream)
                if not isinstance(opening, ModelError):
                    yield Found(opening, stream)
                    return
                failure = opening
            wait_s = self._wait_s(failure, attempt.num)
            if wait_s is not None:
                yield [Retry(attempt.num, self._max, round(wait_s * 1000), failure.code)]
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


async def _opening(stream: Stream) -> list[Delta] | ModelError:
    """All until something is said, or why nothing was; the stream is closed then."""
    opening: list[Delta] = []
    try:
        async for deltas in stream:
            opening += deltas
            if any(isinstance(delta, _SAID) for delta in deltas):
                return opening
    except ModelError as error:
        return error
    except BaseException:
        await stream.aclose()
        raise
    return UpstreamIncomplete("The model's answer ended before it began.")
