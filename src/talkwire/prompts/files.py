"""Prompt templates as files: `NAME.md`, with optional YAML front matter between `---` lines.

Front matter takes `description`, `variables` (a list of names), `model` and `temperature`. A
file that cannot be used is kept as `Broken`; the others are not touched by it. Names that are
asked for are looked up among the files found, never made into a path.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from talkwire.canon.records import PromptVersion
from talkwire.prompts.text import MOST_TEMPLATE_BYTES, VARIABLE, TemplateError, placeholders

NAME = re.compile(r"(?!\.+$)[A-Za-z0-9._-]{1,64}")
BUILTIN = Path(__file__).parent / "builtin"

_KEYS = ("description", "variables", "model", "temperature")
_MOST_FILE_BYTES = MOST_TEMPLATE_BYTES + 8_192


class Broken(Struct, frozen=True):
    """A file that is no template; the message names file and line."""

    name: str
    message: str


class _Wrong(Exception):
    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


Template = PromptVersion | Broken


class Folder:
    """The templates of one folder, read again when a file was changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: dict[str, tuple[tuple[int, int], Template]] = {}

    def scan(self) -> dict[str, Template]:
        """All templates by name. A folder that is not there is an empty one. Blocks."""
        found: dict[str, tuple[tuple[int, int], Template]] = {}
        for path in sorted(self._path.glob("*.md")) if self._path.is_dir() else ():
            if not NAME.fullmatch(path.stem) or not path.is_file():
                continue
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            before = self._read.get(path.stem)
            known = before is not None and before[0] == stamp
            found[path.stem] = before if before and known else (stamp, load(path))
        self._read = found
        return {name: template for name, (_, template) in found.items()}


def load(path: Path) -> Template:
    """One file as version 0 of its template; never raises for what is in it."""
    try:
        raw = path.read_bytes()
        if len(raw) > _MOST_FILE_BYTES:
            raise _Wrong(f"over {_MOST_FILE_BYTES} bytes", 1)
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
        return _parsed(path.stem, text, int(path.stat().st_mtime * 1000))
    except OSError as error:
        return Broken(path.stem, f"{path.name}: cannot be read ({error.strerror})")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return Broken(path.stem, f"{path.name}:{line}: not UTF-8")
    except _Wrong as wrong:
        return Broken(path.stem, f"{path.name}:{wrong.line}: {wrong.message}")


def _parsed(name: str, text: str, created_at: int) -> PromptVersion:
    head, body, body_line = _parted(text)
    front = _front_matter(head)
    try:
        used = placeholders(body)
    except TemplateError as error:
        raise _Wrong(error.message, body_line + error.line - 1) from None
    declared = front.get("variables", used)
    if undeclared := [n for n in used if n not in declared]:
        raise _Wrong(f"{undeclared[0]!r} is used but not among the declared variables", 1)
    return PromptVersion(
        name=name,
        version=0,
        text=body,
        description=front.get("description", ""),
        variables=tuple(declared),
        model=front.get("model"),
        temperature=front.get("temperature"),
        created_at=created_at,
    )


def _parted(text: str) -> tuple[str, str, int]:
    """Front matter, the text below it, and the line on which that text begins."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return "", text.strip("\n"), 1 + len(text) - len(text.lstrip("\n"))
    for index, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "---":
            below = "\n".join(lines[index + 1 :])
            begins = index + 2 + len(below) - len(below.lstrip("\n"))
            return "\n".join(lines[1:index]), below.strip("\n"), begins
    raise _Wrong("the front matter has no closing '---' line", 1)


def _front_matter(head: str) -> dict[str, Any]:
    try:
        loader = yaml.SafeLoader(head)
        node = loader.get_single_node()
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            raise _Wrong("the front matter must be 'key: value' lines", node.start_mark.line + 2)
        values: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 2
            name = str(key.value)
            if name not in _KEYS:
                near = difflib.get_close_matches(name, _KEYS, 1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(_KEYS)}"
                raise _Wrong(f"unknown key {name[:64]!r}{hint}", line)
            values[name] = _checked(name, loader.construct_object(value, deep=True), line)
        return values
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "not YAML"
        raise _Wrong(f"front matter: {problem}", mark.line + 2 if mark else 1) from None
    except (ValueError, RecursionError):
        raise _Wrong("front matter: a value cannot be understood", 1) from None


def _checked(key: str, value: Any, line: int) -> Any:
    match key, value:
        case "variables", list() if all(
            isinstance(v, str) and VARIABLE.fullmatch(v) for v in value
        ):
            return value
        case (("description" | "model"), str()):
            return value
        case "temperature", int() | float() if not isinstance(value, bool) and 0 <= value <= 2:
            return float(value)
    wanted = {
        "variables": "a list of names",
        "temperature": "a number from 0 to 2",
    }.get(key, "text")
    raise _Wrong(f"{key!r} must be {wanted}", line)
