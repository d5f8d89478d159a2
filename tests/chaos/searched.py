"""All that a server leaves behind, as bytes: tables, files, Redis, and what /proc shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg import sql

Found = Iterator[tuple[str, bytes]]  # where, what

_TABLES = (
    "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
)
_QUERIES = "SELECT string_agg(a::text, E'\\n') FROM pg_stat_activity a"


def files(folder: Path) -> Found:
    """Every file below a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()


def tables(url: str) -> Found:
    """Every row of every table, and what each connection asked last."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as link:
        for (name,) in link.execute(_TABLES.encode()).fetchall():
            query = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(sql.SQL(name))
            with link.cursor().copy(query) as rows:
                yield name, b"".join(bytes(row) for row in rows)
        for (text,) in link.execute(_QUERIES.encode()).fetchall():
            yield "pg_stat_activity", str(text).encode()


def keys(url: str) -> Found:
    """Every key of a Redis, and its value."""
    with redis.Redis.from_url(url, socket_timeout=5) as link:
        for key in link.scan_iter(count=1000):
            yield "a key", bytes(key)
            held: Any = link.hgetall(key) if link.type(key) == b"hash" else link.dump(key)
            if link.type(key) == b"string":
                held = link.get(key)
            yield "a value", held if isinstance(held, bytes) else repr(held).encode()


def command_lines() -> Found:
    """Those of every process on this machine."""
    yield from _read("cmdline", [path for path in Path("/proc").iterdir() if path.name.isdigit()])


def environments(pid: int) -> Found:
    """What the processes that a server has started have in their environment, workers apart."""
    found = []
    for path in _below(pid):
        line = next((text for _, text in _read("cmdline", [path])), b"")
        if b"talkwire" not in line or b".py" in line:
            found.append(path)
    yield from _read("environ", found)


def _below(pid: int) -> list[Path]:
    parents = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            for _, text in _read("stat", [path]):
                parents[int(path.name)] = int(text.rpartition(b")")[2].split()[1])
    found = {pid}
    for _ in range(5):
        found |= {child for child, parent in parents.items() if parent in found}
    return [Path("/proc") / str(each) for each in sorted(found - {pid})]


def _read(name: str, paths: list[Path]) -> Found:
    for path in paths:
        try:
            yield f"{path}/{name}", (path / name).read_bytes()
        except OSError:  # it has ended meanwhile
            continue
