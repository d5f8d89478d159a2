"""What a server has stored, read straight from its file."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def database(data_dir: Path) -> Path:
    """The server's SQLite file."""
    return data_dir / "talkwire.sqlite3"


def messages(data_dir: Path, turn_id: str) -> list[dict[str, Any]]:
    """The messages of a turn in the order in which they were stored."""
    with closing(sqlite3.connect(f"file:{database(data_dir)}?mode=ro", uri=True)) as link:
        rows = link.execute(
            "SELECT payload FROM messages WHERE turn_id = ? ORDER BY rowid", (turn_id,)
        )
        return [json.loads(payload) for (payload,) in rows]


def text_of(message: dict[str, Any]) -> str:
    return "".join(part["text"] for part in message.get("parts", ()))
