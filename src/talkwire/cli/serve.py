"""`talkwire serve`: check what can go wrong first, then import and run the server."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from talkwire import __version__
from talkwire.canon.errors import TalkwireError
from talkwire.cli.loading import load
from talkwire.cli.places import redis, stored
from talkwire.cli.words import say
from talkwire.settings import Loaded, Settings, SettingsError, trace

REFUSED = 2
BACKLOG = 4096
_USUAL = "http://127.0.0.1:8000"


class Hindrance(Exception):
    """The server cannot start; the message says what to do."""


def run(config: Path | None, options: Mapping[str, Any]) -> int:
    """Serve until SIGTERM or Ctrl-C. The exit status: 0 after an orderly end, 2 if hindered,
    3 if the start failed.
    """
    loaded = settings_of(config, options)
    if loaded is None:
        return REFUSED
    settings = loaded.settings
    try:
        if not settings.database.is_postgres:
            check_folder(settings.data_dir)
        unread_s = settings.streams.send_timeout_s
        sockets = [listen(host, port, unread_s=unread_s) for host, port in settings.addresses]
    except Hindrance as hindrance:
        print(hindrance, file=sys.stderr)
        return REFUSED
    for warning in loaded.warnings:
        print(warning, file=sys.stderr)
    if settings.workers > 1:
        from talkwire.cli import workers

        return workers.run(config, options, settings, sockets)
    return _serve(settings, sockets)


def settings_of(config: Path | None, options: Mapping[str, Any]) -> Loaded[Settings] | None:
    """The settings in force; None where they cannot be used, after having said why."""
    try:
        return trace(config, **options)
    except SettingsError as error:
        lines = "\n".join(f"  {problem}" for problem in error.problems)
        print(f"{say('bad_settings')}\n{lines}", file=sys.stderr)
        return None


def check_folder(path: Path) -> None:
    """Make the data folder if need be, and try to write there.

    :raises Hindrance: that is not possible.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise Hindrance(say("data_refused", path=path, reason=error.strerror or error)) from None


def listen(host: str, port: int, *, unread_s: float | None = None) -> socket.socket:
    """A socket that listens already: two servers can never both believe to have the port.

    After `unread_s` the system gives up connections whose client takes nothing of what was sent,
    closed ones too, where it can (Linux).

    :raises Hindrance: the port is taken or not allowed, or the address is not ours.
    """
    try:
        found = socket.getaddrinfo(
            host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        opened = socket.socket(family, kind, protocol)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Hindrance(say("no_address", host=host, reason=reason)) from None
    try:
        if sys.platform != "win32":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if unread_s is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            unread_ms = min(int(unread_s * 1000), 2**31 - 1)  # inherited by what is accepted
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, unread_ms)
        opened.bind(address)
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        raise _hindrance(error, host, port) from None
    return opened


def _hindrance(error: OSError, host: str, port: int) -> Hindrance:
    other = port + 1 if 1023 < port < 65_535 else 8001
    if error.errno == errno.EADDRINUSE:
        return Hindrance(say("port_used", host=host, port=port, other=other))
    if error.errno in (errno.EACCES, errno.EPERM):
        return Hindrance(say("port_refused", port=port, other=8000))
    return Hindrance(say("no_address", host=host, reason=error.strerror or str(error)))


def url_of(listening: socket.socket) -> str:
    """The address to type on this machine."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def program() -> str:
    """What to type for this program."""
    given = Path(sys.argv[0])
    return "talkwire" if given.name != "talkwire" or shutil.which("talkwire") else str(given)


def banner(settings: Settings, urls: Sequence[str], model: str) -> str:
    """What a person wants to know of a server that has just started."""
    first = urls[0]
    key = " -H 'Authorization: Bearer KEY'" if settings.asks_for_keys else ""
    curl = (
        f"curl -N {first}/chat/stream -H 'Content-Type: application/json'"
        f"{key}"
        """ -d '{"input": "Hello! Count to 5."}'"""
    )
    chat = f"{'TALKWIRE_API_KEY=KEY ' if key else ''}{program()} chat"
    lines = [
        f"{say('serving', version=__version__)} {'  '.join(urls)}",
        f"  {say('answers')}: {model}",
        f"  {say('data')}: {', '.join(filter(None, (stored(settings), redis(settings))))}",
        f"  {say('try')}: {curl}",
        f"  {say('or_chat')} {chat}{'' if first == _USUAL else f' --url {first}'}",
        f"  {say('stop')}",
    ]
    if settings.workers > 1:
        lines.insert(1, f"  {say('workers', count=settings.workers, pid=os.getpid())}")
    if settings.asks_for_keys:
        lines.insert(1, f"  {say('asks_for_keys')}")
    if settings.open:
        lines.insert(1, f"  {say('open')}")
    return "\n".join(lines)


def tell(settings: Settings, urls: Sequence[str], model: str) -> None:
    """Say that the server serves: the banner, or a log line where logs are said to be JSON."""
    if settings.log.format == "json":
        log = structlog.get_logger("talkwire.server")
        log.info("server.started", version=__version__, urls=urls, model=model)
    else:
        print(banner(settings, urls, model), file=sys.stderr, flush=True)


def not_started(settings: Settings) -> Callable[[TalkwireError], None]:
    """Says what hinders the start."""

    def say_so(error: TalkwireError) -> None:
        if settings.database.is_postgres:
            hint = say("not_started_there", reason=error.message, where=stored(settings))
        else:
            hint = say("not_started", reason=error.message, path=settings.sqlite_path)
        print(hint, file=sys.stderr, flush=True)

    return say_so


def _serve(settings: Settings, sockets: list[socket.socket]) -> int:
    load()
    from talkwire.app import build, start_logging
    from talkwire.cli import server

    start_logging(settings)
    try:
        application = build(settings)
    except ValueError as error:  # what only the part itself can find wrong with its settings
        print(f"{say('bad_settings')}\n  {error}", file=sys.stderr)
        return REFUSED
    urls = [url_of(listening) for listening in sockets]

    def started(_running: object) -> None:
        tell(settings, urls, str(application.state.parts.models.told))

    try:
        server.serve(application, sockets, on_started=started, on_failed=not_started(settings))
    except KeyboardInterrupt:
        return 0
    return 0
