"""What travels on the routes of sessions: the fields of requests, and those of answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from talkwire.wires.agent_chat.shapes import METADATA_BYTES, Name, UsageShape

MOST_ROWS = 200
USUAL_ROWS = 50
PROMPT_NAME = r"^[A-Za-z0-9._-]{1,64}(@[0-9]{1,9})?$"


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("should have no control characters")
    return text


Title = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
UserId = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_printable)]
PromptName = Annotated[str, Field(pattern=PROMPT_NAME)]
_KIB = METADATA_BYTES // 1024
Metadata = Annotated[
    dict[str, Any], Field(description=f"An object of your own, {_KIB} KiB at most as JSON.")
]
_SESSION: dict[str, Any] = {
    "session_id": "s_06gvngn5rqp5rtpsns4g0lle2g",
    "title": "Holidays",
    "user_id": "u-17",
    "agent_id": "assistant",
    "system_prompt_name": None,
    "metadata": {"plan": "gold"},
    "archived": False,
    "created_at": "2026-01-01T12:00:00.000Z",
    "updated_at": "2026-01-01T12:00:00.000Z",
    "expires_at": "2026-01-02T12:00:00.000Z",
}
_LISTED = {**_SESSION, "owner": "ann", "last_message": "It is noon."}


def example(value: dict[str, Any]) -> dict[str, Any]:
    return {"examples": [value]}


class NewSessionBody(BaseModel):
    """The body of `POST /chat/session`; unknown fields are ignored, null counts as absent."""

    model_config = ConfigDict(
        extra="ignore",
        strict=True,
        hide_input_in_errors=True,
        json_schema_extra=example({"title": "Holidays", "user_id": "u-17"}),
    )

    user_id: UserId | None = Field(default=None, description="Whom you talk with in it.")
    agent_id: Name | None = Field(default=None, description="Who answers: see /chat/agents.")
    title: Title | None = None
    metadata: Metadata | None = None
    system_prompt_name: PromptName | None = Field(default=None, description="See /prompts.")


class ChangeBody(BaseModel):
    """The body of `PATCH /sessions/{session_id}`. What is absent stays, null clears."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        json_schema_extra=example({"title": "Holidays in May", "archived": True}),
    )

    title: Title | None = None
    metadata: Metadata | None = None
    archived: bool = False


class PageQuery(BaseModel):
    """The query of a list in pages."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    limit: int = Field(default=USUAL_ROWS, ge=1, le=MOST_ROWS)
    cursor: str | None = Field(
        default=None, max_length=1000, description="`next_cursor` of the page before."
    )


class SessionsQuery(PageQuery):
    """The query of `GET /sessions`."""

    q: str | None = Field(
        default=None, max_length=200, description="What titles or texts have in them."
    )
    archived: Literal["true", "false", "all"] = "false"
    user_id: UserId | None = Field(
        default=None, description="Of this user alone; for admins whoever owns them."
    )


class SessionShape(BaseModel):
    """A session."""

    model_config = ConfigDict(json_schema_extra=example(_SESSION))

    session_id: str
    title: str | None
    user_id: str | None
    agent_id: str | None
    system_prompt_name: str | None
    metadata: dict[str, Any]
    archived: bool
    created_at: str
    updated_at: str
    expires_at: str


class ImportedShape(SessionShape):
    """A session that was brought in; `imported_from` is the id that it had."""

    model_config = ConfigDict(
        json_schema_extra=example({**_SESSION, "imported_from": "s_1", "messages": 8})
    )

    imported_from: str
    messages: int


class ListedShape(SessionShape):
    """A session in a list; `last_message` begins its newest message."""

    model_config = ConfigDict(json_schema_extra=example(_LISTED))

    owner: str
    last_message: str


class SessionsShape(BaseModel):
    """Some sessions, newest activity first."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "sessions": [_LISTED],
                "next_cursor": None,
            }
        )
    )

    sessions: list[ListedShape]
    next_cursor: str | None


class HistoryCall(BaseModel):
    """A tool call; its result is the message with this `tool_call_id`."""

    call_id: str
    name: str
    arguments: dict[str, Any]


class HistoryMessage(BaseModel):
    """A message. `agent_id` and `status` are its turn's; null where that was on another server."""

    message_id: str
    parent_id: str | None
    turn_id: str
    role: Literal["user", "assistant", "tool"]
    content: str
    agent_id: str | None
    model: str | None
    tool_calls: list[HistoryCall]
    tool_call_id: str | None
    usage: UsageShape | None
    metadata: dict[str, Any]
    status: Literal["queued", "running", "completed", "failed", "aborted"] | None
    incomplete: bool
    finish_reason: str | None
    created_at: str


class HistoryShape(BaseModel):
    """Some messages of the current branch, oldest first."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "session_id": "s_06gvngn5rqp5rtpsns4g0lle2g",
                "messages": [
                    {
                        "message_id": "msg_t_06gvngn5rqp5rtpsns4g0lle2g_in",
                        "parent_id": None,
                        "turn_id": "t_06gvngn5rqp5rtpsns4g0lle2g",
                        "role": "user",
                        "content": "What time is it?",
                        "agent_id": "assistant",
                        "model": None,
                        "tool_calls": [],
                        "tool_call_id": None,
                        "usage": None,
                        "metadata": {},
                        "status": "completed",
                        "incomplete": False,
                        "finish_reason": None,
                        "created_at": "2026-01-01T12:00:00.000Z",
                    }
                ],
                "total": 1,
                "next_cursor": None,
            }
        )
    )

    session_id: str
    messages: list[HistoryMessage]
    total: int = Field(description="Messages of the whole branch.")
    next_cursor: str | None


class StatsShape(BaseModel):
    """Sums over a user's sessions. Times of answers are those of completed turns."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "user_id": "u-17",
                "sessions": 2,
                "messages": 8,
                "turns": {"queued": 0, "running": 0, "completed": 3, "failed": 1, "aborted": 0},
                "input_tokens": 120,
                "output_tokens": 340,
                "total_tokens": 460,
                "cost": 0.0012,
                "first_activity": "2026-01-01T12:00:00.000Z",
                "last_activity": "2026-01-02T12:00:00.000Z",
                "average_answer_s": 1.25,
                "p95_answer_s": 2.5,
                "voice_s": 12.5,
            }
        )
    )

    user_id: str
    sessions: int
    messages: int
    turns: dict[str, int]
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cost: float | None
    first_activity: str | None
    last_activity: str | None
    average_answer_s: float | None
    p95_answer_s: float | None
    voice_s: float
