"""What travels on this wire: the fields of its requests, and those of its answers.

In a request a field that is null counts as absent.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from talkwire.web.openapi import frame

SESSION_ID = r"^[A-Za-z0-9._:@-]{1,128}$"
INPUT_CHARS = 200_000
METADATA_BYTES = 16_384
ATTACHMENTS = 20

Name = Annotated[str, Field(min_length=1, max_length=200)]
FRAME = frame(
    "transcript",
    "message.started",
    "message.retrying",
    "message.delta",
    "reasoning.delta",
    "agent.started",
    "agent.completed",
    "tool.started",
    "tool.approval_required",
    "tool.output",
    "tool.completed",
    "audio.delta",
    "audio.completed",
    "audio.failed",
    "message.completed",
    "message.failed",
    data={"type": "object"},
    example={"content": "It is "},
)


class Attachment(BaseModel):
    """A text that comes with a message, such as a file's."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)

    type: Literal["text"]
    name: str | None = Field(default=None, max_length=200, description="What it is called.")
    text: str = Field(min_length=1, max_length=INPUT_CHARS)


class MessageBody(BaseModel):
    """The body of `POST /chat/message` and `/chat/message/stream`; unknown fields are ignored."""

    model_config = ConfigDict(
        extra="ignore",
        strict=True,
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"session_id": "s_1", "content": "What time is it?"}]},
    )

    session_id: str = Field(pattern=SESSION_ID, description="The conversation; it has to exist.")
    content: str = Field(min_length=1, max_length=INPUT_CHARS, description="The user's text.")
    agent_id: Name | None = Field(default=None, description="Who answers: see /chat/agents.")
    attachments: list[Attachment] | None = Field(default=None, max_length=ATTACHMENTS)
    metadata: dict[str, Any] | None = Field(
        default=None, description="Kept with the message; 16 KiB at most."
    )


class VoiceForm(BaseModel):
    """The fields of `POST /chat/voice` beside `audio`; unknown ones are ignored."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    session_id: str = Field(pattern=SESSION_ID, description="The conversation; it has to exist.")
    language: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$",
        description="What is spoken, as a BCP 47 tag; otherwise it is found out.",
    )
    agent_id: Name | None = Field(default=None, description="Who answers: see /chat/agents.")
    reply_voice: str | None = Field(
        default=None,
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="A voice for the answer; without one it is not spoken.",
    )
    stream: bool = Field(default=False, description="Answer with the turn's frames.")


class UsageShape(BaseModel):
    """Tokens of all model calls of an answer."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    estimated: bool = False
    cost: float | None = None


class CallShape(BaseModel):
    """A tool call, and what came of it."""

    call_id: str
    name: str
    arguments: dict[str, Any]
    result: str | None = None
    is_error: bool = False
    summarized: bool = False
    truncated: bool = False


class ApprovalShape(BaseModel):
    """A call that waits for a person."""

    call_id: str
    name: str
    arguments: dict[str, Any]
    expires_at: str


class AnswerShape(BaseModel):
    """The answer to a message."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "message_id": "msg_t_06gvngn5rqp5rtpsns4g0lle2g",
                    "session_id": "s_1",
                    "turn_id": "t_06gvngn5rqp5rtpsns4g0lle2g",
                    "content": "It is noon.",
                    "agent_id": "assistant",
                    "model": "demo",
                    "tool_calls": [],
                    "usage": {"input_tokens": 12, "output_tokens": 34, "total_tokens": 46},
                    "finish_reason": "stop",
                    "created_at": "2026-01-01T12:00:00.000Z",
                }
            ]
        }
    )

    message_id: str
    session_id: str
    turn_id: str
    content: str
    agent_id: str
    model: str
    tool_calls: list[CallShape]
    usage: UsageShape
    finish_reason: Literal[
        "stop", "length", "content_filter", "tool_limit", "approval_required", "aborted", "error"
    ]
    created_at: str
    approvals: list[ApprovalShape] | None = None
    incomplete: bool = False


class AudioShape(BaseModel):
    """Speech, as a whole file."""

    mime: str
    b64: str


class AudioFailedShape(BaseModel):
    """Why there is no speech, or not all of it."""

    code: str
    message: str


class SpokenShape(BaseModel):
    """What was heard, and the answer to it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "transcript": "what time is it",
                    "language": "en",
                    "duration_s": 1.3,
                    "reply": {
                        "message_id": "msg_t_06gvngn5rqp5rtpsns4g0lle2g",
                        "session_id": "s_1",
                        "turn_id": "t_06gvngn5rqp5rtpsns4g0lle2g",
                        "content": "It is noon.",
                        "agent_id": "assistant",
                        "model": "demo",
                        "tool_calls": [],
                        "usage": {"input_tokens": 12, "output_tokens": 34, "total_tokens": 46},
                        "finish_reason": "stop",
                        "created_at": "2026-01-01T12:00:00.000Z",
                    },
                    "audio": {"mime": "audio/mpeg", "b64": "//uQZAAA"},
                }
            ]
        }
    )

    transcript: str
    language: str
    duration_s: float
    reply: AnswerShape
    audio: AudioShape | None = None
    audio_failed: AudioFailedShape | None = None


class AgentShape(BaseModel):
    """One agent."""

    id: str
    name: str
    description: str
    kind: Literal["agent", "team", "remote"]
    model: str
    tools: list[str]
    members: list[str] | None = None
    unavailable: str | None = None


class AgentsShape(BaseModel):
    """All agents, the assistant first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agents": [
                        {
                            "id": "assistant",
                            "name": "Assistant",
                            "description": "Answers with the server's own model and tools.",
                            "kind": "agent",
                            "model": "demo",
                            "tools": ["calculator"],
                        }
                    ]
                }
            ]
        }
    )

    agents: list[AgentShape]
