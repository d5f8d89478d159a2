"""Files of a catalogue as text, and JSON as it was written: nothing twice, nothing that JSON lacks.

All of these block. What is wrong is added to the problems, and None comes back.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from talkwire.scenarios.problems import Problems, shown

_MOST_DEPTH = 60
_UNSTORABLE = re.compile("[\ud800-\udfff\x00]")

_Place = tuple[Any, ...]
"""A way to a value, the last key first: (key, place of what it is in)."""


class _Twice(dict[str, Any]):
    """An object that had a key more than once; the last value counts, as JSON readers do."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.names = sorted({name for name in names if names.count(name) > 1})


def text_of(path: Path, most_bytes: int, problems: Problems) -> str | None:
    """What a file says, in UTF-8, with or without a byte order mark."""
    try:
        if path.exists() and not path.is_file():  # a pipe would never end
            problems.add("is no file")
            return None
        with path.open("rb") as file:
            raw = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is none"
        problems.add(f"cannot be read ({reason})")
        return None
    if len(raw) > most_bytes:
        problems.add(f"is larger than {most_bytes // 1024} KiB")
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        problems.at_line(line, column).add(f"is not UTF-8 (byte 0x{raw[error.start]:02x})")
        return None
    if not text.strip():
        problems.add("is empty")
        return None
    return text


def object_of(text: str, problems: Problems) -> dict[str, Any] | None:
    """The JSON object of a text. An object with flaws inside comes back, its flaws told."""
    try:
        tree = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        problems.at_line(error.lineno, error.colno).add(f"is not JSON: {error.msg}")
        return None
    except RecursionError:
        problems.add("is nested too deeply")
        return None
    except ValueError:  # Python refuses whole numbers of more than some thousand digits
        problems.add("has a number that is too long")
        return None
    if not isinstance(tree, dict):
        problems.add(f"is not an object but {kind(tree)}")
        return None
    return tree if _is_sound(tree, problems) else None


def kind(value: object) -> str:
    """What a value of JSON is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return made if len(made) == len(pairs) else _Twice(pairs)


def _is_sound(tree: dict[str, Any], problems: Problems) -> bool:
    """Tell the flaws of a tree; False where it is too deep to be gone through."""
    left: list[tuple[Any, _Place, int]] = [(tree, (), 0)]
    while left:
        value, place, depth = left.pop()
        if depth > _MOST_DEPTH:
            problems.add("is nested too deeply")
            return False
        for flaw in _flaws(value):
            problems.under(_spelled(place)).add(flaw)
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in inner:
            if isinstance(part, dict | list):
                left.append((part, (key, place), depth + 1))
            elif flaw := _flaw(part):
                problems.under(_spelled((key, place))).add(flaw)
    return True


def _flaws(value: dict[str, Any] | list[Any]) -> Iterator[str]:
    if isinstance(value, _Twice):
        yield from (f"the key {shown(name)} is given twice" for name in value.names)
    if isinstance(value, dict) and _UNSTORABLE.search("".join(value)):
        yield "a key has a character that is none"


def _flaw(value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "is no number (NaN and infinity are not JSON)"
    if isinstance(value, str) and (found := _UNSTORABLE.search(value)):
        return f"has a character that is none (U+{ord(found[0]):04X})"
    return ""


def _spelled(place: _Place) -> str:
    keys: list[object] = []
    while place:
        key, place = place
        keys.append(key)
    return spelled(tuple(reversed(keys)))


def spelled(place: tuple[object, ...]) -> str:
    """A place in JSON as people write it, counted from 0: `steps[2].text.zh`."""
    keys = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)
    return "".join(keys).removeprefix(".")
