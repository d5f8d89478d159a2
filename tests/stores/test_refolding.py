"""What was said before there was a search is found after a while, on both databases."""

from __future__ import annotations

import asyncio

import msgspec
from sqlalchemy import insert, select

from talkwire.canon.sessions import NewSession, SessionsAsked, Whose
from talkwire.canon.turn import text_message
from talkwire.stores import editing, listing
from talkwire.stores.refolding import Refolding
from talkwire.stores.schema import messages
from tests.contracts.turn_values import NOW
from tests.databases import AnyDatabase


async def old(database: AnyDatabase, *said: tuple[str, str]) -> None:
    """Messages as they were stored before."""
    rows = [
        {
            "id": f"m_{n}",
            "owner": "ann",
            "session_id": "s_1",
            "turn_id": "t",
            "payload": msgspec.json.encode(text_message("m", role, text)).decode(),  # type: ignore[arg-type]  # one of its roles
            "created_at": n,
        }
        for n, (role, text) in enumerate(said)
    ]
    await database.write(lambda c: editing.create(c, NewSession("s_1", "ann", NOW, 1000)))
    await database.write(lambda c: c.execute(insert(messages), rows).close())


async def test_it_is_folded_in_slices_until_nothing_is_left(database: AnyDatabase) -> None:
    await old(database, *[("user", f"Grüße {n}") for n in range(9)], ("tool", "x"))
    refolding = Refolding(database, slice_rows=2, slices=3)

    folded = [await refolding.catch_up() for _ in range(3)]

    assert folded == [6, 4, 0]
    asked = SessionsAsked(Whose("ann"), 9, text="GRÜSSE 8")
    (found,) = await database.read(lambda c: listing.page(c, asked, NOW))
    assert found.session_id == "s_1"
    words = await database.read(
        lambda c: set(c.execute(select(messages.c.folded).where(messages.c.id == "m_9")).scalars())
    )
    assert words == {""}


async def test_nodes_that_do_it_at_once_do_it_once(database: AnyDatabase) -> None:
    await old(database, *[("user", str(n)) for n in range(5)])
    race = [Refolding(database).catch_up() for _ in range(3)]

    assert sum(await asyncio.gather(*race)) == 5
