from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack

import msgspec
import pytest
from structlog.testing import capture_logs

from talkwire.journals.wake import NoSignals, RedisSignals
from talkwire.stores.redis import RedisChannel
from tests.e2e.waiting import until
from tests.services.link import Link
from tests.services.redis import Redis

CHANNEL = "talkwire:test:signals"
BACK_S = 3  # it is a second on a machine that has nothing else to do
Word = tuple[str, ...]


class Ear:
    """What one hearer was told, in order."""

    def __init__(self) -> None:
        self.words: list[Word] = []

    def __call__(self, ids: Sequence[str]) -> None:
        self.words.append(tuple(ids))

    @property
    def ids(self) -> list[str]:
        return [each for word in self.words for each in word]


class Wire:
    """A channel in this process that holds messages up until they are let through."""

    def __init__(self) -> None:
        self.sent: list[list[object]] = []
        self.open = asyncio.Event()
        self.faults = 0
        self.incoming: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.under_way = 0
        self.most_under_way = 0

    async def publish(self, payload: bytes) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.open.wait()
            if self.faults:
                self.faults -= 1
                raise ConnectionError("cannot be reached")
            self.sent.append(msgspec.msgpack.decode(payload))
        finally:
            self.under_way -= 1

    async def messages(self) -> AsyncGenerator[bytes | None, None]:
        while True:
            yield await self.incoming.get()

    async def close(self) -> None:
        return

    @property
    def sent_ids(self) -> list[object]:
        return [ids for _, _, _, ids in self.sent]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def signals(wire: Wire) -> AsyncIterator[RedisSignals]:
    signals = RedisSignals(wire, most_waiting=100, most_ids=40, pause_s=0.001)
    await signals.open()
    yield signals
    await signals.close()


def _message(*parts: object) -> bytes:
    return msgspec.msgpack.encode(parts)


async def test_what_gathers_while_a_message_is_under_way_goes_out_in_one(
    wire: Wire, signals: RedisSignals
) -> None:
    signals.send("stored", ["a"])
    await until(lambda: wire.under_way)
    for _ in range(3):
        signals.send("stored", ["b", "c"])
    signals.send("stored", ["d"])

    wire.open.set()

    await until(lambda: len(wire.sent) == 2)
    assert wire.sent_ids == [["a"], ["b", "c", "d"]]
    assert wire.most_under_way == 1


async def test_a_message_is_compact_and_says_its_version_and_its_sender(
    wire: Wire, signals: RedisSignals
) -> None:
    wire.open.set()
    signals.send("stop", ["t1"])
    await until(lambda: wire.sent)

    version, sender, topic, ids = wire.sent[0]
    assert (version, topic, ids) == (1, "stop", ["t1"])
    assert isinstance(sender, str)
    assert len(sender) == 16


async def test_topics_go_out_by_turns_in_messages_of_bounded_size(
    wire: Wire, signals: RedisSignals
) -> None:
    signals.send("stored", [f"t{n}" for n in range(60)])
    signals.send("stop", ["s"])
    wire.open.set()

    await until(lambda: len(wire.sent) == 3)
    assert [(topic, len(str(ids).split(","))) for _, _, topic, ids in wire.sent] == [
        ("stored", 40),
        ("stop", 1),
        ("stored", 20),
    ]


async def test_a_flood_keeps_the_newest_and_stays_bounded(
    wire: Wire, signals: RedisSignals
) -> None:
    signals.send("stored", ["first"])
    await until(lambda: wire.under_way)
    began = time.monotonic()
    for n in range(100_000):
        signals.send("stored", [f"t{n}"])
    took_s = time.monotonic() - began

    wire.open.set()

    await until(lambda: len(wire.sent) == 4)
    told = [each for _, _, _, ids in wire.sent[1:] for each in ids]  # type: ignore[attr-defined]  # a list of text
    assert told == [f"t{n}" for n in range(99_900, 100_000)]
    assert took_s < 10


