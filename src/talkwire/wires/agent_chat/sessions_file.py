"""The file that a session travels in: its shape, and how one is written.

It has no id but the session's own: messages are numbered from 0 in the order of the list, and name
what they hang on by its number.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from talkwire.canon.sessions import Archive, ArchivedMessage
from talkwire.canon.turn import FinishReason
from talkwire.web.told import rfc3339
from talkwire.wires.agent_chat.sessions_shapes import Metadata, PromptName, Title, UserId
from talkwire.wires.agent_chat.shapes import SESSION_ID, Name

FORMAT: Literal["talkwire.session"] = "talkwire.session"
VERSION: Literal[1] = 1
MOST_MESSAGES = 10_000
MOST_PARTS = 1_000
_TIME = r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})$"

Time = Annotated[str, Field(pattern=_TIME)]
Number = Annotated[int, Field(ge=0, lt=MOST_MESSAGES)]
_STRICT = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class TextShape(BaseModel):
    """A piece of a message that is text."""

    model_config = _STRICT

    type: Literal["text"]
    text: str


class WrittenCall(BaseModel):
    """A tool call, as the model wrote it: be its id long, and its name none."""

    model_config = _STRICT

    call_id: str = Field(min_length=1)
    name: str
    arguments: str


class SceneShape(BaseModel):
    """Where an answer was in a scenario."""

    model_config = _STRICT

    category: str = ""
    subcategory: str = ""
    move: Literal["answer", "clarify", "hand_over", "out_of_scope"] = "answer"
    confidence: float = Field(default=0.0, ge=0, le=1, allow_inf_nan=False)
    language: Literal["zh", "en"] = "zh"
    related: list[str] = []
    sop_references: list[str] = []
    passages: list[str] = []
    said: list[str] = []
    step: str = ""
    slots: dict[str, str] = {}
    tries: int = Field(default=0, ge=0, le=1_000_000)
    reasons: list[str] = []
    choices: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = []


class FileMessage(BaseModel):
    """A message. `turn` numbers the requests that messages belong to, in the order of the list."""

    model_config = _STRICT

    parent: Number | None
    turn: Number
    role: Literal["user", "assistant", "tool"]
    content: list[TextShape] = Field(max_length=MOST_PARTS)
    created_at: Time
    tool_calls: list[WrittenCall] = Field(default=[], max_length=MOST_PARTS)
    tool_call_id: str | None = Field(default=None, min_length=1)
    model: str | None = Field(default=None, max_length=1000)
    incomplete: bool = False
    finish_reason: FinishReason | None = None
    scene: SceneShape | None = None


class SessionFile(BaseModel):
    """A whole session: what `GET /sessions/{session_id}/export` gives and `import` takes back."""

    model_config = ConfigDict(
        **_STRICT,
        json_schema_extra={
            "examples": [
                {
                    "format": FORMAT,
                    "version": VERSION,
                    "session_id": "s_06gvngn5rqp5rtpsns4g0lle2g",
                    "title": "Holidays",
                    "user_id": "u-17",
                    "agent_id": None,
                    "system_prompt_name": None,
                    "metadata": {},
                    "archived": False,
                    "created_at": "2026-01-01T12:00:00.000Z",
                    "updated_at": "2026-01-01T12:00:01.000Z",
                    "leaf": 0,
                    "messages": [
                        {
                            "parent": None,
                            "turn": 0,
                            "role": "user",
                            "content": [{"type": "text", "text": "Where to?"}],
                            "created_at": "2026-01-01T12:00:00.000Z",
                        }
                    ],
                }
            ]
        },
    )

    format: Literal["talkwire.session"]
    version: Literal[1]
    session_id: str = Field(pattern=SESSION_ID)
    title: Title | None = None
    user_id: UserId | None = None
    agent_id: Name | None = None
    system_prompt_name: PromptName | None = None
    metadata: Metadata = {}
    archived: bool = False
    created_at: Time
    updated_at: Time
    leaf: Number | None = Field(description="The message that the session goes on from.")
    messages: list[FileMessage] = Field(max_length=MOST_MESSAGES)


def written(archive: Archive) -> bytes:
    """The file of a session: the same bytes for the same session, on whatever server."""
    return msgspec.json.encode(
        {
            "format": FORMAT,
            "version": VERSION,
            "session_id": archive.session_id,
            "title": archive.title,
            "user_id": archive.label,
            "agent_id": archive.agent,
            "system_prompt_name": archive.prompt,
            "metadata": archive.metadata,
            "archived": archive.archived,
            "created_at": rfc3339(archive.created_at),
            "updated_at": rfc3339(archive.updated_at),
            "leaf": archive.leaf,
            "messages": [_message(each) for each in archive.messages],
        }
    )


def _message(each: ArchivedMessage) -> dict[str, Any]:
    """What is usual of most messages is not told."""
    message = each.message
    told: dict[str, Any] = {
        "parent": each.parent,
        "turn": each.turn,
        "role": message.role,
        "content": message.parts,
        "created_at": rfc3339(each.at),
    }
    if message.calls:
        told["tool_calls"] = message.calls
    if message.call_id is not None:
        told["tool_call_id"] = message.call_id
    if message.model is not None:
        told["model"] = message.model
    if message.incomplete:
        told["incomplete"] = True
    if message.finish_reason is not None:
        told["finish_reason"] = message.finish_reason
    if message.scene is not None:
        told["scene"] = message.scene
    return told
