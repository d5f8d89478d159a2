"""Several workers whose figures are told as one, whoever is asked, and whoever has died."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from prometheus_client.metrics import Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import CollectorRegistry

from talkwire.telemetry.sharing import Shared


class Worker:
    """A worker with figures of its own."""

    def __init__(self, folder: Path) -> None:
        self.registry = CollectorRegistry()
        self.turns = Counter("turns", "Turns.", ["wire"], registry=self.registry)
        self.took = Histogram("took_seconds", "Took.", buckets=(1, 2), registry=self.registry)
        self.running = Gauge("running", "Running.", registry=self.registry)
        self.redis = Gauge("talkwire_redis_up", "Up.", registry=self.registry)
        self.redis.set(1)
        self.shared = Shared(folder)
        self.shared.open()

    @property
    def figures(self) -> list[Metric]:
        return list(self.registry.collect())

    def told(self, name: str, **labels: str) -> float | None:
        """What this worker answers when it is asked."""
        for family in self.shared.together(self.figures):
            for sample in family.samples:
                if (sample.name, sample.labels) == (name, labels):
                    return sample.value
        return None

    def killed(self) -> None:
        """As a process that is dead: the system takes its lock."""
        assert self.shared._alive is not None
        self.shared._alive.close()
        self.shared._alive = None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_whoever_is_asked_tells_of_all(folder: Path) -> None:
    one, other = Worker(folder), Worker(folder)
    one.turns.labels("native").inc(2)
    other.turns.labels("native").inc(3)
    other.turns.labels("support").inc()
    other.took.observe(1.5)
    one.running.set(4)
    other.running.set(5)
    other.redis.set(0)
    one.shared.publish(one.figures)
    other.shared.publish(other.figures)

    for asked in (one, other):
        assert asked.told("turns_total", wire="native") == 5
        assert asked.told("turns_total", wire="support") == 1
        assert asked.told("took_seconds_bucket", le="2.0") == 1
        assert asked.told("took_seconds_count") == 1
        assert asked.told("running") == 9
        assert asked.told("talkwire_redis_up") == 0, "one of them has lost it"
    for each in (one, other):
        each.shared.close(each.figures)


def test_what_was_told_once_is_never_taken_back(folder: Path) -> None:
    one, other = Worker(folder), Worker(folder)
    told: list[float | None] = []
    for step in range(6):
        asked = (one, other)[step % 2]
        asked.turns.labels("native").inc()
        told.append(asked.told("turns_total", wire="native"))

    assert told == [1, 2, 3, 4, 5, 6]
    for each in (one, other):
        each.shared.close(each.figures)


def test_the_dead_keep_what_they_counted_and_have_no_say_in_what_is_now(folder: Path) -> None:
    one, other = Worker(folder), Worker(folder)
    one.turns.labels("native").inc(7)
    one.running.set(3)
    one.shared.publish(one.figures)
    one.killed()
    other.turns.labels("native").inc()

    assert other.told("turns_total", wire="native") == 8
    assert other.told("running") == 0
    other.shared.close(other.figures)


def test_the_files_of_the_dead_become_one_and_count_once(folder: Path) -> None:
    for _ in range(5):
        worker = Worker(folder)
        worker.turns.labels("native").inc(2)
        worker.shared.publish(worker.figures)
        worker.killed()
    orderly = Worker(folder)
    orderly.turns.labels("native").inc()
    orderly.shared.close(orderly.figures)
    last = Worker(folder)

    assert last.told("turns_total", wire="native") == 11
    assert len(list(folder.glob("*.json"))) == 1, "its own"
    assert last.told("turns_total", wire="native") == 11
    last.shared.close(last.figures)


def test_who_is_killed_while_it_gathers_has_counted_nothing_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = Worker(folder)
    dead.turns.labels("native").inc(4)
    dead.shared.publish(dead.figures)
    dead.killed()

    def killed(path: Path, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            Worker(folder)
    last = Worker(folder)

    assert last.told("turns_total", wire="native") == 4
    last.shared.close(last.figures)


def test_a_folder_that_is_gone_hinders_no_end(folder: Path) -> None:
    worker = Worker(folder / ".")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()

    worker.shared.close(worker.figures)


def test_what_is_in_use_does_not_look_old(folder: Path) -> None:
    dead = Worker(folder)
    dead.killed()
    worker = Worker(folder)
    for path in folder.iterdir():
        os.utime(path, (0, 0))

    worker.shared.publish(worker.figures)

    old = {path.name for path in folder.iterdir() if path.stat().st_mtime == 0}
    own = worker.shared._own
    assert not old & {own.name, own.with_suffix(".lock").name, "past"}
    worker.shared.close(worker.figures)
