"""A server with a secret in every place where one can be configured, and what goes wrong with it.

Its model provider, voice service and tool servers tell all that they are told. On purpose one of
its routes and one of its models have bugs whose exceptions hold secrets.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.chaos.betrayer import Betrayer
from tests.chaos.canary import Cage
from tests.chaos.indiscretions import AUDIENCE, ISSUER, PROCESS
from tests.e2e.servers import Server, free_port

_END = "=== end of a command ===\n"
_COMMANDS = f"""
import json, os, signal, sys, threading
from talkwire.cli.main import app
for words in json.loads(sys.argv[1]):
    bound = threading.Timer(10, os.kill, (os.getpid(), signal.SIGTERM))
    bound.start()
    try:
        code = app(words, standalone_mode=False) or 0
    except SystemExit as left:
        code = left.code
    bound.cancel()
    for sink, said in ((sys.stderr, {_END!r}), (sys.stdout, chr(10) + str(code) + {_END!r})):
        sink.write(said)
        sink.flush()
"""

# Bugs that nobody has made yet: a route's, and a model's. A body may take a second to come.
BUGS = """
import os
import talkwire.models._faults as faults
import talkwire.stores.roster as roster
import talkwire.web.limits as limits

def told(status, *given, key, **more):
    if status == 418:
        raise RuntimeError(f"cannot decode an answer to {key}")
    return plain(status, *given, key=key, **more)

async def nodes(self):
    secret = os.environ["MODEL_KEY"]
    raise RuntimeError(f"the vault refused {secret}")

plain, faults.of_status, roster.Roster.nodes = faults.of_status, told, nodes
limits.Limits.__init__.__kwdefaults__["body_s"] = 1.0
"""

# Controls: what looks like a secret stays in the log; secrets are printed as they are.
UNREDACTED = "import talkwire.telemetry.logging as l; l.redact = lambda line, hide: line"
PRINTING = (
    "import pydantic, talkwire.cli.doctor as d;"
    "pydantic.SecretStr.__str__ = pydantic.SecretStr.get_secret_value;"
    "d._spelled = str"
)

_TOOLS = """
import asyncio
import os

from talkwire.tools import tool


@tool
def whisper(text: str) -> str:
    "Fails, and says too much."
    local = os.environ["TOOL_SECRET"]
    key = os.environ["MODEL_KEY"]
    raise RuntimeError(
        f"401 for https://api.invalid/v1?token={os.environ['TOOL_TOKEN']}"
        f" with Authorization: Bearer {os.environ['TOOL_BEARER']} and api_key={key}"
    )
"""

# Speaks the protocol over its pipes by hand; its errors hold what is in its environment.
_MCP = """
import json, os, sys
secret = os.environ.get("MCP_SECRET", "none")
if len(sys.argv) > 1:
    print("cannot sign in with", secret, file=sys.stderr)
    sys.exit(f"fatal: MCP_SECRET={secret} was refused")
tool = {"description": "Fails.", "inputSchema": {"type": "object"}}
names = ("mutter", "parrot")
for line in sys.stdin:
    asked = json.loads(line)
    method, answer = asked.get("method"), {}
    if method == "initialize":
        version = asked["params"]["protocolVersion"]
        answer = {"result": {"protocolVersion": version, "capabilities": {"tools": {}},
                             "serverInfo": {"name": "s", "version": "1"}}}
    elif method == "tools/list":
        answer = {"result": {"tools": [{"name": name, **tool} for name in names]}}
    elif method == "tools/call" and asked["params"]["name"] == "mutter":
        said = [{"type": "text", "text": f"cannot sign in with {secret}"}]
        answer = {"result": {"content": said, "isError": True}}
    elif method == "tools/call":
        answer = {"error": {"code": -32000, "message": f"no session for {secret}"}}
    else:
        answer = {"error": {"code": -32601, "message": f"no such method, {secret}"}}
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}), flush=True)
"""


@dataclass(frozen=True)
class Printed:
    """What a command left behind."""

    code: int
    out: str
    err: str


def furnish(
    folder: Path, cage: Cage, betrayer: Betrayer, jwt_secret: str, more: Mapping[str, Any]
) -> dict[str, Any]:
    """The configuration and the environment of a server, as `Server` takes them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.py").write_text(_TOOLS)
    (folder / "tool_server.py").write_text(_MCP)
    voice = cage.new("the voice service's key")
    (folder / ".env").write_text(f"VOICE_CLONE_API_KEY={voice}\n")
    config: dict[str, Any] = {
        "log": {"level": "debug", "format": "json"},
        "auth": {
            "mode": "keys",
            "jwt": {"secret": jwt_secret, "issuer": ISSUER, "audience": AUDIENCE},
        },
        "limits": {"body_bytes": 100_000},
        "turns": {"drain_timeout_s": 1},
        "egress": {"private": True},
        "voice": {"clone_base_url": f"{betrayer.url}/voice"},
        "tools": {"module": str(folder / "mine.py"), "max_rounds": 2},
        "mcpServers": _mcp_servers(folder, cage, betrayer),
    }
    env = {
        "MODEL_KEY": cage.new("a model's key, by a variable", "Zq{}"),
        "OPENAI_API_KEY": cage.new("OPENAI_API_KEY", "sk-proj-{}"),
        "OPENAI_BASE_URL": betrayer.models,
        "TOOL_SECRET": cage.new("a local variable of a tool"),
        "TOOL_TOKEN": cage.new("a token in a tool's exception"),
        "TOOL_BEARER": cage.new("a header in a tool's exception"),
        "CLOUD_SECRET": cage.new("another program's variable"),
    }
    return {"config": {**config, **more}, "env": env}


