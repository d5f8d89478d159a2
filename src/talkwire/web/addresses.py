"""What kind of network an IP address belongs to, as far as a server must know before it dials.

The tables follow the IANA registries of special-purpose addresses. An IPv6 address that carries
an IPv4 one inside is a way around a check of the outer one, and never public; but for the common
NAT64 prefix, which is how networks without IPv4 reach all of it: there the inner one decides.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal

Kind = Literal[
    "public",
    "private",
    "loopback",
    "link-local",
    "metadata",
    "multicast",
    "reserved",
    "unspecified",
    "wrapped",
]
Address = IPv4Address | IPv6Address

OWN: frozenset[Kind] = frozenset({"private", "loopback"})
"""Kinds that lead into the server's own networks, to servers that people run there."""

_V4: tuple[tuple[str, Kind], ...] = (
    ("0.0.0.0/32", "unspecified"),
    ("0.0.0.0/8", "reserved"),
    ("10.0.0.0/8", "private"),
    ("100.100.100.200/32", "metadata"),  # Alibaba Cloud
    ("100.64.0.0/10", "private"),  # between a provider and its customers
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "metadata"),  # Azure
    ("169.254.0.0/16", "link-local"),  # all other clouds' metadata is here
    ("172.16.0.0/12", "private"),
    ("192.0.0.192/32", "metadata"),  # Oracle Cloud
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "reserved"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "reserved"),
    ("198.51.100.0/24", "reserved"),
    ("203.0.113.0/24", "reserved"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
)
_V6: tuple[tuple[str, Kind], ...] = (
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::/96", "wrapped"),  # IPv4-compatible
    ("::ffff:0:0/96", "wrapped"),  # IPv4-mapped
    ("::ffff:0:0:0/96", "wrapped"),  # IPv4-translated
    ("64:ff9b:1::/48", "wrapped"),  # NAT64 of one network; where the IPv4 is, is its own affair
    ("2001::/32", "wrapped"),  # Teredo
    ("2002::/16", "wrapped"),  # 6to4
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "reserved"),
    ("3fff::/20", "reserved"),
    ("fd00:ec2::/32", "metadata"),  # Amazon
    ("fd20:ce::/32", "metadata"),  # Google
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "private"),
    ("ff00::/8", "multicast"),
)
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL = IPv6Network("2000::/3")  # nothing else is given out
_ISATAP = (0x00005EFE, 0x02005EFE)  # the upper half of an interface's id


_NETWORKS_V4 = [(IPv4Network(text), kind) for text, kind in _V4]
_NETWORKS_V6 = [(IPv6Network(text), kind) for text, kind in _V6]


@lru_cache(maxsize=1024)
def kind(address: Address) -> Kind:
    """The kind of an address; the narrowest name that is known."""
    if isinstance(address, IPv4Address):
        return next((known for network, known in _NETWORKS_V4 if address in network), "public")
    if address.scope_id is not None:
        return "link-local"
    if address in _NAT64:
        return kind(IPv4Address(int(address) & 0xFFFFFFFF))
    for network, known in _NETWORKS_V6:
        if address in network:
            return known
    if int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        return "wrapped"
    return "public" if address in _GLOBAL else "reserved"
