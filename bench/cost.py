"""CPU time and resident memory of a process and its children."""

from __future__ import annotations

import psutil


class Tree:
    """A process and its children of this moment. Raises psutil.Error once one is gone."""

    def __init__(self, pid: int) -> None:
        root = psutil.Process(pid)
        self._members = [root, *root.children(recursive=True)]

    def cpu_s(self) -> float:
        """User and system seconds since the processes began; threads are in it."""
        times = [member.cpu_times() for member in self._members]
        return float(sum(one.user + one.system for one in times))

    def rss_kib(self) -> float:
        """Resident memory; pages that the processes share count once for each."""
        return float(sum(member.memory_info().rss for member in self._members)) / 1024
