"""Write into index.html's policy the hashes of its own scripts and styles: run it after an edit.

    python examples/support-widget/seal.py

Prints the policy, for a page of yours that the widget was copied into.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

PAGE = Path(__file__).with_name("index.html")


def sealed(page: str) -> str:
    """The page with a policy that allows its own scripts and styles, and no others."""
    for tag in ("script", "style"):
        own = " ".join(
            _hash(text) for text in re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", page, re.S)
        )
        page = re.sub(rf"{tag}-src [^;]*;", f"{tag}-src {own};", page, count=1)
    return page


def policy(page: str) -> str:
    """The page's Content-Security-Policy."""
    found = re.search(r'"Content-Security-Policy" content="([^"]*)"', page)
    return found[1] if found else ""


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


if __name__ == "__main__":
    with PAGE.open(encoding="utf-8", newline="") as file:
        page = sealed(file.read())
    PAGE.write_text(page, "utf-8", newline="\n")
    print(policy(page))
