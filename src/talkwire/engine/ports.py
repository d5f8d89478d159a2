"""The doors of the engine: what it needs from outside, and what each side promises.

Implementations do not import this module: they fit by shape, and mypy checks the fit where
`app.py` hands them over. All methods run on the event loop; none may block it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct

from talkwire.canon.agents import AgentCard
from talkwire.canon.deltas import Hear
from talkwire.canon.hearing import Heard, Recording
from talkwire.canon.models import Standing
from talkwire.canon.records import (
    PromptVersion,
    RenderedPrompt,
)
from talkwire.canon.scenarios import Scene
from talkwire.canon.speech import Sound
from talkwire.canon.tools import CallContext, Tool, ToolAnswer
from talkwire.canon.turn import Message, ModelRequest, Scalar, TurnRequest


class Model(Protocol):
    """One model behind one API."""

    async def answer(self, request: ModelRequest, hear: Hear) -> None:
        """Ask, and tell `hear` what comes: one list a network read, none empty.

        Returns after `Finish`. Retries happen before the first text, reasoning or call only, each
        told by a `Retry`. Cancellation closes the upstream connection at once.

        :raises ModelError: anything else, `UpstreamIncomplete` for a stream without `Finish`.
        """
        ...

    async def check(self) -> str:
        """Does the model answer? A short line for people; no tokens are spent.

        :raises ModelError: it does not.
        """
        ...

    async def close(self) -> None:
        """Give up pooled connections; running streams end with an error."""
        ...


Caller = Any
"""What a caller brought for one turn, such as a key or a server: handed to `Models.resolve`, looked
at by nobody else, and kept nowhere."""


class Choice(Struct, frozen=True):
    """A model that a name resolves to. `upstream_model` is what the provider calls it.

    Prices are per million tokens. A `lent` model is for one turn, which closes it. One that does
    not read answers without regard to its instructions, as the scripted demo does.
    """

    name: str
    model_type: str
    model: Model
    upstream_model: str
    reasons: tuple[str, ...] = ()
    context_tokens: int = 128_000
    continuation: Literal["none", "prefill"] = "none"
    temperature: float | None = None
    max_output_tokens: int | None = None
    price_in: float | None = None
    price_out: float | None = None
    lent: bool = False
    reads: bool = True


class Models(Protocol):
    """All configured models."""

    def resolve(self, name: str | None, caller: Caller | None = None) -> Choice:
        """The model of this name; None is the default one. For a caller it is a lent one.

        :raises NotFound: no route takes the name; the message names the known ones.
        """
        ...

    def names(self) -> tuple[str, ...]:
        """The configured names, the default one first."""
        ...

    def standings(self) -> tuple[Standing, ...]:
        """All configured models as they are just now, the default one first; no I/O."""
        ...

    def fallbacks(self, name: str) -> tuple[str, ...]:
        """The models that answer in the place of this one when it fails, in their order."""
        ...

    async def close(self) -> None:
        """Close every model."""
        ...

    @property
    def told(self) -> str:
        """Which model answers by default, in words for people."""
        ...


class Tools(Protocol):
    """Tools that a model may call: local ones, those of one server, or all of them together."""

    def offered(self) -> Sequence[Tool]:
        """What there is now, in a stable order; no I/O."""
        ...

    async def call(
        self,
        name: str,
        arguments: dict[str, Any],
        context: CallContext,
        hear: Callable[[str], None],
    ) -> ToolAnswer:
        """Run a tool; `hear` is told what it says meanwhile. What goes wrong is its answer, an
        error in words that the model understands. Cancellation reaches the tool.
        """
        ...

    async def open(self) -> None:
        """Begin to connect where that is needed; returns at once."""
        ...

    async def close(self) -> None:
        """Let go of everything; running calls end with errors."""
        ...


Asking = Callable[[str, Sequence[Message], dict[str, Any]], Awaitable[str]]
"""Asks the turn's model to decide: instructions, messages and a JSON Schema to its text.

