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

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)

    input: Input


class TurnBody(EditBody):
    """The body of `POST /turns`; unknown fields are ignored."""

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
