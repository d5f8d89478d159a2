"""Names that are like one that nobody has: what to ask for instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from talkwire.canon.tools import ToolAnswer

_MOST_NAMED = 20
_SHOWN_CHARS = 100


def near(name: str, known: Iterable[str], *, most: int = 3, likeness: float = 0.6) -> list[str]:
    """The names most like this one, the nearest first; those that end in `.name` before all."""
    names = {each.lower(): each for each in known}
    asked = name.lower()[:_SHOWN_CHARS]
    qualified = [each for low, each in names.items() if low.endswith(f".{asked}")]
    last = asked.rpartition(".")[2]
    alike = difflib.get_close_matches(asked, names, n=most, cutoff=likeness)
    alike += difflib.get_close_matches(last, names, n=most, cutoff=likeness)
    return list(dict.fromkeys([*qualified, *(names[low] for low in alike)]))[:most]


def unknown(name: str, known: Iterable[str]) -> ToolAnswer:
    """The answer to a call of a tool that is not there."""
    names = sorted(known)
    if found := near(name, names):
        hint = f" Did you mean {' or '.join(map(repr, found))}?"
    else:
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        hint = f" There are: {', '.join(names[:_MOST_NAMED]) or 'none'}{more}."
    return ToolAnswer(f"There is no tool {name[:_SHOWN_CHARS]!r}.{hint}", is_error=True)
