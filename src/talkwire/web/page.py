"""The page at `/` for browsers: one file, nothing from elsewhere, a small demonstration.

Its own script and style are allowed by their hashes and nothing else is; what a model says is put
on the page as text.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

_PAGE = Path(__file__).with_suffix(".html").read_bytes()


def _hashed(tag: bytes) -> str:
    found = re.search(rb"<%b>(.*?)</%b>" % (tag, tag), _PAGE, re.DOTALL)
    digest = hashlib.sha256(found[1] if found else b"").digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_hashed(b'script')}; style-src {_hashed(b'style')};"
        " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "Vary": "Accept",
}


def is_wanted(request: Request) -> bool:
    """A browser asks for a page: it names `text/html`, as programs do not."""
    return "text/html" in request.headers.get("accept", "").lower()


def page() -> Response:
    """The page."""
    return Response(_PAGE, headers=_HEADERS, media_type="text/html")
