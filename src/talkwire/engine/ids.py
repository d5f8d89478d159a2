"""Identifiers that sort by time: 48 bits of milliseconds and 80 random bits, as in a ULID.

Written in the lower case of base32hex (RFC 4648), whose alphabet keeps the order of numbers.
"""

from __future__ import annotations

import os
import re
import secrets
import string
import time
from functools import lru_cache

_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_PAIRS = [a + b for a in _DIGITS for b in _DIGITS]  # two digits, ten bits, at a time
_SHIFTS = range(40, -10, -10)
_RANDOM = (_DIGITS * 8).encode()  # each byte's lowest five bits as a digit


def new_id(prefix: str) -> str:
    """`prefix` and 26 characters of 0-9a-v; later ids sort later, to the millisecond."""
    return (
        prefix + _moment(time.time_ns() // 1_000_000) + os.urandom(16).translate(_RANDOM).decode()
    )


@lru_cache(1)  # a turn is given several ids within a millisecond
def _moment(ms: int) -> str:
    return "".join([_PAIRS[ms >> shift & 1023] for shift in _SHIFTS])


_MINTED = re.compile(r"[0-9A-Za-z]{9}")


def call_id() -> str:
    """The id of a call, unlike any other: nine characters, which is what every provider takes."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(9))


def is_call_id(text: str) -> bool:
    """True for what `call_id` makes; providers' own ids may be the same in each answer."""
    return _MINTED.fullmatch(text) is not None
