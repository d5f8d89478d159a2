"""Whether a message asks something."""

from __future__ import annotations

import re

_AUXILIARY = (
    r"(?:can|could|may|do|does|did|is|are|am|was|were|will|would|should|has|have|isn't|hasn't)"
)
_QUESTION = re.compile(
    r"(?i)[?？]|吗|呢|多久|多少|几天|几个|怎么|怎样|如何|为什么|为何|什么|哪|是否|能不能|可不可以"
    r"|是不是|有没有|了没有?\W*$"
    r"|\b(?:how|what|when|where|why|which|who)\b"
    # In front, or before who is meant: "it is paid" and "I do not have it" ask nothing.
    rf"|(?:^|[.!,;:，。！；：])\W{{0,3}}(?:(?:and|but|so|or|then|ok|hi|hello)\s+)?{_AUXILIARY}\b"
    r"|\b(?:can|could|may|will|would|should|did)\s+(?:i|you|we|it|they|he|she|there)\b"
    r"|\b(?:do|are|were|have)\s+(?:i|you|we|they)\b"
    r"|\b(?:does|is|was|has)\s+(?:it|he|she|there)\b"
)


def is_question(text: str) -> bool:
    """Whether a message asks something, rather than answers what it was asked."""
    return _QUESTION.search(text) is not None
