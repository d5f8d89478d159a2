"""Where a server keeps things, in words for people: no user, no password, nothing of a query."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from talkwire.settings import Settings

_HOSTS = re.compile(r"[A-Za-z0-9._:%,\[\]-]*")


def stored(settings: Settings) -> str:
    """The data folder or the database file; of a PostgreSQL server its host and database."""
    url = settings.database.url
    if url is None:
        return str(settings.data_dir.absolute())
    if not settings.database.is_postgres:
        return str(settings.sqlite_path.absolute())
    return _server("PostgreSQL", url.get_secret_value())


def redis(settings: Settings) -> str | None:
    """Redis' host and database; None without one."""
    url = settings.redis.url
    return None if url is None else _server("Redis", url.get_secret_value())


def _server(kind: str, url: str) -> str:
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2]
    # A password with a slash in it that nobody has escaped ends up behind the host.
    if not _HOSTS.fullmatch(hosts) or "@" in url.partition("://")[2].removeprefix(parts.netloc):
        return kind
    name = unquote(parts.path if parts.scheme == "unix" else parts.path.lstrip("/"))
    told = "/".join(part for part in (hosts or _socket(parts), name) if part)
    return f"{kind} {''.join(c for c in told if c.isprintable())}".rstrip()


def _socket(parts: SplitResult) -> str:
    """The host, or the folder of sockets, that libpq takes from the query."""
    return unquote((parse_qs(parts.query).get("host") or [""])[0])
