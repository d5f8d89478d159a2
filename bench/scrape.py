"""`python -m bench.scrape`: how long `GET /metrics` takes while the load of *paced* runs (200
streams, a token every 20 ms each), each scrape on a connection of its own, as Prometheus asks.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from bench.children import cpus, free_port, pinned, running
from bench.modes import modes
from bench.rounds import arguments
from bench.targets import ROOT, TARGETS, Ports, environment

SCRAPES = 50
EVERY_S = 0.2
GOAL_P50_MS = 50.0


def scrape(port: int) -> tuple[float, int]:
    """One scrape: milliseconds, and the lines of figures that came."""
    began = time.perf_counter()
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as asked:
        asked.request("GET", "/metrics")
        answer = asked.getresponse()
        text = answer.read().decode()
    if answer.status != 200:
        raise SystemExit(f"GET /metrics answered {answer.status}: {text[:200]}")
    lines = sum(1 for line in text.splitlines() if not line.startswith("#"))
    return (time.perf_counter() - began) * 1000, lines


def main() -> None:
    """Measure, and print one line."""
    where, mode = cpus(), modes(quick=False)["paced"]
    with tempfile.TemporaryDirectory(prefix="bench-") as path:
        folder = Path(path)
        ports = Ports(free_port(), free_port())
        upstream = (sys.executable, "-m", "bench.upstream", "--port", str(ports.upstream))
        target = TARGETS["talkwire"](ports, folder)
        with (
            running(
                upstream,
                port=ports.upstream,
                cpu=where.load,
                env={"PYTHONPATH": str(ROOT)},
                folder=folder,
            ),
            running(
                target.command,
                port=ports.target,
                cpu=where.target,
                env=environment(target),
                folder=folder,
            ),
            pinned(where.load),
        ):
            load = subprocess.Popen(
                [sys.executable, "-m", "bench.load", *arguments(target, mode)],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
            )
            try:
                time.sleep(mode.ramp_s + 1)  # until all streams are open
                found: list[tuple[float, int]] = []
                while len(found) < SCRAPES and load.poll() is None:
                    found.append(scrape(ports.target))
                    time.sleep(EVERY_S)
            finally:
                load.terminate()
                load.wait()
    times = sorted(each for each, _ in found)
    print(
        f"{len(times)} scrapes of {found[-1][1]} figures under {mode.name}: "
        f"p50 {times[len(times) // 2]:.1f} ms, most {times[-1]:.1f} ms (goal {GOAL_P50_MS:.0f})"
    )


if __name__ == "__main__":
    main()
