"""Regular expressions of slots: whether one is fit to be tried on whatever customers write.

`re` cannot be stopped once it has begun, so what could take long is refused beforehand, by its
form: what can match in several ways must not be repeated, and two endless repeats must not be able
to share a text. What passes takes at worst quadratic time. Some harmless patterns are refused too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

MOST_CHARS = 1_000
_MOST_WAYS = 10_000.0
_LONG = 50  # a repeat that may differ by more is as bad as one without end

_REPEAT = re.compile(r"(?:[*+?]|\{(?!\})(?P<least>\d*)(?P<comma>,)?(?P<most>\d*)\})(?P<how>[?+]?)")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x..|u.{4}|U.{8}|N\{[^}]*\}|0[0-7]{0,2}|.)", re.DOTALL)
_NO_WIDTH = re.compile(r"[\^$]|\\[AbBZ]")
_OPENING = re.compile(
    r"\((?:\?(?:(?P<look><?[=!])|(?P<atomic>>)|(?P<named>P<\w+>)|(?P<again>P=\w+\)|\(\w+\))"
    r"|(?P<nothing>#[^)]*\)|[a-zA-Z]+\))|[a-zA-Z-]*:))?"
)
_SAMPLE = "".join(map(chr, range(32, 127))) + "\t\n\u3000中一单号：，。（）￥é０９ａＡ"

_Run = tuple[frozenset[str], ...]
"""What is repeated: the sets of characters of its parts that cannot be left out."""

_Open = tuple[tuple[_Run, float], ...]
"""Repeats, each with how much its length may differ."""


class _Piece(Struct, frozen=True):
    """A part of a pattern: the fewest characters that it takes, in how many ways it can match by
    itself, in how many of them one text at most, whether an endless repeat is in it, and its parts
    that cannot be left out.
    """

    least: int = 0
    ways: float = 1
    forks: float = 1
    endless: bool = False
    parts: _Run = ()


class _Unfit(Exception):
    pass


@lru_cache(maxsize=1024)
def unfit(pattern: str) -> str:
    """Why a pattern must not be used, "" where it may."""
    if len(pattern) > MOST_CHARS:
        return f"is longer than {MOST_CHARS} characters"
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        return f"is no regular expression: {error}"
    if compiled.flags & re.VERBOSE:
        return "must not be verbose"
    scan = _Scan(pattern)
    try:
        whole = scan.branches()
    except _Unfit as reason:
        return str(reason)
    except RecursionError:
        return "is nested too deeply"
    if whole.least == 0:
        return "can match nothing at all"
    if whole.forks > _MOST_WAYS:
        return "can match in too many ways: fewer optional parts, or shorter ranges"
    if scan.empty_group:
        return "has a group that can be empty, and the value is what the group finds"
    return ""


class _Scan:
    """Goes once through a pattern that compiles. `_open` are the repeats which what follows might
    share characters with.
    """

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._sample = "".join(sorted({*_SAMPLE, *pattern}))
        self._at = 0
        self._open: _Open = ()
        self.empty_group = False

    def branches(self) -> _Piece:
        """Alternatives, up to the end of their group or of the pattern."""
        before = self._open
        found = [self._sequence()]
        after = self._open
        while self._text.startswith("|", self._at):
            self._at += 1
            self._open = before
            found.append(self._sequence())
            after += self._open
        self._open = tuple(dict.fromkeys(after))
        return _Piece(
            min(each.least for each in found),
            sum(each.ways for each in found),
            sum(each.forks for each in found),
            any(each.endless for each in found),
            found[0].parts if len(found) == 1 else (_all(found),),
        )

    def _sequence(self) -> _Piece:
        whole = _Piece()
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            before = self._open
            piece = self._repeated(self._atom(), before)
            if piece.least == 0:
                self._open = tuple(dict.fromkeys(before + self._open))
            whole = _Piece(
                whole.least + piece.least,
                whole.ways * piece.ways,
                whole.forks * piece.forks,
                whole.endless or piece.endless,
                whole.parts + piece.parts,
            )
        return whole

    def _atom(self) -> _Piece:
        if self._text[self._at] == "(":
            return self._group()
        if found := _NO_WIDTH.match(self._text, self._at):
            self._at = found.end()
            return _Piece()
        if re.match(r"\\[1-9]", self._text[self._at :]):
            raise _Unfit("must not refer back to a group")
        found = _CLASS.match(self._text, self._at) or _ESCAPE.match(self._text, self._at)
        atom = found[0] if found else self._text[self._at]
        self._at += len(atom)
        return _Piece(1, parts=(_characters(atom, self._sample),))

    def _group(self) -> _Piece:
        found = _OPENING.match(self._text, self._at)
        if found is None or found["again"]:
            raise _Unfit("must not refer back to a group")
        self._at = found.end()
        if found["nothing"]:
            return _Piece()
        before = self._open
        if found["look"]:
            self._open = ()
        inner = self.branches()
        self._at += 1
        if found["look"]:
            if inner.endless:
                raise _Unfit("looks ahead without end, at each place anew: bound what is repeated")
            self._open = before
            return _Piece()
        if inner.least == 0 and (found[0] == "(" or found["named"]):
            self.empty_group = True
        if found["atomic"]:
            return _Piece(inner.least, 1, 1, inner.endless, inner.parts)  # has one way only
        return inner

    def _repeated(self, piece: _Piece, before: _Open) -> _Piece:
        """What a piece is with the repeat that may follow it."""
        found = _REPEAT.match(self._text, self._at)
        least, most = (1, 1.0) if found is None else _bounds(found)
        self._at = self._at if found is None else found.end()
        parts = piece.parts if least else ()
        ways = most * math.log(piece.ways) if piece.ways > 1 else 0
        if most > 1 and (piece.endless or ways > math.log(_MOST_WAYS)):
            raise _Unfit(_SEVERAL)
        forks = piece.forks if most <= 1 else math.exp(ways)
        if most > least:
            forks *= self._begin(piece, before, most - least)
        if least and piece.least == len(piece.parts) == 1:
            self._pass(piece.parts[0])
        ways = (piece.ways if most <= 1 else math.exp(ways)) * min(most - least + 1, _LONG)
        endless = piece.endless or most - least > _LONG
        return _Piece(least * piece.least, ways, forks, endless, parts)

    def _begin(self, piece: _Piece, before: _Open, span: float) -> float:
        """A repeat begins whose length is open; in how many ways it may share a text with others
        that are open. Two long ones must not.
        """
        forks = 1.0
        for run, other_span in before:
            if all(mine & theirs for mine in piece.parts for theirs in run):
                forks = max(forks, min(span, other_span) + 1)
        if forks > _LONG:
            raise _Unfit(_SHARED)
        self._open = (*self._open, (piece.parts, span))
        return forks

    def _pass(self, characters: frozenset[str]) -> None:
        """Something that cannot be left out, and that ends repeats that have nothing of it."""
        self._open = tuple(
            (run, span) for run, span in self._open if any(each & characters for each in run)
        )


_SHARED = (
    "has two endless repeats that can share the same characters: write them as one, bound them, "
    "or put something between that is in neither"
)
_SEVERAL = (
    "repeats what can match in several ways, which can take forever: no repeats, optional parts "
    "or alternatives within what is repeated"
)


def _all(pieces: Sequence[_Piece]) -> frozenset[str]:
    return frozenset().union(*(part for piece in pieces for part in piece.parts))


@lru_cache(maxsize=1024)
def _characters(atom: str, sample: str) -> frozenset[str]:
    """Those characters of the sample that an atom can be."""
    if len(atom) == 1 and atom.isalnum():
        return frozenset((atom.lower(), atom.upper()))
    compiled = re.compile(atom, re.IGNORECASE | re.DOTALL)
    return frozenset(filter(compiled.fullmatch, sample))


def _bounds(found: re.Match[str]) -> tuple[int, float]:
    sign = found[0][0]
    if sign != "{":
        return int(sign == "+"), 1 if sign == "?" else math.inf
    least = int(found["least"] or 0)
    if not found["comma"]:
        return least, least
    return least, int(found["most"]) if found["most"] else math.inf
