"""What is said of an MCP server in a configuration: `mcpServers`, as other MCP hosts write it.

    {"git": {"command": "uvx", "args": ["mcp-server-git"], "env": {"A": "b"}, "cwd": "/srv"},
     "web": {"url": "https://tools.example.com/mcp", "headers": {"Authorization": "Bearer ..."}}}

Keys that only other hosts know are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct, field

_HTTP = {"http", "streamable-http", "streamablehttp", "streamable_http"}
_SHORTEST_SECRET = 4


class Command(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """A server that is started here and spoken to over its standard input and output.

    `env` is added to a few harmless variables of this process; it inherits no others.
    """

    command: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    cwd: str | None = None

    def __repr__(self) -> str:
        return f"Command(command={self.command!r}, ...)"


class Address(Struct, frozen=True, kw_only=True):
    """A server that runs elsewhere and speaks streamable HTTP. `headers` go to it alone."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Address(host={urlsplit(self.url).hostname!r}, ...)"


class McpServerConfig(Struct, frozen=True, kw_only=True):
    """One server. `requires_approval`: a person agrees to each call of its tools, or only of those
    that are not known to leave things as they are ("destructive").
    """

    name: str
    at: Command | Address
    timeout_s: float = 60.0
    connect_timeout_s: float = 15.0
    enabled: bool = True
    requires_approval: bool | Literal["destructive"] = False

    @property
    def transport(self) -> str:
        return "stdio" if isinstance(self.at, Command) else "streamable-http"

    def redacted(self, text: str) -> str:
        """The text without any of the values that only this server was told."""
        told = self.at.env if isinstance(self.at, Command) else self.at.headers
        secrets = [part for value in told.values() for part in (value, *value.split())]
        if isinstance(self.at, Address):
            parts = urlsplit(self.at.url)
            secrets += [self.at.url, parts.password or "", parts.query]
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return text


def read_servers(given: Mapping[str, Mapping[str, Any]]) -> list[McpServerConfig]:
    """All of `mcpServers`, in its order. Raises ValueError, which names the server and the key."""
    return [read_server(name, entry) for name, entry in given.items()]


def read_server(name: str, entry: Mapping[str, Any]) -> McpServerConfig:
    """One entry of `mcpServers`. Raises ValueError, which names the server and the key."""
    approval = entry.get("requires_approval", False)
    if approval != "destructive" and not isinstance(approval, bool):
        raise ValueError(f"mcpServers.{name}.requires_approval: expected true, false, destructive")
    return McpServerConfig(
        name=name,
        at=_place(name, entry),
        timeout_s=_seconds(name, entry, "timeout_s", 60.0),
        connect_timeout_s=_seconds(name, entry, "connect_timeout_s", 15.0),
        enabled=bool(entry.get("enabled", not entry.get("disabled", False))),
        requires_approval=approval,
    )


def _place(name: str, entry: Mapping[str, Any]) -> Command | Address:
    command, url = entry.get("command"), entry.get("url")
    kind = str(entry.get("type") or entry.get("transport") or "").lower()
    if bool(command) == bool(url):
        raise ValueError(f"mcpServers.{name}: expected either `command` or `url`")
    if kind and kind not in (_HTTP if url else {"stdio"}):
        raise ValueError(f"mcpServers.{name}.type: {kind!r} is not spoken here")
    if command:
        return Command(
            command=str(command),
            args=_texts(name, "args", entry.get("args") or []),
            env=_pairs(name, "env", entry.get("env") or {}),
            cwd=entry.get("cwd") or None,
        )
    if urlsplit(str(url)).scheme not in {"http", "https"} or not urlsplit(str(url)).hostname:
        raise ValueError(f"mcpServers.{name}.url: expected http://... or https://...")
    return Address(url=str(url), headers=_pairs(name, "headers", entry.get("headers") or {}))


def _texts(name: str, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"mcpServers.{name}.{key}: expected a list of texts")
    return tuple(value)


def _pairs(name: str, key: str, value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
        raise ValueError(f"mcpServers.{name}.{key}: expected texts by their names")
    return {str(k): v for k, v in value.items()}


def _seconds(name: str, entry: Mapping[str, Any], key: str, default: float) -> float:
    value = entry.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError(f"mcpServers.{name}.{key}: expected seconds, more than 0, got {value!r}")
    return float(value)
