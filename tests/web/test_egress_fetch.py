"""Pages are fetched from the checked address, with the name for TLS, and within limits."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from talkwire.canon.errors import Forbidden, Unavailable, UpstreamUnavailable
from talkwire.models import _http
from talkwire.models._http import Client, Limits, origin
from talkwire.web import egress_fetch
from talkwire.web.egress import Destination, Policy
from talkwire.web.egress_fetch import Fetch, client
from tests.web.egress_peers import Private, listening


def policy(*allow: str, leads_to: Sequence[str] = ("127.0.0.1",)) -> Policy:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return leads_to

    return Policy(["127.0.0.1", *allow], private=False, enabled=False, resolve=resolve)


def answer(head: str, body: bytes = b"") -> bytes:
    lines = ["HTTP/1.1 200 OK", *head.split("\n"), f"content-length: {len(body)}", "", ""]
    return "\r\n".join(line for line in lines).encode() + body


async def test_a_page_is_fetched_as_text() -> None:
    page_bytes = answer("content-type: text/html; charset=gbk", "你好".encode("gbk"))
    async with listening("127.0.0.1", page_bytes) as peer:
        page = await Fetch(policy("page.example"))(f"http://page.example:{peer.port}/a?b#c")

    assert (page.status, page.text, page.truncated) == (200, "你好", False)
    assert page.content_type == "text/html; charset=gbk"
    assert page.url == f"http://page.example:{peer.port}/a?b"
    lines = peer.heard[0].decode().lower().split("\r\n")
    assert lines[0] == "get /a?b http/1.1"
    assert f"host: page.example:{peer.port}" in lines
    assert "accept-encoding: identity" in lines
    assert not [line for line in lines if line.startswith(("cookie", "authorization"))]


async def test_other_scripts_in_a_path_are_escaped() -> None:
    async with listening("127.0.0.1") as peer:
        page = await Fetch(policy())(f"http://127.0.0.1:{peer.port}/wiki/北 京?q=é")

    assert page.url.endswith("/wiki/%E5%8C%97%20%E4%BA%AC?q=%C3%A9")


async def test_a_redirect_is_told_and_not_followed() -> None:
    async with listening("127.0.0.1") as secret:
        target = f"http://127.0.0.1:{secret.port}/"
        for status in (301, 302, 303, 307, 308):
            moved = f"HTTP/1.1 {status} Moved\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n"
            async with listening("127.0.0.1", moved.encode()) as peer:
                page = await Fetch(policy())(f"http://127.0.0.1:{peer.port}/")
                assert (page.status, page.location) == (status, target)

        assert secret.accepted == 0


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening("127.0.0.1") as proxy, listening("127.0.0.1") as peer:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        await Fetch(policy())(f"http://127.0.0.1:{peer.port}/")

        assert (proxy.accepted, peer.accepted) == (0, 1)


async def test_a_long_page_is_cut() -> None:
    async with listening("127.0.0.1", answer("content-type: text/plain", b"x" * 50_000)) as peer:
        page = await Fetch(policy(), most_bytes=1000)(f"http://127.0.0.1:{peer.port}/")

    assert (len(page.text), page.truncated) == (1000, True)


async def test_a_packed_page_is_refused_before_it_is_unpacked() -> None:
    async with listening("127.0.0.1", answer("content-encoding: gzip", b"\x1f\x8b")) as peer:
        with pytest.raises(Unavailable, match="packed"):
            await Fetch(policy())(f"http://127.0.0.1:{peer.port}/")


async def test_a_page_that_does_not_come_ends() -> None:
    async with listening("127.0.0.1", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n") as peer:
        peer.hangs = True
        with pytest.raises(Unavailable, match=r"within 0\.1 s"):
            await Fetch(policy(), timeout_s=0.1)(f"http://127.0.0.1:{peer.port}/")


async def test_what_is_no_answer_is_told() -> None:
    async with listening("127.0.0.1", b"SSH-2.0-OpenSSH\r\n") as peer:
        with pytest.raises(Unavailable, match="RemoteProtocolError"):
            await Fetch(policy())(f"http://127.0.0.1:{peer.port}/")
    with pytest.raises(Unavailable, match="ConnectError"):
        await Fetch(policy())(f"http://127.0.0.1:{peer.port}/")


@pytest.mark.parametrize("charset", ["punycode", "hex", "rot13", "no-such", "utf-99", "idna"])
async def test_an_odd_charset_is_read_as_utf_8(charset: str) -> None:
    page_bytes = answer(f"content-type: text/plain; charset={charset}", "é".encode())
    async with listening("127.0.0.1", page_bytes) as peer:
        assert (await Fetch(policy())(f"http://127.0.0.1:{peer.port}/")).text == "é"


@pytest.mark.parametrize("url", ["", "no url", "http:/x", "file:///etc/passwd", "http://10.0.0.1"])
async def test_what_the_policy_refuses_is_refused(url: str) -> None:
    with pytest.raises(Forbidden) as raised:
        await Fetch(policy())(url)

    assert (raised.value.code, raised.value.param) == ("url_not_allowed", "url")


async def test_a_client_of_one_server_asks_no_other() -> None:
    async with listening("127.0.0.1") as peer, listening("127.0.0.1") as other:
        destination = await policy().admit(f"http://127.0.0.1:{peer.port}/")
        async with client(destination) as asking:
            for url in (f"http://127.0.0.1:{other.port}/", f"http://localhost:{peer.port}/"):
                with pytest.raises(httpx2.UnsupportedProtocol):
                    await asking.get(url)

        assert (peer.accepted, other.accepted) == (0, 0)


async def test_the_next_address_is_dialled_where_one_refuses() -> None:
    async with listening("127.0.0.1") as peer:
        two = policy("two.example", leads_to=["::1", "127.0.0.3", "127.0.0.1"])
        page = await Fetch(two)(f"http://two.example:{peer.port}/")

    assert page.text == "secret"


@pytest.fixture
def issued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's context for `tls.example`, which the clients trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tls.example")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("tls.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    trusting = ssl.create_default_context(cafile=str(path))
    monkeypatch.setattr(egress_fetch, "_tls", lambda: trusting)
    monkeypatch.setattr(_http, "_tls", lambda: trusting)
    return serving


async def test_tls_is_spoken_with_the_name_at_the_checked_address(issued: ssl.SSLContext) -> None:
    greeted: list[str | None] = []
    issued.sni_callback = lambda link, name, context: greeted.append(name)
    peer = Private()
    async with await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=issued) as server:
        port = server.sockets[0].getsockname()[1]
        allowed = policy("tls.example", "other.example")

        page = await Fetch(allowed)(f"https://tls.example:{port}/")
        assert (page.status, page.text) == (200, "secret")
        assert await _status(await allowed.admit(f"https://tls.example:{port}/v1")) == 200
        assert greeted == ["tls.example", "tls.example"]

        with pytest.raises(Unavailable):
            await Fetch(allowed)(f"https://other.example:{port}/")
        with pytest.raises(UpstreamUnavailable, match="certificate cannot be trusted"):
            await _status(await allowed.admit(f"https://other.example:{port}/v1"))
        assert len(peer.heard) == 2


async def _status(destination: Destination) -> int:
    asking = Client(origin(destination.url, destination.addresses), "", Limits())
    try:
        answer = await asking.ask("GET", "/models")
        answer.close()
        return answer.status
    finally:
        await asking.close()
