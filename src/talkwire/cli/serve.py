"""`talkwire serve`: check what can go wrong first, then import and run the server."""

from __future__ import annotations

import errno
import gc
import ipaddress
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from talkwire import __version__
from talkwire.canon.errors import TalkwireError
from talkwire.cli.words import say
from talkwire.settings import Settings, SettingsError, trace

BACKLOG = 4096
_REFUSED = 2
_USUAL = "http://127.0.0.1:8000"


class Hindrance(Exception):
    """The server cannot start; the message says what to do."""


def run(config: Path | None, options: Mapping[str, Any]) -> int:
    """Serve until SIGTERM or Ctrl-C. The exit status: 0 after an orderly end, 2 if hindered,
    3 if the start failed.
    """
    try:
        loaded = trace(config, **options)
        settings = loaded.settings
        refuse_exposure(settings)
        check_folder(settings.data_dir)
        unread_s = settings.streams.send_timeout_s
        sockets = [listen(host, port, unread_s=unread_s) for host, port in settings.addresses]
    except SettingsError as error:
        lines = "\n".join(f"  {problem}" for problem in error.problems)
        print(f"{say('bad_settings')}\n{lines}", file=sys.stderr)
        return _REFUSED
    except Hindrance as hindrance:
        print(hindrance, file=sys.stderr)
        return _REFUSED
    for warning in loaded.warnings:
        print(warning, file=sys.stderr)
    return _serve(settings, sockets)


def is_loopback(host: str) -> bool:
    """True for addresses that only this machine can reach."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_exposure(settings: Settings) -> None:
    """Nothing listens to other machines unless that was asked for in so many words.

    :raises Hindrance: an address beyond loopback without `open`.
    """
    for host, _ in settings.addresses:
        if not settings.open and not is_loopback(host):
            raise Hindrance(say("exposed", host=host))


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
    curl = (
        f"curl -N {first}/chat/stream -H 'Content-Type: application/json'"
        """ -d '{"input": "Hello! Count to 5."}'"""
    )
    lines = [
        f"{say('serving', version=__version__)} {'  '.join(urls)}",
        f"  {say('answers')}: {model}",
        f"  {say('data')}: {settings.data_dir.absolute()}",
        f"  {say('try')}: {curl}",
        f"  {say('or_chat')} {program()} chat{'' if first == _USUAL else f' --url {first}'}",
        f"  {say('stop')}",
    ]
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


def _serve(settings: Settings, sockets: list[socket.socket]) -> int:
    import uvicorn
    from uvicorn.lifespan.on import LifespanOn, LifespanSendMessage

    from talkwire.app import build, start_logging

    start_logging(settings)
    application = build(settings)

    class Starting(LifespanOn):
        """Tells what hinders the start in words instead of a traceback, where there are words."""

        async def send(self, message: LifespanSendMessage) -> None:
            error = sys.exc_info()[1]  # the application tells of it while it handles it
            if message["type"] == "lifespan.startup.failed" and isinstance(error, TalkwireError):
                message = {**message, "message": ""}
                hint = say("not_started", reason=error.message, path=settings.sqlite_path)
                print(hint, file=sys.stderr, flush=True)
            await super().send(message)

    class Told(uvicorn.Server):
        """Tells where it serves once it does."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            self.lifespan = Starting(self.config)
            await super().startup(sockets)
            urls = [url_of(listening) for listening in sockets or ()]
            # What start-up has made lives as long as the process: leave it out of collections.
            gc.collect()
            gc.freeze()
            tell(settings, urls, str(application.state.parts.models.told))

    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing in here asks where a request came from
        backlog=BACKLOG,
        timeout_graceful_shutdown=5,  # after the drain, which has limits of its own
    )
    # uvicorn raises the signal that stopped it once more, for whoever was there before it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        Told(config).run(sockets=sockets)
    except KeyboardInterrupt:
        return 0
    return 0
