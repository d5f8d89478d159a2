"""Text from a variable or a file as the value it stands for. What is no text passes unchanged.

:raises ValueError: with what was expected, never with what came.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def listed(value: Any) -> Any:
    """A list from a variable: JSON, or words with commas between."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError("expected a JSON list") from None
    return [word.strip() for word in value.split(",") if word.strip()]


def home(value: Any) -> Any:
    """A path; `~` is the user's own folder."""
    return Path(value).expanduser() if isinstance(value, str | Path) else value


def http(value: Any) -> Any:
    """A base URL without its last slash."""
    if not isinstance(value, str):
        return value
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("expected an http:// or https:// address")
    return value.rstrip("/")


def sqlite_file(value: Any) -> Any:
    """A database address: `sqlite:///path/to/file`."""
    if not isinstance(value, str):
        return value
    scheme, _, rest = value.partition("://")
    if scheme.partition("+")[0].lower() != "sqlite":
        raise ValueError(
            "this build stores in SQLite only; expected sqlite:///path/to/file, or nothing"
        )
    if not rest.removeprefix("/"):
        raise ValueError("expected a file: sqlite:///path/to/file")
    return value
