"""The frames that the OpenAPI document tells of are those that each wire sends."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from talkwire.web.openapi import Frame
from talkwire.wires.agent_chat import shapes as agent_chat
from talkwire.wires.native import shapes as native
from talkwire.wires.responses_sse import shapes as responses_sse
from talkwire.wires.routed_chat import shapes as routed_chat
from talkwire.wires.support import shapes as support
from talkwire.wires.tool_chat import shapes as tool_chat

FRAMES: Mapping[str, Sequence[Frame]] = {
    "responses_sse/golden": responses_sse.FRAMES,
    "agent_chat/golden": [agent_chat.FRAME],
    "tool_chat/golden": [tool_chat.FRAME],
    "support/golden": support.FRAMES,
    "support/golden_get": support.FRAMES,
    "routed_chat/golden": routed_chat.FRAMES,
    "native/golden": [native.FRAME],
}
GOLDEN = [
    pytest.param(folder, path, id=f"{folder}/{path.stem}")
    for folder in FRAMES
    for path in sorted((Path(__file__).parent / folder).glob("*.sse"))
    if path.stem != "long"
]


def told(text: str) -> list[dict[str, Any]]:
    """The frames as EventSource tells them."""
    events: list[dict[str, Any]] = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
        if "data" in fields:
            events.append({"event": "message", **fields})
    return events


def fits(event: Mapping[str, Any], frame: Frame) -> bool:
    if not Draft202012Validator(frame).is_valid(event):
        return False
    says = frame["properties"]["data"].get("contentSchema")
    if says is None:
        return True
    try:
        return Draft202012Validator(says).is_valid(json.loads(event["data"]))
    except ValueError:
        return False


@pytest.mark.parametrize(("folder", "path"), GOLDEN)
def test_every_frame_is_one_that_is_told_of(folder: str, path: Path) -> None:
    events = told(path.read_text("utf-8"))

    assert events
    assert [e for e in events if not any(fits(e, frame) for frame in FRAMES[folder])] == []
