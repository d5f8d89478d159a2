from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.services.shared import once


def test_of_many_that_ask_at_once_one_starts_it(tmp_path: Path) -> None:
    started: list[int] = []

    def start() -> str:
        started.append(1)
        return f"number {len(started)}"

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: once(tmp_path, "server", start), range(20)))

    assert set(answers) == {"number 1"}
    assert len(started) == 1
