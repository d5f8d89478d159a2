"""Results of every kind, as the text that a model reads."""

from __future__ import annotations

from typing import Any

from mcp_types import CallToolResult

from talkwire.canon.tools import RESULT_CHARS, ToolAnswer
from talkwire.tools.mcp_answer import answer

PIXEL = {"type": "image", "data": "AAECAw==", "mimeType": "image/png"}


def given(*content: dict[str, Any], **more: Any) -> ToolAnswer:
    return answer(CallToolResult.model_validate({"content": list(content), **more}, by_name=False))


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def test_texts_are_lines() -> None:
    assert given(text("one"), text("two")).result == "one\ntwo"


def test_nothing_is_an_empty_text() -> None:
    assert given() == ToolAnswer("")


def test_an_error_is_an_error() -> None:
    assert given(text("no"), isError=True) == ToolAnswer("no", is_error=True)


def test_images_and_sounds_are_notes() -> None:
    assert given(PIXEL).result == '{"type":"image","mime_type":"image/png","bytes":4}'
    sound = PIXEL | {"type": "audio", "mimeType": "audio/wav"}
    assert given(sound).result == '{"type":"audio","mime_type":"audio/wav","bytes":4}'


def test_resources_are_notes_with_their_text() -> None:
    link = {"type": "resource_link", "uri": "file:///a", "name": "A"}
    inside = {"type": "resource", "resource": {"uri": "file:///b", "text": "inside"}}
    blob = {"type": "resource", "resource": {"uri": "file:///c", "blob": "AAEC"}}

    assert given(link, inside, blob).result.splitlines() == [
        '{"type":"resource_link","uri":"file:///a","name":"A"}',
        '{"type":"resource","uri":"file:///b"}',
        "inside",
        '{"type":"resource","uri":"file:///c","bytes":3}',
    ]


def test_what_is_structured_is_told_once() -> None:
    assert given(text('{"a": 1}'), structuredContent={"a": 1}).result == '{"a": 1}'
    assert given(text("It is 1"), structuredContent={"a": 1}).result == 'It is 1\n{"a":1}'
    assert given(text("It is 1"), structuredContent={"result": "It is 1"}).result == "It is 1"
    assert given(text("{" * 20_000), structuredContent={"a": 1}).result.endswith('{"a":1}')


def test_what_is_too_long_is_cut_and_marked() -> None:
    cut = given(text("é" * (RESULT_CHARS + 1)))

    assert cut.truncated
    assert len(cut.result) == RESULT_CHARS
