"""What a docstring says of a function and of its parameters (Google's and Sphinx's form)."""

from __future__ import annotations

import inspect
import re

from msgspec import Struct

_SECTION = re.compile(
    r"^(args|arguments|parameters|params|returns?|yields?|raises|examples?|notes?|参数|返回)[:：]\s*$",
    re.IGNORECASE,
)
_PARAMETERS = {"args", "arguments", "parameters", "params", "参数"}
_ENTRY = re.compile(r"^\*{0,2}(\w+)\s*(?:[(（][^)）]*[)）])?\s*[:：]\s*(.*)$")
_FIELD = re.compile(r"^:(?:param|parameter|arg|argument)\s+(?:[^:]*\s)?(\w+)\s*:\s*(.*)$")
_OTHER_FIELD = re.compile(r"^:\w+[^:]*:")


class Described(Struct, frozen=True):
    """The description without its sections, and a line for each parameter that has one."""

    text: str
    parameters: dict[str, str]


def read(docstring: str | None) -> Described:
    """Take a docstring apart; what is in no section that is known stays in the description."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    text: list[str] = []
    parameters: dict[str, list[str]] = {}
    section, entry, depth = "", None, 0
    for line in lines:
        bare, indent = line.strip(), len(line) - len(line.lstrip())
        if field := _FIELD.match(bare):
            section, entry = ":", field[1]
            parameters[entry] = [field[2]]
        elif _OTHER_FIELD.match(bare):
            section, entry = ":", None
        elif heading := _SECTION.match(line):
            section, entry, depth = heading[1].lower(), None, 0
        elif section and bare and not indent:
            section, entry = "", None
            text.append(line)
        elif not section:
            text.append(line)
        elif (
            section in _PARAMETERS and indent <= (depth or indent) and (item := _ENTRY.match(bare))
        ):
            entry, depth = item[1], indent
            parameters[entry] = [item[2]]
        elif entry:
            parameters[entry].append(bare)
    return Described(
        "\n".join(text).strip(),
        {name: " ".join(filter(None, said)) for name, said in parameters.items() if any(said)},
    )
