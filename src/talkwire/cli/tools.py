"""`talkwire tools`: the tools that a server with this configuration would offer, and one called.

What tools and their servers say is somebody else's text: shown, and never let steer the terminal.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from rich.console import Console
from rich.markup import escape

from talkwire.canon.tools import CallContext, Tool, ToolAnswer
from talkwire.cli.client import plain
from talkwire.cli.serve import REFUSED, settings_of
from talkwire.cli.tools_shown import entry, tables
from talkwire.cli.words import say
from talkwire.settings import Settings

_FAILED = 1
_ABORTED = 130
_SPARE_S = 5.0
_SECOND_TRY_S = 3.0
"""How long a failed server may come back: some end when asked for a newer protocol."""
_LOOK_EVERY_S = 0.05
_CONTEXT = CallContext(owner="local", session_id="s_tools", turn_id="t_tools", call_id="call_tools")


class Tools(Protocol):
    """What the commands ask of the tools."""

    def offered(self) -> Sequence[Tool]: ...
    def status(self) -> list[dict[str, Any]]: ...
    async def call(
        self,
        name: str,
        arguments: dict[str, Any],
        context: CallContext,
        hear: Callable[[str], None],
    ) -> ToolAnswer: ...
    async def open(self) -> None: ...
    async def close(self) -> None: ...


class Asked(NamedTuple):
    """A call, as it was typed. `timeout_s` None is the tool's own."""

    name: str
    arguments: str
    timeout_s: float | None = None
    agreed: bool = False


class Refusal(Exception):
    """There is nothing to call; the message is for the person."""


def show(config: Path | None, *, as_json: bool) -> int:
    """Print all tools and the servers they run on. The exit status."""

    async def work(tools: Tools, patience_s: float) -> int:
        await _settled(tools, patience_s)
        offered, servers = tools.offered(), tools.status()
        if as_json:
            report = {"tools": [entry(tool) for tool in offered], "servers": servers}
            json.dump(report, sys.stdout, ensure_ascii=False, indent=2)
            print()
        else:
            tables(offered, servers)
        return 0

    return _run(work, config, as_json=as_json)


def call(asked: Asked, config: Path | None) -> int:
    """Call one tool: what it says goes to stderr while it comes, its result to stdout.

    The exit status: 1 for an error of the tool, 2 when it was not called, 130 when stopped.
    """

    async def work(tools: Tools, patience_s: float) -> int:
        arguments = parsed(asked.arguments)
        tool = await _found(tools, asked.name, patience_s)
        if tool.requires_approval and not asked.agreed:
            await _ask(tool, arguments)
        answer = await _answer(tools, tool, arguments, asked.timeout_s)
        _print_result(answer)
        return _FAILED if answer.is_error else 0

    return _run(work, config)


def parsed(text: str) -> dict[str, Any]:
    """The arguments of a call; `-` reads them from stdin. :raises Refusal: no JSON object."""
    if text == "-":
        text = sys.stdin.read()
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise Refusal(say("tool_bad_json", reason=error)) from None
    if not isinstance(value, dict):
        raise Refusal(say("tool_bad_json", reason=type(value).__name__))
    return value


