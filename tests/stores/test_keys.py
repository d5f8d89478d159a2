"""Keys: shown once, stored as a hash, found while they open anything. On both databases."""

from __future__ import annotations

import asyncio
import hashlib
import time

import pytest
from sqlalchemy import select

from talkwire.canon.errors import NotFound
from talkwire.canon.keys import SCOPES, USUAL_SCOPES, NewKey
from talkwire.stores.database import Database
from talkwire.stores.keys import SqlKeys
from talkwire.stores.postgres_database import PostgresDatabase
from talkwire.stores.schema import api_keys

HOUR_MS = 3_600_000


@pytest.fixture
def keys(either: Database) -> SqlKeys:
    return SqlKeys(either)


async def test_a_key_is_found_by_its_text_alone(keys: SqlKeys) -> None:
    made, text = await keys.create(NewKey("phone", user="ann", rpm=5, tpm=7))

    assert text.startswith(f"tw_{made.id}_")
    assert await keys.find(text) == made
    assert (made.owner, made.user, made.rpm, made.tpm) == ("ann", "ann", 5, 7)
    assert made.scopes == USUAL_SCOPES
    assert not made.admin


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "tw_",
        "tw__",
        "sk-abc",
        "tw_{id}_",
        "tw_{id}_" + "0" * 64,
        "tw_nobody_{secret}",
        "TW_{id}_{secret}",
        "tw_{id}_{secret}x",
        "tw_{id}_{secret}\n",
        "tw_' OR 1=1 --_{secret}",
    ],
)
async def test_nothing_else_is_a_key(keys: SqlKeys, wrong: str) -> None:
    made, text = await keys.create(NewKey("phone"))

    assert await keys.find(wrong.format(id=made.id, secret=text.rpartition("_")[2])) is None


async def test_the_secret_is_not_in_the_database(keys: SqlKeys, either: Database) -> None:
    _, text = await keys.create(NewKey("phone"))
    secret = text.rpartition("_")[2]

    row = await either.read(lambda c: c.execute(select(api_keys)).mappings().one())

    assert len(bytes.fromhex(secret)) == 32
    assert secret not in str(dict(row))
    assert row["secret_hash"] == hashlib.sha256(secret.encode()).hexdigest()


async def test_keys_of_one_user_share_an_owner_and_others_have_their_own(keys: SqlKeys) -> None:
    made = [(await keys.create(NewKey("", user=user)))[0] for user in ("ann", "ann", None, None)]

    assert [key.owner for key in made] == ["ann", "ann", f"key:{made[2].id}", f"key:{made[3].id}"]


async def test_a_revoked_key_opens_nothing_and_stays_in_the_list(keys: SqlKeys) -> None:
    made, text = await keys.create(NewKey("phone"))
    other, _ = await keys.create(NewKey("desk"))

    revoked = await keys.revoke(made.id)

    assert revoked.revoked_at is not None
    assert await keys.find(text) is None
    assert await keys.open([made.id, other.id, "nobody"]) == {other.id}
    assert [key.id for key in await keys.list()] == [made.id, other.id]
    assert (await keys.revoke(made.id)).revoked_at == revoked.revoked_at
    with pytest.raises(NotFound):
        await keys.revoke("nobody")


async def test_an_expired_key_opens_nothing(keys: SqlKeys) -> None:
    now = time.time_ns() // 1_000_000
    made, old = await keys.create(NewKey("old", expires_at=now - 1))
    _, new = await keys.create(NewKey("new", expires_at=now + HOUR_MS))

    assert await keys.find(old) is None
    assert await keys.find(new) is not None
    assert await keys.open([made.id]) == set()


async def test_the_first_key_is_made_once_however_many_ask(keys: SqlKeys) -> None:
    made = await asyncio.gather(*(keys.create_first() for _ in range(8)))

    (text,) = [each for each in made if each is not None]
    first = await keys.find(text)
    assert first is not None
    assert first.admin
    assert first.scopes == SCOPES
    assert await keys.create_first() is None


async def test_of_several_nodes_one_makes_the_first_key(postgres_url: str) -> None:
    nodes = [PostgresDatabase(postgres_url) for _ in range(3)]
    try:
        for node in nodes:
            await node.open()
        made = await asyncio.gather(*(SqlKeys(node).create_first() for node in nodes))
    finally:
        for node in nodes:
            await node.close()

    assert len([each for each in made if each is not None]) == 1


async def test_there_is_no_first_key_after_another_one_even_a_revoked_one(keys: SqlKeys) -> None:
    made, _ = await keys.create(NewKey("phone"))
    await keys.revoke(made.id)

    assert await keys.create_first() is None


async def test_it_is_remembered_when_a_key_was_used(keys: SqlKeys) -> None:
    made, _ = await keys.create(NewKey("phone"))

    await keys.used({made.id: 12_345, "nobody": 1})

    assert [key.last_used_at for key in await keys.list()] == [12_345]
