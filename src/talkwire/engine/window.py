"""What of a session's history fits into a model's context: whole turns, newest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from msgspec import Struct, structs

from talkwire.canon.turn import Call, Message, TextPart

_PER_MESSAGE_TOKENS = 4  # what chat templates add around a message
_UNDECIDED = "This call was not run: it was not approved in time, or was stopped before it began."


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
    parted from its result. Calls that never got a result are left out, as are empty messages and
    results without a call: strict models refuse them. (Calls that waited for a person are told.)
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
    """Each call with its result right behind it, in the order of the calls, and no other results.

    Between a call that waits for a person and its result other turns may have ended, without a
    word; a call that nobody decided on is told to be that.
    """
    sound: list[Message] = []
    rest = deque(message for message in turn if not _mute(message))
    while rest:
        message = rest.popleft()
        if message.role == "tool":
            continue
        results: dict[str | None, Message] = {}
        while message.calls and rest and rest[0].role == "tool":
            result = rest.popleft()
            results.setdefault(result.call_id, result)
        if message.finish_reason == "approval_required":
            for call in message.calls:
                results.setdefault(call.call_id, _undecided(message, call))
        calls = tuple(call for call in message.calls if call.call_id in results)
        if calls != message.calls:
            message = structs.replace(message, calls=calls)
        if not _mute(message):
            sound += [message, *(results[call.call_id] for call in calls)]
    return sound


def _mute(message: Message) -> bool:
    return message.role == "assistant" and not (message.parts or message.calls)


def _undecided(message: Message, call: Call) -> Message:
    name = f"{message.id}_{call.call_id}"
    return Message(name, "tool", (TextPart(_UNDECIDED),), call_id=call.call_id)
