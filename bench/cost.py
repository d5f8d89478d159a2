"""CPU time and resident memory of a process and its children, and what else its CPU did."""

from __future__ import annotations

import math
import sys

import psutil


class Tree:
    """A process and its children of this moment. Raises psutil.Error once one is gone."""

    def __init__(self, pid: int) -> None:
        root = psutil.Process(pid)
        self._members = [root, *root.children(recursive=True)]
        cpus = root.cpu_affinity() if sys.platform == "linux" else None
        self._cpu = cpus[0] if cpus and len(cpus) == 1 else None

    def cpu_s(self) -> float:
        """User and system seconds since the processes began; threads are in it."""
        times = [member.cpu_times() for member in self._members]
        return float(sum(one.user + one.system for one in times))

    def rss_kib(self) -> float:
        """Resident memory; pages that the processes share count once for each."""
        return float(sum(member.memory_info().rss for member in self._members)) / 1024

    def busy_s(self) -> float:
        """Seconds that the CPU was not free to the tree's root; NaN where it has no CPU of its own.

        All processes, the kernel, and what the host of a virtual machine took are in it.
        """
        if self._cpu is None:
            return math.nan
        times = psutil.cpu_times(percpu=True)[self._cpu]
        return float(
            times.user + times.nice + times.system + times.irq + times.softirq + times.steal
        )
