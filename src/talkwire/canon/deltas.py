"""What a model, or an agent, says while it answers: nothing more than these.

A model's adapter yields lists of deltas, one list a network read; only the assembler turns them
into events. Adapters neither open nor close anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from talkwire.canon.turn import FinishReason


class Words(Struct, frozen=True, gc=False, eq=False):
    """Something said. Adjacent ones of a read may come joined: `pieces` is how many the provider
    sent, which tells how many tokens they were. Equal words are equal, however they came.
    """

    text: str
    pieces: int = 1

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.text == self.text

    def __hash__(self) -> int:
        return hash((type(self), self.text))


class Text(Words, frozen=True, gc=False, eq=False):
    """Visible text."""


class Reasoning(Words, frozen=True, gc=False, eq=False):
    """The model's thinking, where it shows it."""


class CallPiece(Struct, frozen=True, gc=False):
    """A fragment of a tool call. `index` tells parallel calls apart; id and name may come once."""

    index: int
    call_id: str = ""
    name: str = ""
    arguments: str = ""


class Tokens(Struct, frozen=True, gc=False):
    """Usage as the provider reported it."""

    input_tokens: int
    output_tokens: int


class Retry(Struct, frozen=True, gc=False):
    """The attempt failed before its first token and another one follows after `delay_ms`."""

    attempt: int
    max_attempts: int
    delay_ms: int
    reason: str


class AgentBegins(Struct, frozen=True, gc=False):
    """An agent, or a member of a team, begins to work on the answer."""

    agent_id: str
    name: str


class AgentEnds(Struct, frozen=True, gc=False):
    """The agent that began last under this id is done."""

    agent_id: str
    name: str


class Called(Struct, frozen=True, gc=False):
    """An agent runs a tool of its own; `arguments` is whole JSON text."""

    call_id: str
    name: str
    arguments: str


class Returned(Struct, frozen=True, gc=False):
    """What an agent's own tool gave."""

    call_id: str
    result: str
    is_error: bool = False


class Used(Struct, frozen=True, gc=False):
    """What one of several models has used that an agent asks by itself."""

    input_tokens: int
    output_tokens: int


class Finish(Struct, frozen=True, gc=False):
    """The model said that it is done. A stream that ends without it is incomplete."""

    reason: FinishReason


Deed = AgentBegins | AgentEnds | Called | Returned | Used
"""What only agents say: they run their tools within their answer."""

Delta = Text | Reasoning | CallPiece | Tokens | Retry | Finish | Deed

Hear = Callable[[Sequence[Delta]], Awaitable[object] | None]
"""Who is told what a model says, right where its bytes are read, so that no task is woken for a
token. What it gives back has to be waited for before the model is read on."""
