"""Branches are bounded, and loops in a broken tree end."""

from __future__ import annotations

from sqlalchemy import Connection

from talkwire.canon.turn import text_message
from talkwire.stores import sessions
from talkwire.stores.database import Database


def _grow(connection: Connection, count: int) -> str | None:
    batch = [text_message(f"m_{i}", "user", str(i)) for i in range(count)]
    return sessions.chain(
        connection, batch, owner="ann", session_id="s", parent_id=None, turn_id="t", at=1
    )


async def test_a_long_branch_gives_its_last_messages(database: Database) -> None:
    leaf = await database.write(lambda c: _grow(c, 450))
    path = await database.read(lambda c: sessions.path(c, "ann", "s", leaf, 1))

    assert [m.message.text for m in path] == [str(i) for i in range(50, 450)]


async def test_an_empty_chain_is_its_parent(database: Database) -> None:
    assert await database.write(lambda c: _grow(c, 0)) is None


async def test_a_branch_never_leaves_its_session(database: Database) -> None:
    leaf = await database.write(lambda c: _grow(c, 3))
    await database.write(
        lambda c: c.exec_driver_sql("UPDATE messages SET session_id = 'x' WHERE id = 'm_0'").close()
    )

    path = await database.read(lambda c: sessions.path(c, "ann", "s", leaf, 1))
    assert [m.message.id for m in path] == ["m_1", "m_2"]
