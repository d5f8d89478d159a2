"""What Chat Completions streams: its chunks, with what imitators add to them.

Source: openai-openapi, CreateChatCompletionStreamResponse.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Function(Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class ToolCall(Struct):
    index: int | None = None
    id: str | None = None
    function: Function | None = None


class Piece(Struct):
    """A part of a content list (Mistral): text, or thinking that is such a list itself."""

    text: str | None = None
    thinking: list[Piece] | str | None = None


class Said(Struct):
    content: str | list[Piece] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: Function | None = None

    def has_more(self) -> bool:
        """Is there anything but content?"""
        return not (
            self.tool_calls is None
            and self.reasoning_content is None
            and self.reasoning is None
            and self.refusal is None
            and self.function_call is None
        )


class Choice(Struct):
    delta: Said | None = None
    finish_reason: str | None = None
    index: int | None = 0


class Counted(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Chunk(Struct):
    choices: list[Choice] | None = None
    usage: Counted | None = None
    error: dict[str, Any] | str | None = None
    message: str | None = None


def word(chunk: Chunk) -> str | None:
    """The text of a chunk that holds nothing else; None for any other."""
    choices = chunk.choices
    if not choices or chunk.usage is not None or chunk.error is not None:
        return None
    choice = choices[0]
    delta = choice.delta
    if delta is None or choice.finish_reason is not None or choice.index or delta.has_more():
        return None
    content = delta.content
    return content if type(content) is str else None
