"""What travels on this wire: the fields of its requests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
)

from talkwire.canon.records import Status
from talkwire.canon.turn import FinishReason
from talkwire.web.openapi import example, frame
from talkwire.web.parameters import SESSION_ID, TURN_ID

INPUT_CHARS = 200_000

Scalar = StrictStr | StrictBool | StrictInt | StrictFloat | None
Name = Annotated[str, Field(min_length=1, max_length=200)]


class TextPartShape(BaseModel):
    """A piece of input that is text."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)

    type: Literal["text"]
    text: str = Field(max_length=INPUT_CHARS)


Text = Annotated[str, Field(min_length=1, max_length=INPUT_CHARS)]
Parts = Annotated[list[TextPartShape], Field(min_length=1, max_length=100)]


def _form(value: object) -> str | None:
    """Which form of input it is, so that errors are told of that form alone."""
    if isinstance(value, str):
        return "text"
    return "parts" if isinstance(value, list) else None


_ONE_OF = Discriminator(
    _form,
    custom_error_type="text_or_parts",
    custom_error_message="Input should be a string or a list of parts",
)
Input = Annotated[Annotated[Text, Tag("text")] | Annotated[Parts, Tag("parts")], _ONE_OF]


class EditBody(BaseModel):
    """The body of `POST /messages/{id}/edit`."""

    model_config = ConfigDict(
        extra="ignore",
        strict=True,
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"input": "What time is it in Oslo?"}]},
    )

    input: Input


class TurnBody(EditBody):
    """The body of `POST /turns`; unknown fields are ignored."""

    model_config = example(input="What time is it?", session_id="s_1", on_busy="queue")

    session_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._:@-]{1,128}$")
    model: Name | None = None
    agent: Name | None = None
    scenario: Name | None = None
    prompt: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]{1,64}(@[0-9]{1,9})?$")
    prompt_variables: dict[str, Scalar] = Field(default_factory=dict, max_length=200)
    tools: list[Name] = Field(default_factory=list, max_length=200)
    voice: str | None = Field(default=None, pattern=r"^[\x21-\x7e]{1,200}$")
    voice_mode: Literal["after", "live"] | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    max_output_tokens: int | None = Field(default=None, ge=1, le=2**31 - 1)
    parent_message_id: str | None = Field(default=None, max_length=64)
    on_busy: Literal["queue", "reject", "interrupt"] | None = None
    on_disconnect: Literal["continue", "abort"] | None = None


class AcceptedShape(BaseModel):
    """A turn that was accepted."""

    model_config = example(
        turn_id=TURN_ID, session_id=SESSION_ID, events_url=f"/turns/{TURN_ID}/events"
    )

    turn_id: str
    session_id: str
    events_url: str = Field(description="Where its stream is.")


class RouteShape(BaseModel):
    """Who answers, and why."""

    model: str | None
    model_type: str | None
    reasons: list[str]


class UsageShape(BaseModel):
    """Tokens of all model calls of a turn."""

    input_tokens: int
    output_tokens: int
    estimated: bool
    cost: float | None


class ErrorShape(BaseModel):
    """Why a turn failed."""

    code: str
    message: str | None
    retryable: bool | None


class TurnShape(BaseModel):
    """A turn; times are Unix milliseconds."""

    model_config = example(
        turn_id=TURN_ID,
        session_id=SESSION_ID,
        wire="native",
        status="completed",
        created_at=1_767_268_800_000,
        started_at=1_767_268_800_002,
        first_token_at=1_767_268_800_410,
        ended_at=1_767_268_801_250,
        route={"model": "demo", "model_type": None, "reasons": []},
        usage={"input_tokens": 12, "output_tokens": 34, "estimated": False, "cost": None},
        finish_reason="stop",
        error=None,
        node="n_06gvngn5rqp5rtpsns4g0lle2g",
        events_url=f"/turns/{TURN_ID}/events",
    )

    turn_id: str
    session_id: str
    wire: str
    status: Status
    created_at: int
    started_at: int | None
    first_token_at: int | None
    ended_at: int | None
    route: RouteShape
    usage: UsageShape | None
    finish_reason: FinishReason | None
    error: ErrorShape | None
    node: str | None
    events_url: str


EVENTS = (
    "turn.started",
    "route.chosen",
    "attempt.failed",
    "text.delta",
    "reasoning.delta",
    "agent.started",
    "agent.completed",
    "tool.called",
    "tool.approval_requested",
    "tool.output",
    "tool.finished",
    "usage.counted",
    "turn.adopted",
    "message.completed",
    "audio.delta",
    "audio.completed",
    "audio.failed",
    "turn.completed",
    "turn.failed",
    "turn.aborted",
)
FRAME = frame(
    *EVENTS,
    data={
        "type": "object",
        "required": ["kind", "n", "at"],
        "properties": {
            "kind": {"enum": list(EVENTS)},
            "n": {"type": "integer", "minimum": 0},
            "at": {"type": "integer", "description": "Unix milliseconds."},
        },
    },
    example={"kind": "text.delta", "text": "Hello", "n": 2, "at": 1_767_268_800_410},
)
