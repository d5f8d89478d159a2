"""Identifiers that sort by time: ULIDs (48 bits of milliseconds, 80 random bits) in lower case."""

from __future__ import annotations

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32


def new_id(prefix: str) -> str:
    """`prefix` and 26 characters; ids made later sort later, to the millisecond."""
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    return prefix + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -5, -5))
