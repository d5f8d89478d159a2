"""Where a request may send this server: the policy for every URL that a caller chooses.

A URL is read once, its name is resolved once, every address it has is checked, and what comes out
is a `Destination` that holds the addresses: they are dialled, the name is never asked for again.
So a name that answers otherwise a moment later leads nowhere else. Redirects are URLs of their own
and never followed.

What was refused is told, but neither quoted nor logged: URLs of callers hold secrets. A name that
does not exist and one that leads to a private network are told alike, so that nobody can ask this
server which names its network knows.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from msgspec import Struct

from talkwire.canon.errors import Forbidden
from talkwire.web import egress_urls
from talkwire.web.addresses import OWN, Address, Kind, kind
from talkwire.web.egress_urls import Asked, Scheme

LOOKUP_S = 5.0
MOST_ADDRESSES = 8  # that are kept to be dialled; all are checked

# Names that only the own network answers for. They are not even looked up.
_OWN_NAMES = (
    ".localhost",
    ".localdomain",
    ".local",
    ".internal",
    ".intranet",
    ".private",
    ".corp",
    ".home",
    ".home.arpa",
    ".lan",
)
_LOW_PORTS = frozenset({80, 443})  # of those below 1024; mail and the like can be made to obey HTTP

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""All addresses of a name, as texts, the best first. OSError: there are none."""


class Destination(Struct, frozen=True):
    """A server that may be asked, and where it was when that was decided.

    `addresses` are dialled, in this order and no others; `host` is for TLS and the Host header.
    """

    scheme: Scheme
    host: str
    port: int
    path: str
    query: str
    addresses: tuple[str, ...]

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme == "https"

    @property
    def url(self) -> str:
        """The URL in its one form, to be read again without surprises."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == (443 if self.tls else 80) else f":{self.port}"
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{host}{port}{self.path}{query}"


class Listed(Struct, frozen=True):
    """An entry of the allow-list; None stands for any."""

    scheme: Scheme | None
    host: str
    port: int | None

    def covers(self, asked: Asked) -> bool:
        """Whether this entry means what is asked for."""
        return (
            self.host == asked.host
            and self.port in (None, asked.port)
            and self.scheme in (None, asked.scheme)
        )


class Policy:
    """What may be asked on behalf of a caller.

    `allow` lists hosts as `host`, `host:port` or `scheme://host:port`. A listed name may also lead
    into the server's own networks, a listed address may be anything. `enabled`: public hosts that
    are not listed may be asked too; `private`: and those of the own networks. Metadata,
    link-local, multicast and reserved addresses always have to be listed.

    :raises ValueError: an entry of `allow` that is no host.
    """

    def __init__(
        self,
        allow: Sequence[str],
        private: bool,
        enabled: bool,
        *,
        resolve: Resolve | None = None,
        lookup_s: float = LOOKUP_S,
    ) -> None:
        self._listed = tuple(listed(entry) for entry in allow)
        self._enabled = enabled
        self._kinds: frozenset[Kind] = OWN | {"public"} if private else frozenset({"public"})
        self._resolve = resolve or Lookup()
        self._lookup_s = lookup_s

    async def admit(self, url: str, *, field: str = "base_url") -> Destination:
        """A URL of a caller, ready to be dialled. `field` is where it came from.

        :raises Forbidden: it may not be asked; code `<field>_not_allowed`.
        """
        try:
            asked = egress_urls.read(url)
            return await self._admit(asked)
        except ValueError as error:
            words = f"{field} {error}"
            raise Forbidden(words, code=f"{field}_not_allowed", param=field) from None

    async def _admit(self, asked: Asked) -> Destination:
        is_listed = any(entry.covers(asked) for entry in self._listed)
        if not is_listed:
            self._expect_open(asked)
        if (address := asked.address) is not None:
            if not is_listed and (found := kind(address)) not in self._kinds:
                raise ValueError(f"leads to a {found} address. {_LISTING}")
            return _destination(asked, [address])
        kinds = self._kinds | OWN if is_listed else self._kinds
        if not is_listed and "private" not in kinds and _is_own(asked.host):
            raise ValueError(_NOWHERE)
        addresses = await self._addresses(asked)
        if not addresses or any(kind(each) not in kinds for each in addresses):
            raise ValueError(_NOWHERE)
        return _destination(asked, addresses)

    def _expect_open(self, asked: Asked) -> None:
        if not self._enabled:
            raise ValueError(f"may only name servers that this one knows. {_LISTING}")
        if asked.port < 1024 and asked.port not in _LOW_PORTS:
            raise ValueError(f"names a port below 1024 other than 80 and 443. {_LISTING}")

    async def _addresses(self, asked: Asked) -> list[Address]:
        try:
            async with asyncio.timeout(self._lookup_s):
                found = await self._resolve(asked.host, asked.port)
            return [ip_address(each) for each in dict.fromkeys(found)]
        except (OSError, ValueError) as error:  # a time-out is an OSError
            raise ValueError(_NOWHERE) from error


class Lookup:
    """Asks the system's resolver.

    In few threads of its own: names whose servers never answer hold up other lookups of this kind,
    and nobody's connections.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="lookup")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """See `Resolve`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _look_up, host, port)


def listed(entry: str) -> Listed:
    """An entry of the allow-list, read. :raises ValueError: it is no host, or more than one."""
    try:
        if "://" in entry:
            asked = egress_urls.read(entry)
            if asked.path not in ("", "/") or asked.query:
                raise ValueError("holds a path: whole servers are listed.")
            return Listed(asked.scheme, asked.host, asked.port)
        if entry.count(":") > 1 and not entry.startswith("["):
            return Listed(None, egress_urls.host(entry), None)
        authority = egress_urls.AUTHORITY.fullmatch(entry)
        if authority is None:
            raise ValueError("names no host.")
        port = int(authority["port"]) if authority["port"] else None
        if port is not None and not 0 < port < 65536:
            raise ValueError("names a port that does not exist.")
        return Listed(None, egress_urls.host(authority["host"]), port)
    except ValueError as error:
        raise ValueError(f"egress.allow: {entry!r} {error}") from None


_LISTING = "Whoever runs this server can list the host under egress.allow."
_NOWHERE = f"names a host without an address that may be asked from here. {_LISTING}"


def _destination(asked: Asked, addresses: Sequence[Address]) -> Destination:
    pinned = tuple(str(each) for each in addresses[:MOST_ADDRESSES])
    return Destination(asked.scheme, asked.host, asked.port, asked.path, asked.query, pinned)


def _is_own(name: str) -> bool:
    """A name of the own network: one word, or below a word that the public DNS leaves alone."""
    return "." not in name or name.endswith(_OWN_NAMES)


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
