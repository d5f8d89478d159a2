"""What an MCP tool gave, as the text that a model reads. Foreign text: data, whatever it says."""

from __future__ import annotations

import json
from typing import Any

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from talkwire.canon.tools import RESULT_CHARS, ToolAnswer

_NOTE_CHARS = 2000


def answer(result: CallToolResult) -> ToolAnswer:
    """Its texts, a short note for each image, sound and resource, and what is structured unless
    the texts say the same. Cut at RESULT_CHARS.
    """
    parts = [_spoken(block) for block in result.content]
    if result.structured_content is not None and not _said(parts, result.structured_content):
        parts.append(_json(result.structured_content))
    return cut("\n".join(parts), is_error=result.is_error)


def cut(text: str, *, is_error: bool = False) -> ToolAnswer:
    """The text as an answer, as far as it is kept; without NUL, which no database takes."""
    kept = text[:RESULT_CHARS].replace("\0", "")
    return ToolAnswer(kept, is_error=is_error, truncated=len(text) > RESULT_CHARS)


def _said(parts: list[str], structured: dict[str, Any]) -> bool:
    """Whether one of the texts is the structured content already, as servers are asked to give;
    the Python SDK also wraps a result that is a text.
    """
    if structured == {"result": "\n".join(parts)}:
        return True
    for part in parts:
        if not part.lstrip().startswith(("{", "[")):
            continue
        try:
            if json.loads(part) == structured:
                return True
        except (ValueError, RecursionError):
            continue
    return False


def _spoken(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text
        case ImageContent() | AudioContent():
            return _note(block.type, mime_type=block.mime_type, bytes=_decoded(block.data))
        case ResourceLink():
            return _note(
                "resource_link",
                uri=str(block.uri),
                name=block.name,
                mime_type=block.mime_type,
                description=block.description,
            )
        case EmbeddedResource():
            return _embedded(block.resource)


def _embedded(resource: TextResourceContents | BlobResourceContents) -> str:
    mime_type, uri = resource.mime_type, str(resource.uri)
    if isinstance(resource, TextResourceContents):
        return f"{_note('resource', uri=uri, mime_type=mime_type)}\n{resource.text}"
    return _note("resource", uri=uri, mime_type=mime_type, bytes=_decoded(resource.blob))


def _decoded(base64: str) -> int:
    """How many bytes it stands for."""
    return len(base64.rstrip("=")) * 3 // 4


def _note(kind: str, **known: str | int | None) -> str:
    told = {k: v[:_NOTE_CHARS] if isinstance(v, str) else v for k, v in known.items()}
    return _json({"type": kind} | {k: v for k, v in told.items() if v is not None})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
