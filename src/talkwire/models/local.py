"""A model in this process: a function of somebody else's that answers messages.

    (messages: list[dict], **settings) -> str | Iterator[str] | AsyncIterator[str]

It may be asynchronous. `messages` are as in Chat Completions; of the settings `model`,
`temperature` and `max_output_tokens` it is given those that are set and that it takes. A string is
said word by word; what an iterator gives is said as it comes.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from talkwire.canon.deltas import Delta, Finish, Hear, Text
from talkwire.canon.errors import (
    ModelError,
    UpstreamInvalid,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from talkwire.canon.turn import ModelRequest
from talkwire.models._calling import Call, Escaped, Given
from talkwire.models._reading import without_surrogates
from talkwire.models._threads import Full, Threads
from talkwire.models.openai_chat import messages
from talkwire.models.scripted import pieces

_log = logging.getLogger(__name__)


class Local:
    """Fits the port `Model`. `pace_s` is the pause after each word of a whole answer, `threads` how
    many calls of a blocking function run at once; a few more wait. How many tokens were used it
    does not tell.

    Nothing of what the function raises is told or logged but its class and its place: the text may
    hold a secret.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        prefill: bool = False,
        pace_s: float = 0.0,
        threads: int = 1,
        first_token_s: float = 30.0,
        idle_s: float = 60.0,
    ) -> None:
        self._name = name
        self._function = function
        self._takes = _parameters(function)
        self._prefill = prefill
        self._pace_s = pace_s
        self._threads = Threads(threads)
        self._first_token_s = first_token_s
        self._idle_s = idle_s
        self._closed = False

    async def answer(self, request: ModelRequest, hear: Hear) -> None:
        """See `Model.answer`; asks once, whatever comes."""
        if self._closed:
            raise UpstreamUnavailable("The model is closed.")
        asked = messages(request, prefill=self._prefill)
        call = Call(partial(self._function, asked, **self._settings(request)), self._threads)
        try:
            limit_s = self._first_token_s
            while said := await self._next(call, limit_s):
                for piece in filter(None, said):
                    await _tell(hear, Text(_clean(piece)))
                limit_s = self._idle_s
            if call.failure is not None:
                raise self._fault(call.failure)
            await self._say(call.whole or "", hear)
        finally:
            await call.close()
        await _tell(hear, Finish("stop"))

    async def check(self) -> str:
        """See `Model.check`; the function is not called."""
        return "a function in this process"

    async def close(self) -> None:
        """See `Model.close`. What a function computes in a thread it goes on computing, unheard."""
        self._closed = True
        self._threads.close()

    def _settings(self, request: ModelRequest) -> dict[str, Any]:
        given = {
            "model": request.model,
            "temperature": request.temperature,
            "max_output_tokens": request.max_output_tokens,
        }
        takes = self._takes
        return {
            name: value
            for name, value in given.items()
            if value is not None and (takes is None or name in takes)
        }

    async def _next(self, call: Call, limit_s: float) -> list[str]:
        try:
            async with asyncio.timeout(limit_s):
                return await call.take()
        except TimeoutError:
            if not call.begun:
                raise _too_much() from None
            late = UpstreamTimeout(f"The model said nothing within {limit_s:g} s.")
            late.retryable = False  # what runs in a thread runs on: it would wait behind itself
            raise late from None

    async def _say(self, whole: str, hear: Hear) -> None:
        for piece in pieces(_clean(whole)):
            await _tell(hear, Text(piece))
            await asyncio.sleep(self._pace_s)

    def _fault(self, error: BaseException) -> ModelError:
        if isinstance(error, Full):
            return _too_much()
        if isinstance(error, Given):
            return UpstreamInvalid(f"The model's function gave {error} instead of text.")
        name = str(error) if isinstance(error, Escaped) else type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "nowhere"
        _log.warning("model.raised: %s: %s at %s", self._name, name, where)
        return UpstreamUnavailable(f"The model in this process failed ({name}).")


def _too_much() -> ModelError:
    return UpstreamRateLimited("The model in this process has too much to do already.")


async def _tell(hear: Hear, delta: Delta) -> None:
    if (wait := hear([delta])) is not None:
        await wait


def _clean(text: str) -> str:
    """Text that can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return str(without_surrogates(text))
    return text


def _parameters(function: Callable[..., Any]) -> frozenset[str] | None:
    """The names of settings that a function takes; None is any."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # written in C, and does not say
        return frozenset()
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return None
    return frozenset(
        each.name
        for each in list(parameters)[1:]
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    )
