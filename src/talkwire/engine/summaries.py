"""Asks the turn's own model for what a long text comes to: its parts side by side, the end aloud.

Nothing of what is asked here becomes part of the conversation, but for what it has used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from msgspec import Struct

from talkwire.canon.errors import UpstreamIncomplete, UpstreamRejected
from talkwire.canon.turn import FinishReason, ModelRequest, text_message
from talkwire.engine import aside, digest
from talkwire.engine.digest import Asked, Prompt, Sizes
from talkwire.engine.live import LiveTurn
from talkwire.engine.route import Routed

AT_ONCE = 4
"""Questions to the model at the same time, for all calls of a step together."""


class Summary(Struct, frozen=True):
    """What was said, all of it; `whole`: the model has read everything, and ended by itself."""

    text: str
    whole: bool


class Summaries:
    """The summaries of one step of a turn. Cancellation closes what is asked upstream at once."""

    def __init__(self, live: LiveTurn, routed: Routed) -> None:
        self._live = live
        self._routed = routed
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def summarize(
        self, text: str, asked: Asked, *, most: int, say: Callable[[str], None]
    ) -> Summary:
        """The text in at most `most` characters, told to `say` as the model says them.

        :raises ModelError: the model cannot, or had nothing to say. What was said before stays.
        """
        choice = self._routed.choice
        if not choice.reads:
            raise UpstreamRejected("The model does not read what it is given.")
        sizes = digest.sizes(choice.context_tokens, choice.max_output_tokens, asked)
        if sizes is None:
            raise UpstreamRejected("The model's context is too small for a summary.")
        cut = digest.cut(text, sizes.text)
        if cut.count == 1:
            prompt = digest.final_prompt(asked, text, most=most)
        else:
            notes = await self._notes(cut, asked, sizes)
            prompt = digest.final_prompt(asked, notes, most=most, of_notes=True)
        said = _Aloud(most, say)
        finish = await self._ask(prompt, sizes, said)
        if not said.text.strip():
            raise UpstreamIncomplete("The model had nothing to say.")
        return Summary(said.text, cut.whole and finish == "stop" and not said.full)

    async def _notes(self, cut: digest.Cut, asked: Asked, sizes: Sizes) -> str:
        """Notes on all parts, and notes on the notes, until one question takes them all."""

        async def on_part(number: int, part: str) -> str:
            place = (number, cut.count)
            prompt = digest.part_prompt(asked, part, place=place, tokens=sizes.notes)
            notes = await self._noted(prompt, sizes)
            return digest.bounded("Part {} of {}:\n{}".format(*place, notes), sizes.notes)

        async def on_notes(group: str) -> str:
            prompt = digest.notes_prompt(asked, group, tokens=sizes.notes)
            return digest.bounded(await self._noted(prompt, sizes), sizes.notes)

        notes = await _side_by_side([on_part(*part) for part in cut.parts])
        while len(found := digest.groups(notes, sizes.text)) > 1:
            notes = await _side_by_side([on_notes(group) for group in found])
        return found[0]

    async def _noted(self, prompt: Prompt, sizes: Sizes) -> str:
        said = _Aloud(sizes.notes * 4, lambda text: None)
        await self._ask(prompt, sizes, said)
        if not said.text.strip():
            raise UpstreamIncomplete("The model had nothing to say.")
        return said.text.strip()

    async def _ask(self, prompt: Prompt, sizes: Sizes, said: _Aloud) -> FinishReason:
        """:raises ModelError: it cannot answer."""
        choice = self._routed.choice
        request = ModelRequest(
            model=choice.upstream_model,
            messages=(text_message("summary", "user", prompt.text),),
            instructions=prompt.instructions,
            temperature=choice.temperature,
            max_output_tokens=sizes.output,
            purpose="summary",
        )
        async with self._gate:
            return await aside.ask(request, self._live, self._routed, said.hear)


class _Aloud:
    """What a model says, up to a bound, handed on as it comes."""

    def __init__(self, most: int, say: Callable[[str], None]) -> None:
        self.full = False
        self._said: list[str] = []
        self._left = most
        self._say = say

    @property
    def text(self) -> str:
        return "".join(self._said)

    def hear(self, text: str) -> None:
        piece = "" if self.full else digest.opening(text, self._left)
        self.full = self.full or len(piece) < len(text)
        if piece:
            self._left -= len(piece)
            self._said.append(piece)
            self._say(piece)


async def _side_by_side(asking: Sequence[Coroutine[Any, Any, str]]) -> list[str]:
    """All answers, in order; the first failure ends the others. :raises ModelError:"""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in asking]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
