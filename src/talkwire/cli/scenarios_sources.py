"""What a catalogue can be made from: a CSV table, or the scenarios that a server lists as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from talkwire.cli.scenarios import Refusal
from talkwire.cli.words import say

_MOST_BYTES = 16 * 1024 * 1024
_NEEDED = ("category", "subcategory", "description")
_LISTS = {
    "examples": "examples",
    "related": "related_subcategories",
    "related_subcategories": "related_subcategories",
    "sops": "sop_references",
    "sop_references": "sop_references",
}
_DELIMITERS = (",", ";", "\t")

Read = tuple[list[dict[str, Any]], list[str]]
"""The entries in their order, and notes about what was left out."""


def scenarios_of(source: Path) -> Read:
    """The scenarios of a file, in the shape of a catalogue. Blocks.

    :raises Refusal: there is nothing to make of it; the message tells what to do.
    """
    kinds: Mapping[str, Callable[[Path, str], Read]] = {".csv": _table, ".json": _listing}
    read = kinds.get(source.suffix.lower())
    if read is None:
        raise Refusal(say("import_kind", path=source))
    return read(source, _text(source))


def _text(source: Path) -> str:
    try:
        if source.exists() and not source.is_file():  # a pipe would never end
            raise Refusal(say("import_kind", path=source))
        with source.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or error
        raise Refusal(say("import_unreadable", path=source, reason=reason)) from None
    if len(raw) > _MOST_BYTES:
        raise Refusal(say("import_large", path=source, size=_MOST_BYTES // 2**20))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Refusal(say("import_encoding", path=source, line=line)) from None


def _table(source: Path, text: str) -> Read:
    rows = _rows(source, text)
    _, header = next(rows, (1, []))
    names = [name.strip().lower() for name in header]
    if missing := [name for name in _NEEDED if name not in names]:
        raise Refusal(say("import_columns", path=source, missing=", ".join(missing)))
    notes = [say("import_left", name=name) for name in names if name and not _is_known(name)]
    entries = []
    for line, cells in rows:
        if not any(map(str.strip, cells)):
            continue
        if len(cells) != len(names):
            reason = say("import_cells", found=len(cells), wanted=len(names))
            raise Refusal(say("import_csv", path=source, line=line, reason=reason))
        entries.append(_entry(dict(zip(names, cells, strict=True))))
    return entries, notes


def _rows(source: Path, text: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Each row with the number of its first line; spreadsheets put `;` or tabs between cells where
    a comma stands in numbers.
    """
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise Refusal(say("import_csv", path=source, line=line, reason=error)) from None


def _entry(cells: Mapping[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {name: cells[name].strip() for name in _NEEDED}
    for column, key in _LISTS.items():
        parts = [part.strip() for part in cells.get(column, "").split("|")]
        if kept := list(dict.fromkeys(filter(None, parts))):
            entry[key] = kept
    return entry


def _is_known(name: str) -> bool:
    return name in _NEEDED or name in _LISTS


def _listing(source: Path, text: str) -> Read:
    try:
        tree = json.loads(text)
        json.dumps(tree, ensure_ascii=False).encode()  # an escape can name half a character
    except (ValueError, RecursionError) as error:
        raise Refusal(say("import_json", path=source, reason=error)) from None
    if isinstance(tree, dict) and isinstance(tree.get("scenarios"), list):
        told = say("import_json_ours", path=source)
        raise Refusal(say("import_json", path=source, reason=told))
    categories = tree.get("categories") if isinstance(tree, dict) else None
    if not isinstance(categories, dict):
        raise Refusal(say("import_json", path=source, reason=say("import_json_shape")))
    entries: list[dict[str, Any]] = []
    for category, listed in categories.items():
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise Refusal(say("import_json", path=source, reason=say("import_json_shape")))
        # Whatever else an entry has is kept; of the check it hears what is wrong with it.
        entries += [{"category": category, **each} for each in listed]
    return entries, []
