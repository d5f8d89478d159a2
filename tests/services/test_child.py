from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.waiting import until
from tests.services.child import Child, Ending

_SLEEPER = [sys.executable, "-c", "import signal; signal.pause()"]


def _child(tmp_path: Path, ending: Ending) -> Child:
    return Child(
        _SLEEPER,
        log=tmp_path / "log.txt",
        env={"PATH": os.environ["PATH"]},
        cwd=tmp_path,
        ending=ending,
    )


@pytest.fixture
def watched() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(_SLEEPER) as process:
        yield process
        process.kill()


async def test_a_child_ends_with_the_process_that_is_watched(
    watched: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    child = _child(tmp_path, Ending(signal.SIGTERM, watched.pid, folder))

    watched.kill()
    watched.wait()

    await until(lambda: not child.alive)
    await until(lambda: not folder.exists())
    child.end(signal.SIGKILL)


def test_a_child_that_was_ended_leaves_no_watcher(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    child = _child(tmp_path, Ending())

    child.end(signal.SIGTERM)

    assert not child.alive
    assert set(psutil.Process().children()) <= before
