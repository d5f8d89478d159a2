"""Figures of several workers behind one port, in a folder that their supervisor gives them.

Each worker writes its own into a file from time to time, and before it tells them to anybody. Who
is asked adds up all files. So no figure that only grows is ever told smaller than before, whoever
is asked: what a worker has told is in its file, and stays there when it is dead. What a killed
worker has counted since it last wrote is lost.

A worker holds a lock on a file of its own while it lives: only who lives has a say in what is so
just now. The files of the dead are gathered into one when a worker starts.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct
from prometheus_client.metrics_core import Metric

_GROWING = frozenset({"counter", "histogram"})
# How a figure of several workers that is no sum comes about.
_NO_SUM: Mapping[str, Callable[[float, float], float]] = {
    "process_start_time_seconds": min,
    "talkwire_build_info": max,
    "talkwire_draining": max,
    "talkwire_model_error_ratio": max,
    "talkwire_model_latency_seconds": max,
    "talkwire_model_up": min,
    "talkwire_redis_up": min,
}


class Family(Struct, frozen=True, array_like=True):
    """A metric with its samples: each a name, labels and a value."""

    name: str
    documentation: str
    type: str
    unit: str
    samples: list[tuple[str, dict[str, str], float]]


class Past(Struct, frozen=True):
    """The figures of the dead, and the files in which those are still found."""

    gathered: frozenset[str] = frozenset()
    families: tuple[Family, ...] = ()


class Shared:
    """One worker's place in the folder. `open` it, and `close` it with the last figures."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = folder / f"{secrets.token_hex(8)}.json"
        self._past = folder / "past"
        self._alive: IO[bytes] | None = None

    def open(self) -> None:
        """From now on this worker lives. Blocks."""
        with ExitStack() as opened:
            alive = opened.enter_context(self._own.with_suffix(".lock").open("ab"))
            fcntl.flock(alive, fcntl.LOCK_EX)
            with self._locked(fcntl.LOCK_EX):
                self._gather()
            opened.pop_all()
        self._alive = alive

    def publish(self, families: Iterable[Metric]) -> None:
        """Write this worker's figures for the others. Blocks."""
        told = [_family(each) for each in families]
        _write(self._own, msgspec.json.encode(told))
        for path in (self._own.with_suffix(".lock"), self._past):
            with suppress(FileNotFoundError):
                os.utime(path)  # who tidies up temporary files takes those that are old

    def together(self, families: Sequence[Metric]) -> list[Metric]:
        """These figures, which are this worker's, and those of all others. Blocks."""
        self.publish(families)
        with self._locked(fcntl.LOCK_SH):
            past = self._read_past()
            sources = [(list(past.families), False)]
            for path in self._files():
                if path.name not in past.gathered and path != self._own:
                    sources.append((_read(path), _lives(path)))
        sources.append(([_family(each) for each in families], True))
        return [_metric(each) for each in added(sources)]

    def close(self, families: Iterable[Metric]) -> None:
        """Leave the last figures. Blocks."""
        with suppress(OSError):  # the supervisor may be gone, and the folder with it
            self.publish(families)
        if self._alive is not None:
            self._alive.close()
            self._alive = None

    def _gather(self) -> None:
        """Put the figures of the dead into one file. What is in it counts no more elsewhere, so
        that whoever is killed in here has counted nothing twice."""
        past = self._read_past()
        dead = [path for path in self._files() if path != self._own and not _lives(path)]
        new = [path for path in dead if path.name not in past.gathered]
        families = added([(list(past.families), False), *((_read(path), False) for path in new)])
        gathered = frozenset(path.name for path in dead)
        _write(self._past, msgspec.json.encode(Past(gathered, tuple(families))))
        for path in dead:
            path.unlink()
            path.with_suffix(".lock").unlink(missing_ok=True)

    def _read_past(self) -> Past:
        if not self._past.exists():
            return Past()
        return msgspec.json.decode(self._past.read_bytes(), type=Past)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"))

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        with (self._folder / "folder.lock").open("ab") as lock:
            fcntl.flock(lock, how)
            yield


def added(sources: Sequence[tuple[Sequence[Family], bool]]) -> list[Family]:
    """The figures of all sources as one, each with whether it lives: what is so just now is told
    by those alone."""
    heads: dict[str, Family] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for families, lives in sources:
        for family in families:
            if not lives and family.type not in _GROWING:
                continue
            heads.setdefault(family.name, family)
            found = values.setdefault(family.name, {})
            put = _NO_SUM.get(family.name, float.__add__)
            for name, labels, value in family.samples:
                key = (name, tuple(labels.items()))
                found[key] = put(found[key], value) if key in found else value
    return [
        msgspec.structs.replace(
            heads[name],
            samples=[(sample, dict(labels), value) for (sample, labels), value in found.items()],
        )
        for name, found in values.items()
    ]


def _family(metric: Metric) -> Family:
    samples = [(each.name, dict(each.labels), float(each.value)) for each in metric.samples]
    return Family(metric.name, metric.documentation, metric.type, metric.unit, samples)


def _metric(family: Family) -> Metric:
    metric = Metric(family.name, family.documentation, family.type, family.unit)
    for name, labels, value in family.samples:
        metric.add_sample(name, labels, value)
    return metric


def _read(path: Path) -> list[Family]:
    return msgspec.json.decode(path.read_bytes(), type=list[Family])


def _write(path: Path, content: bytes) -> None:
    """Whole, or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(path)


def _lives(path: Path) -> bool:
    """Whether somebody holds the worker's lock."""
    try:
        with path.with_suffix(".lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
