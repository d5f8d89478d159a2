"""Text from outside that people and models are shown: of bounded length, and without tricks."""

from __future__ import annotations

import unicodedata

_KEPT = {"\n", "\t"}
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Controls, invisible and reordering marks, and what is no character: nobody sees these, and a
model reads them."""


def clean(text: str, most: int) -> str:
    """The text without characters that cannot be seen; cut at `most` of them, with a mark."""
    shown = "".join(
        char
        for char in text[: 2 * most]
        if char in _KEPT or unicodedata.category(char) not in _HIDDEN
    )
    return shown if len(shown) <= most and len(text) <= 2 * most else f"{shown[: most - 1]}…"
