from __future__ import annotations

import psutil
import pytest
import redis

from tests.services.redis import Redis


def test_what_was_answered_survives_a_kill(own_redis: Redis) -> None:
    own_redis.command("SET", "word", "kept")
    own_redis.kill()
    with pytest.raises(redis.ConnectionError):
        own_redis.command("PING")

    own_redis.start_again(wiped=False)

    assert own_redis.command("GET", "word") == "kept"


def test_a_wiped_server_comes_back_empty_on_the_same_port(own_redis: Redis) -> None:
    own_redis.command("SET", "word", "lost")
    port = own_redis.port
    own_redis.kill()

    own_redis.start_again(wiped=True)

    assert own_redis.command("DBSIZE") == 0
    assert own_redis.port == port


def test_it_can_be_made_full(own_redis: Redis) -> None:
    own_redis.command("CONFIG", "SET", "maxmemory", "1")

    with pytest.raises(redis.OutOfMemoryError):
        own_redis.command("SET", "word", "x")


def test_its_end_leaves_no_process(own_redis: Redis) -> None:
    pid = own_redis.pid
    own_redis.stop()

    assert not psutil.pid_exists(pid)


def test_each_test_begins_with_an_empty_database(redis_server: Redis, redis_url: str) -> None:
    assert redis_url == redis_server.url
    assert redis_server.command("DBSIZE") == 0
