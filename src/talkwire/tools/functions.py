"""The calculator's functions, of exact fractions and each in bounded time."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from talkwire.tools.running import Refusal

MOST_BITS = 13_000
"""Some 3,900 digits: what a number may have on either side of its fraction."""
TOO_LARGE = "The number gets too large: over some 3,900 digits."
NO_REAL = "There is no real number that this would be."
_MOST_FACTORIAL = 1_300
_MOST_CHOICE = 10_000
_MOST_PLACES = 1_000

Function = Callable[..., Fraction]


def real(value: float) -> Fraction:
    """A float as the shortest decimal that means it. :raises Refusal: it is no real number."""
    if not math.isfinite(value):
        raise Refusal(TOO_LARGE if math.isinf(value) else NO_REAL)
    return Fraction(Decimal(repr(value)))


def _of_floats(function: Callable[..., float]) -> Function:
    return lambda *given: real(function(*map(float, given)))


def _of_integers(function: Callable[..., int], most: int | None = None) -> Function:
    def call(*given: Fraction) -> Fraction:
        if any(each.denominator != 1 for each in given):
            raise Refusal("This function takes integers only.")
        if most is not None and any(abs(each) > most for each in given):
            raise Refusal(f"This function takes numbers up to {most} only.")
        return Fraction(function(*(each.numerator for each in given)))

    return call


def _sqrt(value: Fraction) -> Fraction:
    """Exact where both parts are squares."""
    if value < 0:
        raise Refusal(NO_REAL)
    above, below = math.isqrt(value.numerator), math.isqrt(value.denominator)
    if (above**2, below**2) == (value.numerator, value.denominator):
        return Fraction(above, below)
    return real(math.sqrt(value))


def _logarithm(function: Callable[[float], float]) -> Callable[[Fraction], float]:
    def call(value: Fraction) -> float:
        if value <= 0:
            raise Refusal(NO_REAL)
        with contextlib.suppress(OverflowError):
            if whole := float(value):
                return function(whole)
        # Larger or smaller than any float; its parts are integers, which have logarithms.
        return function(value.numerator) - function(value.denominator)

    return call


_ln, _log2, _log10 = map(_logarithm, (math.log, math.log2, math.log10))


def _log(value: Fraction, to: Fraction | None = None) -> Fraction:
    if to is None:
        return real(_ln(value))
    if to in (2, 10):
        return real((_log2 if to == 2 else _log10)(value))
    return real(_ln(value) / _ln(to))


def _round(value: Fraction, places: Fraction = Fraction(0)) -> Fraction:
    if places.denominator != 1 or abs(places) > _MOST_PLACES:
        raise Refusal(f"round takes an integer number of places, up to {_MOST_PLACES}.")
    return Fraction(round(value, places.numerator))


FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "abs": (abs, 1, 1),
    "acos": (_of_floats(math.acos), 1, 1),
    "asin": (_of_floats(math.asin), 1, 1),
    "atan": (_of_floats(math.atan), 1, 1),
    "atan2": (_of_floats(math.atan2), 2, 2),
    "cbrt": (_of_floats(math.cbrt), 1, 1),
    "ceil": (lambda value: Fraction(math.ceil(value)), 1, 1),
    "comb": (_of_integers(math.comb, _MOST_CHOICE), 2, 2),
    "cos": (_of_floats(math.cos), 1, 1),
    "cosh": (_of_floats(math.cosh), 1, 1),
    "degrees": (_of_floats(math.degrees), 1, 1),
    "exp": (_of_floats(math.exp), 1, 1),
    "factorial": (_of_integers(math.factorial, _MOST_FACTORIAL), 1, 1),
    "floor": (lambda value: Fraction(math.floor(value)), 1, 1),
    "gcd": (_of_integers(math.gcd), 1, 20),
    "hypot": (_of_floats(math.hypot), 1, 20),
    "lcm": (_of_integers(math.lcm), 1, 20),
    "ln": (_log, 1, 1),
    "log": (_log, 1, 2),
    "log10": (lambda value: real(_log10(value)), 1, 1),
    "log2": (lambda value: real(_log2(value)), 1, 1),
    "max": (lambda *given: max(given), 1, 100),
    "min": (lambda *given: min(given), 1, 100),
    "perm": (_of_integers(math.perm, _MOST_FACTORIAL), 1, 2),
    "radians": (_of_floats(math.radians), 1, 1),
    "round": (_round, 1, 2),
    "sin": (_of_floats(math.sin), 1, 1),
    "sinh": (_of_floats(math.sinh), 1, 1),
    "sqrt": (_sqrt, 1, 1),
    "tan": (_of_floats(math.tan), 1, 1),
    "tanh": (_of_floats(math.tanh), 1, 1),
}
CONSTANTS = {
    "pi": Fraction("3.14159265358979323846264338327950288"),
    "e": Fraction("2.71828182845904523536028747135266250"),
    "tau": Fraction("6.28318530717958647692528676655900577"),
}
