"""A configuration file as plain values that remember where they stand.

Knows YAML and `${VAR}`, and nothing of what the keys mean. Problems name file, line and column
and never show a value, since any value may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

Place = tuple[str | int, ...]

_VARIABLE = re.compile(r"\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class YamlError(Exception):
    """The file cannot be read or understood; the message is for people."""


class Marked(NamedTuple):
    """The values of a file, and the line and column (from 1) of each key and list entry."""

    values: dict[str, Any]
    marks: dict[Place, tuple[int, int]]


def read(path: Path, variables: Mapping[str, str]) -> Marked:
    """The file's values with `${VAR}` and `${VAR:-fallback}` filled in; `$${VAR}` stays as text.

    :raises YamlError: unreadable, not UTF-8, not YAML, a key given twice, an unset variable.
    """
    marks: dict[Place, tuple[int, int]] = {}
    values = _parse(path, marks)
    if values is None:
        return Marked({}, {})
    if not isinstance(values, dict):
        raise YamlError(f"{path}:1:1: expected keys with values, such as `port: 8000`")
    try:
        return Marked(_filled(values, (), marks, path, variables), marks)
    except RecursionError:
        raise YamlError(f"{path}: not valid YAML: it is nested too deep") from None


def _parse(path: Path, marks: dict[Place, tuple[int, int]]) -> Any:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlError(f"{path}: not UTF-8 (byte {error.start}); save the file as UTF-8") from None
    except OSError as error:
        raise YamlError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None:
            return None
        _mark(root, (), marks, path, set())
        return loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        raise YamlError(_told(path, error)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(f"{path}:{line}:1: holds a control character") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise YamlError(f"{path}: not valid YAML ({type(error).__name__})") from None


def _told(path: Path, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    problem = error.problem or "cannot be understood"
    if any(word in f"{error.context} {problem}" for word in ("alias", "anchor")):
        problem = "an unquoted * or & begins an alias or anchor; put quotes around the value"
    elif "cannot start any token" in problem and "\\t" in problem:
        problem = "a tab cannot indent; use spaces"
    return f"{path}{where}: not valid YAML: {problem}"


def _mark(
    node: yaml.Node, place: Place, marks: dict[Place, tuple[int, int]], path: Path, seen: set[int]
) -> None:
    """Note where every key and entry begins. A node that is aliased is walked once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and not key.tag.endswith(":merge"):
                key.tag = "tag:yaml.org,2002:str"  # `on:` and `1:` are keys as written
            inner = (*place, str(key.value))
            at = (key.start_mark.line + 1, key.start_mark.column + 1)
            if inner in marks:
                first = marks[inner][0]
                raise YamlError(
                    f"{path}:{at[0]}:{at[1]}: {key.value!r} was given before, on line {first}"
                )
            marks[inner] = at
            _mark(value, inner, marks, path, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            marks[(*place, index)] = (value.start_mark.line + 1, value.start_mark.column + 1)
            _mark(value, (*place, index), marks, path, seen)


def _filled(
    value: Any,
    place: Place,
    marks: Mapping[Place, tuple[int, int]],
    path: Path,
    variables: Mapping[str, str],
) -> Any:
    """The value with its variables replaced, as text: a variable never adds YAML of its own."""
    if isinstance(value, dict):
        return {
            str(k): _filled(v, (*place, str(k)), marks, path, variables) for k, v in value.items()
        }
    if isinstance(value, list):
        return [_filled(v, (*place, i), marks, path, variables) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replaced(match: re.Match[str]) -> str:
        escaped, name, fallback = match.groups()
        if escaped:
            return match.group()[1:]
        found = variables.get(name) or fallback
        if found is None:
            line, column = nearest_mark(place, marks)
            raise YamlError(
                f"{path}:{line}:{column}: ${{{name}}} is not set; set the variable,"
                f" or write ${{{name}:-a fallback}}"
            )
        return found

    return _VARIABLE.sub(replaced, value)


def nearest_mark(place: Place, marks: Mapping[Place, tuple[int, int]]) -> tuple[int, int]:
    """Where the key stands, or the closest key above it."""
    for length in range(len(place), 0, -1):
        if place[:length] in marks:
            return marks[place[:length]]
    return 1, 1
