from __future__ import annotations

import pytest

from talkwire.canon.errors import PayloadTooLarge, Unprocessable
from talkwire.prompts.text import MOST_TEMPLATE_BYTES, TemplateError, fill, placeholders


def test_placeholders_come_once_each_in_the_order_they_stand() -> None:
    assert placeholders("{{ b }} {{a}} {{\tb }} {c} }}") == ("b", "a")


@pytest.mark.parametrize("text", ["{{", "a\n{{ user name }}", "x\n{{ 1st }}", "\n{{ }}", "\n{{a}"])
def test_braces_that_open_no_placeholder_are_told_with_their_line(text: str) -> None:
    with pytest.raises(TemplateError) as told:
        placeholders(text)

    assert told.value.line == text.count("\n") + 1
    assert "{{ name }}" in told.value.message


def test_a_template_over_its_limit_is_refused_by_bytes() -> None:
    assert placeholders("é" * (MOST_TEMPLATE_BYTES // 2)) == ()
    with pytest.raises(TemplateError, match="65536"):
        placeholders("é" * (MOST_TEMPLATE_BYTES // 2) + "x")


def test_values_are_put_in_literally_and_not_looked_at_again() -> None:
    given = {"a": "{{ b }} \\1 \\{{", "b": "B"}

    assert fill("<{{ a }}|{{b}}>", given, known=()) == "<{{ b }} \\1 \\{{|B>"


def test_escaped_braces_stay_as_braces() -> None:
    assert fill('\\{{"k": {{v}}}', {"v": 1}, known=()) == '{{"k": 1}'


@pytest.mark.parametrize(
    ("value", "shown"), [(True, "true"), (False, "false"), (7, "7"), (0.5, "0.5"), ("", "")]
)
def test_scalars_are_written_as_json_writes_them(value: str | float, shown: str) -> None:
    assert fill("[{{v}}]", {"v": value}, known=()) == f"[{shown}]"


@pytest.mark.parametrize("given", [{}, {"b": None}])
def test_a_missing_or_null_variable_is_named(given: dict[str, None]) -> None:
    with pytest.raises(Unprocessable) as told:
        fill("{{ b }}", given, known=())

    assert (told.value.param, told.value.code) == ("b", "missing_variable")


def test_an_unknown_variable_is_named_with_what_the_template_takes() -> None:
    with pytest.raises(Unprocessable, match="takes: a, b") as told:
        fill("{{ a }}", {"a": "1", "nope": "2"}, known=("b",))

    assert (told.value.param, told.value.code) == ("nope", "unknown_variable")


def test_a_declared_variable_may_be_given_without_being_used() -> None:
    assert fill("x", {"b": "1"}, known=("b",)) == "x"


def test_many_uses_of_a_long_value_are_stopped_before_they_fill_memory() -> None:
    with pytest.raises(PayloadTooLarge):
        fill("{{a}}" * 10_000, {"a": "x" * 200_000}, known=())
