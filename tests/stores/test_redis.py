from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from structlog.testing import capture_logs

from talkwire.stores.redis import Away, RedisChannel, RedisLink
from tests.e2e.listening import Listening
from tests.e2e.waiting import until
from tests.services.link import Link
from tests.services.redis import Redis

SHORT_S = 0.5
SLACK_S = 1.0  # for a machine that is busy with other things
LEARNT = "learnt-by-heart"


def _link(url: str, timeout_s: float = 5) -> RedisLink:
    return RedisLink(url, timeout_s=timeout_s, probe_s=0.05)


@pytest.fixture
async def link(own_redis: Redis) -> AsyncIterator[RedisLink]:
    link = _link(own_redis.url)
    yield link
    await link.close()


async def _store(link: RedisLink) -> None:
    await link.call(lambda redis: redis.set("word", "x"))


async def _back(link: RedisLink) -> None:
    await until(lambda: link.fault is None)
    await _store(link)


async def test_commands_are_answered(link: RedisLink) -> None:
    await _store(link)

    assert await link.call(lambda redis: redis.get("word")) == b"x"
    assert link.fault is None


@pytest.mark.parametrize("wiped", [True, False])
async def test_a_killed_redis_is_used_again_once_it_is_back(
    own_redis: Redis, link: RedisLink, wiped: bool
) -> None:
    await _store(link)
    own_redis.kill()
    with pytest.raises(Away, match="cannot be reached"):
        await _store(link)
    assert link.fault == "cannot be reached"

    own_redis.start_again(wiped=wiped)

    await _back(link)


async def test_nothing_is_tried_by_those_who_ask_while_it_is_away(link: RedisLink) -> None:
    asked: list[int] = []

    async def fail(redis: object) -> None:
        asked.append(1)
        raise OSError

    with pytest.raises(Away):
        await link.call(fail)
    with pytest.raises(Away):
        await link.call(fail)

    assert asked == [1]


async def test_a_black_hole_costs_one_time_out_and_heals(own_redis: Redis) -> None:
    async with Link(own_redis.port) as wire:
        link = _link(f"redis://127.0.0.1:{wire.port}/0", SHORT_S)
        await asyncio.gather(*(_store(link) for _ in range(10)))
        wire.hole()

        began = time.monotonic()
        answers = await asyncio.gather(*(_store(link) for _ in range(30)), return_exceptions=True)
        took_s = time.monotonic() - began
        again = time.monotonic()
        with pytest.raises(Away, match="no answer in time"):
            await _store(link)

        assert {type(answer) for answer in answers} == {Away}
        assert took_s < SHORT_S + SLACK_S
        assert time.monotonic() - again < 0.05
        wire.heal()
        await _back(link)
        await link.close()


async def test_nobody_waits_for_a_slow_redis(own_redis: Redis) -> None:
    async with Link(own_redis.port) as wire:
        link = _link(f"redis://127.0.0.1:{wire.port}/0", SHORT_S)
        wire.delay(2)

        began = time.monotonic()
        with pytest.raises(Away):
            await _store(link)

        assert time.monotonic() - began < SHORT_S + SLACK_S
        wire.delay(0)
        await _back(link)
        await link.close()


async def test_connections_that_are_reset_or_refused_are_made_again(own_redis: Redis) -> None:
    async with Link(own_redis.port) as wire:
        link = _link(f"redis://127.0.0.1:{wire.port}/0", SHORT_S)
        await _store(link)
        wire.refuse()
        with pytest.raises(Away, match="cannot be reached"):
            await _store(link)
        wire.heal()
        await _back(link)
        await link.close()


@pytest.mark.parametrize(
    ("harm", "remedy", "reason"),
    [
        ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", "out of memory"),
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "read-only"),
        (
            "ACL SETUSER default -@write",
            "ACL SETUSER default +@all",
            "the credentials are refused",
        ),
    ],
)
async def test_a_redis_that_takes_no_writes_is_away_until_it_does(
    own_redis: Redis, link: RedisLink, harm: str, remedy: str, reason: str
) -> None:
    own_redis.command(*harm.split())
    with pytest.raises(Away, match=reason):
        await _store(link)
    assert link.fault == reason

    own_redis.command(*remedy.split())

    await _back(link)


async def test_a_password_that_is_missing_is_told_and_never_shown(own_redis: Redis) -> None:
    own_redis.command("CONFIG", "SET", "requirepass", LEARNT)
    without = _link(own_redis.url)
    wrong = _link(own_redis.url.replace("//", "//:wrong-one@"))
    right = _link(own_redis.url.replace("//", f"//:{LEARNT}@"))

    with pytest.raises(Away, match="the credentials are refused") as away:
        await _store(without)
    with pytest.raises(Away, match="the credentials are refused") as refused:
        await _store(wrong)
    await _store(right)

    assert "wrong-one" not in f"{refused.value!r}{wrong.fault}{refused.value.__cause__!r}"
    assert str(own_redis.port) not in str(away.value)
    for link in (without, wrong, right):
        await link.close()


class _Saying(Listening):
    """A server that says one thing alone."""

    def __init__(self, word: bytes) -> None:
        super().__init__()
        self.word = word

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(65_536):
                writer.write(self.word)
        finally:
            writer.close()


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "still loading its data"),
        (b"-MISCONF Errors writing to the AOF file\r\n", "commands are refused (MISCONF)"),
        (b"-MOVED 3999 127.0.0.1:6381\r\n", "commands are refused (MovedError)"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "commands are refused (InvalidResponse)"),
        (b"-ERR unknown command\r\n", "commands are refused (ResponseError)"),
    ],
)
async def test_a_server_that_refuses_is_away_with_its_word_for_it(word: bytes, reason: str) -> None:
    async with _Saying(word) as server:
        link = _link(f"redis://127.0.0.1:{server.port}/0")
        with pytest.raises(Away):
            await _store(link)

        assert link.fault == reason
        await link.close()


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:1/0", "rediss://127.0.0.1:1/0", "unix:///nowhere/redis.sock?db=1"]
)
async def test_every_kind_of_address_may_lead_nowhere(url: str) -> None:
    link, channel = _link(url), RedisChannel(url)

    with pytest.raises(Away, match="cannot be reached"):
        await _store(link)
    with pytest.raises(Away, match="cannot be reached"):
        await anext(channel.messages())

    await link.close()
    await channel.close()


