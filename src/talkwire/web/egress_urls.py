"""URLs that strangers choose, read so that there is one way to read them.

What other readers are known to disagree about is refused and never repaired: backslashes, users
and passwords, escapes in a host, numbers that are not four plain ones, spaces, control characters.
Hosts are written in one form: lower case, ASCII, IPv6 as RFC 5952 has it, no dot at the end.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from msgspec import Struct

from talkwire.web.addresses import Address

Scheme = Literal["http", "https"]

_MOST_CHARS = 2048
_PORTS = {"http": 80, "https": 443}
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(\?(?P<query>[^#]*))?", re.I
)
AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(:(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a last label that makes others read an IPv4 address
# Two standards write these differently: another host, depending on who reads.
_AMBIGUOUS = frozenset("\u00df\u03c2\u1e9e\u200c\u200d")


class Asked(Struct, frozen=True):
    """A URL taken apart. `host` is in its one form, an IPv6 address without brackets."""

    scheme: Scheme
    host: str
    port: int
    path: str
    query: str

    @property
    def address(self) -> Address | None:
        """The host where it is an address."""
        return literal(self.host)


def read(url: str) -> Asked:
    """Take a URL apart.

    :raises ValueError: what is wrong, as the end of a sentence that begins with its field. Never
        quotes the URL.
    """
    if len(url) > _MOST_CHARS:
        raise ValueError(f"is longer than {_MOST_CHARS} characters.")
    if "\\" in url or " " in url or not url.isprintable():
        raise ValueError("holds a space, a backslash or a control character.")
    if (found := _URL.match(url)) is None:
        raise ValueError("has to begin with http:// or https:// and a host.")
    if "#" in url:
        raise ValueError("must not hold a fragment (#): nothing of it would be sent.")
    if "@" in found["authority"]:
        raise ValueError("must not hold a user or a password: use the field for the key.")
    if not (found["path"] + (found["query"] or "")).isascii():
        raise ValueError("holds a character that has to be percent-encoded.")
    authority = AUTHORITY.fullmatch(found["authority"])
    if authority is None:
        raise ValueError("names no host, or one in a form that is not taken.")
    scheme: Scheme = "https" if found["scheme"].lower() == "https" else "http"
    port = int(authority["port"] or _PORTS[scheme])
    if not 0 < port < 65536:
        raise ValueError("names a port that does not exist.")
    return Asked(scheme, host(authority["host"]), port, found["path"], found["query"] or "")


def host(text: str) -> str:
    """A host in its one form. IPv6 addresses come with or without brackets.

    :raises ValueError: as `read` does.
    """
    bare = text.removeprefix("[").removesuffix("]")
    if ":" in bare:
        if "%" in bare or (address := literal(bare)) is None:
            raise ValueError("names an IPv6 address that does not exist.")
        return str(address)
    name = _ascii(bare)
    labels = name.removesuffix(".").split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("names no host, or one in a form that is not taken.")
    name = ".".join(labels)
    if _NUMBER.fullmatch(labels[-1]) and literal(name) is None:
        raise ValueError("holds an IPv4 address that is not written as four decimal numbers.")
    return name


def literal(host: str) -> Address | None:
    """The address that a host in its one form is; None where it is a name."""
    try:
        return IPv6Address(host) if ":" in host else IPv4Address(host)
    except ValueError:
        return None


def _ascii(name: str) -> str:
    """A name as DNS knows it: full-width forms and other dots folded, other scripts in Punycode."""
    if not name.isascii():
        if _AMBIGUOUS.intersection(name):
            raise ValueError("names a host that has to be written in Punycode (xn--…).")
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise ValueError("names a host that cannot exist.") from error
    return name.lower()