def models(cage: Cage, betrayer: Betrayer) -> list[dict[str, Any]]:
    """Models that are there, and some that cannot be reached."""
    quick = {"max_attempts": 1, "first_token_timeout_s": 0.4, "idle_timeout_s": 0.4}
    chat = {"provider": "openai-chat", **quick}
    asked = f"{betrayer.models}?key={cage.new('a key in a base URL')}"
    return [
        {**chat, "name": "words", "base_url": betrayer.models, "api_key": "${MODEL_KEY}"},
        {
            **chat,
            "name": "responses",
            "provider": "openai-responses",
            "base_url": betrayer.models,
            "api_key": cage.new("a model's key, as it is"),
        },
        {**chat, "name": "asked", "base_url": asked},
        {
            **chat,
            "name": "gone",
            "base_url": f"http://127.0.0.1:{free_port()}/v1",
            "api_key": cage.new("the key of a model that is away"),
        },
        {
            **chat,
            "name": "tls",
            "base_url": betrayer.models.replace("http:", "https:"),
            "api_key": cage.new("the key of a model that fails at TLS"),
        },
    ]


def _mcp_servers(folder: Path, cage: Cage, betrayer: Betrayer) -> dict[str, Any]:
    command = {"command": sys.executable, "args": ["-S", "-E", str(folder / "tool_server.py")]}
    url = f"{betrayer.url}/mcp?token={cage.new('a token in the URL of a tool server')}"
    header = f"Bearer {cage.new('a header for a tool server')}"
    return {
        "talks": {**command, "env": {"MCP_SECRET": cage.new("a tool server's variable")}},
        "fails": {
            "command": sys.executable,
            "args": [*command["args"], cage.new("an argument of a tool server", told=[PROCESS])],
            "env": {"MCP_SECRET": cage.new("the variable of a tool server that fails")},
        },
        "web": {"url": url, "headers": {"Authorization": header}},
    }


def refused(cage: Cage, port: int) -> list[dict[str, Any]]:
    """Configurations that nothing can be served with; each has a secret in the wrong place."""
    new = cage.new
    gone = f"postgresql://jane:{new('the password of a database that is away')}@127.0.0.1:{port}/x"
    good = {"name": "m", "provider": "openai-chat"}
    return [
        {"database": {"url": f"mysql://jane:{new('a password for a strange database')}@h/x"}},
        {"database": {"url": f"postgresql://jane@h:{new('a password for a port')}/x"}},
        {"database": {"url": gone, "connect_timeout_s": 1}},
        {"redis": {"url": f"http://:{new('a password for a strange Redis')}@h"}},
        {"tools": {"module": [new("a key in a list of settings")]}},
        {"openai_api_keys": new("a key for a setting that is none")},
        {"port": new("a key for a port"), "log": {"level": new("a key for a level")}},
        {"models": [{**good, "api_key": {"value": new("a key in a group of settings")}}]},
        {"models": [{**good, "base_url": f"http://jane:{new('a password in a base URL')}@h/v1"}]},
        {"models": [{**good, "api_key": f"two\nlines {new('a key of two lines')}"}]},
        {"auth": {"jwt": {"secret": new("a secret that is too short"), "issuer": "x"}}},
        {"mcpServers": {"x": {"env": {"KEY": new("a variable of no tool server")}}}},
        {"mcpServers": {"x": {"url": f"ftp://h?key={new('a key in a strange URL')}"}}},
        {"redis": {"url": {"key": new("a key in a group of Redis")}}},
    ]


def broken_yaml(cage: Cage) -> str:
    """A file that is no YAML, right after a secret."""
    return f"openai_api_key: *{cage.new('a key that looks like an alias')}\n"


def command(server: Server, words: Sequence[Sequence[str]], *, prelude: str = "") -> list[Printed]:
    """Run commands of Talkwire, one after the other, as on the server's own machine."""
    given = [sys.executable, "-c", f"{prelude}\n{_COMMANDS}", json.dumps(words)]
    done = subprocess.run(
        given, env=server.environment, capture_output=True, timeout=90, cwd=server.folder
    )
    outs, errs = (
        each.decode("utf-8", "replace").split(_END) for each in (done.stdout, done.stderr)
    )
    assert len(outs) == len(words) + 1, f"the commands ended early: {errs[-1][-2000:]}"
    return [
        Printed(int(out.rpartition("\n")[2]), out.rpartition("\n")[0], err)
        for out, err in zip(outs[:-1], errs[:-1], strict=True)
    ]


def written(folder: Path, name: str, config: Mapping[str, Any] | str) -> Path:
    """A configuration file."""
    path = folder / name
    path.write_text(config if isinstance(config, str) else yaml.safe_dump(dict(config)))
    return path
