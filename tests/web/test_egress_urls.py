"""One way to read a URL, or none."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.web.egress_urls import host, literal, read


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://api.example.com/v1", ("https", "api.example.com", 443, "/v1", "")),
        ("HTTPS://API.Example.COM", ("https", "api.example.com", 443, "", "")),
        ("http://a.example.:8080/v1/?x=1&y", ("http", "a.example", 8080, "/v1/", "x=1&y")),
        ("http://a.example?x=/@:", ("http", "a.example", 80, "", "x=/@:")),
        ("http://8.8.4.4/a%20b/..//c@d:e", ("http", "8.8.4.4", 80, "/a%20b/..//c@d:e", "")),
        ("http://[2606:4700:0:0::1]:81/", ("http", "2606:4700::1", 81, "/", "")),
        ("http://bücher.example/", ("http", "xn--bcher-kva.example", 80, "/", "")),
        ("http://中文。example/", ("http", "xn--fiq228c.example", 80, "/", "")),
        ("http://my_host.example/", ("http", "my_host.example", 80, "/", "")),
        ("http://1.2.3.4.example/", ("http", "1.2.3.4.example", 80, "/", "")),
        ("http://10.example/", ("http", "10.example", 80, "/", "")),
    ],
)
def test_a_url_is_taken_apart(url: str, told: tuple[str, str, int, str, str]) -> None:
    asked = read(url)

    assert (asked.scheme, asked.host, asked.port, asked.path, asked.query) == told


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://a.example/", "begin with http"),
        ("a.example/v1", "begin with http"),
        ("http://a.example/ b", "a space"),
        ("http://a.example/\n", "control character"),
        ("http://a.example\\b/", "backslash"),
        ("http://a.example/#x", "fragment"),
        ("http://me:secret@a.example/", "user or a password"),
        ("http://a.example/é", "percent-encoded"),
        ("http://a.example:/", "names no host"),
        ("http://a.example:0/", "port that does not exist"),
        ("http://a.example:70000/", "port that does not exist"),
        ("http://1.2.3/", "four decimal numbers"),
        ("http://0x1/", "four decimal numbers"),
        ("http://a.0x7f/", "four decimal numbers"),
        ("http://[1::2::3]/", "IPv6 address that does not exist"),
        ("http://straße.example/", "Punycode"),
        ("http://" + "ü" * 64 + ".example/", "cannot exist"),
        ("http://" + "a." * 127 + "example/", "names no host"),
        ("http://a.example/" + "x" * 2048, "longer than 2048"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_and_not_quoted(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as raised:
        read(url)

    assert "secret" not in str(raised.value)
    assert "example" not in str(raised.value)


def test_a_host_is_a_literal_or_a_name() -> None:
    assert str(literal(host("[0:0::1]"))) == "::1"
    assert str(literal(host("::1"))) == "::1"
    assert str(literal(host("1.2.3.4."))) == "1.2.3.4"
    assert literal(host("a.example")) is None


@given(st.text(max_size=60))
def test_a_host_in_its_one_form_stays_as_it_is(text: str) -> None:
    try:
        once = host(text)
    except ValueError:
        return

    assert host(once) == once
    assert once.isascii()
    assert once == once.lower()


@given(st.from_regex(r"https?://[a-z0-9.:@\[\]#?/\\-]{1,30}", fullmatch=True))
def test_what_is_taken_is_what_the_standard_library_reads_too(url: str) -> None:
    try:
        asked = read(url)
    except ValueError:
        return

    other = urlsplit(url)
    assert other.hostname is not None
    assert asked.host == host(other.hostname)
    assert asked.port == (other.port or {"http": 80, "https": 443}[other.scheme])
    assert (asked.path, asked.query) == (other.path, other.query)
