"""Straight from the database, SQLite or PostgreSQL: what a checker may read besides HTTP."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from tests.e2e.kept import database

Rows = Callable[[str], list[tuple[Any, ...]]]


def in_folder(data_dir: Path) -> Rows:
    """The rows of a query on a server's SQLite file."""

    def rows(query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{database(data_dir)}?mode=ro", uri=True)) as link:
            return link.execute(query).fetchall()

    return rows


def at(url: str) -> Rows:
    """The rows of a query on a PostgreSQL database."""

    def rows(query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as link:
            return link.execute(query.encode()).fetchall()

    return rows
