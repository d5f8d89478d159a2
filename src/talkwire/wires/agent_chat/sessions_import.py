"""A session's file, read: nothing of it is taken on trust, since everybody can write one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from talkwire.canon.scenarios import Scene
from talkwire.canon.sessions import Archive, ArchivedMessage
from talkwire.canon.turn import Call, Message, TextPart
from talkwire.wires.agent_chat.sessions_decode import bounded, shaped, wrong
from talkwire.wires.agent_chat.sessions_file import FileMessage, SessionFile


def archive(body: dict[str, Any]) -> Archive:
    """The session of a file.

    :raises Invalid: a field is missing, unknown, of the wrong type or out of its bounds, or what
        the messages say of each other is no tree; the first place that is wrong is named.
    """
    shape = shaped(SessionFile, body)
    given = shape.messages
    _check_tree(given)
    _check_calls(given)
    if shape.leaf is not None and shape.leaf >= len(given):
        raise wrong("leaf", "Should be the number of a message")
    return Archive(
        session_id=shape.session_id,
        created_at=_ms(shape.created_at, "created_at"),
        updated_at=_ms(shape.updated_at, "updated_at"),
        messages=tuple(_message(each, number) for number, each in enumerate(given)),
        leaf=shape.leaf,
        title=shape.title,
        label=shape.user_id,
        agent=shape.agent_id,
        prompt=shape.system_prompt_name,
        metadata=bounded(shape.metadata),
        archived=shape.archived,
    )


def _check_tree(given: Sequence[FileMessage]) -> None:
    """Each message hangs on one before it, so there is no cycle; each turn is one chain."""
    turns = 0
    continued: set[int] = set()
    for number, each in enumerate(given):
        if each.parent is not None and each.parent >= number:
            place = f"messages.{number}.parent"
            raise wrong(place, "Should be the number of a message before this one")
        if each.turn == turns:
            turns += 1
        elif (
            each.parent is not None
            and each.turn == given[each.parent].turn
            and each.parent not in continued
        ):
            continued.add(each.parent)
        else:
            why = "Should be its parent's turn, which goes on in one message, or the next number"
            raise wrong(f"messages.{number}.turn", why)


def _check_calls(given: Sequence[FileMessage]) -> None:
    """A tool's message answers a call above it that no other has answered on its branch."""
    below: dict[int | None, list[int]] = defaultdict(list)
    for number, each in enumerate(given):
        _check_call_fields(each, number)
        below[each.parent].append(number)
    calls: Counter[str] = Counter()
    left = [(number, True) for number in below[None]]
    while left:
        number, enters = left.pop()
        each = given[number]
        way = 1 if enters else -1
        for call in each.tool_calls:
            calls[call.call_id] += way
        if each.tool_call_id is not None:
            if enters and calls[each.tool_call_id] < 1:
                why = "Should be a call above this message that has no other result"
                raise wrong(f"messages.{number}.tool_call_id", why)
            calls[each.tool_call_id] -= way
        if enters:
            left.append((number, False))
            left += [(child, True) for child in below[number]]


def _check_call_fields(each: FileMessage, number: int) -> None:
    if (each.role == "tool") != (each.tool_call_id is not None):
        raise wrong(f"messages.{number}.tool_call_id", "Should be there for the role tool alone")
    if each.tool_calls and each.role != "assistant":
        raise wrong(f"messages.{number}.tool_calls", "Should be there for the role assistant alone")


def _message(each: FileMessage, number: int) -> ArchivedMessage:
    scene = None
    if each.scene is not None:
        scene = msgspec.convert(each.scene.model_dump(), Scene)
    message = Message(
        "",
        each.role,
        tuple(TextPart(part.text) for part in each.content),
        tuple(Call(call.call_id, call.name, call.arguments) for call in each.tool_calls),
        call_id=each.tool_call_id,
        model=each.model,
        incomplete=each.incomplete,
        finish_reason=each.finish_reason,
        scene=scene,
    )
    at = _ms(each.created_at, f"messages.{number}.created_at")
    return ArchivedMessage(message, each.parent, each.turn, at)


def _ms(text: str, field: str) -> int:
    """A time in Unix milliseconds. :raises Invalid: there is no such time, or none since 1970."""
    try:
        when = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong(field, "Should be a time as RFC 3339 writes it") from None
    if when.year < 1970:
        raise wrong(field, "Should be a time since 1970")
    return int(when.timestamp()) * 1000 + when.microsecond // 1000