async def test_what_could_not_be_sent_is_sent_later_before_what_came_after(
    wire: Wire, signals: RedisSignals
) -> None:
    wire.faults = 3
    signals.send("keys", ["a"])
    await until(lambda: wire.under_way)
    signals.send("keys", ["b"])
    wire.open.set()

    await until(lambda: wire.sent)
    assert wire.sent_ids == [["a", "b"]]


async def test_a_fault_is_told_until_word_travels_again(wire: Wire, signals: RedisSignals) -> None:
    assert signals.fault == "not connected yet"
    await wire.incoming.put(None)
    await until(lambda: signals.fault is None)
    wire.faults = 100
    wire.open.set()
    signals.send("keys", ["a"])

    await until(lambda: signals.fault == "cannot be reached")
    wire.faults = 0
    await until(lambda: signals.fault is None)


async def test_no_ids_are_no_word(wire: Wire, signals: RedisSignals) -> None:
    wire.open.set()
    signals.send("stored", [])
    signals.send("stored", ["a"])

    await until(lambda: wire.sent)
    assert wire.sent_ids == [["a"]]


async def test_garbage_other_versions_and_unheard_topics_pass_by(
    wire: Wire, signals: RedisSignals
) -> None:
    ear = Ear()
    signals.hear("stored", ear)
    for garbage in (
        b"",
        b"\xff\xff\xff",
        b'{"topic": "stored"}',
        _message(2, "other", "stored", ["new shape"]),
        _message(1, "other", "stored", "text"),
        _message(1, "other", "stored", [1, 2]),
        _message(1, "other", "stored"),
        _message(1, "other", "elsewhere", ["x"]),
        b"\x94" * 100_000,
    ):
        await wire.incoming.put(garbage)
    await wire.incoming.put(_message(1, "other", "stored", ["a"]))

    await until(lambda: ear.words)
    assert ear.words == [("a",)]


async def test_a_hearer_that_fails_deafens_nobody(wire: Wire, signals: RedisSignals) -> None:
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, it: told.append(it["message"]))
    ear = Ear()

    def fail(ids: Sequence[str]) -> None:
        raise RuntimeError("a bug")

    signals.hear("stored", fail)
    signals.hear("stored", ear)
    for n in range(3):
        await wire.incoming.put(_message(1, "other", "stored", [str(n)]))

    await until(lambda: len(ear.words) == 3)
    assert len(told) == 3


async def test_alone_nothing_is_sent_and_nothing_heard() -> None:
    signals = NoSignals()
    ear = Ear()
    signals.hear("stored", ear)
    await signals.open()
    signals.send("stored", ["a"])
    await signals.close()

    assert ear.words == []
    assert signals.fault is None


async def _node(stack: AsyncExitStack, url: str, **patience: float) -> tuple[RedisSignals, Ear]:
    ear = Ear()
    signals = RedisSignals(RedisChannel(url, name=CHANNEL, **patience))
    signals.hear("stored", ear)
    await signals.open()
    stack.push_async_callback(signals.close)
    await until(lambda: signals.fault is None and ear.words == [()])
    ear.words.clear()
    return signals, ear


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def test_nodes_hear_each_other_and_nobody_hears_himself(
    redis_url: str, stack: AsyncExitStack
) -> None:
    one, heard_by_one = await _node(stack, redis_url)
    two, heard_by_two = await _node(stack, redis_url)

    one.send("stored", ["a", "b"])
    await until(lambda: heard_by_two.words)
    two.send("stored", ["c"])
    await until(lambda: heard_by_one.words)

    assert heard_by_two.words == [("a", "b")]
    assert heard_by_one.words == [("c",)]


async def test_a_hundred_thousand_ids_arrive_in_few_messages(
    redis_url: str, stack: AsyncExitStack
) -> None:
    one, _ = await _node(stack, redis_url)
    _, ear = await _node(stack, redis_url)

    for n in range(0, 100_000, 1000):
        one.send("stored", [f"t{m}" for m in range(n, n + 1000)])
        await asyncio.sleep(0)
    one.send("stored", ["last"])

    await until(lambda: "last" in ear.words[-1] if ear.words else False)
    assert len(ear.words) <= 102
    assert ear.ids == [*sorted(ear.ids[:-1], key=lambda each: int(each[1:])), "last"]


