"""What travels on this wire: the fields of its requests. A field that is null counts as absent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

THREAD_ID = r"^[A-Za-z0-9._:@-]{1,128}$"
INPUT_CHARS = 20_000
CONTEXT_BYTES = 65_536

Name = Annotated[str, Field(max_length=200)]


class ChatFields(BaseModel):
    """What a customer asks; unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    user_query: str = Field(
        min_length=1, max_length=INPUT_CHARS, description="What the customer says."
    )
    thread_id: str | None = Field(
        default=None, pattern=THREAD_ID, description="The conversation; new when absent."
    )
    category: Name | None = Field(default=None, description="Only scenarios of this category.")
    subcategory: Name | None = Field(default=None, description="This scenario and no other.")


class ChatBody(ChatFields):
    """The body of `POST /chat` and `POST /chat/stream`."""

    model_config = ConfigDict(strict=True)

    context: dict[str, Any] | None = Field(
        default=None, description="Facts of the case, such as an order number; 64 KiB at most."
    )


class ChatQuery(ChatFields):
    """The query of `GET /chat/stream`."""

    context: str | None = Field(default=None, description="As in the body: a JSON object.")
