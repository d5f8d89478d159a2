from __future__ import annotations

import math
import time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.tools import ToolAnswer
from talkwire.tools import McpToolExecute
from talkwire.tools.calculator import MOST_CHARS, calculate, calculator
from talkwire.tools.running import Refusal
from tests.tools.calls import call


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", "7"),
        ("0.1 + 0.2", "0.3"),
        ("(1/3)*3", "1"),
        ("1/3", "0.33333333333333333333"),
        ("7 // -2", "-4"),
        ("7 % -2", "-1"),
        ("-7.5 // 2", "-4"),
        ("-2 ** 2", "-4"),
        ("2 ** -3", "0.125"),
        ("2 ** 0.5", "1.4142135623730951"),
        ("sqrt(1/16)", "0.25"),
        ("sqrt(10**100)", "1" + "0" * 50),
        ("sin(1)", "0.8414709848078965"),
        ("SQRT(9) + PI - pi", "3"),
        ("log(8, 2)", "3"),
        ("log10(10**3000)", "3000"),
        ("round(2.567, 2)", "2.57"),
        ("max(1, 2.5, 2)", "2.5"),
        ("factorial(20)", "2432902008176640000"),
        ("comb(5, 2) + perm(5, 2) + gcd(12, 18) + lcm(4, 6)", "48"),
        ("3 × 4 ÷ 2 − 1 =", "5"),
        ("（1＋2）＊３", "9"),
        ("0x10 + 1_000", "1016"),
        ("1e-20", "1E-20"),
        ("1e21 / 7", "1.4285714285714285714E+20"),
        ("(1/3) ** 3000", "4.3274876886094134063E-1432"),
        ("1.0000001 ** 1000000", "1.1051709126143208"),
        ("(1/3) ** 3000 * (3/7) ** 2000 / (1/3) ** 3000 * (7/3) ** 2000", "1"),
        ("0 ** 0.5", "0"),
        ("0 ** 0 + (-1) ** (10 ** 30 + 1)", "0"),
        ("+".join(["1"] * 500), "500"),
    ],
)
def test_expressions_have_their_values(expression: str, value: str) -> None:
    assert calculate(expression) == value


TOO_LARGE = "too large"
NOT_REAL = "no real number"
UNREADABLE = "cannot be read"


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("10**10**10", TOO_LARGE),
        ("9**9**9", TOO_LARGE),
        ("(-9)**99999", TOO_LARGE),
        ("2.5**10**9", TOO_LARGE),
        ("*".join(["9**4000"] * 60), TOO_LARGE),
        ("1e99999999", TOO_LARGE),
        ("exp(1000)", TOO_LARGE),
        ("(1/3) ** 9000", "too small"),
        ("sin(10**1000)", TOO_LARGE),
        ("factorial(10**9)", "up to 1300"),
        ("comb(10**9, 5)", "up to 10000"),
        ("factorial(-1)", NOT_REAL),
        ("factorial(1.5)", "integers only"),
        ("round(1, 10**9)", "number of places"),
        ("sqrt(-1)", NOT_REAL),
        ("(-8) ** (1/3)", NOT_REAL),
        ("log(0)", NOT_REAL),
        ("asin(2)", NOT_REAL),
        ("1/0", "divided by zero"),
        ("1 // 0", "divided by zero"),
        ("1 % 0", "divided by zero"),
        ("0 ** -1", "divided by zero"),
        ("(" * 300 + "1" + ")" * 300, UNREADABLE),
        ("-" * 900 + "1", "nested more than"),
        ("2**" * 300 + "2", "nested more than"),
        ("1" * (MOST_CHARS + 1), "over 1000 characters"),
        ("", UNREADABLE),
        ("1 +", UNREADABLE),
        ("5!", UNREADABLE),
        ("\x00", UNREADABLE),
        ("1;2", UNREADABLE),
        ("1,000,000", "Commas part"),
        ("2^3", "2 \\*\\* 3"),
        ("1 << 9", "The operators are"),
        ("sqr(4)", "Did you mean sqrt"),
        ("x + 1", "no function and no constant"),
        ("sqrt()", "takes 1 arguments, not 0"),
        ("round(1, 2, 3)", "takes 1 to 2 arguments, not 3"),
        ("max(*[1])", "Only numbers"),
        ("round(1, places=2)", "Only numbers"),
        ("__import__('os').system('true')", "Only numbers"),
        ("(1).real", "Only numbers"),
        ("[1][0]", "Only numbers"),
        ("lambda: 1", "Only numbers"),
        ("1 if 1 else 2", "Only numbers"),
        ("(a := 1)", "Only numbers"),
        ("'a' * 9", "Only numbers"),
        ("True", "Only numbers"),
        ("1j", "imaginary"),
        ("二加三", "numbers, operators and function names"),
    ],
)
def test_what_is_no_arithmetic_or_too_much_is_refused_at_once(expression: str, told: str) -> None:
    begun = time.process_time()
    with pytest.raises(Refusal, match=told):
        calculate(expression)

    assert time.process_time() - begun < 1


