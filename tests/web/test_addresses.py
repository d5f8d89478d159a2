"""Kinds of addresses."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.web.addresses import Address, kind

NAT64 = IPv6Network("64:ff9b::/96")
KINDS = {
    "public": ["8.8.8.8", "1.0.0.1", "93.184.215.14", "100.63.255.255", "172.32.0.1",
               "2606:4700::1111", "2a00:1450::1", "2400:3200::1", "64:ff9b::808:808"],
    "private": ["10.0.0.0", "172.16.0.1", "172.31.255.255", "192.168.255.255", "100.64.0.1",
                "fc00::1", "fdff:ffff::1", "fec0::1", "64:ff9b::10.0.0.1"],
    "loopback": ["127.0.0.1", "127.255.255.255", "::1", "64:ff9b::127.0.0.1"],
    "link-local": ["169.254.0.1", "169.254.169.254", "fe80::1", "febf::1", "fe80::1%eth0",
                   "::1%lo", "64:ff9b::169.254.169.254"],
    "metadata": ["100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254",
                 "fd20:ce::254"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["0.0.0.1", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255",
                 "198.51.100.1", "203.0.113.1", "240.0.0.1", "255.255.255.255", "100::1", "4000::1",
                 "2001:1::1", "2001:db8::1", "3fff::1", "5f00::1", "64:ff9b::203.0.113.1"],
    "unspecified": ["::", "0.0.0.0"],  # noqa: S104 - nothing is bound
    "wrapped": ["::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8", "::ffff:0:8.8.8.8",
                "2002:808:808::", "2001::1", "64:ff9b:1::808:808", "2a00::5efe:808:808",
                "2a00::200:5efe:808:808"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"), [(text, name) for name, texts in KINDS.items() for text in texts]
)
def test_an_address_is_of_a_kind(text: str, expected: str) -> None:
    assert kind(ip_address(text)) == expected


@given(st.ip_addresses())
def test_what_is_called_public_is_nothing_that_the_library_knows_as_special(
    address: Address,
) -> None:
    if kind(address) == "public" and (address.version == 4 or address not in NAT64):
        assert address.is_global
        assert not address.is_private
        assert not address.is_multicast
        assert not address.is_reserved


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_never_more_public_than_alone(inner: Address) -> None:
    for prefix in (0xFFFF << 32, 0, 0xFFFF << 48, 0x2002 << 112, 0x0064FF9B0001 << 80):
        assert kind(IPv6Address(prefix | int(inner))) != "public"
    assert kind(IPv6Address(0x0064FF9B << 96 | int(inner))) == kind(inner)
