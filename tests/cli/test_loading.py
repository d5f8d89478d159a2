"""What a process holds once the server's code is loaded: a fresh one each, since imports stay."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_LOOK = """
import gc, json, os, sys
from talkwire.cli.loading import load
load()
threads = len(os.listdir("/proc/self/task"))
print(json.dumps([sorted(sys.modules), threads, gc.isenabled(), gc.get_freeze_count()]))
"""


@pytest.fixture(scope="module")
def loaded() -> Any:
    result = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    "library", ["alembic", "jwt", "limits", "mcp", "psycopg", "redis", "typer"]
)
def test_what_only_some_servers_need_is_left_for_them(loaded: Any, library: str) -> None:
    modules, *_ = loaded

    assert {"talkwire.app", "talkwire.cli.server", "uvicorn", "fastapi"} <= set(modules)
    assert library not in modules


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="tells threads by /proc")
def test_it_can_be_forked_for_no_thread_runs_yet(loaded: Any) -> None:
    assert loaded[1] == 1


def test_garbage_is_looked_for_again_and_not_among_what_was_loaded(loaded: Any) -> None:
    _, _, enabled, lasting = loaded

    assert enabled
    assert lasting > 50_000