_INTEGERS = st.recursive(
    st.integers(-1000, 1000).map(str),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        inner.map(lambda each: f"-({each})"),
        st.tuples(inner, st.integers(0, 5)).map(lambda p: f"({p[0]}) ** {p[1]}"),
        inner.map(lambda each: f"abs({each})"),
    ),
    max_leaves=12,
)


@given(_INTEGERS)
def test_whole_numbers_are_reckoned_with_as_python_does(expression: str) -> None:
    try:
        value = str(eval(expression))  # noqa: S307 - made of numbers and operators alone
    except ZeroDivisionError:
        value = ""
    if len(expression) > MOST_CHARS or len(value) > 3000:
        return
    if value:
        assert calculate(expression) == value
    else:
        with pytest.raises(Refusal, match="divided by zero"):
            calculate(expression)


_DECIMALS = st.decimals(-1000, 1000, places=3).map(str)


@given(_DECIMALS, st.sampled_from(["+", "-", "*", "//", "%"]), _DECIMALS)
def test_decimals_are_exact(left: str, op: str, right: str) -> None:
    if op in ("//", "%") and not Decimal(right):
        return
    a, b = Fraction(left), Fraction(right)
    exact = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "//": lambda: Fraction(a // b),
        "%": lambda: a % b,
    }[op]()

    assert Fraction(Decimal(calculate(f"({left}) {op} ({right})"))) == exact


@given(
    st.sampled_from(["sin", "cos", "tan", "atan", "exp", "sqrt", "log", "log2", "log10", "tanh"]),
    st.floats(0.001, 500),
)
def test_functions_agree_with_python(name: str, value: float) -> None:
    expected = getattr(math, name)(value)

    assert float(calculate(f"{name}({value!r})")) == pytest.approx(expected, rel=1e-12)


@given(st.floats(-1e300, 1e300, allow_subnormal=False), st.floats(1e-300, 1e300))
def test_division_agrees_with_python(left: float, right: float) -> None:
    expected = Fraction(left) / Fraction(right)

    assert float(calculate(f"({left!r}) / ({right!r})")) == pytest.approx(float_of(expected))


def float_of(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


@given(st.text(st.sampled_from("0123456789.+-*/%()e, sqrtlogfactorial"), max_size=120))
def test_any_text_has_a_value_or_is_refused(expression: str) -> None:
    try:
        value = calculate(expression)
    except Refusal as error:
        value = str(error)

    assert 0 < len(value) < 5000


async def test_the_tool_answers_and_tells_refusals() -> None:
    source = McpToolExecute([calculator()])

    assert await call(source, "calculator", {"expression": "6*7"}) == ToolAnswer("42")
    assert await call(source, "calculator", {"expression": "1/0"}) == ToolAnswer(
        "Nothing can be divided by zero.", is_error=True
    )
    assert source.offered()[0].idempotent