async def test_an_outage_is_logged_once_and_its_end_too(own_redis: Redis, link: RedisLink) -> None:
    with capture_logs() as lines:
        await _store(link)
        own_redis.kill()
        for _ in range(3):
            with pytest.raises(Away):
                await _store(link)
        own_redis.start_again(wiped=True)
        await _back(link)

    told = [(line["event"], line["log_level"]) for line in lines]
    assert told == [("redis.away", "warning"), ("redis.back", "info")]


async def test_who_is_cancelled_leaves_no_answer_for_the_next(link: RedisLink) -> None:
    await link.call(lambda redis: redis.set("a", "1"))
    for _ in range(20):
        task = asyncio.create_task(link.call(lambda redis: redis.get("a")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert await link.call(lambda redis: redis.get("missing")) is None


async def test_more_callers_than_connections_take_turns(own_redis: Redis) -> None:
    link = RedisLink(own_redis.url, max_connections=2, timeout_s=5)

    await asyncio.gather(*(_store(link) for _ in range(200)))

    assert str(own_redis.command("CLIENT", "LIST")).count(" cmd=set ") == 2
    await link.close()


async def test_what_is_done_later_is_done_before_it_closes(own_redis: Redis) -> None:
    link = _link(own_redis.url)
    link.later(lambda redis: redis.set("word", "x"))
    await link.close()

    assert own_redis.command("GET", "word") == "x"


async def test_what_piles_up_for_later_is_let_go(own_redis: Redis) -> None:
    link = RedisLink(own_redis.url, timeout_s=5, most_later=2)
    for n in range(100):
        link.later(lambda redis, n=n: redis.set(f"word {n}", "x"))  # type: ignore[misc]  # bound now
    await link.close()

    assert own_redis.command("DBSIZE") == 2


async def test_what_fails_later_troubles_nobody(own_redis: Redis) -> None:
    link = _link(own_redis.url)
    own_redis.kill()
    link.later(_never)
    await link.settle()
    assert link.fault == "cannot be reached"
    link.later(_never)
    await link.close()


async def _never(redis: Any) -> None:
    await redis.set("word", "x")


async def test_closing_while_it_is_away_ends_the_search_for_it(own_redis: Redis) -> None:
    link = _link(own_redis.url)
    own_redis.kill()
    with pytest.raises(Away):
        await _store(link)

    await link.close()

    assert len(asyncio.all_tasks()) == 1


async def test_a_channel_carries_payloads_as_they_are(redis_url: str) -> None:
    channel = RedisChannel(redis_url, name="talkwire:test")
    async with aclosing(channel.messages()) as messages:
        assert await anext(messages) is None
        await channel.publish(b"\x00\xff")

        assert await anext(messages) == b"\x00\xff"
    await channel.close()


async def test_a_quiet_channel_is_kept_alive_by_asking(own_redis: Redis) -> None:
    channel = RedisChannel(own_redis.url, silence_s=0.02)
    async with aclosing(channel.messages()) as messages:
        assert await anext(messages) is None
        word = asyncio.ensure_future(anext(messages))
        asked = _pings(own_redis)
        await until(lambda: _pings(own_redis) >= asked + 5)
        await channel.publish(b"x")

        assert await word == b"x"
    await channel.close()


def _pings(server: Redis) -> int:
    counted = server.command("INFO", "commandstats").get("cmdstat_ping", {})
    return int(counted.get("calls", 0))


async def test_a_channel_notices_a_silent_peer(own_redis: Redis) -> None:
    async with Link(own_redis.port) as wire:
        channel = RedisChannel(f"redis://127.0.0.1:{wire.port}/0", silence_s=0.1)
        async with aclosing(channel.messages()) as messages:
            assert await anext(messages) is None
            wire.hole()

            began = time.monotonic()
            with pytest.raises(Away, match="no answer in time"):
                await anext(messages)

            assert time.monotonic() - began < 0.2 + SLACK_S
        await channel.close()


async def test_a_channel_is_lost_with_its_server(own_redis: Redis) -> None:
    channel = RedisChannel(own_redis.url)
    async with aclosing(channel.messages()) as messages:
        assert await anext(messages) is None
        own_redis.kill()

        with pytest.raises(Away, match="cannot be reached"):
            await anext(messages)
    with pytest.raises(Away):
        await channel.publish(b"x")
    await channel.close()


def test_the_driver_is_loaded_by_those_alone_who_use_redis() -> None:
    modules = "talkwire.stores.cache, talkwire.stores.counters, talkwire.journals.wake"
    script = f"import sys, {modules}; print({{'redis', 'limits'}} & set(sys.modules))"

    said = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert said.stdout.strip() == b"set()"


async def test_every_command_is_timed_and_whether_it_was_answered(
    own_redis: Redis, link: RedisLink
) -> None:
    told: list[bool] = []
    link.timed = lambda seconds, answered: told.append(answered and seconds >= 0)

    await _store(link)
    own_redis.kill()
    with pytest.raises(Away):
        await _store(link)

    assert told == [True, False]
