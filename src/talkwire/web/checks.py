"""Looks at the parts of a server: each bounded in time, and shared by all who ask.

However many ask, a part is looked at once at a time and once in `kept_s`: a storm of probes costs
what one probe costs, and a part that hangs holds each of them up for no longer than `within_s`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from talkwire.canon.errors import TalkwireError

KEPT_S = 1.0
WITHIN_S = 2.0  # a part that does not answer within this counts as down

Condition = Literal["ok", "degraded", "down"]


class Found(Struct, frozen=True):
    """What a look found. With a `fault` the part is of less use than it could be."""

    facts: Mapping[str, Any] = {}
    fault: str = ""


Look = Callable[[], Awaitable[Found]]
"""Looks at a part. It raises a `TalkwireError` where the part is down, in words safe to show."""


class Seen(Struct, frozen=True):
    """How a part was when it was looked at; `why` is "" where it is well."""

    status: Condition
    latency_ms: float
    why: str = ""
    facts: Mapping[str, Any] = {}


class Part:
    """A part and what is known of it; `always` are facts that are known without a look.
    `last_error_at` are Unix seconds. Close it.
    """

    def __init__(
        self,
        name: str,
        look: Look,
        *,
        always: Mapping[str, Any] | None = None,
        kept_s: float = KEPT_S,
        within_s: float = WITHIN_S,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.last_error = ""
        self.last_error_at: float | None = None
        self._look = look
        self._always = dict(always or {})
        self._kept_s = kept_s
        self._within_s = within_s
        self._clock = clock
        self._now = now
        self._seen: Seen | None = None
        self._seen_at = 0.0
        self._looking: asyncio.Task[Seen] | None = None

    async def seen(self) -> Seen:
        """How the part is, as of `kept_s` ago at most. Never raises, and never waits longer than
        `within_s`.
        """
        if self._seen is not None and self._clock() - self._seen_at < self._kept_s:
            return self._seen
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_once())
        # Who gives up waiting takes nobody with him.
        return await asyncio.shield(self._looking)

    async def close(self) -> None:
        """End a look that is under way."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    async def _look_once(self) -> Seen:
        began = self._clock()
        found, why = Found(), ""
        status: Condition = "down"
        try:
            async with asyncio.timeout(self._within_s):
                found = await self._look()
            why, status = found.fault, "degraded" if found.fault else "ok"
        except TalkwireError as error:
            why = error.message
        except TimeoutError:
            why = f"no answer within {self._within_s:g} s"
        except Exception as error:
            why = f"the check failed ({type(error).__name__})"
        finally:
            self._looking = None
        self._seen_at = self._clock()
        if why:
            self.last_error, self.last_error_at = why, self._now()
        took_ms = round((self._seen_at - began) * 1000, 1)
        seen = self._seen = Seen(status, took_ms, why, {**self._always, **found.facts})
        return seen


async def seen(*parts: Part) -> dict[str, Seen]:
    """All of them, looked at at the same time."""
    found = await asyncio.gather(*(part.seen() for part in parts))
    return {part.name: each for part, each in zip(parts, found, strict=True)}
