"""Secrets taken out of text: those that look like one, and those that are known.

The last line of defence, for words that nobody here has chosen: log lines, and what a tool raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import ContextVar
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "***"
_SHORTEST = 6  # characters of a known secret; what is shorter is found in common words
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+"), r"\1 ***"),
    (re.compile(r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{4,}"), HIDDEN),
    (re.compile(r"\b(tw_[0-9a-z]+_)[0-9a-f]{8,}"), r"\1***"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]+"), HIDDEN),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@\"']+@"), r"\1***@"),
    (
        re.compile(
            r"(?i)\b((?:x-)?api[_-]?key|authorization|password|secret)(\W{1,4})[^\s\"',;&}]+"
        ),
        r"\1\2***",
    ),
    (re.compile(r"(/[^\s?\"'<>]*)\?[^\s\"'<>]+"), r"\1"),
)
# One look at what is in most texts, which hold none of these, in place of seven. It has a piece of
# each pattern above.
_MAYBE = re.compile(r"\s|[spr]k-|tw_|eyJ|[@?]|(?i:key|authorization|password|secret)")


_held: ContextVar[frozenset[str]] = ContextVar("talkwire_held", default=frozenset())


def hold(secret: str) -> None:
    """For as long as this task runs, `Known.hidden` hides this secret too."""
    if len(secret) >= _SHORTEST:
        _held.set(_held.get() | {secret})


def scrubbed(text: str) -> str:
    """The text without what looks like a secret, and without the queries of addresses."""
    if _MAYBE.search(text) is None:
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class Known:
    """Secrets by their values; of an address the user's password and the query."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        words = {word for value in values for word in _words(value) if len(word) >= _SHORTEST}
        longest_first = sorted(words, key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, longest_first))) if words else None

    def hidden(self, text: str) -> str:
        """The text without any of them, and without what this task holds."""
        for secret in _held.get():
            text = text.replace(secret, HIDDEN)
        return text if self._any is None else self._any.sub(HIDDEN, text)


def _words(value: str) -> set[str]:
    """The forms in which a secret may be met."""
    if "://" not in value:
        plain = {value, *value.split()}
    else:
        try:
            parts = urlsplit(value)
            plain = {parts.password or "", parts.query}
        except ValueError:
            plain = {value}
    return {form for word in plain for form in (word, unquote(word), quote(word, safe=""))}
