"""Tokens without a tokenizer: of what a model says, by the pieces it comes in, and of a question.

Where a provider sends short pieces, each is a token, which is exact with nearly all of them. Where
it sends long ones, the length of the text tells.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from msgspec import structs

from talkwire.canon.tools import Tool
from talkwire.canon.turn import ModelRequest
from talkwire.engine.cutting import boundary, inside
from talkwire.engine.window import estimate_tokens, message_tokens

# Weights are twelfths of a token: four ASCII characters are one, or one and a half others.
TOKEN = 12
ASCII = 3
OTHER = 8
# Pieces of up to so much, on average, are tokens. One token is about 13, two in a piece are 26.
SHORT = 19

_MARGIN = 16  # tokens more than what is left, beside a quarter of that
_ANY_TAKES = 4096  # tokens of an answer that every model can be asked for

# What is mostly a token: a word with the space before it, a sign, a character of Chinese.
_WORD = re.compile(r"\s*(?:[0-9A-Za-z\u00c0-\u1fff]+|\S)|\s+")


def weight_of(text: str) -> int:
    """What the text weighs, in twelfths of a token."""
    if text.isascii():
        return ASCII * len(text)
    ascii_count = len(text.encode("ascii", "ignore"))
    return ASCII * ascii_count + OTHER * (len(text) - ascii_count)


def tokens_of(pieces: int, weight: int) -> int:
    """The tokens of so many pieces that weigh so much together."""
    return pieces if weight <= SHORT * pieces else -(-weight // TOKEN)


def head_of_weight(text: str, most: int) -> str:
    """The longest beginning that weighs so much at most, and ends in a whole character."""
    if text.isascii():
        return text[: max(0, most) // ASCII]
    size = 0
    for character in text:
        most -= ASCII if character < "\x80" else OTHER
        if most < 0:
            break
        size += 1
    return _whole(text, size)


def head_of_pieces(text: str, count: int, pieces: int) -> str:
    """The first `count` pieces of a text that came in so many, which are to be guessed: at words,
    or evenly where there are few of them. It ends in a whole character.
    """
    if count >= pieces:
        return text
    ends = [found.end() for found in _WORD.finditer(text)]
    if len(ends) * 4 < pieces:
        return _whole(text, len(text) * count // pieces)
    at = len(ends) * count // pieces
    return text[: ends[at - 1]] if at else ""


def _whole(text: str, size: int) -> str:
    size = boundary(text, size) if size else 0
    return "" if inside(text, size) else text[:size]


class Tally:
    """What was said so far."""

    __slots__ = ("pieces", "weight")

    def __init__(self) -> None:
        self.pieces = 0
        self.weight = 0

    def add(self, text: str, pieces: int = 1) -> None:
        """A text that came in so many pieces; an empty one is none."""
        if text:
            self.pieces += pieces
            self.weight += weight_of(text)

    @property
    def tokens(self) -> int:
        """The estimate."""
        return tokens_of(self.pieces, self.weight)


def said_tokens(texts: Iterable[str]) -> int:
    """The estimate for texts that came piece by piece."""
    tally = Tally()
    for text in texts:
        tally.add(text)
    return tally.tokens


def asked_tokens(request: ModelRequest) -> int:
    """The estimate for all that a model is given."""
    given = estimate_tokens(request.instructions) + estimate_tokens(request.partial)
    return given + sum(map(message_tokens, request.messages)) + sum(map(_described, request.tools))


def at_most(request: ModelRequest, tokens: int, *, room: int) -> ModelRequest:
    """The request for an answer of little more than so many tokens: what is seen of it ends where
    it is counted, by whoever counts. Where the request has no bound there is none above what every
    model takes, nor above the `room` in its context: some refuse more.
    """
    most, own = tokens + tokens // 4 + _MARGIN, request.max_output_tokens
    if most > (min(_ANY_TAKES, room) if own is None else own):
        return request
    return structs.replace(request, max_output_tokens=most)


def _described(tool: Tool) -> int:
    schema = json.dumps(tool.input_schema, ensure_ascii=False)
    return sum(map(estimate_tokens, (tool.name, tool.description, schema)))
