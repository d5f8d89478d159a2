"""What the routes that belong to no wire answer, for the OpenAPI document.

A field without a default is always there, be it null.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from talkwire.canon.records import Status
from talkwire.canon.usage import By
from talkwire.web.openapi import example
from talkwire.web.parameters import SESSION_ID, TURN_ID


class NodeTurnShape(BaseModel):
    """A turn that a node runs. `created_at` is in Unix milliseconds."""

    turn_id: str
    wire: str
    status: Status
    created_at: int


class NodeShape(BaseModel):
    """One server process. `started_at` is in Unix milliseconds."""

    id: str
    host: str
    pid: int
    epoch: int
    started_at: int
    silent_ms: int = Field(description="How long it has said nothing.")
    turns: list[NodeTurnShape]
    alive: bool


class NodesShape(BaseModel):
    """All nodes, the dead ones too."""

    model_config = example(
        nodes=[
            {
                "id": "n_06gvngn5rqp5rtpsns4g0lle2g",
                "host": "chat-1",
                "pid": 4711,
                "epoch": 3,
                "started_at": 1_767_268_800_000,
                "silent_ms": 812,
                "alive": True,
                "turns": [],
            }
        ],
        total=1,
    )

    nodes: list[NodeShape]
    total: int


class FiguresShape(BaseModel):
    """Sums. `estimated` are the turns of which a figure was estimated."""

    turns: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    estimated: int
    cost: float | None = Field(description="Of what has a price; null where nothing has.")


class UsageRowShape(FiguresShape):
    """The sums of one group; it has the fields that were asked for with `by`, and no others."""

    day: str | None = Field(default=None, description="A day of UTC.")
    model: str | None = None
    key: str | None = None
    wire: str | None = None
    user: str | None = None
    status: str | None = None


class UsageShape(BaseModel):
    """A page of sums, sorted by group."""

    model_config = example(
        **{
            "from": "2026-01-01T00:00:00Z",
            "to": "2026-02-01T00:00:00Z",
            "by": ["day", "model"],
            "rows": [
                {
                    "day": "2026-01-01",
                    "model": "demo",
                    "turns": 2,
                    "input_tokens": 120,
                    "output_tokens": 34,
                    "total_tokens": 154,
                    "estimated": 0,
                    "cost": 0.0012,
                }
            ],
            "totals": {
                "turns": 2,
                "input_tokens": 120,
                "output_tokens": 34,
                "total_tokens": 154,
                "estimated": 0,
                "cost": 0.0012,
            },
            "next_cursor": None,
        }
    )

    since: str = Field(alias="from")
    to: str
    by: list[By]
    rows: list[UsageRowShape]
    totals: FiguresShape | None = Field(description="Of all pages, and told on each.")
    next_cursor: str | None = Field(description="Where the next page begins; null on the last.")


class TicketShape(BaseModel):
    """A ticket; `expires_in` is in seconds."""

    model_config = example(ticket="the-ticket-of-43-characters", expires_in=60)

    ticket: str
    expires_in: int


class ResultShape(BaseModel):
    """A stretch of a tool's result. `created_at` is in Unix milliseconds."""

    model_config = example(
        tool_call_id="call_06gvngn5rqp5rtpsns4g0lle2g",
        tool_name="read_file",
        session_id=SESSION_ID,
        turn_id=TURN_ID,
        result="line 1\nline 2\n",
        truncated=False,
        created_at=1_767_268_800_000,
        total=14,
        offset=0,
        next_offset=None,
    )

    tool_call_id: str
    tool_name: str
    session_id: str
    turn_id: str
    result: str
    truncated: bool = Field(description="The tool gave more than is kept.")
    created_at: int
    total: int = Field(description="Characters of the whole.")
    offset: int
    next_offset: int | None = Field(description="Where to go on; null at the end.")
