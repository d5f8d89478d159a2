"""A schema that somebody else wrote, made safe to show to a model and to check arguments against.

Only keywords that are known stay. What could stall or reach outside does not: regular expressions
(told in the description instead), identifiers and references to other documents. A schema that is
no object, too large, too deep, or that multiplies through its references is refused as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from talkwire.tools.mcp_text import clean

_MOST_CHARS = 64_000
_MOST_DEPTH = 40
_MOST_WEIGHT = 10_000
_TEXT_CHARS = 2000

_MAPS = {"properties", "$defs", "definitions", "dependentSchemas"}
_LISTS = {"allOf", "anyOf", "oneOf", "prefixItems"}
_SCHEMAS = {
    *("items", "additionalProperties", "contains", "not", "if", "then", "else"),
    *("propertyNames", "unevaluatedItems", "unevaluatedProperties"),
}
_NUMBERS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
_COUNTS = {
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    *("minContains", "maxContains"),
}
_TEXTS = {"title", "description", "format", "$ref"}
_PLAIN = {"enum", "const", "default", "examples", "required", "deprecated", "uniqueItems"}
_TYPES = {"string", "number", "integer", "boolean", "object", "array", "null"}
# These look at the same value again, the others at a part of it.
_IN_PLACE = {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"}

_Schema = dict[str, Any]


class Unsafe(ValueError):
    """The schema is refused. The message says why, in few words."""


def safe_schema(given: object) -> _Schema:
    """The schema of an object, as far as it is safe. Raises Unsafe. Takes time with its size."""
    if not isinstance(given, dict) or given.get("type", "object") != "object":
        raise Unsafe("its schema is not of an object")
    _fit(given)
    cleaned: _Schema = {"type": "object", **_schema(given)}
    _Weighing(cleaned).weigh()
    return cleaned


def _fit(given: _Schema) -> None:
    """Neither too deep nor too large; looked at without recursion, before anything else."""
    level: list[Any] = [given]
    for _ in range(_MOST_DEPTH):
        level = [part for value in level for part in _parts(value)]
        if not level:
            break
        if len(level) > _MOST_CHARS:
            raise Unsafe("its schema is too large")
    else:
        raise Unsafe("its schema is too deep")
    if len(json.dumps(given)) > _MOST_CHARS:
        raise Unsafe("its schema is too large")


def _parts(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _schema(given: object) -> Any:
    if isinstance(given, bool):
        return given
    if not isinstance(given, dict):
        raise Unsafe("its schema is malformed")
    made: _Schema = {}
    for key, value in given.items():
        if (kept := _keyword(key, value)) is not None:
            made[key] = kept
    if isinstance(made.get("items"), list):  # as drafts before 2020-12 wrote it
        made["prefixItems"] = made.pop("items")
    if isinstance(pattern := given.get("pattern"), str):
        hint = f"Pattern: {clean(pattern, 200)}"
        made["description"] = f"{made.get('description', '')} {hint}".strip()
    if "patternProperties" in given:  # without it these would refuse what it allowed
        made.pop("additionalProperties", None)
        made.pop("unevaluatedProperties", None)
    return made


def _keyword(key: str, value: object) -> Any:
    """What stays of it, None for nothing."""
    if key in _MAPS:
        if not isinstance(value, dict) or any(clean(name, 256) != name for name in value):
            raise Unsafe("its schema has malformed names")
        return {name: _schema(part) for name, part in value.items()}
    if key in _LISTS or (key == "items" and isinstance(value, list)):
        if not isinstance(value, list):
            raise Unsafe("its schema is malformed")
        return [_schema(part) for part in value] or None
    if key in _SCHEMAS:
        return _schema(value)
    if key == "type":
        return _types(value)
    if key in _NUMBERS:
        return value if _is_number(value, positive=key == "multipleOf") else None
    if key in _COUNTS:
        return value if type(value) is int and value >= 0 else None
    if key in _TEXTS:
        return clean(value, _TEXT_CHARS) if isinstance(value, str) else None
    return value if key in _PLAIN and _visible(value) and _well_formed(key, value) else None


def _types(value: object) -> Any:
    names = value if isinstance(value, list) else [value]
    if not names or not _are_names(names) or not _TYPES.issuperset(names):
        raise Unsafe("its schema has unknown types")
    return value


def _is_number(value: object, *, positive: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value > 0 or not positive


def _well_formed(key: str, value: object) -> bool:
    """A check against the schema of schemas would take a second for a thousand properties."""
    if key in {"deprecated", "uniqueItems"}:
        return isinstance(value, bool)
    if key in {"enum", "examples"}:
        return isinstance(value, list)
    if key == "required":
        return isinstance(value, list) and _are_names(value)
    return True


def _are_names(values: list[Any]) -> bool:
    """Texts, each of them once."""
    return all(isinstance(value, str) for value in values) and len(set(values)) == len(values)


def _visible(value: object) -> bool:
    """Whether nothing in it is hidden from people. Data cannot be cleaned: it would be other."""
    text = json.dumps(value, ensure_ascii=False)
    return clean(text, len(text)) == text


def _children(node: _Schema) -> Iterator[tuple[str, Any]]:
    """The schemas in a schema, each with the keyword it stands under."""
    for key, value in node.items():
        if key in _MAPS:
            yield from ((key, part) for part in value.values())
        elif key in _LISTS:
            yield from ((key, part) for part in value)
        elif key in _SCHEMAS:
            yield key, value


class _Weighing:
    """How much work a schema makes, with every reference counted as what it stands for."""

    def __init__(self, root: _Schema) -> None:
        self._root = root
        self._schemas = set(_all(root))
        self._weights: dict[int, int] = {}
        self._above: dict[int, int] = {}
        """The schemas that are being looked at, with how many parts deep each of them lies."""

    def weigh(self) -> int:
        """Raises Unsafe if it is too much, or if a reference leads back to its own place."""
        return self._weigh(self._root, 0)

    def _weigh(self, node: Any, depth: int) -> int:
        if not isinstance(node, dict):
            return 1
        if id(node) in self._above:
            if self._above[id(node)] == depth:
                raise Unsafe("its schema refers to itself")
            return 1
        if (known := self._weights.get(id(node))) is not None:
            return known
        if len(self._above) > 2 * _MOST_DEPTH:
            raise Unsafe("its schema is too deep")
        self._above[id(node)] = depth
        weight = 1 + sum(
            self._weigh(part, depth if key in _IN_PLACE else depth + 1)
            for key, part in _children(node)
            if key not in {"$defs", "definitions"}
        )
        if "$ref" in node:
            weight += self._weigh(self._target(node["$ref"]), depth)
        del self._above[id(node)]
        if weight > _MOST_WEIGHT:
            raise Unsafe("its schema multiplies through its references")
        self._weights[id(node)] = weight
        return weight

    def _target(self, reference: str) -> Any:
        """What a reference stands for: a schema of the same document."""
        node: Any = self._root
        if not (reference == "#" or reference.startswith("#/")):
            raise Unsafe("its schema refers to another document")
        for step in unquote(reference).split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
                node = node[int(name)]
            elif isinstance(node, dict) and name in node:
                node = node[name]
            else:
                raise Unsafe("its schema refers to what is not there")
        if not isinstance(node, bool) and id(node) not in self._schemas:
            raise Unsafe("its schema refers to what is no schema")
        return node


def _all(root: _Schema) -> Iterator[int]:
    """The identities of a schema and of all schemas in it."""
    left: list[Any] = [root]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield id(node)
            left.extend(part for _, part in _children(node))
