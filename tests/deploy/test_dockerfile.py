"""What can be known of the image without building it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from talkwire.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"

Steps = list[tuple[str, str]]


@pytest.fixture(scope="module")
def stages() -> list[Steps]:
    """Each stage's instructions with their arguments; what precedes the first FROM is left out."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    stages: list[Steps] = []
    for line in filter(None, joined.splitlines()):
        word, _, arguments = line.partition(" ")
        if word == "FROM":
            stages.append([])
        if stages:
            stages[-1].append((word, arguments.strip()))
    return stages


def _all(steps: Steps, word: str) -> list[str]:
    return [arguments for name, arguments in steps if name == word]


def _env(steps: Steps) -> dict[str, str]:
    words = [word for line in _all(steps, "ENV") for word in shlex.split(line)]
    return dict(word.split("=", 1) for word in words)


def test_the_last_stage_is_nobody_in_particular_and_ends_by_sigterm(stages: list[Steps]) -> None:
    last = stages[-1]

    assert len(stages) == 2
    assert _all(last, "USER") == ["10001:10001"]
    assert last.index(("USER", "10001:10001")) > max(
        k for k, (name, _) in enumerate(last) if name in ("RUN", "COPY")
    )
    assert _all(last, "STOPSIGNAL") == ["SIGTERM"]
    assert json.loads(_all(last, "ENTRYPOINT")[0]) == ["talkwire"]
    assert json.loads(_all(last, "CMD")[0]) == ["serve"]
    assert _all(last, "EXPOSE") == [str(Settings().port)]


def test_dependencies_are_checked_by_their_hashes(stages: list[Steps]) -> None:
    installing = [line for line in _all(stages[0], "RUN") if "pip install" in line]

    assert "--require-hashes -r requirements/run.txt" in installing[0]
    assert all("--require-hashes" in line or "--no-deps ." in line for line in installing)
    assert not [line for line in installing if "://" in line or "index" in line]


def test_it_writes_to_its_data_folder_alone(stages: list[Steps]) -> None:
    env = _env(stages[-1])

    assert env["TALKWIRE_DATA_DIR"] == "/data"
    assert env["PYTHONDONTWRITEBYTECODE"] == "1"
    assert _all(stages[-1], "WORKDIR") == ["/data"]


def test_its_health_check_is_a_program_that_asks_for_liveness(stages: list[Steps]) -> None:
    (check,) = _all(stages[-1], "HEALTHCHECK")
    program = json.loads(check.partition("CMD ")[2])

    compile(program[2], "healthcheck", "exec")
    assert program[:2] == ["python", "-c"]
    assert "/health/liveness" in program[2]


def test_all_that_is_copied_is_there_and_is_let_in(stages: list[Steps]) -> None:
    copied = [word for line in _all(stages[0], "COPY") for word in line.split()[:-1]]
    let_in = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()

    assert "*" in let_in
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}" in let_in
