"""A session to be read by people, as Markdown. What was said stands as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from talkwire.canon.sessions import Archive, ArchivedMessage
from talkwire.web.told import rfc3339

_WHO = {"user": "User", "assistant": "Assistant", "tool": "Tool", "system": "System"}
_RUN = re.compile(r"`+")
_LINES = re.compile(r"[\r\n]+")


def markdown(archive: Archive) -> str:
    """All branches; a message that does not follow the one before it tells which it follows."""
    return "\n".join([*_head(archive), *_body(archive)]) + "\n"


def _head(archive: Archive) -> Iterator[str]:
    yield f"# {_line(archive.title or archive.session_id)}"
    yield ""
    yield f"- Session: {code(archive.session_id)}"
    yield f"- Begun: {rfc3339(archive.created_at)}, last used: {rfc3339(archive.updated_at)}"
    if archive.label is not None:
        yield f"- User: {code(archive.label)}"
    if archive.agent is not None:
        yield f"- Agent: {code(archive.agent)}"
    if archive.prompt is not None:
        yield f"- System prompt: {code(archive.prompt)}"
    if archive.archived:
        yield "- Archived"
    if archive.metadata:
        yield f"- Metadata: {code(msgspec.json.encode(archive.metadata).decode())}"
    if archive.leaf is not None:
        yield f"- Goes on from: {archive.leaf}"


def _body(archive: Archive) -> Iterator[str]:
    for number, each in enumerate(archive.messages):
        message = each.message
        yield ""
        yield f"## {number} · {' · '.join(_about(each, number))}"
        if message.text:
            yield ""
            yield from fenced(message.text) if message.role == "tool" else (message.text,)
        for call in message.calls:
            yield ""
            yield f"Calls {code(call.name)} ({code(call.call_id)}):"
            yield ""
            yield from fenced(call.arguments, "json")


def _about(each: ArchivedMessage, number: int) -> Iterator[str]:
    message = each.message
    yield _WHO[message.role]
    if message.model:
        yield _line(message.model)
    yield rfc3339(each.at)
    if message.call_id is not None:
        yield f"result of {code(message.call_id)}"
    if message.incomplete:
        yield "incomplete"
    if each.parent is None and number:
        yield "another beginning"
    elif each.parent is not None and each.parent != number - 1:
        yield f"follows {each.parent}"


def code(text: str) -> str:
    """The text in one line as code, whatever marks are in it."""
    marks = "`" * (max(map(len, _RUN.findall(text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{marks}{pad}{_line(text)}{pad}{marks}"


def fenced(text: str, language: str = "") -> Iterator[str]:
    """The text in a block that nothing in it can end."""
    marks = "`" * max(3, max(map(len, _RUN.findall(text)), default=0) + 1)
    yield f"{marks}{language}"
    yield text
    yield marks


def _line(text: str) -> str:
    return _LINES.sub(" ", text)
