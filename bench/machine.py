"""What the figures were taken on: the machine, and the versions of what ran."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

import psutil

from bench import nginx

_PACKAGES = ("talkwire", "uvicorn", "uvloop", "httptools", "fastapi", "openai", "sse-starlette")


def processor() -> str:
    """The processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def machine() -> str:
    """One line: processor, CPUs, memory, system."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{processor()}, {os.cpu_count()} CPUs, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}"
    )


def versions() -> dict[str, str]:
    """Python, the packages that matter, nginx where it is installed."""
    found = {"Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    binary = nginx.find()
    if binary is not None:
        found["nginx"] = nginx.version(binary)
    return found
