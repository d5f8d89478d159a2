"""What travels on this wire: the fields of its requests."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

SESSION_ID = r"^[A-Za-z0-9._:@-]{1,128}$"
PROMPT_NAME = r"^[A-Za-z0-9._-]{1,64}(@[0-9]{1,9})?$"
INPUT_CHARS = 200_000

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

    model_config = ConfigDict(strict=True)

    promptVariables: dict[str, Scalar] = Field(default_factory=dict, max_length=200)


class ChatQuery(ChatFields):
    """The query of `GET /chat/stream`."""

    voiceId: str | None = Field(default=None, min_length=1, max_length=200)


class PromptBody(BaseModel):
    """The body of `PUT /prompts/{name}`."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)

    text: str = Field(min_length=1, max_length=INPUT_CHARS)
    description: str | None = Field(default=None, max_length=2000)
    variables: list[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]] | None = Field(
        default=None, max_length=200
    )
    model: str | None = Field(default=None, min_length=1, max_length=200)
    temperature: Temperature | None = None
