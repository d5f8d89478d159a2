"""Labelled texts: what customers write, and the scenario that each belongs to, in a CSV file."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct, convert, structs

from talkwire.scenarios.catalogue import Catalogue
from talkwire.scenarios.words import pieces

Split = Literal["calibration", "test"]
"""Weights and thresholds are chosen on the one; the other is only ever measured."""

Written = Literal["zh", "en", "mixed"]
Kind = Literal["plain", "typo", "short", "colloquial", "followup", "out_of_scope", "person"]

COLUMNS = ("id", "split", "language", "kind", "previous", "text", "category", "subcategory")
SHIPPED = Path(__file__).with_name("sample") / "labelled.csv"

_MOST_TOLD = 20


class LabelledError(ValueError):
    """A file of labelled texts cannot be used; the message tells each row and column."""


class Row(Struct, frozen=True):
    """A text. `previous` is what was said before it, for a follow-up; texts that no scenario is
    about have the key ("", "").
    """

    id: str
    split: Split
    language: Written
    kind: Kind
    previous: str
    text: str
    category: str
    subcategory: str

    @property
    def key(self) -> tuple[str, str]:
        """What tells its scenario from all others."""
        return self.category, self.subcategory

    @property
    def in_scope(self) -> bool:
        """Whether a scenario is the right answer."""
        return self.kind not in ("out_of_scope", "person")


def read(path: Path, catalogue: Catalogue | None = None) -> tuple[Row, ...]:
    """The rows of a CSV file in UTF-8 with the header `COLUMNS`, in their order; with a catalogue,
    all their scenarios must be in it. Blocks.

    :raises LabelledError: something is wrong; lines count from 1, the header's.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LabelledError(f"{path.name}: cannot be read: {error}") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise LabelledError(f"{path.name}: line 1: no column {', '.join(missing)}")
    known = None if catalogue is None else {scenario.key for scenario in catalogue.scenarios}
    rows: list[Row] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    try:
        for cells in reader:
            line = reader.line_num
            wrong = list(_wrong(cells, known))
            first = seen.setdefault(cells["id"], line)
            if first != line:
                wrong.append(f"id: {cells['id']!r} stands in line {first} already")
            problems += (f"{path.name}: line {line}, {told}" for told in wrong)
            if not wrong:
                rows.append(convert({name: cells[name] for name in COLUMNS}, Row))
    except csv.Error as error:
        problems.append(f"{path.name}: line {reader.reader.line_num}: {error}")
    if problems:
        more = f"\n… and {len(problems) - _MOST_TOLD} more" if len(problems) > _MOST_TOLD else ""
        raise LabelledError("\n".join(problems[:_MOST_TOLD]) + more)
    return tuple(rows)


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as `read` reads them. Blocks."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([getattr(row, name) for name in COLUMNS] for row in rows)


def divided(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows with their split: halves of each scenario, language and kind, whatever the order
    in which they come.
    """
    order = sorted(range(len(rows)), key=lambda n: _stratum(rows[n]))
    splits: dict[int, Split] = {
        n: "test" if place % 2 else "calibration" for place, n in enumerate(order)
    }
    return tuple(structs.replace(row, split=splits[n]) for n, row in enumerate(rows))


def apart_from(rows: Iterable[Row], catalogue: Catalogue) -> tuple[Row, ...]:
    """The rows whose texts are not examples of the catalogue word for word."""
    known = {
        folded(text)
        for examples in (
            *(scenario.examples for scenario in catalogue.scenarios),
            *(aside.examples for aside in catalogue.asides.values()),
        )
        for text in examples
    }
    return tuple(row for row in rows if folded(row.text) not in known)


def folded(text: str) -> str:
    """A text without what does not tell it from another: punctuation, spaces, case, numbers."""
    return "".join(piece.text for piece in pieces(text))


def _wrong(cells: Mapping[str, str | None], known: set[tuple[str, str]] | None) -> Iterator[str]:
    """What is wrong with a row's cells: the column, and why."""
    if any(cells.get(name) is None for name in COLUMNS) or None in cells:
        yield f"column count: {len(COLUMNS)} cells are needed"
        return
    for name, allowed in (("split", Split), ("language", Written), ("kind", Kind)):
        if cells[name] not in get_args(allowed):
            yield f"{name}: {cells[name]!r} is none of {', '.join(get_args(allowed))}"
    for name in ("id", "text"):
        if not (cells[name] or "").strip():
            yield f"{name}: is empty"
    if (cells["kind"] == "followup") != bool(cells["previous"]):
        yield "previous: stands in a followup, and only there"
    yield from _wrong_key(cells, known)


def _wrong_key(
    cells: Mapping[str, str | None], known: set[tuple[str, str]] | None
) -> Iterator[str]:
    key = (cells["category"] or "", cells["subcategory"] or "")
    if cells["kind"] in ("out_of_scope", "person"):
        if any(key):
            yield f"category: a text of the kind {cells['kind']} has no scenario"
    elif not all(key):
        yield "subcategory: is empty" if key[0] else "category: is empty"
    elif known is not None and key not in known:
        yield f"subcategory: the catalogue has no {' › '.join(key)!r}"


def _stratum(row: Row) -> tuple[str, ...]:
    digest = hashlib.sha256(f"{row.previous}\n{row.text}".encode()).hexdigest()
    return (row.category, row.subcategory, row.language, row.kind, digest)