:raises ModelError: it cannot, or has not answered in time.
"""


class Scenarios(Protocol):
    """The catalogue of scenarios: which one a text is about, and what is to be said."""

    def check(self, request: TurnRequest) -> None:
        """Whether the scenario and category that a request names exist.

        :raises Unprocessable: no; `param` names the field, the message the closest names.
        :raises Unavailable: there is no catalogue, since it could not be loaded.
        """
        ...

    async def decide(
        self, request: TurnRequest, said: Sequence[Message], ask: Asking | None
    ) -> Scene:
        """The scene of a turn. `said` is the conversation, the text that it is about last; `ask`
        is a model that reads, where there is one.

        :raises Unavailable: as `check`.
        """
        ...

    def brief(self, scene: Scene, request: TurnRequest) -> str:
        """What a model that answers in this scene is to know, and to keep to."""
        ...

    def words(self, scene: Scene) -> str:
        """What is to be said in this scene, without a model; equal for equal scenes, as long as
        the catalogue is the same.
        """
        ...


PromptVersions = list[PromptVersion]


class Prompts(Protocol):
    """System-prompt templates: files, overlaid by stored versions."""

    async def render(self, name: str | None, variables: Mapping[str, Scalar]) -> RenderedPrompt:
        """Fill a template in; `name` may pin a version as `name@3`; None is `default`.

        :raises NotFound: no such template or version; the message names the known ones.
        :raises Unprocessable: a variable is missing or unknown; `param` names it.
        """
        ...

    async def list(self) -> PromptVersions:
        """The newest version of each template, by name."""
        ...

    async def versions(self, name: str) -> PromptVersions:
        """All versions of one template, newest first. :raises NotFound: none."""
        ...

    async def put(self, draft: PromptVersion) -> PromptVersion:
        """Store a new version (the draft's number is ignored). :raises Unprocessable."""
        ...

    async def delete(self, name: str) -> int:
        """Delete the stored versions; how many there were.

        :raises Conflict: built in, and nothing is stored over it. :raises NotFound: unknown.
        """
        ...


class Speech(Protocol):
    """A voice. With `whole` an answer that is known already is given to it as it is, in one piece,
    instead of its sentences.
    """

    whole: bool

    def speak(
        self, text: str | AsyncIterator[str], *, voice_id: str, session_id: str
    ) -> AsyncGenerator[Sound, None]:
        """The speech of a text, or of sentences as they come, as one stream of audio.

        A sentence is asked for when there is room for it. Closing the iterator stops the work at
        once.

        :raises SpeechError: the voice refused, failed or stopped halfway.
        """
        ...

    async def check(self) -> str:
        """A short line for people. :raises SpeechError: it does not answer."""
        ...

    async def close(self) -> None:
        """Give up all connections; nothing is spoken afterwards."""
        ...


class Decoding(Protocol):
    """What makes sound of what was uploaded."""

    async def decode(self, audio: bytes) -> Recording:
        """The sound of a file, told by what stands in it; of a cut one, up to the cut.

        :raises Unprocessable: `audio_undecodable`: no sound that is known here.
        :raises PayloadTooLarge: `audio_too_long`.
        :raises HearingError: `hearing_unavailable`: what it takes is not installed.
        :raises Unavailable: too much is decoded already.
        """
        ...


class Hearing(Protocol):
    """A service, or a program, that turns speech into text."""

    async def hear(self, audio: bytes, *, language: str | None) -> Heard:
        """The text of a WAV of 16 kHz, 16 bit, one channel; "" where nobody speaks. `language`
        is what the speaker says it is.

        :raises HearingError: it refused, failed, or does not know the language.
        """
        ...

    async def check(self) -> str:
        """A short line for people. :raises HearingError: it does not answer."""
        ...

    async def close(self) -> None:
        """Give up all connections; nothing is heard afterwards."""
        ...


class Agents(Protocol):
    """Who can be asked by name."""

    def cards(self) -> Sequence[AgentCard]:
        """All of them, the assistant first; no I/O."""
        ...
