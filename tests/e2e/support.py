"""The help desk over real sockets: a server whose desk is the one in memory, and its clients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests

from tests.desk import STATUS
from tests.e2e.provider import Provider, said
from tests.e2e.wire_client import Answer, parse

ROOT = Path(__file__).parents[2]
PATH = "/chat/stream"
PRELUDE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import talkwire.desk
from tests.desk import Desk
talkwire.desk.desk = lambda settings, vectors: Desk()
"""
SLOW = "words=3 pace_ms=1400"  # with a heartbeat a second: one between two words


def with_desk(provider: Provider, **settings: Any) -> dict[str, Any]:
    """What a `fresh_server` is made of."""
    return {"config": {"models": [provider.model()], **settings}, "prelude": PRELUDE}


def read_as_documented(url: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The snippet that clients in the field have copied."""
    seen = []
    with requests.post(url, json=body, stream=True, timeout=30) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines(decode_unicode=True):
            if line:
                seen.append(json.loads(line.replace("data: ", "")))
    return seen


async def blocks(answer: Answer) -> list[bytes]:
    """What stands between empty lines, as it came."""
    whole = await answer.body()
    assert whole.endswith(b"\n\n") or not whole
    return whole.removesuffix(b"\n\n").split(b"\n\n") if whole else []


def told(block: bytes) -> dict[str, Any]:
    """The data of one block; of an id alone, none."""
    fields = parse(block).fields
    return dict(json.loads(fields["data"])) if "data" in fields else {}


def check_whole(seen: list[dict[str, Any]], words: int = 3, *, beats: bool = True) -> None:
    """An answer of so many words, with heartbeats in between where the model is slow."""
    *pieces, end = seen
    texts = [each["response"] for each in pieces]
    assert "".join(texts) == said(words)
    first, last = texts.index("w0 "), len(texts) - texts[::-1].index(f"w{words - 1} ")
    assert ("" in texts[first:last]) is beats
    about = [(each["category"], each["subcategory"]) for each in pieces]
    assert about[texts.index("w0 ") :] == [("Withdrawals", STATUS)] * (len(texts) - first)
    assert all(
        list(each) == ["category", "subcategory", "response", "thread_id"] for each in pieces
    )
    assert end == {
        "done": True,
        "thread_id": pieces[0]["thread_id"],
        "confidence": 0.95,
        "related_subcategories": ["2 Fees"],
        "sop_references": ["withdrawals.md"],
    }
