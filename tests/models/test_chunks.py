"""Which chunks are words; all else of them is proved through the codec, in `test_openai_chat`."""

from __future__ import annotations

import pytest

from talkwire.models._chunks import Choice, Chunk, Counted, Piece, Said, ToolCall, word


@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        (Chunk([Choice(Said("hi"))]), "hi"),
        (Chunk([Choice(Said(""))]), ""),
        (Chunk([Choice(Said([Piece("hi")]))]), None),
        (Chunk([Choice(Said("hi"), "stop")]), None),
        (Chunk([Choice(Said("hi"), index=1)]), None),
        (Chunk([Choice(Said("hi", tool_calls=[ToolCall(0)]))]), None),
        (Chunk([Choice(Said("hi", reasoning="hm"))]), None),
        (Chunk([Choice()]), None),
        (Chunk([Choice(Said("hi"))], usage=Counted(1, 1)), None),
        (Chunk([Choice(Said("hi"))], error="no"), None),
        (Chunk([]), None),
    ],
)
def test_a_word_is_a_chunk_of_text_alone(chunk: Chunk, said: str | None) -> None:
    assert word(chunk) == said
