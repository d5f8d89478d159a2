"""A response that is read whole: an error's body, a list of models."""

from __future__ import annotations

from talkwire.canon.errors import ModelError
from talkwire.models._answer import Answer


async def whole(answer: Answer, limit_bytes: int) -> bytes:
    """The body, cut at the limit and at whatever error ends it."""
    body = bytearray()
    try:
        while len(body) < limit_bytes:
            piece = await answer.read()
            if not piece:
                break
            body += piece
    except ModelError:
        pass  # the beginning tells enough of an error's body
    return bytes(body[:limit_bytes])
