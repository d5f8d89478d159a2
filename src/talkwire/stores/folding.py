"""How words are compared in a search: folded before they are stored, since neither database can
tell upper from lower case beyond ASCII wherever it runs.
"""

from __future__ import annotations

import unicodedata

from talkwire.canon.turn import Message


def fold(text: str) -> str:
    """The text without its case and width. PostgreSQL takes no NUL in a text."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return plain.casefold().replace("\0", " ")


def folded(message: Message) -> str:
    """What a message is found by: what people said and were told; "" where that is nothing."""
    return fold(message.text) if message.role in ("user", "assistant") else ""
