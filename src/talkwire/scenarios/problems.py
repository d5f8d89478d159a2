"""What is wrong with a catalogue, in lines that name the file and the entry."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

MOST_LISTED = 50
_MOST_KEPT = 1_000
_MOST_NAMED = 12
_SHOWN_CHARS = 80


class CatalogueError(ValueError):
    """A catalogue that cannot be used. `problems` are lines for people, in the order of the file,
    at most 1,000; the text of the error has the first 50 of them, and how many there are in all.
    """

    def __init__(self, problems: Sequence[str], *, count: int | None = None) -> None:
        self.problems = tuple(problems)
        self.count = len(problems) if count is None else count
        super().__init__(self.first(MOST_LISTED))

    def first(self, lines: int) -> str:
        """The first so many problems, one a line, and how many more there are."""
        shown = list(self.problems[:lines])
        if self.count > len(shown):
            shown.append(f"… and {self.count - len(shown)} more")
        return "\n".join(shown)


class Problems:
    """Collects problems; each line begins with the place at which it was found."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._kept: dict[str, None] = {}
        self._count = [0]

    @property
    def count(self) -> int:
        """How many were found so far, at any place."""
        return self._count[0]

    def under(self, *places: str) -> Problems:
        """A place within this one; what is found there is found here. "" is no place."""
        return self._sharing(": ".join([self._place, *filter(None, places)]))

    def at_line(self, line: int, column: int) -> Problems:
        """A place in the text of this file, both counted from 1."""
        return self._sharing(f"{self._place}:{line}:{column}")

    def add(self, message: str) -> None:
        """Note a problem. The same line twice is one problem."""
        line = f"{self._place}: {message}"
        if line in self._kept:
            return
        self._count[0] += 1
        if len(self._kept) < _MOST_KEPT:
            self._kept[line] = None

    def unknown(self, message: str, name: str, known: Iterable[str]) -> None:
        """Note that a name is not known, with the nearest one that is, or all of a few."""
        # To look for near names takes long where there are thousands, and nobody reads so many.
        self.add(message + (hint(name, known) if self.count < MOST_LISTED else ""))

    def error(self) -> CatalogueError | None:
        """All that was found; None for nothing."""
        return CatalogueError(tuple(self._kept), count=self.count) if self._kept else None

    def _sharing(self, place: str) -> Problems:
        shared = Problems(place)
        shared._kept, shared._count = self._kept, self._count
        return shared


def hint(name: str, known: Iterable[str]) -> str:
    """The nearest of the known names, else those that there are, as the end of a sentence."""
    names = list(dict.fromkeys(known))
    if found := near(name, names):
        return f"; did you mean {shown(found)}?"
    if not names:
        return "; there are none"
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"; known: {', '.join(names[:_MOST_NAMED])}{more}"


def near(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """The known name that was probably meant, "" for none."""
    folded = {each.casefold(): each for each in known}
    alike = difflib.get_close_matches(name.casefold()[:200], folded, n=1, cutoff=likeness)
    return folded[alike[0]] if alike else ""


def shown(text: str) -> str:
    """A text in quotes, cut where it is long."""
    return repr(text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…")
