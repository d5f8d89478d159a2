"""`talkwire scenarios import`: a catalogue out of a table, or out of what another server lists."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from msgspec import structs

from talkwire.catalogues import check
from talkwire.cli.client import plain
from talkwire.cli.scenarios import Refusal, refused, report
from talkwire.cli.scenarios_sources import scenarios_of
from talkwire.cli.words import say

_SOPS = "sops"


class Asked(NamedTuple):
    """An import as it was typed. `sops` None is the folder `sops` beside the source."""

    source: Path
    sops: Path | None = None
    out: Path = Path("catalogue.json")
    force: bool = False
    dry_run: bool = False


class _Plan(NamedTuple):
    """What is to be written: the text of the catalogue, and each procedure from where it is."""

    text: str
    scenarios: int
    sops: Mapping[str, Path]


def run(asked: Asked) -> int:
    """Write a catalogue and its procedures, and tell what a check finds in it. The exit status: 1
    for a catalogue that has to be mended, 2 where nothing could be written.
    """
    try:
        plan = _planned(asked)
        if asked.dry_run:
            return _tried(plan, asked)
        _refuse_to_overwrite(plan, asked)
        _write(plan, asked.out)
    except Refusal as refusal:
        return refused(refusal)
    _tell("import_done", plan, asked)
    return report(check(asked.out))


def _planned(asked: Asked) -> _Plan:
    entries, notes = scenarios_of(asked.source)
    if not entries:
        raise Refusal(say("import_nothing", path=asked.source))
    notes += _leave_unrelated(entries)
    sops = _sops(entries, asked)
    for note in notes:
        print(plain(note), file=sys.stderr)
    tree: dict[str, Any] = {"version": 1, "scenarios": entries}
    text = json.dumps(tree, ensure_ascii=False, indent=2) + "\n"
    return _Plan(text, len(entries), sops)


def _leave_unrelated(entries: Sequence[dict[str, Any]]) -> list[str]:
    """Take out related subcategories that are not in the source; one note for each."""
    names = (each.get("subcategory") for each in entries)
    known = {name.strip() for name in names if isinstance(name, str)}
    notes = []
    for entry in entries:
        related = entry.get("related_subcategories")
        if not isinstance(related, list):
            continue
        strangers = [n for n in related if isinstance(n, str) and n.strip() not in known]
        if strangers:
            entry["related_subcategories"] = [name for name in related if name not in strangers]
        place = f"{entry.get('category')} › {entry.get('subcategory')}"
        notes += [say("import_unrelated", scenario=place, name=name) for name in strangers]
    return notes


def _sops(entries: Sequence[Mapping[str, Any]], asked: Asked) -> dict[str, Path]:
    """Where each procedure is that an entry names. :raises Refusal: one is not there."""
    folder = asked.sops or asked.source.parent / _SOPS
    found: dict[str, Path] = {}
    missing = []
    for name in dict.fromkeys(_named(entries)):
        if PurePath(name).name != name:  # the check tells what is wrong with it
            continue
        if (folder / name).is_file():
            found[name] = folder / name
        else:
            missing.append(name)
    if missing:
        names = plain(", ".join(missing))
        raise Refusal(say("import_no_sops", folder=folder, names=names, path=asked.source))
    return found


def _named(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for entry in entries:
        files = entry.get("sop_references")
        if isinstance(files, list):
            yield from (name for name in files if isinstance(name, str))


def _refuse_to_overwrite(plan: _Plan, asked: Asked) -> None:
    if asked.force:
        return
    folder = asked.out.parent / _SOPS
    theirs = (
        folder / name for name, source in plan.sops.items() if _differs(folder / name, source)
    )
    for path in (asked.out, *theirs):
        if path.exists() or path.is_symlink():
            raise Refusal(say("import_there", path=path))


def _differs(path: Path, source: Path) -> bool:
    try:
        return path.exists() and path.read_bytes() != source.read_bytes()
    except OSError:
        return True


def _tried(plan: _Plan, asked: Asked) -> int:
    """What a check would find, without anything being written where it was asked for."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / asked.out.name
        _write(plan, path)
        _tell("import_dry", plan, asked)
        return report(structs.replace(check(path), path=asked.out))


def _write(plan: _Plan, path: Path) -> None:
    """Procedures first, and the catalogue as a whole: a server that watches sees no half of it.

    :raises Refusal: that is not possible.
    """
    folder = path.parent / _SOPS
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if plan.sops:
            folder.mkdir(exist_ok=True)
        for name, source in plan.sops.items():
            if not (folder / name).exists() or not os.path.samefile(folder / name, source):
                shutil.copyfile(source, folder / name)
        with tempfile.TemporaryDirectory(dir=path.parent) as apart:
            whole = Path(apart) / path.name
            whole.write_text(plan.text, "utf-8")
            os.replace(whole, path)
    except OSError as error:
        reason = error.strerror or error
        raise Refusal(say("not_written", path=error.filename or path, reason=reason)) from None


def _tell(word: str, plan: _Plan, asked: Asked) -> None:
    folder = asked.out.parent / _SOPS
    print(say(word, count=plan.scenarios, path=asked.out, sops=len(plan.sops), folder=folder))
