"""Whether each part that a server would lean on answers. Nothing is changed, no token is spent."""

from __future__ import annotations

import difflib
import importlib.util
import os
import re
import socket
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple

import httpx2
from pydantic import SecretStr

from talkwire.cli import local_servers
from talkwire.cli.client import Client, ClientError
from talkwire.settings import ModelSettings, Settings

Outcome = Literal["ok", "note", "broken"]
OLLAMA = "http://127.0.0.1:11434"
OPENAI = "https://api.openai.com/v1"
QUICK = httpx2.Timeout(5.0)
_BUFFERED_SHARE = 0.5  # what is produced over a second must not arrive within half of it
_TELLING_S = 0.25


class Check(NamedTuple):
    """What was looked at, how it is, and what to do about it."""

    part: str
    outcome: Outcome
    found: str


def local(settings: Settings) -> Iterator[Check]:
    """All parts of a server with these settings on this machine, but for its storage."""
    yield from models(settings)
    yield prompts(settings.prompts_dir)
    for host, port in settings.addresses:
        yield address(host, port)


def folder(path: Path) -> Check:
    """Could a server write here? A folder that is missing is not made."""
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return Check("data folder", "broken", f"{there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        return Check("data folder", "broken", f"no permission to write in {there}")
    return Check("data folder", "ok", f"{path}{'' if there == path else ' (will be made)'}")


def sqlite(path: Path) -> Check:
    """Does SQLite keep a write-ahead log on this file system?"""
    version = f"SQLite {sqlite3.sqlite_version}"
    where = path if path.is_dir() else None
    try:
        with (
            tempfile.TemporaryDirectory(dir=where) as trial,
            closing(sqlite3.connect(Path(trial) / "trial.sqlite3")) as database,
        ):
            (mode,) = database.execute("PRAGMA journal_mode=WAL").fetchone()
    except (OSError, sqlite3.Error) as error:
        return Check("database", "broken", f"{version}: {error}")
    if mode != "wal":
        return Check("database", "broken", f"{version}: no WAL in {path}; is it a network folder?")
    return Check("database", "ok", f"{version}, WAL")


def models(settings: Settings) -> Iterator[Check]:
    """Every configured model's server, or what stands in for one."""
    if settings.use_mock:
        yield Check("model", "note", "USE_MOCK: the scripted demo answers")
        return
    for model in settings.models:
        yield from _model(model, settings)
    known = {_here(url) for model in settings.models for url in _servers(model)}
    if settings.openai_api_key or settings.openai_base_url:
        url = settings.openai_base_url or OPENAI
        known.add(_here(url))
        yield listing("model", url, settings.openai_api_key)
    elif all(model.type == "embedding" for model in settings.models):
        known.add(OLLAMA)
        found = listing("Ollama", f"{OLLAMA}/v1", None)
        if found.outcome == "broken":
            hint = "none on this machine; the scripted demo answers (set OPENAI_API_KEY)"
            found = Check("Ollama", "note", hint)
        yield found
    for server in local_servers.look():
        if bare(server.base_url) not in known:
            yield Check(server.kind, "note", server.hint())


def _here(url: str) -> str:
    """As `_shown`, with one name for this machine."""
    return re.sub(r"//(localhost|\[?::1\]?)", "//127.0.0.1", bare(url))


def _servers(model: ModelSettings) -> list[str]:
    sites = [each.base_url for each in model.deployments]
    return sites or ([model.base_url] if model.base_url else [])


def _model(model: ModelSettings, settings: Settings) -> Iterator[Check]:
    part, named = f"model {model.name}", model.upstream_model or model.name
    if model.provider == "python":
        yield _target(part, model.target or "")
    elif model.provider == "scripted":
        there = model.script is None or model.script.is_file()
        script = f"no such script: {model.script}"
        yield Check(part, "ok", "scripted") if there else Check(part, "broken", script)
    elif model.deployments:
        for number, site in enumerate(model.deployments, start=1):
            here = f"{part}, deployment {number}"
            yield listing(here, site.base_url, site.api_key, site.upstream_model or named)
    elif model.base_url:
        yield listing(part, model.base_url, model.api_key, named)
    else:
        url, key = settings.openai_base_url or OPENAI, model.api_key or settings.openai_api_key
        yield listing(part, url, key, named)


def _target(part: str, target: str) -> Check:
    """A function of a model in this process. Its module is looked for, and not executed."""
    module = target.rpartition(":")[0]
    top = module.partition(".")[0]
    if module.endswith(".py"):
        found = Path(module).expanduser().is_file()
    else:
        beside = Path(f"{top}.py").is_file() or Path(top).is_dir()
        found = beside or importlib.util.find_spec(top) is not None
    if not found:
        return Check(part, "broken", f"no such module: {module} (looked for from {Path.cwd()})")
    return Check(part, "ok", f"{target}, in this process")


def listing(part: str, url: str, key: SecretStr | None, named: str | None = None) -> Check:
    """Ask a model server for its list of models: proves address and key, and costs nothing.

    `named` is the model that should be in it.
    """
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    shown = bare(url)
    try:
        answer = httpx2.get(f"{url}/models", headers=headers, timeout=QUICK, trust_env=False)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        return Check(part, "broken", f"{shown} does not answer ({type(error).__name__})")
    if answer.status_code in (401, 403):
        hint = "the key is not accepted" if key else "a key is wanted (api_key, OPENAI_API_KEY)"
        return Check(part, "broken", f"{shown}: {hint}")
    if answer.status_code in (404, 405):
        return Check(part, "note", f"{shown} answers, but lists no models")
    if not answer.is_success:
        return Check(part, "broken", f"{shown} answers HTTP {answer.status_code}")
    names = _names(answer)
    if named and names and named not in names:
        near = difflib.get_close_matches(named, names, n=1)
        hint = f"; it has {near[0]}" if near else ""
        return Check(part, "note", f"{shown} answers, but does not list {named}{hint}")
    return Check(part, "ok", f"{shown} answers")


def _names(answer: httpx2.Response) -> list[str]:
    """The models that are listed, as far as they can be read."""
    try:
        return [str(each["id"]) for each in answer.json()["data"]]
    except (ValueError, TypeError, KeyError):
        return []


def bare(url: str) -> str:
    """The address without user names, passwords and query."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        return "the address"
    return f"{parsed.scheme}://{parsed.host}{f':{parsed.port}' if parsed.port else ''}"


def prompts(path: Path | None) -> Check:
    """The folder of prompt templates."""
    if path is None:
        return Check("prompts", "note", "the built-in ones (prompts_dir)")
    if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
        return Check("prompts", "broken", f"{path} is no folder that can be read")
    return Check("prompts", "ok", f"{path}: {len(list(path.glob('*.md')))} templates")


def address(host: str, port: int) -> Check:
    """Is the port free, or served by Talkwire already?"""
    part = f"port {port}"
    near = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    try:
        with socket.create_server((host, port), family=_family(host)):
            return Check(part, "ok", "free")
    except OSError as error:
        reason = error.strerror or str(error)
    shown = f"[{near}]" if ":" in near else near
    try:
        answer = httpx2.get(f"http://{shown}:{port}/", timeout=QUICK, trust_env=False)
        known = answer.json().get("name") == "talkwire"
    except (httpx2.HTTPError, ValueError, AttributeError):
        known = False
    if known:
        return Check(part, "ok", "Talkwire serves here")
    return Check(part, "broken", f"{reason}; choose another one with --port")


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def stream(url: str, key: SecretStr | None = None) -> Iterator[Check]:
    """Ask the server one short question and see whether the answer comes as it is written."""
    try:
        client = Client(url, key=key)
    except ClientError as error:
        yield Check("server", "broken", str(error))
        return
    try:
        turn_id, _ = client.start({"input": "Count to 20."})
        yield Check("server", "ok", f"{bare(client.url)} took a turn")
        yield headers(client, turn_id)
        yield _rhythm(client, turn_id)
    except ClientError as error:
        yield Check("server", "broken", str(error))
    finally:
        client.close()


def headers(client: Client, turn_id: str) -> Check:
    """The headers that keep proxies from holding a stream back."""
    try:
        with client.http.stream("GET", f"/turns/{turn_id}/events") as answer:
            status, sent = answer.status_code, answer.headers
    except httpx2.TransportError as error:
        return Check("headers", "broken", f"the stream did not begin ({type(error).__name__})")
    if status != 200:
        return Check("headers", "broken", f"the stream did not begin (HTTP {status})")
    wrong = []
    if not sent.get("content-type", "").startswith("text/event-stream"):
        wrong.append("Content-Type is not text/event-stream")
    if "content-encoding" in sent:
        wrong.append("something on the way compresses the stream")
    if "no-transform" not in sent.get("cache-control", ""):
        wrong.append("something on the way removed Cache-Control: no-transform")
    return Check("headers", "broken" if wrong else "ok", "; ".join(wrong) or "as they should be")


def _rhythm(client: Client, turn_id: str) -> Check:
    written: list[float] = []
    arrived: list[float] = []
    for event in client.follow(turn_id, lambda: None):
        if event.kind == "text.delta":
            written.append(float(event.fields.get("at", 0)) / 1000)
            arrived.append(time.monotonic())
        if event.kind == "turn.failed":
            return Check("stream", "broken", f"the model failed ({event.fields.get('code')})")
    return judge(written, arrived)


def judge(written: list[float], arrived: list[float]) -> Check:
    """Tell a proxy that holds frames back: written over time, but come in one lump. In seconds."""
    if len(written) < 2 or written[-1] - written[0] < _TELLING_S:
        return Check("stream", "note", "the answer was too quick to tell; try a slower model")
    took, came = written[-1] - written[0], arrived[-1] - arrived[0]
    figures = f"{len(written)} pieces written over {took:.1f} s arrived over {came:.1f} s"
    if came < took * _BUFFERED_SHARE:
        hint = "a proxy holds them back; for nginx: proxy_buffering off, gzip off"
        return Check("stream", "broken", f"{figures}: {hint}")
    return Check("stream", "ok", figures)
