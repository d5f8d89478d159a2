"""`talkwire doctor`: what is in force and from where, and whether each part answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from talkwire.cli import (
    checks,
    checks_agents,
    checks_hearing,
    checks_storage,
    checks_telemetry,
    checks_voice,
)
from talkwire.cli.checks import Check
from talkwire.cli.own_key import BadKey, own_key
from talkwire.settings import Loaded, Settings, SettingsError, trace

_MARKS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "broken": "[red]broken[/]"}
Row = tuple[str, str, str]


def run(
    url: str | None,
    config: Path | None,
    key_file: Path | None = None,
    *,
    data_dir: Path | None,
    as_json: bool,
) -> int:
    """Print all that was found. The exit status: 1 when something is broken."""
    loaded: Loaded[Settings] | None = None
    found: list[Check] = []
    try:
        loaded = trace(config, data_dir=data_dir)
    except SettingsError as error:
        found += [Check("settings", "broken", problem) for problem in error.problems]
    if loaded:
        found += [Check("settings", "note", warning) for warning in loaded.warnings]
        found += checks_storage.storage(loaded.settings)
        found += checks.local(loaded.settings)
        found += checks_agents.agents(loaded.settings)
        found.append(checks_hearing.listens(loaded.settings))
        found += checks_telemetry.telemetry(loaded.settings)
        found.append(checks_voice.voice(loaded.settings))
    if url:
        found += _stream(url, key_file)
    rows = list(in_force(loaded)) if loaded else []
    if as_json:
        settings = [dict(zip(("key", "value", "from"), row, strict=True)) for row in rows]
        report: dict[str, Any] = {
            "settings": settings,
            "checks": [check._asdict() for check in found],
        }
        json.dump(report, sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        _show(rows, found)
    return 1 if any(check.outcome == "broken" for check in found) else 0


def _stream(url: str, key_file: Path | None) -> Iterator[Check]:
    try:
        key = own_key(key_file)
    except (BadKey, SettingsError) as error:
        yield Check("key", "broken", str(error))
    else:
        yield from checks.stream(url, key)


def in_force(loaded: Loaded[Settings]) -> Iterator[Row]:
    """Key, value and source of every setting; secrets as ***."""
    for place, value in _leaves(loaded.settings, ()):
        within = (place[:length] for length in range(len(place), 0, -1))
        origin = next((loaded.origins[p] for p in within if p in loaded.origins), "default")
        # What a command is started with may be a key, though the process list shows it anyway.
        spelled = "***" if place[-1] == "args" and value else _spelled(value)
        yield ".".join(str(key) for key in place), spelled, origin


def _leaves(
    value: Any, place: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _leaves(getattr(value, name), (*place, name))
    elif isinstance(value, dict) and value:
        for name, entry in value.items():
            yield from _leaves(entry, (*place, name))
    elif isinstance(value, tuple) and any(isinstance(entry, BaseModel) for entry in value):
        for index, entry in enumerate(value, start=1):
            yield from _leaves(entry, (*place, index))
    else:
        yield place, value


def _spelled(value: Any) -> str:
    match value:
        case None:
            return "-"
        case SecretStr():
            return "***"
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(str(entry) for entry in value) or "-"
        case str() if "://" in value:
            return _address(value)
        case _:
            return str(value)


def _address(text: str) -> str:
    """An address without the password and the query that it may have."""
    parts = urlsplit(text)
    netloc = "***@" + parts.netloc.rpartition("@")[2] if "@" in parts.netloc else parts.netloc
    return parts._replace(netloc=netloc, query="***" if parts.query else "").geturl()


def _show(rows: list[Row], found: list[Check]) -> None:
    console = Console(highlight=False)
    if rows:
        settings = Table("setting", "value", "from", title="In force", title_justify="left")
        for row in rows:
            settings.add_row(*(escape(cell) for cell in row))
        console.print(settings)
    parts = Table("part", "", "found", title="Parts", title_justify="left")
    for check in found:
        parts.add_row(escape(check.part), _MARKS[check.outcome], escape(check.found))
    console.print(parts)
