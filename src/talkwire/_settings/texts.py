"""Text from a variable or a file as the value it stands for. What is no text passes unchanged.

:raises ValueError: with what was expected, never with what came.
"""

from __future__ import annotations

import ipaddress
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


def mapped(value: Any) -> Any:
    """An object from a variable, as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("expected a JSON object") from None


def number(value: Any) -> Any:
    """A number; `yes` is none, though Python counts with it."""
    if isinstance(value, bool):
        raise ValueError("expected a number, got true or false")
    return value


def home(value: Any) -> Any:
    """A path; `~` is the user's own folder."""
    return Path(value).expanduser() if isinstance(value, str | Path) else value


def networks(value: tuple[str, ...]) -> tuple[str, ...]:
    """IP addresses, and networks as `10.0.0.0/8`."""
    for each in value:
        try:
            ipaddress.ip_network(each)
        except ValueError:
            raise ValueError("expected addresses and networks, like 10.0.0.0/8") from None
    return value


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


def database(value: Any) -> Any:
    """A database address: `sqlite:///path/to/file` or `postgresql://user:password@host/name`."""
    if not isinstance(value, str):
        return value
    scheme, _, rest = value.partition("://")
    kind = scheme.partition("+")[0].lower()
    if kind in ("postgresql", "postgres"):
        _address(value)
        return "postgresql://" + rest
    if kind != "sqlite":
        raise ValueError("expected postgresql://user:password@host/name or sqlite:///path/to/file")
    if not rest.removeprefix("/"):
        raise ValueError("expected a file: sqlite:///path/to/file")
    return value


def redis(value: Any) -> Any:
    """A Redis address: `redis://host:6379/0`, `rediss://…` over TLS, `unix://path`."""
    if not isinstance(value, str):
        return value
    if value.partition("://")[0].lower() not in ("redis", "rediss", "unix"):
        raise ValueError("expected redis://host:6379/0, rediss://… or unix://path")
    _address(value)
    return value


def _address(value: str) -> None:
    try:
        _ = urlsplit(value).port
    except ValueError:
        raise ValueError("expected a host and a port from 1 to 65535") from None


def is_loopback(host: str) -> bool:
    """True for addresses to listen on that only this machine can reach."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
