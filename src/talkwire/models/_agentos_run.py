"""A run on an AgentOS: how it is asked for, and how its stream is read.

The conversation is kept here and goes along as text with each question: it may have gone on by any
other way since. Each run is a session of its own there, so that nothing is remembered twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from talkwire.canon.agents import AgentCard
from talkwire.canon.deltas import Delta, Finish
from talkwire.canon.errors import UpstreamIncomplete
from talkwire.canon.turn import Message, ModelRequest
from talkwire.models._agno_events import Run
from talkwire.models._reading import Reading

FORM = b"application/x-www-form-urlencoded"
_SPEAKERS = {"user": "User", "assistant": "Assistant"}

Told = dict[str, Any]


class RunCodec:
    """The dialect for one agent or team; see `Codec`."""

    def __init__(self, card: AgentCard, *, team: bool) -> None:
        self._card = card
        kind = "teams" if team else "agents"
        self.path = f"/{kind}/{quote(card.id, safe='')}/runs"

    def body(self, request: ModelRequest) -> bytes:
        """The question as a form."""
        fields = {"message": question(request), "stream": "true"}
        if (who := request.asked_for) is not None:
            fields |= {"session_id": who.turn_id, "user_id": who.owner}
        return urlencode(fields).encode("ascii")

    def reading(self) -> RunReading:
        """A reader for one stream."""
        return RunReading(self._card)

    def learn(self, rejection: str) -> bool:
        """There is one way to ask only."""
        return False


class RunReading(Reading[Told]):
    """One stream. `Finish` is said in the end, after all else."""

    def __init__(self, card: AgentCard) -> None:
        super().__init__(msgspec.json.Decoder(Told))
        self._run = Run(card)

    def word(self, data: bytes) -> str | None:
        """No frame is so plain."""
        return None

    def event(self, name: bytes, event: Told) -> None:
        """One event of the run."""
        told = name.decode("ascii", "replace") or str(event.get("event", ""))
        for delta in self._run.take(told, event.get):
            if not isinstance(delta, Finish):
                self.put(delta)
        self.done, self.error = self._run.done, self._run.error

    def misfit(self, data: bytes) -> bool:
        """What is no object tells nothing of a run."""
        return True

    def closed(self) -> None:
        """`[DONE]` is no word of this protocol."""

    def end(self) -> list[Delta]:
        """See `Reading.end`."""
        if not self._run.done:
            raise UpstreamIncomplete("The agent's server ended its answer before it was finished.")
        return [Finish("stop")]


def question(request: ModelRequest) -> str:
    """What is to be answered, after what was said before."""
    *before, last = request.messages or (Message("", "user"),)
    parts = [request.instructions] if request.instructions else []
    if talk := _talk(before):
        parts += ["The conversation so far:", *talk, "The user says now:"]
    return "\n\n".join([*parts, last.text])


def _talk(messages: Sequence[Message]) -> list[str]:
    said = [message for message in messages if message.role in _SPEAKERS and message.text.strip()]
    return [f"{_SPEAKERS[message.role]}: {message.text}" for message in said]
