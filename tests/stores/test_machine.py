"""Processes of this machine: who lives, who is gone, and who is only remains."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from talkwire.stores.machine import gone, host_of, is_marked, machine


def sleeping() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def test_all_processes_of_a_machine_say_the_same() -> None:
    code = "from talkwire.stores.machine import machine; print(machine())"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert there.stdout.strip() == machine()
    assert machine().startswith(host_of(machine()))
    assert is_marked("box a1b2")
    assert not is_marked("box")


def test_a_process_lives_until_it_was_killed_also_unburied() -> None:
    process = sleeping()
    assert not gone(process.pid)

    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and its parent still to look

    assert gone(process.pid)
    process.wait()
    assert gone(process.pid)


def test_a_frozen_process_is_not_gone() -> None:
    process = sleeping()
    try:
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)

        assert not gone(process.pid)
    finally:
        process.kill()
        process.wait()


def test_ourselves_and_the_first_process_live() -> None:
    assert not gone(os.getpid())
    assert not gone(1)
