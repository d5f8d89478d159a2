"""What travels on this wire: the fields of its requests.

`model_config` is a field of the wire and a word of Pydantic's: the field has an alias.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    StrictBool,
    Tag,
)
from pydantic_core import PydanticCustomError

from talkwire.web.openapi import example, frame

SESSION_ID = r"^[A-Za-z0-9._:@-]{1,128}$"
INPUT_CHARS = 200_000
MESSAGES = 1000

_STRICT = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True, validate_by_name=False)


def _absent(value: object) -> object:
    """Forms send what was left empty as empty text."""
    return None if value == "" else value


def _sendable(key: SecretStr) -> SecretStr:
    text = key.get_secret_value().strip()
    if not 0 < len(text) <= 4096 or not text.isascii() or not text.isprintable() or " " in text:
        raise PydanticCustomError("api_key", "Should be visible ASCII characters, at most 4096")
    return SecretStr(text)


Name = Annotated[str, Field(max_length=200)]
Key = Annotated[SecretStr, AfterValidator(_sendable)]


class ModelShape(BaseModel):
    """`model_config`: what this turn is asked with. `api_key` and `base_url` are the caller's."""

    model_config = _STRICT

    model_name: Annotated[Name | None, BeforeValidator(_absent)] = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=2**31 - 1)
    api_key: Annotated[Key | None, BeforeValidator(_absent)] = None
    base_url: Annotated[str | None, BeforeValidator(_absent)] = None


class Asking(BaseModel):
    """What the bodies that start turns have in common."""

    model_config = _STRICT

    session_id: str = Field(pattern=SESSION_ID)
    asked_model: ModelShape | None = Field(default=None, alias="model_config")


class StreamBody(Asking):
    """The body of `POST /api/chat/stream`; unknown fields are ignored."""

    model_config = example(session_id="s_1", content="What is 6 times 7?")

    content: str = Field(min_length=1, max_length=INPUT_CHARS)


CallId = Annotated[str, Field(min_length=1, max_length=256)]
ToolName = Annotated[str, Field(min_length=1, max_length=256)]


class FunctionShape(BaseModel):
    """The function of a call, as OpenAI's APIs write it."""

    model_config = _STRICT

    name: ToolName
    arguments: str = Field(default="{}", max_length=INPUT_CHARS)


class OpenAICallShape(BaseModel):
    """A call as OpenAI's APIs write it."""

    model_config = _STRICT

    id: CallId
    type: Literal["function"] = "function"
    function: FunctionShape


class CallShape(BaseModel):
    """A call as the frames of this wire have it."""

    model_config = _STRICT

    tool_call_id: CallId
    tool_name: ToolName
    arguments: dict[str, Any] = Field(default_factory=dict)


def _form(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    return "openai" if "function" in value else "own"


_ONE_OF = Discriminator(
    _form,
    custom_error_type="tool_call",
    custom_error_message="A call should be an object",
)
AnyCall = Annotated[
    Annotated[OpenAICallShape, Tag("openai")] | Annotated[CallShape, Tag("own")], _ONE_OF
]


class MessageShape(BaseModel):
    """One message of a context that the caller brings."""

    model_config = _STRICT

    role: Literal["user", "assistant", "system", "tool"]
    content: str | None = Field(default=None, max_length=INPUT_CHARS)
    tool_call_id: CallId | None = None
    tool_calls: list[AnyCall] | None = Field(default=None, max_length=200)


class DirectBody(Asking):
    """The body of `POST /api/chat/stream/direct`."""

    model_config = example(
        session_id="s_1", messages=[{"role": "user", "content": "What is 6 times 7?"}], save=True
    )

    messages: list[MessageShape] = Field(min_length=1, max_length=MESSAGES)
    save: StrictBool = False


class AbortBody(BaseModel):
    """The body of `POST /api/chat/abort`: one of them."""

    model_config = {**_STRICT, **example(session_id="s_1")}

    session_id: str | None = Field(default=None, pattern=SESSION_ID)
    turn_id: str | None = Field(default=None, min_length=1, max_length=128)


class DecisionBody(BaseModel):
    """The body of `POST /api/tools/{tool_call_id}/decision`.

    Of `model_config` the caller's own is taken: it was not kept from the turn that waits.
    """

    model_config = {**_STRICT, **example(approve=True)}

    approve: StrictBool
    reason: str | None = Field(default=None, max_length=2000)
    asked_model: ModelShape | None = Field(default=None, alias="model_config")


class ToolShape(BaseModel):
    """A tool that a model may call."""

    name: str
    description: str
    input_schema: dict[str, Any]
    supports_streaming: bool
    server: str
    requires_approval: bool = False


class ToolsShape(BaseModel):
    """Every tool that can be called now."""

    model_config = example(
        tools=[
            {
                "name": "calculator",
                "description": "Work out an expression.",
                "input_schema": {
                    "type": "object",
                    "properties": {"expression": {"type": "string"}},
                    "required": ["expression"],
                },
                "supports_streaming": False,
                "server": "local",
            }
        ],
        total=1,
    )

    tools: list[ToolShape]
    total: int


class ServerShape(BaseModel):
    """An MCP server as it is now."""

    name: str
    transport: str
    status: Literal["connected", "connecting", "failed", "disabled"]
    tools: list[str]
    resources: list[Any]
    prompts: list[Any]
    protocol_version: str | None
    server_info: dict[str, Any] | None
    last_error: str | None
    latency_ms: float | None


class ServersShape(BaseModel):
    """Every configured MCP server."""

    model_config = example(
        servers=[
            {
                "name": "files",
                "transport": "stdio",
                "status": "connected",
                "tools": ["read_file"],
                "resources": [],
                "prompts": [],
                "protocol_version": "2025-11-25",
                "server_info": {"name": "files", "version": "1.0.0"},
                "last_error": None,
                "latency_ms": 2.1,
            }
        ],
        total=1,
    )

    servers: list[ServerShape]
    total: int


class AbortedShape(BaseModel):
    """The turns that were stopped."""

    model_config = example(aborted=["t_06gvngn5rqp5rtpsns4g0lle2g"])

    aborted: list[str]


KINDS = (
    "chunk",
    "tool_call",
    "tool_approval",
    "tool_stream_chunk",
    "tool_result",
    "complete",
    "error",
)
FRAME = frame(
    data={
        "type": "object",
        "required": ["type", "data"],
        "properties": {"type": {"enum": list(KINDS)}, "data": {"type": "object"}},
    },
    example={"type": "chunk", "data": {"content": "Hello"}},
)
