"""What is wrong with a setting, in words: the place, the key, what was expected.

Never text that was given, since it may be a secret in the wrong place; numbers are shown where a
number was due.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from talkwire._settings.files import Place

_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "list": "a list",
    "model": "a group of keys",
    "path": "a path",
    "is": "a value that fits",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


class SettingsError(Exception):
    """The settings cannot be used; each problem is a line for people, without secrets."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def problems(
    tree: type[BaseModel], error: ValidationError, origin: Callable[[Place], str]
) -> list[str]:
    """One line a problem: `where: key: what was expected`."""
    told = []
    for found in error.errors(include_url=False):
        place: Place = found["loc"]
        message = _told(tree, place, found)
        if found["type"] == "value_error" and (not place or isinstance(place[-1], int)):
            # A rule over several keys begins its message with the key that it is about.
            place = (*place, message.partition(":")[0])
        else:
            message = f"{_spelled(place)}: {message}"
        told.append(f"{origin(place)}: {message}")
    return told


def _told(tree: type[BaseModel], place: Place, found: Mapping[str, Any]) -> str:
    kind, context, given = found["type"], found.get("ctx", {}), found.get("input")
    if kind == "extra_forbidden":
        group = group_at(tree, place[:-1])
        known = sorted(group.model_fields) if group else []
        return f"unknown key{near(str(place[-1]), known)}"
    if kind == "missing":
        return "is required"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        choices = str(context["expected"])
        return f"expected {choices}{_got(given)}"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        shown = f", got {given}" if isinstance(given, int | float) else ""
        return f"expected {words} {_spelled_number(context[name])}{shown}"
    if kind == "string_too_short":
        return "expected text, got none"
    return f"expected {_EXPECTED.get(kind.partition('_')[0], 'another value')}{_got(given)}"


def _got(given: Any) -> str:
    match given:
        case bool():
            return ", got true or false (quotes make it text)"
        case int() | float():
            return ", got a number (quotes make it text)"
        case str():
            return ", got other text"
        case list() | tuple():
            return ", got a list"
        case dict():
            return ", got a group of keys"
        case _:
            return ", got nothing"


def _spelled_number(bound: Any) -> str:
    """`1` and not `1.0`, which no file says."""
    return str(int(bound)) if isinstance(bound, float) and bound.is_integer() else str(bound)


def _spelled(place: Place) -> str:
    """`models[0].name`, counted from 1 as people do: `models[1].name`."""
    spelled = ""
    for key in place:
        spelled += f"[{key + 1}]" if isinstance(key, int) else f".{key}"
    return spelled.removeprefix(".")


def near(word: str, known: Sequence[str]) -> str:
    """A hint at the known word that was probably meant, or nothing."""
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {found[0]}?" if found else ""


def group_at(tree: type[BaseModel], place: Place) -> type[BaseModel] | None:
    """The group of keys at a place, whether it is one or a list of them."""
    group: type[BaseModel] | None = tree
    for key in place:
        if group is None or isinstance(key, int):
            continue
        field = group.model_fields.get(key)
        group = next(_classes(field.annotation), None) if field else None
    return group


def _classes(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _classes(inner)