async def test_the_listener_is_back_soon_after_a_server_that_was_killed_and_wiped(
    own_redis: Redis, stack: AsyncExitStack
) -> None:
    one, _ = await _node(stack, own_redis.url)
    _, ear = await _node(stack, own_redis.url)
    for round_ in range(3):
        ear.words.clear()
        own_redis.kill()
        await until(lambda: one.fault)
        one.send("stored", [f"kept {round_}"])

        own_redis.start_again(wiped=True)

        await until(lambda: ear.words[:1] == [()], within_s=BACK_S)
        await until(lambda: one.fault is None, within_s=BACK_S)
        one.send("stored", [f"new {round_}"])
        await until(lambda: any(each.startswith("new") for each in ear.ids))


async def test_a_black_hole_is_noticed_and_left(own_redis: Redis, stack: AsyncExitStack) -> None:
    async with Link(own_redis.port) as wire, AsyncExitStack() as inner:
        url = f"redis://127.0.0.1:{wire.port}/0"
        far, ear = await _node(inner, url, silence_s=0.1, patience_s=0.3)
        near, _ = await _node(stack, own_redis.url)
        wire.hole()
        await until(lambda: far.fault == "no answer in time", within_s=BACK_S)
        far.send("stored", ["kept back"])
        wire.heal()

        await until(lambda: far.fault is None, within_s=BACK_S)
        near.send("stored", ["a"])
        await until(lambda: "a" in ear.ids, within_s=BACK_S)


async def test_word_travels_over_a_redis_that_is_slow_full_or_read_only(
    own_redis: Redis, stack: AsyncExitStack
) -> None:
    async with Link(own_redis.port) as wire, AsyncExitStack() as inner:
        one, _ = await _node(inner, f"redis://127.0.0.1:{wire.port}/0")
        _, ear = await _node(stack, own_redis.url)
        own_redis.command("CONFIG", "SET", "maxmemory", "1")
        own_redis.command("REPLICAOF", "127.0.0.1", "1")
        wire.delay(0.1)

        one.send("stored", ["a"])

        await until(lambda: ear.words == [("a",)])
        assert one.fault is None


async def test_a_password_set_at_run_time_keeps_new_listeners_out_and_says_so(
    own_redis: Redis,
) -> None:
    own_redis.command("CONFIG", "SET", "requirepass", "learnt-by-heart")
    signals = RedisSignals(RedisChannel(own_redis.url, name=CHANNEL))
    await signals.open()
    await until(lambda: signals.fault == "the credentials are refused")
    with_it = own_redis.url.replace("//", "//:learnt-by-heart@")
    with_password = RedisSignals(RedisChannel(with_it, name=CHANNEL))
    await with_password.open()
    await until(lambda: with_password.fault is None)

    await signals.close()
    await with_password.close()


async def test_garbage_on_the_channel_harms_no_listener(
    redis_server: Redis, redis_url: str, stack: AsyncExitStack
) -> None:
    one, _ = await _node(stack, redis_url)
    _, ear = await _node(stack, redis_url)
    for garbage in ("", "not for us", "\x00" * 1000):
        redis_server.command("PUBLISH", CHANNEL, garbage)
    one.send("stored", ["a"])

    await until(lambda: ear.words)
    assert ear.words == [("a",)]


async def test_it_starts_while_redis_is_down_and_closes_twice(own_redis: Redis) -> None:
    own_redis.kill()
    signals = RedisSignals(RedisChannel(own_redis.url, name=CHANNEL))
    ear = Ear()
    signals.hear("stored", ear)
    began = time.monotonic()
    with capture_logs() as lines:
        await signals.open()
        assert time.monotonic() - began < 1
        await until(lambda: signals.fault == "cannot be reached")
        signals.send("stored", ["a"])

        own_redis.start_again(wiped=False)

        await until(lambda: signals.fault is None and ear.words == [()], within_s=BACK_S)
    assert [line["event"] for line in lines] == ["signals.away", "signals.back"]
    await signals.close()
    await signals.close()
    assert len(asyncio.all_tasks()) == 1
