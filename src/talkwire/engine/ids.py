"""Identifiers that sort by time: 48 bits of milliseconds and 80 random bits, as in a ULID.

Written in the lower case of base32hex (RFC 4648), whose alphabet keeps the order of the bytes.
"""

from __future__ import annotations

import os
import time
from base64 import b32hexencode


def new_id(prefix: str) -> str:
    """`prefix` and 26 characters of 0-9a-v; later ids sort later, to the millisecond."""
    stamp = (time.time_ns() // 1_000_000).to_bytes(6, "big")
    return prefix + b32hexencode(stamp + os.urandom(10))[:26].decode("ascii").lower()
