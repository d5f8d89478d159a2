"""What travels on this wire: the fields of its requests. A field that is null counts as absent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from talkwire.web.openapi import example, frame

THREAD_ID = r"^[A-Za-z0-9._:@-]{1,128}$"
INPUT_CHARS = 20_000
URL_CHARS = 4_000  # percent-encoded they are up to twelve times as long, and a URL has 64 KiB
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

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "user_query": "Where is my parcel?",
                    "thread_id": "case-1",
                    "context": {"order": "4711"},
                }
            ]
        },
    )

    context: dict[str, Any] | None = Field(
        default=None, description="Facts of the case, such as an order number; 64 KiB at most."
    )


class ChatQuery(ChatFields):
    """The query of `GET /chat/stream`."""

    model_config = example(user_query="Where is my parcel?", thread_id="case-1")

    user_query: str = Field(
        min_length=1,
        max_length=INPUT_CHARS,
        description="What the customer says.",
        json_schema_extra={"maxLength": URL_CHARS},
    )
    context: str | None = Field(
        default=None,
        description="As in the body: a JSON object.",
        json_schema_extra={"examples": ['{"order": "4711"}']},
    )


class TitleShape(BaseModel):
    """What a scenario is called."""

    zh: str
    en: str


class ScenarioShape(BaseModel):
    """A scenario, with whatever else its file says of it."""

    model_config = ConfigDict(extra="allow")

    category: str
    subcategory: str
    title: TitleShape
    description: str
    related_subcategories: list[str]


class ScenariosShape(BaseModel):
    """All scenarios by category, in the catalogue's order."""

    model_config = example(
        total_categories=1,
        categories={
            "delivery": [
                {
                    "category": "delivery",
                    "subcategory": "late_parcel",
                    "title": {"zh": "包裹延误", "en": "A parcel is late"},
                    "description": "The customer waits for a parcel.",
                    "related_subcategories": ["lost_parcel"],
                }
            ]
        },
    )

    total_categories: int
    categories: dict[str, list[ScenarioShape]]


class AnswerShape(BaseModel):
    """A whole answer. Category and subcategory are "" where no scenario fits."""

    model_config = example(
        response="Which order is it about?",
        category="delivery",
        subcategory="late_parcel",
        thread_id="case-1",
        confidence=0.82,
        related_subcategories=["lost_parcel"],
        sop_references=["SOP-12"],
    )

    response: str
    category: str
    subcategory: str
    thread_id: str
    confidence: float
    related_subcategories: list[str]
    sop_references: list[str]
    finish_reason: str | None = Field(
        default=None, description="Why the answer is less than what was to be said."
    )


FRAMES = (
    frame(
        data={
            "type": "object",
            "properties": {
                "category": {"type": "string"},
                "subcategory": {"type": "string"},
                "response": {"type": "string"},
                "done": {"type": "boolean"},
                "thread_id": {"type": "string"},
                "confidence": {"type": "number"},
                "related_subcategories": {"type": "array", "items": {"type": "string"}},
                "sop_references": {"type": "array", "items": {"type": "string"}},
                "finish_reason": {"type": "string"},
                "error": {"type": "string"},
                "code": {"type": "string"},
            },
        },
        example={"category": "delivery", "subcategory": "late_parcel", "response": "Which "},
    ),
)
