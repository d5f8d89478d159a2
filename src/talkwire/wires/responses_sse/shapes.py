"""What travels on this wire: the fields of its requests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from talkwire.web.openapi import example, frame

SESSION_ID = r"^[A-Za-z0-9._:@-]{1,128}$"
PROMPT_NAME = r"^[A-Za-z0-9._-]{1,64}(@[0-9]{1,9})?$"
INPUT_CHARS = 200_000
URL_CHARS = 4_000  # percent-encoded they are up to twelve times as long, and a URL has 64 KiB

Scalar = StrictStr | StrictBool | StrictInt | StrictFloat | None
Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]


class ChatFields(BaseModel):
    """The fields of a chat request; unknown ones are ignored."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    input: str = Field(min_length=1, max_length=INPUT_CHARS, description="The user's text.")
    sessionId: str | None = Field(
        default=None, pattern=SESSION_ID, description="Multi-turn context; new when absent."
    )
    systemPromptName: str | None = Field(
        default=None, pattern=PROMPT_NAME, description="The template to use; `name@3` pins one."
    )
    model: str | None = Field(default=None, min_length=1, max_length=200)
    temperature: Temperature | None = None
    maxOutputTokens: int | None = Field(default=None, ge=1, le=2**31 - 1)


class ChatBody(ChatFields):
    """The body of `POST /chat/stream`."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={"examples": [{"input": "What time is it?", "sessionId": "s_1"}]},
    )

    promptVariables: dict[str, Scalar] = Field(default_factory=dict, max_length=200)


class ChatQuery(ChatFields):
    """The query of `GET /chat/stream`."""

    model_config = example(input="What time is it?", sessionId="s_1")

    input: str = Field(
        min_length=1,
        max_length=INPUT_CHARS,
        description="The user's text.",
        json_schema_extra={"maxLength": URL_CHARS},
    )
    voiceId: str | None = Field(default=None, pattern=r"^[\x21-\x7e]{1,200}$")


class PromptBody(BaseModel):
    """The body of `PUT /prompts/{name}`."""

    model_config = ConfigDict(
        extra="ignore",
        strict=True,
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [{"text": "Answer {{name}} briefly.", "variables": ["name"]}]
        },
    )

    text: str = Field(min_length=1, max_length=INPUT_CHARS)
    description: str | None = Field(default=None, max_length=2000)
    variables: list[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]] | None = Field(
        default=None, max_length=200
    )
    model: str | None = Field(default=None, min_length=1, max_length=200)
    temperature: Temperature | None = None


class AliveShape(BaseModel):
    """It answers."""

    model_config = example(status="ok")

    status: Literal["ok"]


_PROMPT = {
    "name": "brief",
    "version": 1,
    "text": "Answer {{name}} briefly.",
    "description": "",
    "variables": ["name"],
    "model": None,
    "temperature": None,
    "created_at": 1_767_268_800_000,
}


class PromptShape(BaseModel):
    """One version of a template; version 0 is built in. `created_at` is in Unix milliseconds."""

    model_config = example(**_PROMPT)

    name: str
    version: int
    text: str
    description: str
    variables: list[str]
    model: str | None
    temperature: float | None
    created_at: int


class PromptsShape(BaseModel):
    """The newest version of each template."""

    model_config = example(prompts=[_PROMPT])

    prompts: list[PromptShape]


class PromptVersionsShape(BaseModel):
    """All versions of one template, newest first."""

    model_config = example(name="brief", versions=[_PROMPT])

    name: str
    versions: list[PromptShape]


class PromptGoneShape(BaseModel):
    """How many versions were deleted."""

    model_config = example(name="brief", deleted=1)

    name: str
    deleted: int


FRAMES = (
    frame(
        "response.created",
        "response.in_progress",
        "response.retrying",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
        "response.incomplete",
        "response.failed",
        "error",
        "audio.completed",
        "audio.failed",
        data={
            "type": "object",
            "required": ["type", "sequence_number"],
            "properties": {
                "type": {"type": "string"},
                "sequence_number": {"type": "integer", "minimum": 0},
            },
        },
        example={
            "type": "response.output_text.delta",
            "sequence_number": 4,
            "item_id": "msg_t_06gvngn5rqp5rtpsns4g0lle2g",
            "output_index": 0,
            "content_index": 0,
            "delta": "Hello",
        },
    ),
    frame(
        "audio.chunk",
        data={
            "type": "object",
            "required": ["b64"],
            "properties": {"b64": {"type": "string", "contentEncoding": "base64"}},
        },
        example={"b64": "SUQzBAAAAAA="},
    ),
)
