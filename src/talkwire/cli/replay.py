"""`talkwire replay`: a recorded turn's events once more, with their timing, or into a file.

An export is JSON lines of `[n, at, event]`, `at` in Unix milliseconds: what the scripted model
can play.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console

from talkwire.cli.chat import Screen, default_url, show
from talkwire.cli.client import Client, ClientError, Happened
from talkwire.cli.own_key import BadKey, own_key
from talkwire.cli.words import say
from talkwire.settings import SettingsError, load

Line = tuple[int, int, dict[str, Any]]
_LONGEST_WAIT_S = 5.0


class Unreadable(Exception):
    """There is no such recording; the message is for the person."""


def run(
    turn: str,
    url: str | None,
    *,
    data_dir: Path | None,
    export: Path | None,
    speed: float,
    key_file: Path | None = None,
) -> int:
    """Play or export; 0, or 1 when there is nothing to play or the export cannot be written."""
    try:
        lines = recorded(turn, url, data_dir, key_file)
        if export is None:
            play(lines, speed)
        else:
            write(lines, export)
            print(say("exported", count=len(lines), path=export), file=sys.stderr)
    except (Unreadable, BadKey, ClientError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def recorded(
    turn: str, url: str | None, data_dir: Path | None, key_file: Path | None
) -> list[Line]:
    """The turn's events: from a file of that name, a data folder, or a server.

    :raises Unreadable, BadKey, ClientError: there are none.
    """
    if Path(turn).is_file():
        return from_file(Path(turn))
    if data_dir is not None:
        return from_folder(turn, data_dir)
    client = Client(url or default_url(), key=own_key(key_file))
    try:
        return [_line(event) for event in client.follow(turn, lambda: None)]
    finally:
        client.close()


def from_file(path: Path) -> list[Line]:
    """An export.

    :raises Unreadable: it is none.
    """
    try:
        return [_checked(json.loads(line)) for line in path.read_text("utf-8").splitlines() if line]
    except (OSError, ValueError) as error:
        raise Unreadable(say("bad_file", path=path, reason=type(error).__name__)) from None


def from_folder(turn: str, folder: Path) -> list[Line]:
    """An ended turn, from the database of a server that need not run. Reads only.

    :raises Unreadable: there is none.
    """
    path = load(data_dir=folder).sqlite_path
    query = "SELECT payload FROM turn_logs WHERE turn_id = ?"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            row = database.execute(query, (turn,)).fetchone()
    except sqlite3.Error as error:
        raise Unreadable(say("bad_file", path=path, reason=error)) from None
    if row is None:
        raise Unreadable(say("no_turn", turn=turn))
    return [_checked(line) for line in json.loads(row[0])]


def _checked(value: Any) -> Line:
    """:raises ValueError: not a line of a recording."""
    match value:
        case [int() as n, int() as at, {"kind": str()} as event]:
            return n, at, event
    raise ValueError("not [n, at, event]")


def _line(event: Happened) -> Line:
    fields = dict(event.fields)
    return int(fields.pop("n", 0)), int(fields.pop("at", 0)), {"kind": event.kind, **fields}


def write(lines: list[Line], path: Path) -> None:
    """One event a line.

    :raises Unreadable: the file cannot be written.
    """
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise Unreadable(say("not_written", path=path, reason=reason)) from None


def play(lines: list[Line], speed: float) -> None:
    """The turn as it was seen: gaps divided by `speed` (0: none), none longer than 5 s."""
    screen = Screen(Console(highlight=False), Console(stderr=True, highlight=False))
    screen.begin()
    before: int | None = None
    try:
        for _, at, event in lines:
            if before is not None and speed > 0:
                time.sleep(min(max(at - before, 0) / 1000 / speed, _LONGEST_WAIT_S))
            before = at
            show(screen, Happened(str(event["kind"]), event))
    finally:
        screen.end()
