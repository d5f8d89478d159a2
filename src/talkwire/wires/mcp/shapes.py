"""What travels on this wire: the arguments of its tools, and what they give back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from talkwire.web.openapi import example, frame

INPUT_CHARS = 200_000
FACTS_BYTES = 64 * 1024
SessionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:@-]{1,128}$")]
Cursor = Annotated[str, Field(min_length=1, max_length=256)]
Limit = Annotated[int, Field(ge=1, le=100)]


class Arguments(BaseModel):
    """The arguments of a tool; unknown ones are refused, so that a model learns of them."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class ChatArguments(Arguments):
    """`chat`."""

    input: str = Field(min_length=1, max_length=INPUT_CHARS, description="What to say.")
    session_id: SessionId | None = Field(
        default=None, description="The conversation to carry on; a new one when absent."
    )
    model: str | None = Field(default=None, min_length=1, max_length=200)
    prompt: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,64}(@[0-9]{1,9})?$",
        description="The system prompt's name; `name@3` pins a version.",
    )


class SupportArguments(Arguments):
    """`ask_support`."""

    query: str = Field(min_length=1, max_length=20_000, description="The customer's own words.")
    session_id: SessionId | None = Field(
        default=None, description="The case to carry on; a new one when absent."
    )
    category: str = Field(default="", max_length=200, description="Look in this category only.")
    subcategory: str = Field(default="", max_length=200, description="The scenario, if known.")
    facts: dict[str, str | int | float | bool] = Field(
        default_factory=dict, max_length=100, description="What is known, such as an order number."
    )


class ScenarioArguments(Arguments):
    """`list_scenarios`."""

    category: str = Field(default="", max_length=200, description="Of this category only.")


class ListArguments(Arguments):
    """`list_sessions`."""

    limit: Limit = 20
    cursor: Cursor | None = Field(default=None, description="`next_cursor` of the page before.")


class ReadArguments(Arguments):
    """`read_session`."""

    session_id: SessionId
    limit: Limit = 50
    cursor: Cursor | None = Field(
        default=None, description="`next_cursor` of the page before; pages go back in time."
    )


class UsageShape(BaseModel):
    """Tokens of a turn."""

    input_tokens: int
    output_tokens: int
    estimated: bool


class ApprovalShape(BaseModel):
    """A tool that the model wants to call, once a person agrees."""

    tool_call_id: str
    tool_name: str
    arguments: str
    expires_at: int


class ChatAnswer(BaseModel):
    """What `chat` gives."""

    session_id: str
    turn_id: str
    message_id: str
    text: str
    model: str | None
    finish_reason: str
    usage: UsageShape
    approvals: list[ApprovalShape]


class SupportAnswer(BaseModel):
    """What `ask_support` gives. `move`: answer, clarify, hand_over or out_of_scope."""

    session_id: str
    turn_id: str
    text: str
    category: str
    subcategory: str
    move: str
    confidence: float
    related_subcategories: list[str]
    sop_references: list[str]


class ScenarioShape(BaseModel):
    """A scenario in a list."""

    category: str
    subcategory: str
    description: str


class ScenarioList(BaseModel):
    """What `list_scenarios` gives, in the catalogue's order."""

    scenarios: list[ScenarioShape]


class SessionShape(BaseModel):
    """A session in a list; times are Unix milliseconds."""

    session_id: str
    title: str | None
    created_at: int
    updated_at: int
    last: str


class SessionList(BaseModel):
    """What `list_sessions` gives."""

    sessions: list[SessionShape]
    next_cursor: str | None


class MessageShape(BaseModel):
    """A message of a session."""

    message_id: str
    role: Literal["system", "user", "assistant", "tool"]
    text: str
    model: str | None
    incomplete: bool
    turn_id: str
    created_at: int


class MessageList(BaseModel):
    """What `read_session` gives, oldest first."""

    session_id: str
    messages: list[MessageShape]
    next_cursor: str | None


_PING: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


class MessageBody(BaseModel):
    """The body of `POST /mcp`: a request of JSON-RPC 2.0, or without an `id` a notification."""

    model_config = example(**_PING)

    jsonrpc: Literal["2.0"]
    method: str = Field(description="Such as `initialize`, `tools/list` and `tools/call`.")
    id: str | int | None = Field(default=None)
    params: dict[str, Any] | None = None


class RpcError(BaseModel):
    """What went wrong, in the words of JSON-RPC. `data` says more, where there is more to say."""

    code: int
    message: str
    data: Any = None


class ReplyShape(BaseModel):
    """The answer to a request: its `result`, or an `error`."""

    model_config = example(jsonrpc="2.0", id=1, result={})

    jsonrpc: Literal["2.0"]
    id: str | int | None = None
    result: dict[str, Any] | None = None
    error: RpcError | None = None


class RefusalShape(BaseModel):
    """A message that was not taken."""

    jsonrpc: Literal["2.0"]
    id: str | int | None = None
    error: RpcError


FRAME = frame(
    data={
        "type": "object",
        "required": ["jsonrpc"],
        "properties": {"jsonrpc": {"const": "2.0"}},
    },
    example={"jsonrpc": "2.0", "id": 1, "result": {}},
)
