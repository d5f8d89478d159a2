"""What a customer's words, or the facts that a client sends, say about the slots of a scenario."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from talkwire.scenarios.catalogue import Scenario, Slot
from talkwire.scenarios.questions import is_question

VALUE_CHARS = 200
LOOSE_CHARS = 64
"""So long a fact may be that a slot's pattern does not find anything in."""

TEXT_CHARS = 4_000  # of a message in which values are looked for
_WORDS = re.compile(r"\w")
_SCALARS = (str, int, float, bool)
# A word right behind one of these says the opposite: 没到账, 还没有收到, not received.
_NOT = re.compile(
    r"(?:没有?|未|不|无|别|\bnot|\bnever|n't|\bno)\s*(?:被|能|是|用|\bbeen\b|\byet\b)?\s*$",
    re.IGNORECASE,
)


def from_facts(scenario: Scenario, facts: str) -> dict[str, str]:
    """The slots that a JSON object of facts fills; names count without case, `-` and `_`."""
    given = msgspec.json.decode(facts) if facts else {}
    if not isinstance(given, dict):
        return {}
    by_name = {_plain(str(name)): value for name, value in given.items()}
    found: dict[str, str] = {}
    for slot in scenario.slots.values():
        for name in (slot.name, *slot.context):
            value = _fact(slot, by_name.get(_plain(name)))
            if value is not None:
                found[slot.name] = value
                break
    return found


def from_text(scenario: Scenario, text: str, waited_for: str = "") -> dict[str, str]:
    """The slots that a message fills, the one that is waited for first; no two from one place.

    Who asks whether something is so does not say that it is: of a question no choice is taken but
    the one that is waited for.
    """
    folded = fold(text)
    asks = is_question(folded)
    taken: list[tuple[int, int]] = []
    found: dict[str, str] = {}
    for slot in _in_turn(scenario, waited_for):
        if slot.choices and asks and slot.name != waited_for:
            continue
        match = _choice(slot, folded) if slot.choices else _pattern(slot, folded, taken)
        if match is not None:
            found[slot.name], span = match
            taken.append(span)
    return found


def accepted(slot: Slot, value: object) -> str | None:
    """A value that somebody else found, such as a model, if it can be one of this slot's."""
    if not isinstance(value, str) or not 0 < len(value) <= VALUE_CHARS:
        return None
    if value in slot.choices:
        return value
    match = _found(slot, fold(value))
    return match[0] if match is not None else None


def is_just(slot: Slot, text: str) -> bool:
    """Whether a message is a value of this slot and nothing else."""
    folded = fold(text)
    match = _found(slot, folded)
    if match is None:
        return False
    _, (start, end) = match
    return _WORDS.search(folded[:start] + " " + folded[end:]) is None


def one_line(text: str) -> str:
    """Without line ends and control characters, each run of space as one: a value stands among
    other text, and must not look like a part of that.
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def fold(text: str) -> str:
    """In one form of each character; at most `TEXT_CHARS` characters."""
    return unicodedata.normalize("NFKC", text[:TEXT_CHARS])


def rest_of(text: str, values: Mapping[str, str]) -> str:
    """The message without the values that were found in it."""
    rest = fold(text)
    for value in values.values():
        rest = rest.replace(value, " ")
    return rest.strip()


def _in_turn(scenario: Scenario, waited_for: str) -> Iterator[Slot]:
    names = dict.fromkeys((waited_for, *scenario.required_slots, *scenario.slots))
    return (scenario.slots[name] for name in names if name in scenario.slots)


def _found(slot: Slot, folded: str) -> tuple[str, tuple[int, int]] | None:
    return _choice(slot, folded) if slot.choices else _pattern(slot, folded, [])


def _choice(slot: Slot, folded: str) -> tuple[str, tuple[int, int]] | None:
    """The choice whose longest word is in the text, and is not denied there."""
    found = [
        (value, match.span())
        for value, words in slot.choices.items()
        for word in words
        for match in _word(word).finditer(folded)
    ]
    denied = [
        (start, end) for _, (start, end) in found if _NOT.search(folded[max(0, start - 12) : start])
    ]
    best: tuple[str, tuple[int, int]] | None = None
    for value, (start, end) in found:
        longer = best is None or end - start > best[1][1] - best[1][0]
        # A word may be part of another one that is denied: 到账 of 不是已到账.
        if longer and not any(first <= start and end <= last for first, last in denied):
            best = value, (start, end)
    return best


def _pattern(
    slot: Slot, folded: str, taken: list[tuple[int, int]]
) -> tuple[str, tuple[int, int]] | None:
    for match in _compiled(slot.pattern).finditer(folded):
        start, end = match.span()
        if any(start < other_end and other < end for other, other_end in taken):
            continue
        value = one_line(next((group for group in match.groups() if group), match[0]))
        if value:
            return value[:VALUE_CHARS], (start, end)
    return None


def _fact(slot: Slot, value: Any) -> str | None:
    if value is None or not isinstance(value, _SCALARS):
        return None
    text = str(value).strip()
    if not 0 < len(text) <= VALUE_CHARS:
        return None
    found = accepted(slot, text)
    if found is not None or slot.choices:
        return found
    loose = one_line(text)
    fits = 0 < len(loose) <= LOOSE_CHARS and len(text.splitlines()) == 1
    return loose if fits else None


def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")


@lru_cache(maxsize=4096)
def _word(word: str) -> re.Pattern[str]:
    """Latin words stand by themselves; Chinese ones stand anywhere."""
    folded = fold(word)
    before = r"(?<![a-z0-9])" if folded[:1].isascii() else ""
    after = r"(?![a-z0-9])" if folded[-1:].isascii() else ""
    return re.compile(before + re.escape(folded) + after, re.IGNORECASE)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
