"""Template text: finding the placeholders, and filling them in literally.

`{{ name }}` is a placeholder and `\\{{` a literal `{{`; any other `{{` is a mistake, so that a
misspelt placeholder never reaches a model. A filled-in value is not looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from talkwire.canon.errors import PayloadTooLarge, Unprocessable
from talkwire.canon.turn import Scalar

MOST_TEMPLATE_BYTES = 65_536
MOST_RENDERED_CHARS = 1_048_576
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

_MARK = re.compile(r"\\\{\{|\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]{0,63})[ \t]*\}\}|\{\{")


class TemplateError(Exception):
    """The text is no template; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@lru_cache(64)  # a template is filled in for each turn
def placeholders(text: str) -> tuple[str, ...]:
    """The names in the order in which they first stand.

    :raises TemplateError: too long, or a `{{` that opens no placeholder.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MOST_TEMPLATE_BYTES:
        raise TemplateError(f"the template is over {MOST_TEMPLATE_BYTES} bytes", 1)
    names: dict[str, None] = {}
    for mark in _MARK.finditer(text):
        if mark.group(1):
            names[mark.group(1)] = None
        elif mark.group() == "{{":
            line = text.count("\n", 0, mark.start()) + 1
            raise TemplateError(
                "'{{' opens no placeholder: expected '{{ name }}', or '\\{{' for the braces", line
            )
    return tuple(names)


def fill(text: str, variables: Mapping[str, Scalar], *, known: tuple[str, ...]) -> str:
    """The text with its placeholders replaced. `known` may be given without being used.

    A null counts as missing.

    :raises Unprocessable: a variable is missing or unknown; `param` names it.
    :raises PayloadTooLarge: the outcome is over `MOST_RENDERED_CHARS`.
    """
    used = placeholders(text)
    for name in variables:
        if name not in known and name not in used:
            takes = ", ".join(sorted({*known, *used})) or "none"
            raise Unprocessable(
                f"unknown prompt variable {name[:64]!r}; the template takes: {takes}",
                code="unknown_variable",
                param=name[:64],
            )
    for name in used:
        if variables.get(name) is None:
            raise Unprocessable(
                f"the prompt variable {name!r} is missing", code="missing_variable", param=name
            )
    if "{{" not in text:
        return text
    values = {name: _spoken(variables[name]) for name in used}
    pieces, length, at = [], 0, 0
    for mark in _MARK.finditer(text):
        value = values[mark.group(1)] if mark.group(1) else "{{"
        pieces += [text[at : mark.start()], value]
        length += mark.start() - at + len(value)
        if length > MOST_RENDERED_CHARS:
            raise PayloadTooLarge(
                f"the filled-in prompt is over {MOST_RENDERED_CHARS} characters",
                param=mark.group(1),
            )
        at = mark.end()
    return "".join([*pieces, text[at:]])


def _spoken(value: Scalar) -> str:
    return ("false", "true")[value] if isinstance(value, bool) else str(value)
