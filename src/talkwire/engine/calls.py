"""The calls of one step: run at the same time, each bounded, told in the order asked.

Whatever goes wrong with a call is its result, which the model sees: a turn never fails for a tool.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from talkwire.canon.events import ToolCalled, ToolFinished, ToolOutput
from talkwire.canon.tools import RESULT_CHARS, CallContext, Tool, ToolAnswer
from talkwire.canon.turn import Message, TextPart
from talkwire.engine.approvals import Approvals, approved
from talkwire.engine.live import LiveTurn
from talkwire.engine.long_results import LongResults
from talkwire.engine.ports import Tools
from talkwire.engine.route import Routed
from talkwire.engine.summaries import Summaries

_NAME = re.compile(r"[^A-Za-z0-9_-]")
_NAME_CHARS = 64
_NOT_ALL = "\n\n[The result was longer: this is not all of it.]"
_log = logging.getLogger(__name__)


def spoken(name: str) -> str:
    """A tool's name as every provider takes it: at most 64 of A-Z, a-z, 0-9, _ and -."""
    return _NAME.sub("_", name)[:_NAME_CHARS]


def offer(tools: Sequence[Tool]) -> dict[str, Tool]:
    """The tools by the names that a model is told; the first of two with one such name stays."""
    offered: dict[str, Tool] = {}
    for tool in tools:
        offered.setdefault(spoken(tool.name), tool)
    return offered


def as_spoken(message: Message) -> Message:
    """The message with its calls under the names that a model is told, and said to be cut where a
    result is: the model would take it for all there is."""
    if message.role == "tool" and message.incomplete:
        return structs.replace(message, parts=(*message.parts, TextPart(_NOT_ALL)))
    if all(call.name == spoken(call.name) for call in message.calls):
        return message
    calls = tuple(structs.replace(call, name=spoken(call.name)) for call in message.calls)
    return structs.replace(message, calls=calls)


class Calls:
    """Runs calls with the tools there are. It keeps nothing between steps.

    Without `long` a result is told as it is, however long.
    """

    def __init__(
        self,
        tools: Tools,
        long: LongResults | None = None,
        *,
        approvals: Approvals | None = None,
    ) -> None:
        self._tools = tools
        self._long = long
        self._approvals = approvals or Approvals()

    def offered(self) -> dict[str, Tool]:
        """What a model can be told of now, by spoken name."""
        return offer(self._tools.offered())

    async def run(
        self, calls: Sequence[ToolCalled], live: LiveTurn, routed: Routed, *, interrupted: bool
    ) -> None:
        """Run the calls and append what they say and give; the routed model sums up what is long.

        `interrupted`: a process that died may have run them already, so only idempotent tools are
        run again. Cancellation reaches every tool. Calls that wait for a person are not run: that
        they wait is kept back for the turn's end, which has to come next.
        """
        # No tool begins before its call is held: who takes the turn over would ask and run anew.
        await live.room(0)
        known = {tool.name: tool for tool in self._tools.offered()}
        waiting = [] if interrupted else self._waiting(calls, known, live)
        calls = [call for call in calls if call not in waiting]
        told: list[ToolFinished | None] = [None] * len(calls)
        done = 0
        summaries = Summaries(live, routed)

        async def one(index: int, call: ToolCalled) -> None:
            nonlocal done
            left = await self._long.left(call, live) if interrupted and self._long else None
            if left is None:
                tool = known.get(call.name)
                answer = await self._answer(call, tool, live, interrupted=interrupted)
                left = await self._finished(call, answer, live, summaries)
            told[index] = left
            while done < len(told) and (result := told[done]) is not None:
                done += 1
                live.append([result])

        async with asyncio.TaskGroup() as group:
            for index, call in enumerate(calls):
                group.create_task(one(index, call))
        live.keep_back([self._approvals.request(call) for call in waiting])

    async def one(self, call: ToolCalled, live: LiveTurn, summaries: Summaries) -> ToolFinished:
        """Run one call that was told already and waits for nobody; what it gave is told too."""
        known = {tool.name: tool for tool in self._tools.offered()}
        answer = await self._answer(call, known.get(call.name), live, interrupted=False)
        done = await self._finished(call, answer, live, summaries)
        live.append([done])
        return done

    def _waiting(
        self, calls: Sequence[ToolCalled], known: Mapping[str, Tool], live: LiveTurn
    ) -> list[ToolCalled]:
        """Those that a person has to agree to, and can."""
        return [
            call
            for call in calls
            if (tool := known.get(call.name)) is not None
            and tool.requires_approval
            and not approved(call, live)
            and (arguments := _arguments(call.arguments)) is not None
            and self._approvals.fault(call, tool, arguments, live) is None
        ]

    async def _finished(
        self, call: ToolCalled, answer: ToolAnswer, live: LiveTurn, summaries: Summaries
    ) -> ToolFinished:
        if self._long is not None and len(answer.result) > self._long.over:
            return await self._long.finished(call, answer, live, summaries)
        result, cut = answer.result[:RESULT_CHARS], len(answer.result) > RESULT_CHARS
        truncated = answer.truncated or cut
        return ToolFinished(call.call_id, result, is_error=answer.is_error, truncated=truncated)

    async def _answer(
        self, call: ToolCalled, tool: Tool | None, live: LiveTurn, *, interrupted: bool
    ) -> ToolAnswer:
        if interrupted and (tool is None or not tool.idempotent):
            return _fault("interrupted: the server stopped while the tool may have been running.")
        if tool is None:
            return _fault(f"There is no tool {call.name!r}.")
        arguments = _arguments(call.arguments)
        if arguments is None:
            return _fault("The arguments are no JSON object.")
        if tool.requires_approval and not approved(call, live):
            why = self._approvals.fault(call, tool, arguments, live)
            return _fault(why or "interrupted: the server stopped before a person was asked.")
        context = CallContext(live.owner, live.session_id, live.turn_id, call.call_id)
        try:
            async with asyncio.timeout(tool.timeout_s):
                return await self._tools.call(
                    call.name, arguments, context, _Output(live, call.call_id)
                )
        except TimeoutError:
            return _fault(f"The tool did not answer within {tool.timeout_s:g} s.")
        except Exception:
            _log.exception("tool.bug")
            return _fault("The tool failed in a way that was not foreseen.")


class _Output:
    """What a running tool says, as events; no more of it than a result may have."""

    def __init__(self, live: LiveTurn, call_id: str) -> None:
        self._live = live
        self._call_id = call_id
        self._left = RESULT_CHARS

    def __call__(self, text: str) -> None:
        piece = text[: self._left]
        if piece:
            self._left -= len(piece)
            self._live.append([ToolOutput(self._call_id, piece)])


def _arguments(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _fault(why: str) -> ToolAnswer:
    return ToolAnswer(why, is_error=True)
