"""A client for streaming requests to one server: a pool of kept connections, nothing else.

It follows no redirect, reads no proxy variable and asks for no compression. Idle connections are
closed after 30 s; one that turns out closed before a byte of answer is replaced once.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from functools import cache, partial
from urllib.parse import urlsplit

from msgspec import Struct

from talkwire import __version__
from talkwire.canon.errors import UpstreamTimeout, UpstreamUnavailable
from talkwire.models._answer import Answer
from talkwire.models._connection import Connection
from talkwire.models._rounds import Rounds
from talkwire.models.health import Crowded

IDLE_CONNECTION_S = 30.0
JSON = b"application/json"


class Limits(Struct, frozen=True):
    """How long to wait, and how many requests may run at once."""

    connect_s: float = 10.0
    first_token_s: float = 30.0
    idle_s: float = 60.0
    max_connections: int = 5000


class Origin(Struct, frozen=True):
    """A server and the path below which its API lives. `text` names it in messages.

    With `addresses` it is a caller's choice: they alone are dialled, in their order, the host is
    for TLS and `Host`, and no message tells it.
    """

    host: str
    port: int
    tls: bool
    prefix: str
    query: str
    addresses: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Host and port, for people."""
        return "the server at base_url" if self.addresses else f"{self.host}:{self.port}"

    @property
    def hidden(self) -> tuple[str, ...]:
        """What no message may tell: of a caller's choice, where it is."""
        return (self.host, self.prefix, self.query) if self.addresses else ()

    @property
    def header(self) -> str:
        """The value of `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def origin(base_url: str, addresses: tuple[str, ...] = ()) -> Origin:
    """A base URL taken apart; a query in it goes to every path. `addresses`: see `Origin`.

    :raises ValueError: not an http or https URL, or one with a password in it.
    """
    try:
        url = urlsplit(base_url.strip())
        port = url.port
    except ValueError as error:
        raise ValueError("base_url is no URL.") from error
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("base_url has to begin with http:// or https:// and a host.")
    if url.username is not None or url.password is not None:
        raise ValueError("base_url must not hold a user or password: use api_key.")
    whole = url.path + url.query
    if not whole.isascii() or not whole.isprintable() or " " in whole:
        raise ValueError("base_url holds a character that has to be percent-encoded.")
    tls = url.scheme == "https"
    try:
        host = url.hostname.encode("idna" if not url.hostname.isascii() else "ascii").decode(
            "ascii"
        )
    except UnicodeError as error:
        raise ValueError("base_url names no host that can exist.") from error
    port = port or (443 if tls else 80)
    return Origin(host, port, tls, url.path.rstrip("/"), url.query, addresses)


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class Client:
    """Requests to one server, whose bodies are of one kind. Belongs to one event loop; close it."""

    def __init__(
        self, server: Origin, key: str, limits: Limits, *, content_type: bytes = JSON
    ) -> None:
        self.server = server
        self._kind = content_type
        self.limits = limits
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._rounds = Rounds()
        self._connecting = 0
        self._closed = False
        self._sweeper: asyncio.TimerHandle | None = None
        self._head = _head(server, key)

    @property
    def idle(self) -> int:
        """Connections that wait to be used again."""
        return len(self._idle)

    async def ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        """Send a request and wait for the head of its answer. The caller closes the answer.

        :raises ModelError: no answer, or none in time. :raises Crowded: nothing was sent.
        """
        if self._closed:
            raise UpstreamUnavailable("The connections to the model are closed.")
        if len(self._busy) + self._connecting >= self.limits.max_connections:
            raise Crowded(
                f"All {self.limits.max_connections} connections to {self.server.text} are in use."
            )
        request = self._request(method, path, body)
        answer = self._send(request, self._pooled() or await self._connect())
        try:
            await answer.head()
        except UpstreamUnavailable:
            answer.close()
            if answer.begun or not answer.reused or self._closed:
                raise
        except BaseException:
            answer.close()
            raise
        else:
            return answer
        # A kept connection that the server had closed meanwhile: once more, on a fresh one.
        answer = self._send(request, await self._connect())
        try:
            await answer.head()
        except BaseException:
            answer.close()
            raise
        return answer

    async def close(self) -> None:
        """Close all connections; running answers end with an error."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        gone = UpstreamUnavailable("The connection to the model was closed by this server.")
        for connection in (*self._idle, *self._busy):
            connection.fail(gone)
        self._idle.clear()
        self._busy.clear()
        await asyncio.sleep(0)  # the transports tell their ends

    def _send(self, request: bytes, connection: Connection) -> Answer:
        self._busy.add(connection)
        return connection.ask(
            request,
            first_s=self.limits.first_token_s,
            idle_s=self.limits.idle_s,
            on_left=partial(self._busy.discard, connection),
        )

    def _pooled(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
        return None

    async def _connect(self) -> Connection:
        server = self.server
        self._connecting += 1
        try:
            async with asyncio.timeout(self.limits.connect_s):
                connection = await self._dial(server.addresses or (server.host,))
        except TimeoutError as error:
            raise UpstreamTimeout(
                f"No connection to {server.text} within {self.limits.connect_s:g} s."
            ) from error
        except (OSError, UnicodeError) as error:
            raise UpstreamUnavailable(
                f"Cannot connect to {server.text}: {_reason(error)}."
            ) from error
        finally:
            self._connecting -= 1
        if self._closed:
            connection.abort()
            raise UpstreamUnavailable("The connections to the model are closed.")
        return connection

    async def _dial(self, hosts: tuple[str, ...]) -> Connection:
        """A connection to the first that takes it. :raises OSError: none does."""
        *others, last = hosts
        for host in others:
            with suppress(OSError):
                return await self._reach(host)
        return await self._reach(last)

    async def _reach(self, host: str) -> Connection:
        server, loop = self.server, asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(self._kept, self._rounds),
            host,
            server.port,
            ssl=_tls() if server.tls else None,
            server_hostname=server.host if server.tls else None,
        )
        return connection

    def _kept(self, connection: Connection) -> None:
        if self._closed:
            connection.abort()
            return
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = connection.loop.call_later(IDLE_CONNECTION_S, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        loop = asyncio.get_running_loop()
        oldest = loop.time() - IDLE_CONNECTION_S
        kept: list[Connection] = []
        for connection in self._idle:
            if connection.open and connection.idle_since > oldest:
                kept.append(connection)
            else:
                connection.abort()
        self._idle = kept
        if kept:
            due = kept[0].idle_since + IDLE_CONNECTION_S
            self._sweeper = loop.call_at(due, self._sweep)

    def _request(self, method: str, path: str, body: bytes) -> bytes:
        target = self.server.prefix + path
        if self.server.query:
            target += "?" + self.server.query
        line = f"{method} {target} HTTP/1.1\r\n".encode("ascii")
        if method == "GET":
            return b"".join((line, self._head, b"\r\n"))
        kind = b"content-type: %b\r\ncontent-length: %d\r\n\r\n" % (self._kind, len(body))
        return b"".join((line, self._head, kind, body))


def _head(server: Origin, key: str) -> bytes:
    lines = [
        f"host: {server.header}",
        f"user-agent: talkwire/{__version__}",
        "accept: text/event-stream, application/json",
        "accept-encoding: identity",
    ]
    if key:
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("The API key holds a space or a character that no key has.")
        lines.append(f"authorization: Bearer {key}")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _reason(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return "its certificate cannot be trusted"
        case ssl.SSLError():
            return "it does not speak TLS properly"
        case socket.gaierror() | UnicodeError():
            return "the name is not known"
        case ConnectionRefusedError():
            return "refused"
        case _:
            return type(error).__name__
