"""Prepared statements say what Core would say."""

from __future__ import annotations

from functools import partial

import psycopg
import pytest
from sqlalchemy import bindparam, insert, select

from talkwire.stores.database import Database
from talkwire.stores.prepared import Prepared
from talkwire.stores.schema import principals

_add = Prepared(insert(principals).values(id=bindparam("id"), name=bindparam("name"), created_at=7))
_since = Prepared(
    select(principals.c.id)
    .where((principals.c.created_at >= bindparam("since")) & (principals.c.created_at < 8))
    .order_by(principals.c.id)
)


async def test_named_and_fixed_values_find_their_places(database: Database) -> None:
    for name in "ab":
        assert await database.write(partial(_add.run, name=name.upper(), id=name)) == 1

    assert await database.read(lambda c: _since.all(c, since=7)) == [("a",), ("b",)]
    assert await database.read(lambda c: _since.first(c, since=7)) == ("a",)
    assert await database.read(lambda c: _since.first(c, since=8)) is None


async def test_a_forgotten_value_is_an_error(database: Database) -> None:
    with pytest.raises((KeyError, psycopg.ProgrammingError), match="since"):
        await database.read(_since.all)
