"""The calculator: arithmetic read as a tree and walked, never executed.

Numbers are exact fractions as long as nothing irrational is asked for, so that 0.1 + 0.2 is 0.3
and (1/3)*3 is 1. Every step is bounded: text, nesting, and the size of each number on the way.
"""

from __future__ import annotations

import ast
import operator
import unicodedata
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated, Any

from talkwire.tools.decorated import Decorated, tool
from talkwire.tools.functions import CONSTANTS, FUNCTIONS, MOST_BITS, NO_REAL, TOO_LARGE, real
from talkwire.tools.near import near
from talkwire.tools.running import Refusal

MOST_CHARS = 1_000
MOST_DEPTH = 100
_MOST_EXPONENT = 4_000
_KEPT = Context(prec=50, Emax=_MOST_EXPONENT, Emin=-_MOST_EXPONENT)
_SHOWN = Context(prec=20, Emax=_MOST_EXPONENT, Emin=-_MOST_EXPONENT)
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "，": ","})

_BINARY: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
    ast.Mod: operator.mod,
}
_FAULTS = (ZeroDivisionError, OverflowError, InvalidOperation, ValueError)


def calculate(expression: str) -> str:
    """The value as text: exact where it is an integer, else to 20 significant digits.

    :raises Refusal: no arithmetic, nothing real, or too large.
    """
    if len(expression) > MOST_CHARS:
        raise Refusal(f"The expression has over {MOST_CHARS} characters.")
    text = unicodedata.normalize("NFKC", expression.translate(_SIGNS)).strip().rstrip("=? ")
    if not text.isascii():
        raise Refusal("The expression may hold numbers, operators and function names only.")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise Refusal(
            "The expression cannot be read. Write it as in (1 + 2) * 3 ** 2 / sqrt(4)."
        ) from error
    return _written(_value(tree.body, text, 0))


def _value(node: ast.expr, text: str, depth: int) -> Fraction:
    if depth > MOST_DEPTH:
        raise Refusal(f"The expression is nested more than {MOST_DEPTH} deep.")
    match node:
        case ast.Constant():
            return _number(node, text)
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
            value = _value(operand, text, depth + 1)
            return -value if isinstance(node.op, ast.USub) else value
        case ast.BinOp():
            return _chain(node, text, depth)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return _call(name, [_value(each, text, depth + 1) for each in args])
        case ast.Name(id=name) if name.lower() in CONSTANTS:
            return CONSTANTS[name.lower()]
        case ast.Name(id=name):
            raise _unknown(name)
        case ast.Tuple():
            raise Refusal("Commas part the arguments of functions only: write 1000000.")
        case _:
            raise Refusal(
                "Only numbers, + - * / // % **, parentheses and functions can be reckoned with."
            )


def _chain(node: ast.BinOp, text: str, depth: int) -> Fraction:
    """A long sum is nested to the left as deep as it is long: that side is walked in a loop."""
    left: ast.expr = node
    rest: list[tuple[ast.operator, ast.expr]] = []
    while isinstance(left, ast.BinOp):
        rest.append((left.op, left.right))
        left = left.left
    value = _value(left, text, depth + 1)
    for op, right in reversed(rest):
        value = _binary(op, value, _value(right, text, depth + 1))
    return value


def _number(node: ast.Constant, text: str) -> Fraction:
    if type(node.value) is int:
        return _bounded(Fraction(node.value))
    if type(node.value) is not float:
        raise Refusal("Only numbers can be reckoned with, and no imaginary ones.")
    # As it was written: a float has lost digits already.
    written = Decimal(text[node.col_offset : node.end_col_offset])
    if written and abs(written.adjusted()) > _MOST_EXPONENT:
        raise Refusal(TOO_LARGE)
    return _bounded(Fraction(written))


def _binary(op: ast.operator, left: Fraction, right: Fraction) -> Fraction:
    if isinstance(op, ast.BitXor):
        raise Refusal("Write a power as 2 ** 3, not 2 ^ 3.")
    function = _power if isinstance(op, ast.Pow) else _BINARY.get(type(op))
    if function is None:
        raise Refusal("The operators are + - * / // % and **.")
    try:
        return _bounded(function(left, right))
    except _FAULTS as error:
        raise _refusal(error) from error


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        return _power_of_floats(base, exponent)
    bits = max(_bits(base.numerator), _bits(base.denominator))
    if abs(base) != 1 and base and bits * abs(exponent.numerator) > MOST_BITS:
        if base.denominator == 1:
            raise Refusal(TOO_LARGE)
        return _power_of_floats(base, exponent)
    if abs(base) == 1:
        return base if exponent.numerator % 2 else abs(base)
    return Fraction(base**exponent.numerator)


def _power_of_floats(base: Fraction, exponent: Fraction) -> Fraction:
    if base < 0 and exponent.denominator != 1:
        raise Refusal(NO_REAL)
    value = real(float(base) ** float(exponent))
    if base and not value:
        raise Refusal("The number gets too small.")
    return value


def _call(name: str, arguments: list[Fraction]) -> Fraction:
    found = FUNCTIONS.get(name.lower())
    if found is None:
        raise _unknown(name)
    function, least, most = found
    if not least <= len(arguments) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise Refusal(f"{name} takes {wanted} arguments, not {len(arguments)}.")
    try:
        return _bounded(function(*arguments))
    except _FAULTS as error:
        raise _refusal(error) from error


def _bits(number: int) -> int:
    return max(1, (abs(number) - 1).bit_length())


def _bounded(value: Fraction) -> Fraction:
    """Round a fraction whose parts have grown long. :raises Refusal: too large to be rounded."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) <= MOST_BITS:
        return value
    if value.denominator == 1:
        raise Refusal(TOO_LARGE)
    return Fraction(_decimal(value, _KEPT))


def _decimal(value: Fraction, context: Context) -> Decimal:
    shift = value.numerator.bit_length() - value.denominator.bit_length()
    if abs(shift) > MOST_BITS:
        raise Refusal(TOO_LARGE)
    wide = Context(prec=context.prec, Emax=99_999, Emin=-99_999)
    return wide.divide(Decimal(value.numerator), Decimal(value.denominator))


def _written(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    shown = _decimal(value, _SHOWN).normalize()
    return f"{shown:f}" if -7 <= shown.adjusted() < 20 else str(shown)


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, ZeroDivisionError):
        return Refusal("Nothing can be divided by zero.")
    return Refusal(TOO_LARGE if isinstance(error, OverflowError) else NO_REAL)


def _unknown(name: str) -> Refusal:
    known = sorted({*FUNCTIONS, *CONSTANTS})
    found = near(name, known)
    hint = f" Did you mean {', '.join(found)}?" if found else f" There are: {', '.join(known)}."
    return Refusal(f"{name[:50]!r} is no function and no constant here.{hint}")


def calculator() -> Decorated[..., Any]:
    """The tool."""

    @tool(name="calculator", idempotent=True, timeout_s=10)
    async def reckon(
        expression: Annotated[
            str, "For example (17 * 3 - 2) / 7 ** 2, or round(sqrt(2), 4). Angles in radians."
        ],
    ) -> str:
        """Reckon exactly: + - * / // % **, parentheses, and functions such as sqrt, log and sin."""
        return calculate(expression)

    return reckon
