"""Who looks for a module's test finds it under the same name."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from typing import Protocol

# Modules without a test file of their own, and what proves them instead.
PROVED_ELSEWHERE = {
    "cli/child.py": "the supervisor's hand on a process; tests/cli/test_workers.py runs both",
    "cli/generation.py": "as cli/child.py",
    "cli/nursery.py": "as cli/child.py; tests/cli/test_loading.py tells that it can be forked",
    "cli/server.py": "uvicorn; run by tests/cli/test_serve.py and by all of tests/e2e",
    "cli/worker.py": "the other end of tests/cli/test_workers.py",
    "engine/agent_ports.py": "as engine/ports.py; tests/models/test_agno.py holds agents to them",
    "engine/policy.py": "only fields; tests/engine/test_turns.py sets each of them",
    "engine/ports.py": "only promises; tests/contracts holds the implementations to them",
    "engine/storage_ports.py": "as engine/ports.py",
    "stores/migrations/*": "run by tests/stores/test_migrating.py, as they are at start",
    "wires/*/shapes.py": "only fields; tests/wires/*/test_decode.py feeds them",
}


class Module(Protocol):
    @property
    def name(self) -> str: ...


def _mirrors(name: str) -> set[str]:
    """`models/_sse.py` -> `tests/models/test_sse.py`; a leading underscore may stay."""
    folder, _, file = name.rpartition("/")
    prefix = f"tests/{folder}/" if folder else "tests/"
    return {f"{prefix}test_{file}", f"{prefix}test_{file.lstrip('_')}"}


def _untested(modules: Sequence[Module], test_modules: Sequence[Module]) -> set[str]:
    tests = {m.name for m in test_modules}
    sources = {m.name for m in modules if not m.name.endswith("__init__.py")}
    return {name for name in sources if not _mirrors(name) & tests}


def test_every_module_has_its_test(
    modules: Sequence[Module], test_modules: Sequence[Module]
) -> None:
    untested = _untested(modules, test_modules)

    assert {n for n in untested if not any(fnmatch(n, p) for p in PROVED_ELSEWHERE)} == set()


def test_no_excuse_outlives_its_module(
    modules: Sequence[Module], test_modules: Sequence[Module]
) -> None:
    untested = _untested(modules, test_modules)

    assert {p for p in PROVED_ELSEWHERE if not any(fnmatch(n, p) for n in untested)} == set()
