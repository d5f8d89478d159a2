"""A connection that is silent for too long is broken, and no other one."""

from __future__ import annotations

import threading
from functools import partial

import psycopg
import pytest

from talkwire.stores.watch import Watch


def test_who_waits_for_ever_is_freed_and_who_is_done_is_left_alone(postgres_url: str) -> None:
    watch = Watch(0)
    done = psycopg.connect(postgres_url, autocommit=True)
    stuck = psycopg.connect(postgres_url, autocommit=True)
    watch.begin(done)
    watch.end()
    freed: list[BaseException] = []
    begun = threading.Event()

    def wait() -> None:
        watch.begin(stuck)
        begun.set()
        try:
            stuck.execute("SELECT pg_sleep(30)")
        except psycopg.OperationalError as error:
            freed.append(error)
        watch.end()

    thread = threading.Thread(target=wait)
    thread.start()
    begun.wait(10)
    assert watch.cut() == 1
    thread.join(10)

    assert len(freed) == 1
    assert watch.cut() == 0
    assert done.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError):
        stuck.execute("SELECT 1")
    done.close()
    stuck.close()


def test_a_link_that_is_closed_already_harms_nobody(postgres_url: str) -> None:
    watch = Watch(0)
    closed = psycopg.connect(postgres_url)
    watch.begin(closed)
    closed.close()

    assert watch.cut() == 1


def test_what_answers_in_time_is_not_cut(postgres_url: str) -> None:
    watch = Watch(60)
    with psycopg.connect(postgres_url) as link:
        threading.Thread(target=partial(watch.begin, link)).start()
        assert watch.cut() == 0
