from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from bench.children import NotReady, cpus, free_port, pinned, running
from bench.targets import ROOT


def test_a_server_is_waited_for_and_ended_by_its_id(tmp_path: Path) -> None:
    port = free_port()
    command = (sys.executable, "-m", "bench.upstream", "--port", str(port))
    env = {"PYTHONPATH": str(ROOT)}
    with running(command, port=port, cpu=None, env=env, folder=tmp_path) as pid:
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)


def test_a_server_that_ends_at_once_tells_its_last_lines(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('no such port')")
    with (
        pytest.raises(NotReady, match="no such port"),
        running(command, port=free_port(), cpu=None, env={}, folder=tmp_path),
    ):
        raise AssertionError("it cannot be ready")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux pins processes")
def test_pinning_ends_with_its_block() -> None:
    before = os.sched_getaffinity(0)
    with pinned(cpus().load):
        assert cpus().load is None or len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before
