"""The output items of a response: opened, filled and closed in the order of their indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from talkwire.canon.events import ToolCalled
from talkwire.web.frames import json_line

Frame = tuple[str, dict[str, Any]]


class Output:
    """What a response holds so far. At most one message is open; calls are never left open.

    `prefix` is the fixed part of a delta's JSON for the open message.
    """

    def __init__(self, turn_id: str) -> None:
        self._turn_id = turn_id
        self.items: list[dict[str, Any]] = []
        self.texts: list[str] = []
        self.open = False
        self.prefix = b""

    @property
    def text(self) -> str:
        """What the open message says so far."""
        return "".join(self.texts)

    def open_message(self) -> Iterator[Frame]:
        """Begin a message."""
        item = self._item("in_progress", [])
        place = self._place()
        yield "response.output_item.added", {"output_index": len(self.items), "item": item}
        yield "response.content_part.added", {**place, "part": _part("")}
        self.prefix = json_line(place)[1:-1] + b',"delta":'
        self.texts = []
        self.open = True

    def close_message(self, status: str, text: str) -> Iterator[Frame]:
        """End the open message with its whole text."""
        place = self._place()
        part = _part(text)
        item = self._item(status, [part])
        yield "response.output_text.done", {**place, "text": text}
        yield "response.content_part.done", {**place, "part": part}
        yield "response.output_item.done", {"output_index": len(self.items), "item": item}
        self.items.append(item)
        self.texts = []
        self.open = False

    def keep_cut(self) -> None:
        """Keep the open message's text as an incomplete item, without frames."""
        if self.open:
            self.items.append(self._item("incomplete", [_part(self.text)]))
            self.open = False

    def call(self, event: ToolCalled) -> Iterator[Frame]:
        """A whole tool call; what was said before it is closed first."""
        if self.open:
            yield from self.close_message("completed", self.text)
        index = len(self.items)
        item_id = f"fc_{self._turn_id}_{index}"
        item = {
            "id": item_id,
            "type": "function_call",
            "status": "in_progress",
            "call_id": event.call_id,
            "name": event.name,
            "arguments": "",
        }
        place = {"item_id": item_id, "output_index": index}
        said = {"name": event.name, "arguments": event.arguments}
        done = {**item, "status": "completed", "arguments": event.arguments}
        yield "response.output_item.added", {"output_index": index, "item": item}
        yield "response.function_call_arguments.delta", {**place, "delta": event.arguments}
        yield "response.function_call_arguments.done", {**place, **said}
        yield "response.output_item.done", {"output_index": index, "item": done}
        self.items.append(done)

    def _id(self) -> str:
        index = len(self.items)
        return f"msg_{self._turn_id}_{index}" if index else f"msg_{self._turn_id}"

    def _place(self) -> dict[str, Any]:
        return {"item_id": self._id(), "output_index": len(self.items), "content_index": 0}

    def _item(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id(),
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": content,
        }


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}
