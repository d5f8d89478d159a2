"""What becomes of a result that is too long for a conversation: kept whole, told as a summary.

A summary never fails a turn: where there is none, for whatever reason, the result is cut.
"""

from __future__ import annotations

import asyncio
import logging

from talkwire.canon.errors import NotFound, TalkwireError
from talkwire.canon.events import ToolCalled, ToolFinished, ToolOutput
from talkwire.canon.records import ToolResult
from talkwire.canon.tools import RESULT_CHARS, ToolAnswer
from talkwire.engine.cutting import head
from talkwire.engine.digest import Asked
from talkwire.engine.live import LiveTurn, now_ms
from talkwire.engine.storage_ports import Results
from talkwire.engine.summaries import Summaries, Summary

_log = logging.getLogger(__name__)


class LongResults:
    """`over`: a result of more characters is long. `timeout_s` bounds one summary."""

    def __init__(self, results: Results, *, over: int = 8_000, timeout_s: float = 120.0) -> None:
        self.over = over
        self._results = results
        self._timeout_s = timeout_s

    async def finished(
        self, call: ToolCalled, answer: ToolAnswer, live: LiveTurn, summaries: Summaries
    ) -> ToolFinished:
        """What the conversation keeps of a long answer, which is stored whole before.

        The summary is told while it comes. An error is cut: its beginning says what it is.
        """
        text = answer.result[:RESULT_CHARS]
        if answer.is_error:
            return ToolFinished(call.call_id, self._cut(text), is_error=True, truncated=True)
        lost = answer.truncated or len(text) < len(answer.result)
        stored = await self._store(call, text, live, truncated=lost)
        summary = await self._summary(call, text, live, summaries)
        if summary is None:
            return ToolFinished(call.call_id, self._cut(text), truncated=True)
        truncated = lost or not stored or not summary.whole
        return ToolFinished(call.call_id, summary.text, summarized=True, truncated=truncated)

    async def left(self, call: ToolCalled, live: LiveTurn) -> ToolFinished | None:
        """What a process that died had of this call: a result that it was about to sum up. Half
        of the summary may have been told, so it does not begin again: the result is cut.
        """
        try:
            kept = await self._results.result(live.owner, call.call_id)
        except NotFound:
            return None
        except TalkwireError as error:
            _log.warning("tool.result_not_read: %s", error.code)
            return None
        if kept.turn_id != live.turn_id:
            return None
        return ToolFinished(call.call_id, self._cut(kept.text), truncated=True)

    async def _store(self, call: ToolCalled, text: str, live: LiveTurn, *, truncated: bool) -> bool:
        result = ToolResult(
            call_id=call.call_id,
            session_id=live.session_id,
            turn_id=live.turn_id,
            name=call.name,
            text=text,
            truncated=truncated,
            at=now_ms(),
        )
        try:
            await self._results.keep(live.owner, result)
        except TalkwireError as error:
            _log.warning("tool.result_not_stored: %s", error.code)
            return False
        return True

    async def _summary(
        self, call: ToolCalled, text: str, live: LiveTurn, summaries: Summaries
    ) -> Summary | None:
        asked = Asked(call.name, call.arguments, _question(live))

        def say(piece: str) -> None:
            live.append([ToolOutput(call.call_id, piece)])

        try:
            async with asyncio.timeout(self._timeout_s):
                return await summaries.summarize(text, asked, most=self.over, say=say)
        except TimeoutError:
            _log.warning("tool.not_summarized: time-out")
        except TalkwireError as error:
            _log.warning("tool.not_summarized: %s", error.code)
        except Exception:
            _log.exception("tool.not_summarized")
        return None

    def _cut(self, text: str) -> str:
        return head(text, self.over)


def _question(live: LiveTurn) -> str:
    """What the user has asked for in this turn."""
    asked = live.state.asked
    if asked.text or not asked.context:
        return asked.text
    return next((each.text for each in reversed(asked.context) if each.role == "user"), "")
