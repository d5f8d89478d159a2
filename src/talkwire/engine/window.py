"""What of a session's history fits into a model's context: whole turns, newest first."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, structs

from talkwire.canon.turn import Message

_PER_MESSAGE_TOKENS = 4  # what chat templates add around a message


class Bounds(Struct, frozen=True):
    """At most `messages` messages and `tokens` tokens, the system prompt not counted."""

    messages: int
    tokens: int


def estimate_tokens(text: str) -> int:
    """Tokens of a text without a tokenizer: four ASCII characters, or one and a half others.

    Within a fifth of the common byte-pair tables for English and Chinese prose; it bounds a
    window and stands in, marked as estimated, where a provider reports no usage.
    """
    if text.isascii():
        return (len(text) + 3) // 4
    ascii_count = len(text.encode("ascii", "ignore"))
    return (ascii_count + 3) // 4 + ((len(text) - ascii_count) * 2 + 2) // 3


def message_tokens(message: Message) -> int:
    """The estimate for a whole message with its calls."""
    words = sum(estimate_tokens(c.name) + estimate_tokens(c.arguments) for c in message.calls)
    return estimate_tokens(message.text) + words + _PER_MESSAGE_TOKENS


def fit(history: Sequence[Message], bounds: Bounds) -> tuple[Message, ...]:
    """The newest whole turns that fit; the last turn is kept whatever it costs.

    A turn is a user message and all that follows it up to the next one, so a tool call is never
    parted from its result. Calls that never got a result are left out, as are empty messages:
    strict models refuse both.
    """
    turns = [sound for turn in _turns(history) if (sound := _sound(turn))]
    kept: list[Message] = []
    used = 0
    for turn in reversed(turns):
        cost = sum(message_tokens(message) for message in turn)
        full = len(kept) + len(turn) > bounds.messages or used + cost > bounds.tokens
        if kept and full:
            break
        kept[:0] = turn
        used += cost
    return tuple(kept)


def _turns(history: Sequence[Message]) -> list[list[Message]]:
    turns: list[list[Message]] = []
    for message in history:
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns


def _sound(turn: Sequence[Message]) -> list[Message]:
    answered = {m.call_id for m in turn if m.role == "tool"}
    sound: list[Message] = []
    for message in turn:
        calls = tuple(c for c in message.calls if c.call_id in answered)
        if calls != message.calls:
            message = structs.replace(message, calls=calls)
        if message.parts or message.calls or message.role == "user":
            sound.append(message)
    return sound
