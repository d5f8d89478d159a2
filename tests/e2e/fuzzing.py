"""`python -m tests.e2e.fuzzing`: generated requests against a real server, over its own document.

schemathesis makes requests from `/openapi.json`, good and bad ones, and holds each answer to what
the document says of it. Ids of turns, sessions and so on that are there are given to it, so that
not only 404s are seen; links of the document lead it from an answer to the next request.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.e2e.servers import Server

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
PHASES = ("examples", "coverage", "fuzzing", "stateful")
MODULE = """
from talkwire.tools import tool


def answer(messages, **settings):
    "A model that answers at once, and never differently."
    yield "You said: "
    yield str(messages[-1])[:40]


@tool
def rows() -> str:
    "Gives more than a conversation should hold."
    return "row " * 200


@tool
def pays() -> str:
    "Waits for a person."
    return "paid"
"""
CONFIG: Mapping[str, Any] = {
    "models": [
        {"name": "small", "provider": "python", "target": "mine.py:answer", "type": "local_small"},
        {"name": "calling", "provider": "scripted", "type": "cloud_large"},
    ],
    "tools": {"module": "mine.py", "approve": ["pays"], "summarize_over": 200},
}
SESSIONS, WAITING = 30, 12  # what is deleted or decided while the requests come is gone for others
_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Report:
    """What became of a run. `failures` tells of each in a line; `statuses` counts the answers."""

    cases: int
    failures: tuple[str, ...]
    statuses: Mapping[int, int]
    output: str


def begun(folder: Path) -> Server:
    """A server that answers anybody on this machine."""
    server = Server(folder, config=CONFIG)
    (folder / "mine.py").write_text(MODULE, "utf-8")
    return server.start_blocking()


def fuzz(
    server: Server,
    *,
    examples: int,
    phases: Sequence[str] = PHASES,
    seed: int = 1,
    only: str = "",
    document: Mapping[str, Any] | None = None,
    given: Mapping[str, Sequence[str]] | None = None,
) -> Report:
    """Ask with at most `examples` generated requests for each operation in each phase; with `only`
    the operations whose paths this pattern fits. `document` is the server's own if not given,
    `given` are ids that are there.
    """
    with httpx2.Client(base_url=server.url, timeout=_TIMEOUT_S) as client:
        document = strict(document or client.get("/openapi.json").json())
        config = _config(known(client) if given is None else given)
    folder = server.folder
    (folder / "openapi.json").write_text(json.dumps(document), "utf-8")
    (folder / "schemathesis.toml").write_text(config, "utf-8")
    command = [
        *(str(Path(sys.executable).with_name("st")), "--config-file", "schemathesis.toml"),
        *("run", "openapi.json", "--url", server.url, "--checks", ",".join(CHECKS)),
        *("--phases", ",".join(phases), "--mode", "all", "-n", str(examples)),
        *("--seed", str(seed), "--request-timeout", str(_TIMEOUT_S)),
        *("--continue-on-failure", "--no-shrink", "--no-color"),
        *("--report", "ndjson", "--report-ndjson-path", "events.ndjson"),
        *(("--include-path-regex", only) if only else ()),
    ]
    done = subprocess.run(
        command, cwd=folder, env=server.environment, capture_output=True, text=True, check=False
    )
    output = done.stdout + done.stderr
    assert done.returncode in (0, 1), output
    return _report((folder / "events.ndjson").read_text("utf-8"), output)


def strict(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without the errors that it tells of all operations in general: each status has
    to be told of by itself.
    """
    told = deepcopy(dict(document))
    for operations in told["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("default", None)
    return told


def known(client: httpx2.Client) -> dict[str, list[str]]:
    """What is there, by what it is."""
    found: dict[str, list[str]] = {name: [] for name in _GIVEN}
    for n in range(SESSIONS):
        started = client.post("/turns", json={"input": f"Question {n}"}).json()
        found["sessions"].append(started["session_id"])
        found["turns"].append(started["turn_id"])
        found["messages"].append(f"msg_{started['turn_id']}_in")
    for n in range(WAITING):
        for name in ("rows", "pays"):
            found["calls"].append(_called(client, f"s_{name}_{n}", name))
    # An empty one is none: headers are nearly always made, and then nothing would ever be started.
    found["cursors"] = ["", f"{found['turns'][0]}:0"]
    found["prompts"] = ["brief", "default", "support"]
    client.put("/prompts/brief", json={"text": "Be brief."})
    found["models"], found["agents"] = ["small", "calling"], ["assistant"]
    return found


def _called(client: httpx2.Client, session_id: str, tool: str) -> str:
    """The id of a call that a model has made."""
    asked = {"model_name": "calling"}
    body = {"session_id": session_id, "content": f"use {tool}", "model_config": asked}
    frames = client.post("/api/chat/stream", json=body).text
    found = re.search(r'"tool_call_id":"([^"]+)"', frames)
    assert found is not None, frames
    return found[1]


_GIVEN: Mapping[str, Sequence[str]] = {
    "turns": ("path.turn_id", "body.turn_id"),
    "cursors": ("header.Last-Event-ID", "query.lastEventId"),
    "sessions": ("path.session_id", "body.session_id", "body.sessionId"),
    "messages": ("path.message_id",),
    "calls": ("path.tool_call_id",),
    "prompts": ("path.name", "body.prompt", "body.systemPromptName"),
    "models": ("body.model", "body.preferred_model", "query.model"),
    "agents": ("body.agent", "body.agent_id"),
}
_PROBABILITY = 0.7


def _config(known: Mapping[str, Sequence[str]]) -> str:
    lines = []
    for name, values in known.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(list(values))}"]
    for name in known:
        for place in _GIVEN[name]:
            lines += [f'[parameters."{place}"]', f'dictionary = "{name}"']
            lines += [f"probability = {_PROBABILITY}"]
    return "\n".join(lines) + "\n"


def _report(events: str, output: str) -> Report:
    statuses: Counter[int] = Counter()
    for line in events.splitlines():
        finished = json.loads(line).get("ScenarioFinished")
        for each in finished["recorder"].get("interactions", {}).values() if finished else ():
            response = each.get("response")
            statuses[response["status_code"] if response else 0] += 1
    total = re.search(r"(\d+) generated", output)
    failures = re.findall(r"^- (ST\d+ .*)$", output, re.MULTILINE)
    return Report(int(total[1]) if total else 0, tuple(failures), dict(statuses), output)


def main() -> int:
    """0 when nothing was wrong, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.fuzzing", description=__doc__)
    parser.add_argument("--examples", type=int, default=40, help="requests of each kind, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a pattern of paths")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="talkwire-fuzz-") as folder:
        server = begun(Path(folder))
        try:
            report = fuzz(server, examples=asked.examples, seed=asked.seed, only=asked.only)
        finally:
            server.stop()
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(report.statuses.items()))
    print(report.output if report.failures else "")
    print(f"{report.cases} requests, {len(report.failures)} failures (seed {asked.seed})")
    print(f"answers: {answers}")
    return 1 if report.failures or not report.cases else 0


if __name__ == "__main__":
    sys.exit(main())
