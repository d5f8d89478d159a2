"""What travels on this wire: the fields of its requests. A field that is null counts as absent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

SESSION_ID = r"^[A-Za-z0-9._:@-]{1,128}$"
INPUT_CHARS = 200_000
MAX_TOKENS = 1024
TEMPERATURE = 0.7

ModelType = Literal["auto", "local_small", "cloud_large"]
TYPES = ("local_small", "cloud_large")


def _or(default: object) -> BeforeValidator:
    def absent(value: Any) -> Any:
        return default if value is None else value

    return BeforeValidator(absent)


class ChatBody(BaseModel):
    """The body of `POST /api/v1/chat` and `/api/v1/chat/stream`; unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)

    message: str = Field(min_length=1, max_length=INPUT_CHARS, description="The user's text.")
    session_id: str | None = Field(
        default=None, pattern=SESSION_ID, description="The conversation; new when absent."
    )
    max_tokens: Annotated[int, _or(MAX_TOKENS)] = Field(default=MAX_TOKENS, ge=1, le=2**31 - 1)
    temperature: Annotated[float, _or(TEMPERATURE)] = Field(
        default=TEMPERATURE, ge=0, le=2, allow_inf_nan=False
    )
    model_type: Annotated[ModelType, _or("auto")] = Field(
        default="auto", description="Which kind of model answers; auto decides from the message."
    )
    preferred_model: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="A model by name; it answers if it is healthy.",
    )
    stream: Annotated[bool, _or(False)] = Field(
        default=False, description="Whether /api/v1/chat streams too."
    )
