"""Whether a browser was tricked into asking.

A server on loopback is open to its user. Two checks keep web pages out that run in the same
user's browser: the `Host` must be a name of this machine (a foreign name that resolves to
127.0.0.1 is a rebinding attack), and requests that change something or ask a model may not come
from another site.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from talkwire.canon.errors import BadRequest, Forbidden
from talkwire.web.principals import LOCAL, PRINCIPAL, Principal

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Misdirected(BadRequest):
    """The request was meant for another host."""

    code, status = "misdirected_request", 421


class Trust:
    """ASGI middleware: refuses what a foreign page may have sent.

    `hosts` are names accepted beside those of loopback; None accepts every `Host`. `asking` are
    the paths where even a GET costs a model call. Whoever gets through is `everyone`; with None
    it is for `Gate` to tell who asks.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str] | None,
        asking: Collection[str] = (),
        everyone: Principal | None = LOCAL,
    ) -> None:
        self._app = app
        self._everyone = everyone
        self._hosts = None if hosts is None else frozenset(each.lower() for each in hosts)
        self._asking = frozenset(asking)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """:raises Misdirected: a foreign `Host`. :raises Forbidden: a foreign page asks."""
        if scope["type"] == "http":
            headers = {name: value for name, value in scope["headers"] if name in _LOOKED_AT}
            host = _host(headers, scope)
            if self._hosts is not None and host is not None and not self._known(_name(host)):
                raise Misdirected("This server does not answer for that host name.", param="Host")
            if scope["method"] not in _SAFE or scope["path"] in self._asking:
                self._refuse_foreign(headers, host)
            if self._everyone is not None:
                scope[PRINCIPAL] = self._everyone
        await self._app(scope, receive, send)

    def _known(self, name: str) -> bool:
        return is_loopback(name) or name in (self._hosts or ())

    def _refuse_foreign(self, headers: dict[bytes, bytes], host: str | None) -> None:
        if headers.get(b"sec-fetch-site", b"").lower() == b"cross-site":
            raise Forbidden("Other sites may not ask here.", param="Sec-Fetch-Site")
        origin = headers.get(b"origin")
        if origin is None:
            return
        try:
            parts = urlsplit(origin.decode("latin-1"))
            name = (parts.hostname or "").rstrip(".")
        except ValueError:
            name = ""
        own = host is not None and name == _name(host)
        if not name or not (own or self._known(name)):
            raise Forbidden("Other sites may not ask here.", param="Origin")


_LOOKED_AT = frozenset({b"host", b"origin", b"sec-fetch-site"})


def _host(headers: dict[bytes, bytes], scope: Scope) -> str | None:
    host = headers.get(b"host")
    if host is None:
        if scope.get("http_version", "1.1") == "1.0":
            return None
        raise BadRequest("The Host header is missing.", param="Host")
    return host.decode("latin-1")


def _name(host: str) -> str:
    """The host without port, brackets and final dot, in lower case."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


@lru_cache(256)
def is_loopback(name: str) -> bool:
    """True for localhost, names below it, and loopback addresses."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
