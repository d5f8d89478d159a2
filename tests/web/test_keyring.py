"""Credentials are remembered for seconds, looked up once, and revoked ones end what is open."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import pytest

from talkwire.canon.errors import StorageUnavailable
from talkwire.canon.keys import ApiKey
from talkwire.engine.reader import Log, ReaderCut
from talkwire.web import keyring as module
from talkwire.web.admission import Admission
from talkwire.web.keyring import CHECK_EVERY_S, FRESH_S, Keyring
from talkwire.web.principals import Principal
from talkwire.web.rates import MemoryCounters, Rates
from tests.e2e.waiting import until
from tests.web.wire import reader


class Store:
    """Keys by their text."""

    def __init__(self, **keys: ApiKey) -> None:
        self.keys = dict(keys)
        self.asked: list[str] = []
        self.noted: dict[str, int] = {}
        self.away = False

    async def find(self, text: str) -> ApiKey | None:
        self.asked.append(text)
        await asyncio.sleep(0)
        if self.away:
            raise StorageUnavailable("away")
        return self.keys.get(text)

    async def open(self, key_ids: Collection[str]) -> set[str]:
        if self.away:
            raise StorageUnavailable("away")
        return {key.id for key in self.keys.values()} & set(key_ids)

    async def used(self, at: Mapping[str, int]) -> None:
        self.noted.update(at)


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(module, "_now", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def store() -> Store:
    return Store(tw_1_a=ApiKey("1", "ann", "phone", 1, rpm=7))


async def test_a_credential_is_looked_up_once_in_a_while(store: Store, clock: Clock) -> None:
    ring = Keyring(store)
    for _ in range(3):
        assert await ring.principal("tw_1_a") == Principal("ann", "1", "phone", rpm=7)
    assert store.asked == ["tw_1_a"]

    clock.now += FRESH_S
    await ring.principal("tw_1_a")

    assert len(store.asked) == 2


async def test_a_revoked_key_opens_nothing_after_that_while(store: Store, clock: Clock) -> None:
    ring = Keyring(store)
    await ring.principal("tw_1_a")
    store.keys.clear()
    clock.now += FRESH_S

    assert await ring.principal("tw_1_a") is None
    assert FRESH_S + CHECK_EVERY_S < 5


async def test_word_of_a_change_makes_it_at_once(store: Store) -> None:
    ring = Keyring(store)
    await ring.principal("tw_1_a")
    store.keys.clear()

    ring.drop(["1"])

    assert await ring.principal("tw_1_a") is None


async def test_many_requests_at_once_are_one_look_up(store: Store) -> None:
    ring = Keyring(store)

    found = await asyncio.gather(*(ring.principal("tw_1_a") for _ in range(50)))

    assert len(store.asked) == 1
    assert len(set(found)) == 1


async def test_a_caller_that_leaves_takes_nobody_with_it(store: Store) -> None:
    ring = Keyring(store)
    first, second = (asyncio.ensure_future(ring.principal("tw_1_a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()

    assert await second is not None


async def test_unknown_credentials_are_not_remembered(store: Store) -> None:
    ring = Keyring(store)
    for number in range(20):
        assert await ring.principal(f"tw_x_{number}") is None

    assert not ring._known
    assert not ring._asking


async def test_what_is_remembered_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 3)
    store.keys = {f"tw_{n}_a": ApiKey(str(n), "ann", "", 1) for n in range(9)}
    ring = Keyring(store)
    for text in store.keys:
        await ring.principal(text)

    assert len(ring._known) == 3


async def test_neither_the_long_nor_tokens_without_an_issuer_are_looked_up(store: Store) -> None:
    ring = Keyring(store)

    assert await ring.principal("tw_" + "x" * 9000) is None
    assert await ring.principal("a.b.c") is None
    assert store.asked == []


async def test_a_token_is_remembered_no_longer_than_it_is_good(store: Store, clock: Clock) -> None:
    asked = []

    async def verify(text: str) -> tuple[Principal, float] | None:
        asked.append(text)
        return Principal("bob"), 1.0

    ring = Keyring(store, verify)
    await ring.principal("a.b.c")
    clock.now += 0.9
    await ring.principal("a.b.c")
    assert len(asked) == 1
    clock.now += 0.2
    await ring.principal("a.b.c")

    assert len(asked) == 2


async def test_without_the_database_nothing_is_opened_and_the_failure_is_not_remembered(
    store: Store,
) -> None:
    ring = Keyring(store)
    store.away = True
    with pytest.raises(StorageUnavailable):
        await ring.principal("tw_1_a")
    store.away = False

    assert await ring.principal("tw_1_a") is not None


async def test_streams_of_a_revoked_key_are_cut(store: Store) -> None:
    ring = Keyring(store)
    admission = Admission(Rates(MemoryCounters()))
    principal = await ring.principal("tw_1_a")
    assert principal is not None
    seat, following = admission.seat(principal), reader(Log())
    seat.sit(following)
    await ring.check(admission)
    waiting = following.coming()
    assert not waiting.done()

    store.keys.clear()
    await ring.check(admission)

    await waiting
    with pytest.raises(ReaderCut):
        following.coming()


async def test_the_watch_goes_on_when_the_database_was_away_and_notes_what_was_used(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECK_EVERY_S", 0.001)
    monkeypatch.setattr(module, "_USED_EVERY_S", 0.0)
    ring = Keyring(store)
    admission = Admission(Rates(MemoryCounters()))
    principal = await ring.principal("tw_1_a")
    assert principal is not None
    seat, following = admission.seat(principal), reader(Log())
    seat.sit(following)
    store.away = True
    watching = asyncio.create_task(ring.watch(admission))
    await asyncio.sleep(0.02)
    store.away = False
    await until(lambda: "1" in store.noted)
    store.keys.clear()
    async with asyncio.timeout(5):
        await following.coming()
    with pytest.raises(ReaderCut):
        following.coming()

    watching.cancel()
