"""`talkwire chat --wire tool-chat`: tools are seen at work, and a person decides on some.

A frame is one line that begins with `data: `; its number is in the `id: ` line before it.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import httpx2

from talkwire.cli.chat import ABORTED, Screen
from talkwire.cli.client import Client, ClientError, Happened, plain
from talkwire.cli.words import say

_SHOWN_CHARS = 300
_YES = ("y", "yes", "是")

Ask = Callable[[str], bool | None]


class Question(NamedTuple):
    """A POST that is answered with a stream, however often it has to be asked."""

    path: str
    body: Mapping[str, Any]


class ToolChat:
    """The wire from the terminal's side. One question at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.turn_id = ""

    def follow(
        self, question: Question, on_lost: Callable[[], None], key: str, after: int = -1
    ) -> Iterator[Happened]:
        """The frames after number `after` until the terminal one, each exactly once.

        Asking again with the same `key` starts no second turn. :raises ClientError:
        """
        return self._client.kept_up(
            lambda after: self._asked(question, key, after), on_lost, after, self.turn_id
        )

    def _asked(self, question: Question, key: str, after: int) -> Iterator[Happened]:
        headers = {"Idempotency-Key": key}
        if self.turn_id and after >= 0:
            headers["Last-Event-ID"] = f"{self.turn_id}:{after}"
        try:
            with self._client.opened("POST", question.path, headers, question.body) as answer:
                if answer is not None:
                    self.turn_id = answer.headers.get("X-Turn-Id", self.turn_id)
                    yield from parse(answer.iter_lines())
        except httpx2.ConnectError:
            if not self.turn_id:
                raise ClientError(say("no_server", url=self._client.url)) from None
            raise

    def abort(self) -> None:
        """Stop the turn. Where the server cannot be reached there is nothing to stop by.

        :raises ClientError: this key may not, or not now.
        """
        if self.turn_id:
            self._client.post("/api/chat/abort", {"turn_id": self.turn_id})


def parse(lines: Iterator[str]) -> Iterator[Happened]:
    """Frames as events with their numbers; all other lines are passed over."""
    number = -1
    for line in lines:
        if line.startswith("id: "):
            tail = line.rpartition(":")[2]
            number = int(tail) if tail.isdigit() else number
        elif line.startswith("data: "):
            frame = json.loads(line[6:])
            yield Happened(str(frame["type"]), {**frame["data"], "n": number})


def told(
    client: Client, screen: Screen, asked: Mapping[str, Any], ask: Ask | None = None
) -> tuple[int, str | None]:
    """Ask, and show all that happens until nothing waits: the exit status and the session."""
    session = asked.get("session_id") or f"s_{secrets.token_hex(13)}"
    body: dict[str, Any] = {"session_id": session, "content": asked["input"]}
    if asked.get("model"):
        body["model_config"] = {"model_name": asked["model"]}
    question = Question("/api/chat/stream", body)
    waiting: list[Happened] = []
    names: dict[str, str] = {}
    while True:
        shown = Shown(screen, names)
        screen.begin()
        try:
            status = _answer(ToolChat(client), shown, question)
        except ClientError as error:
            screen.note(str(error))
            status = 1
        finally:
            screen.end()
        known = {each.fields["tool_call_id"] for each in shown.waiting}
        waiting = shown.waiting + [w for w in waiting if w.fields["tool_call_id"] not in known]
        if status or not waiting:
            return status, session
        asks = waiting.pop(0)
        agreed = (ask or _person)(_wanted(asks))
        if agreed is None:
            screen.note(say("approval_waits", id=plain(asks.fields["tool_call_id"])))
            return 1, session
        path = f"/api/tools/{asks.fields['tool_call_id']}/decision"
        question = Question(path, {"approve": agreed})


def _answer(wire: ToolChat, shown: Shown, question: Question) -> int:
    """Show one turn. The first Ctrl-C aborts it, the second one leaves."""
    key, last, stopping = secrets.token_hex(16), -1, False
    while True:
        try:
            for event in wire.follow(question, shown.lost, key, last):
                last = int(event.fields["n"])
                status = shown.show(event)
                if status is not None:
                    return status
            return 0
        except KeyboardInterrupt:
            if stopping:
                raise
            stopping = True
            shown.screen.note(say("stopping"))
            try:
                wire.abort()
            except ClientError as error:
                shown.screen.note(str(error))


class Shown:
    """One turn on the screen. `waiting` are the calls that wait for a person; `names` those that
    were told of: one that was approved is told of again when it runs.
    """

    def __init__(self, screen: Screen, names: dict[str, str]) -> None:
        self.screen = screen
        self.waiting: list[Happened] = []
        self._names = names
        self._line = ""

    def lost(self) -> None:
        """The connection broke, and is taken up again."""
        self.screen.note(say("reconnecting"))

    def show(self, event: Happened) -> int | None:
        """One frame; the exit status once it is the last one."""
        fields = event.fields
        match event.kind:
            case "chunk":
                self.screen.add(plain(str(fields.get("content", ""))))
            case "tool_call":
                self._called(fields)
            case "tool_stream_chunk":
                self._said(fields)
            case "tool_result":
                self._result(fields)
            case "tool_approval":
                self.waiting.append(event)
            case "complete":
                return self._complete(fields["message"])
            case "error":
                code, message = plain(str(fields.get("code"))), plain(str(fields.get("error")))
                self.screen.note(say("failed", code=code, message=message))
                return 1
        return None

    def _called(self, fields: Mapping[str, Any]) -> None:
        if fields["tool_call_id"] not in self._names:
            self._names[fields["tool_call_id"]] = fields["tool_name"]
            self.screen.note(f"→ {_call(fields)}")

    def _said(self, fields: Mapping[str, Any]) -> None:
        """Whole lines of what a tool says, as they come."""
        *lines, self._line = (self._line + plain(str(fields.get("content", "")))).split("\n")
        if len(self._line) > _SHOWN_CHARS:
            lines, self._line = [*lines, self._line], ""
        for line in lines:
            self.screen.note(f"  {line}")

    def _result(self, fields: Mapping[str, Any]) -> None:
        if self._line:
            self.screen.note(f"  {self._line}")
            self._line = ""
        marks = [
            say(f"result_{mark}")
            for mark in ("is_error", "summarized", "truncated")
            if fields.get(mark)
        ]
        name = self._names.get(fields["tool_call_id"], "")
        text = _short(plain(str(fields.get("result", ""))))
        self.screen.note(" ".join(["←", plain(name), *(f"[{mark}]" for mark in marks), text]))

    def _complete(self, message: Mapping[str, Any]) -> int:
        if message.get("finish_reason") == "aborted":
            self.screen.note(say("aborted"))
            return ABORTED
        return 0


def _call(fields: Mapping[str, Any]) -> str:
    arguments = json.dumps(fields.get("arguments", {}), ensure_ascii=False)
    return plain(f"{fields['tool_name']} {arguments}")


def _wanted(event: Happened) -> str:
    return say("approval_wanted", call=_call(event.fields))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]}…"


def _person(question: str) -> bool | None:
    """What the person at the terminal says; None where there is nobody."""
    if not sys.stdin.isatty():
        return None
    try:
        return input(f"{question} [y/N] ").strip().lower() in _YES
    except EOFError:
        return None
