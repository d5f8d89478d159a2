"""The servers under load: how each is started, asked and counted. One child process at a time."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import nginx

ROOT = Path(__file__).resolve().parent.parent


class Missing(Exception):
    """A target that this machine cannot run; the message says why."""


@dataclass(frozen=True)
class Ports:
    """Where the target listens and where its upstream does, on 127.0.0.1."""

    target: int
    upstream: int


@dataclass(frozen=True)
class Target:
    """A server: its command, and what a client sends to it and finds in its streams."""

    name: str
    command: tuple[str, ...]
    url: str
    ask: Callable[[str], str]  # the JSON body for a model name
    stop: str
    end: str
    env: Mapping[str, str] = field(default_factory=dict)


def _chat_body(model: str) -> str:
    return json.dumps({"input": "hi", "sessionId": "bench-@UID@", "model": model})


def _openai_body(model: str) -> str:
    return json.dumps({"model": model, "input": "hi", "stream": True})


def talkwire(ports: Ports, folder: Path) -> Target:
    """Talkwire as it is shipped: journal and sessions on disk, nothing switched off."""
    program = Path(sys.executable).parent / "talkwire"
    if not program.exists():
        raise Missing(f"no {program}; run `make setup`")
    listen = ("--host", "127.0.0.1", "--port", str(ports.target))
    return Target(
        name="talkwire",
        command=(str(program), "serve", *listen, "--data-dir", str(folder / "data")),
        url=f"http://127.0.0.1:{ports.target}/chat/stream",
        ask=_chat_body,
        stop="response.output_text.done",
        end="response.completed",
        env={
            "OPENAI_API_KEY": "bench",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{ports.upstream}/v1",
            "TALKWIRE_LOG__LEVEL": "warning",
        },
    )


def naive(ports: Ports, folder: Path) -> Target:
    """The baseline of `bench.naive`."""
    upstream = f"http://127.0.0.1:{ports.upstream}/v1"
    module = (sys.executable, "-m", "bench.naive")
    return Target(
        name="naive",
        command=(*module, "--port", str(ports.target), "--upstream", upstream),
        url=f"http://127.0.0.1:{ports.target}/chat/stream",
        ask=_chat_body,
        stop="response.completed",
        end="response.completed",
        env={"PYTHONPATH": str(ROOT)},
    )


def relay(ports: Ports, folder: Path) -> Target:
    """nginx in front of the upstream, asked in the upstream's own dialect."""
    binary = nginx.find()
    if binary is None:
        raise Missing("nginx is not installed")
    config = nginx.configure(folder, port=ports.target, upstream=ports.upstream)
    return Target(
        name="nginx",
        command=(binary, "-c", str(config), "-p", str(folder)),
        url=f"http://127.0.0.1:{ports.target}/v1/responses",
        ask=_openai_body,
        stop="response.output_text.done",
        end="response.completed",
    )


def direct(ports: Ports, folder: Path) -> Target:
    """The upstream itself, without a server between."""
    return Target(
        name="direct",
        command=(),
        url=f"http://127.0.0.1:{ports.upstream}/v1/responses",
        ask=_openai_body,
        stop="response.output_text.done",
        end="response.completed",
    )


def with_tools(target: Target) -> Target:
    """The target with the tool of `bench.noop` on offer. Only for those that run tools."""
    if target.name == "naive":
        return replace(target, command=(*target.command, "--tools"))
    module = str(ROOT / "bench" / "noop.py")
    return replace(target, env={**target.env, "TALKWIRE_TOOLS__MODULE": module})


TARGETS: dict[str, Callable[[Ports, Path], Target]] = {
    "talkwire": talkwire,
    "naive": naive,
    "nginx": relay,
}


def environment(target: Target) -> dict[str, str]:
    """The target's environment: nothing of the caller's settings but what programs need to run."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ} | dict(target.env)