def _run(
    work: Callable[[Tools, float], Awaitable[int]], config: Path | None, *, as_json: bool = False
) -> int:
    from talkwire.app import start_logging
    from talkwire.toolbox import toolbox

    loaded = settings_of(config, {})
    if loaded is None:
        return REFUSED
    settings = loaded.settings
    quiet = settings.log.model_copy(update={"level": "error"})
    start_logging(settings.model_copy(update={"log": quiet}))

    async def with_tools() -> int:
        tools = toolbox(settings)
        if tools is None:
            return _none(as_json=as_json)
        await tools.open()
        try:
            return await work(tools, _patience_s(settings))
        finally:
            await tools.close()

    try:
        return asyncio.run(with_tools())
    except (Refusal, ValueError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print(say("aborted"), file=sys.stderr)
        return _ABORTED


def _none(*, as_json: bool) -> int:
    if not as_json:
        raise Refusal(say("no_tools"))
    print(json.dumps({"tools": [], "servers": []}, indent=2))
    return 0


def _patience_s(settings: Settings) -> float:
    """As long as the slowest server may take to connect."""
    return _SPARE_S + max((s.connect_timeout_s for s in settings.mcpServers.values()), default=0)


async def _settled(
    tools: Tools, patience_s: float, enough: Callable[[], bool] = lambda: False
) -> None:
    """Wait until each server is connected or has failed, or there is `enough`; says for whom."""
    loop = asyncio.get_running_loop()
    until = loop.time() + patience_s
    failed_at: dict[str, float] = {}
    with Console(stderr=True).status(say("tools_connecting", names="…")) as told:
        while loop.time() < until and not enough():
            waiting = []
            for server in tools.status():
                name, status = str(server["name"]), server["status"]
                if status == "failed":
                    failed_at.setdefault(name, loop.time())
                lost = loop.time() - failed_at.get(name, loop.time()) > _SECOND_TRY_S
                if status == "connecting" or (status == "failed" and not lost):
                    waiting.append(name)
            if not waiting:
                return
            told.update(escape(say("tools_connecting", names=plain(", ".join(waiting)))))
            await asyncio.sleep(_LOOK_EVERY_S)


async def _found(tools: Tools, name: str, patience_s: float) -> Tool:
    """The tool of this name, once its server is there. :raises Refusal: there is none."""
    from talkwire.toolbox import alike

    def there() -> Tool | None:
        return next((tool for tool in tools.offered() if tool.name == name), None)

    await _settled(tools, patience_s, lambda: there() is not None)
    tool = there()
    if tool is not None:
        return tool
    names = [each.name for each in tools.offered()]
    within = [each for each in names if name.lower() in each.lower()]
    close = list(dict.fromkeys([*within, *alike(name, names)])) or names
    lines = [say("no_tool", name=plain(name), names=", ".join(close[:20]))]
    for server in tools.status():
        if server["status"] == "failed":
            why = plain(str(server["last_error"] or "?"))
            lines.append(say("tools_failed", name=server["name"], reason=why))
    raise Refusal("\n".join(lines))


async def _ask(tool: Tool, arguments: Mapping[str, Any]) -> None:
    """Let a person agree to the call. :raises Refusal: nobody does."""
    agreed = False
    if sys.stdin.isatty():
        shown = plain(json.dumps(arguments, ensure_ascii=False))
        sys.stderr.write(say("tool_agree", name=tool.name, arguments=shown) + " ")
        sys.stderr.flush()
        agreed = (await _typed()).strip().lower() in ("y", "yes", "是")
    if not agreed:
        raise Refusal(say("tool_not_agreed", name=tool.name))


async def _typed() -> str:
    """A line from the terminal. Ctrl-C ends the waiting, as a thread's would not be."""
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    loop.add_reader(sys.stdin, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline()


async def _answer(
    tools: Tools, tool: Tool, arguments: dict[str, Any], timeout_s: float | None
) -> ToolAnswer:
    limit_s = tool.timeout_s if timeout_s is None else timeout_s
    try:
        async with asyncio.timeout(limit_s):
            return await tools.call(tool.name, arguments, _CONTEXT, _hear)
    except TimeoutError:
        return ToolAnswer(say("tool_late", seconds=f"{limit_s:g}"), is_error=True)


def _hear(text: str) -> None:
    sys.stderr.write(plain(text))
    sys.stderr.flush()


def _print_result(answer: ToolAnswer) -> None:
    text = plain(answer.result) if sys.stdout.isatty() else answer.result
    print(text.encode(errors="replace").decode(), flush=True)
    if answer.is_error:
        print(say("tool_failed"), file=sys.stderr)
    if answer.truncated:
        print(say("tool_cut"), file=sys.stderr)
