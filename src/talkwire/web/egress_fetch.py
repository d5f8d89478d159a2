"""Pages of the web, fetched for a caller: through the policy, to the address that was checked.

No redirect is followed (the page says where it would lead), no proxy variable is read, no cookie
kept, nothing unpacked; time and size have limits.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from functools import cache
from urllib.parse import quote

import httpx2
from msgspec import Struct

from talkwire import __version__
from talkwire.canon.errors import Unavailable
from talkwire.web.egress import Destination, Policy

MOST_BYTES = 1_000_000
TIMEOUT_S = 20.0
_STEP_S = 10.0  # connecting, and each piece

_PARTS = re.compile(r"(?P<server>[^/?#]*//[^/?#]*)(?P<rest>[^#]*)(#.*)?", re.S)
_PRINTABLE = "".join(chr(code) for code in range(33, 127))
# Others are rare in pages, and some that Python knows take very long to decode.
_CHARSET = re.compile(
    r"utf-?8|utf-?16(le|be)?|us-ascii|iso-8859-\d+|windows-\d+|koi8-[ru]"
    r"|gb2312|gbk|gb18030|big5(-hkscs)?|shift_jis|euc-(jp|kr|cn)"
)


class Page(Struct, frozen=True):
    """What came back. `location` is where a redirect would lead, as it was written."""

    url: str
    status: int
    content_type: str
    text: str
    truncated: bool = False
    location: str = ""


class Fetch:
    """Fetches pages that `policy` admits."""

    def __init__(
        self, policy: Policy, *, most_bytes: int = MOST_BYTES, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._policy = policy
        self._most_bytes = most_bytes
        self._timeout_s = timeout_s

    async def __call__(self, url: str) -> Page:
        """Get a page. A fragment is left away and other scripts in the path are escaped.

        :raises Forbidden: the policy does not admit it; code `url_not_allowed`.
        :raises Unavailable: no answer, none in time, or one that cannot be read.
        """
        destination = await self._policy.admit(_sendable(url), field="url")
        try:
            async with asyncio.timeout(self._timeout_s), client(destination) as asking:
                return await self._get(asking, destination.url)
        except TimeoutError as error:
            raise Unavailable(f"The page did not come within {self._timeout_s:g} s.") from error
        except httpx2.HTTPError as error:
            raise Unavailable(f"The page cannot be had: {type(error).__name__}.") from error

    async def _get(self, asking: httpx2.AsyncClient, url: str) -> Page:
        body = bytearray()
        async with asking.stream("GET", url) as answer:
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise Unavailable("The page came packed, though it was asked for plain.")
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > self._most_bytes:
                    break
        return Page(
            url,
            answer.status_code,
            answer.headers.get("content-type", ""),
            _text(bytes(body[: self._most_bytes]), answer.charset_encoding),
            len(body) > self._most_bytes,
            answer.headers.get("location", ""),
        )


def client(destination: Destination) -> httpx2.AsyncClient:
    """A client for one destination; close it."""
    return httpx2.AsyncClient(
        transport=Pinned(destination),
        trust_env=False,
        follow_redirects=False,
        timeout=_STEP_S,
        headers={
            "user-agent": f"talkwire/{__version__}",
            "accept": "text/html, text/*;q=0.9, application/json;q=0.9, */*;q=0.1",
            "accept-encoding": "identity",
        },
    )


class Pinned(httpx2.AsyncBaseTransport):
    """Dials the checked addresses of a destination, in their order, and asks no name server.

    The name stays for TLS and the Host header. Requests to any other server are refused.
    """

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._transport = httpx2.AsyncHTTPTransport(verify=_tls(), trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See `AsyncBaseTransport`."""
        if not _leads_to(self._destination, request.url):
            raise httpx2.UnsupportedProtocol("Not the server that was checked.")
        failed = httpx2.ConnectError("There is no address to dial.")
        for address in self._destination.addresses:
            try:
                return await self._transport.handle_async_request(self._at(address, request))
            except httpx2.ConnectError as error:
                failed = error
        raise failed

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    def _at(self, address: str, request: httpx2.Request) -> httpx2.Request:
        return httpx2.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": self._destination.host},
        )


def _leads_to(destination: Destination, url: httpx2.URL) -> bool:
    port = url.port or (443 if url.scheme == "https" else 80)
    named = url.raw_host.decode("ascii").strip("[]")
    return (url.scheme, named, port) == (destination.scheme, destination.host, destination.port)


def _sendable(url: str) -> str:
    """What of a URL a browser would send: no fragment, and all but the host in ASCII."""
    found = _PARTS.fullmatch(url)
    if found is None:
        return url  # for the policy to refuse
    return found["server"] + quote(found["rest"], safe=_PRINTABLE, errors="replace")


def _text(body: bytes, charset: str | None) -> str:
    known = charset if charset and _CHARSET.fullmatch(charset.lower()) else "utf-8"
    try:
        return body.decode(known, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
