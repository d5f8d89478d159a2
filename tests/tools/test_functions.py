from __future__ import annotations

import math
from fractions import Fraction

import pytest

from talkwire.tools.functions import CONSTANTS, FUNCTIONS, real
from talkwire.tools.running import Refusal


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_takes_as_many_numbers_as_it_says(name: str) -> None:
    function, least, most = FUNCTIONS[name]

    for count in {least, most}:
        assert isinstance(function(Fraction(1), *[Fraction(2)] * (count - 1)), Fraction)


@pytest.mark.parametrize("name", ["acos", "cbrt", "exp", "hypot", "log", "sqrt", "tanh", "floor"])
def test_functions_give_what_python_gives(name: str) -> None:
    value = Fraction(3, 4)

    expected = getattr(math, name)(0.75)
    assert float(FUNCTIONS[name][0](value)) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("value", [Fraction(1, 10**1000), Fraction(10**1000)])
def test_logarithms_of_what_is_no_float_are_known(value: Fraction) -> None:
    sign = -1 if value < 1 else 1

    assert FUNCTIONS["log10"][0](value) == sign * 1000
    assert float(FUNCTIONS["ln"][0](value)) == pytest.approx(sign * 1000 * math.log(10))


def test_logarithms_have_any_base() -> None:
    assert FUNCTIONS["log"][0](Fraction(9), Fraction(3)) == 2
    assert FUNCTIONS["log"][0](Fraction(1000), Fraction(10)) == 3


def test_logarithms_near_one_keep_their_digits() -> None:
    value = Fraction(10_000_001, 10_000_000)

    assert float(FUNCTIONS["log"][0](value)) == math.log(1.0000001)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_real_number_is_refused(value: float) -> None:
    with pytest.raises(Refusal):
        real(value)


def test_constants_have_more_digits_than_a_float() -> None:
    assert float(CONSTANTS["pi"]) == math.pi
    assert float(CONSTANTS["e"]) == math.e
    assert float(CONSTANTS["tau"]) == math.tau
