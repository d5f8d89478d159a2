"""What travels on this wire: the fields of its requests. A field that is null counts as absent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from talkwire.web.openapi import example, frame

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

    model_config = ConfigDict(
        extra="ignore",
        strict=True,
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"message": "What time is it?", "session_id": "s_1"}]},
    )

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


class UsageShape(BaseModel):
    """Tokens of all model calls of an answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    estimated: bool = False
    cost: float | None = None


class ApprovalShape(BaseModel):
    """A call that waits for a person. `expires_at` is in Unix milliseconds."""

    tool_call_id: str
    tool_name: str
    arguments: str
    expires_at: int


class RouteShape(BaseModel):
    """Who answered, why, and who was asked before."""

    model: str
    model_type: str
    reasons: list[str]
    tried: list[str]


class AnswerShape(BaseModel):
    """A whole answer."""

    model_config = example(
        content="It is noon.",
        session_id="s_1",
        model_used="local_small",
        model="demo",
        turn_id="t_06gvngn5rqp5rtpsns4g0lle2g",
        finish_reason="stop",
        usage={"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16},
        route={
            "model": "demo",
            "model_type": "local_small",
            "reasons": ["a short message"],
            "tried": ["demo"],
        },
    )

    content: str
    session_id: str
    model_used: str = Field(description="Which kind of model has answered.")
    model: str
    turn_id: str
    finish_reason: str
    usage: UsageShape
    approvals: list[ApprovalShape] | None = None
    route: RouteShape


class ModelShape(BaseModel):
    """A model as it is now. Prices are per million tokens, `error_rate` is 0 … 1."""

    name: str
    reachable: bool
    default: bool
    context_tokens: int
    price_in: float | None
    price_out: float | None
    running: int
    latency_ms: float | None = Field(description="To the first token, of late.")
    error_rate: float
    why: str | None = Field(default=None, description="Why it cannot be reached.")


class ModelsShape(BaseModel):
    """The models by type."""

    model_config = example(
        models={
            "local_small": [
                {
                    "name": "demo",
                    "reachable": True,
                    "default": True,
                    "context_tokens": 128_000,
                    "price_in": None,
                    "price_out": None,
                    "running": 0,
                    "latency_ms": 41.0,
                    "error_rate": 0.0,
                }
            ],
            "cloud_large": [],
        },
        default="demo",
    )

    models: dict[str, list[ModelShape]]
    default: str


class ErrorShape(BaseModel):
    """An error: clients read `content` of whatever comes."""

    error: str
    code: str
    content: Literal[""]
    session_id: str = Field(description='"" where no conversation is known yet.')


FRAMES = (
    frame(
        data={
            "type": "object",
            "required": ["content", "session_id"],
            "properties": {
                "content": {"type": "string"},
                "session_id": {"type": "string"},
                "model_used": {"type": "string"},
                "model": {"type": "string"},
                "finish_reason": {"type": "string"},
                "usage": {"type": "object"},
                "approvals": {"type": "array"},
                "error": {"type": "string"},
                "code": {"type": "string"},
            },
        },
        example={
            "content": "It ",
            "session_id": "s_1",
            "model_used": "local_small",
            "model": "demo",
        },
    ),
    {"type": "object", "properties": {"data": {"const": "[DONE]"}}},
)
