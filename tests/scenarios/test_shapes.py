from __future__ import annotations

import pytest

from talkwire.scenarios.catalogue import Words
from talkwire.scenarios.problems import Problems
from talkwire.scenarios.shapes import AsideShape, ScenarioShape, SlotShape, StepShape, shaped, stray

STEP = {"id": "a", "do": "answer", "text": "yes"}


def _lines(problems: Problems) -> tuple[str, ...]:
    error = problems.error()
    return () if error is None else error.problems


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (" 好 ", Words("好", "好")),
        ({"zh": "好", "en": "good"}, Words("好", "good")),
        ({"zh": "好"}, Words("好", "好")),
        ({"en": "good", "fr": "bon"}, Words("good", "good")),
    ],
)
def test_a_text_alone_stands_for_both_languages(given: object, words: Words) -> None:
    shape = shaped(AsideShape, {"text": given}, Problems("a"))

    assert shape is not None
    assert shape.text == words


def test_one_value_of_a_condition_is_a_list_of_one() -> None:
    shape = shaped(StepShape, STEP | {"when": {"x": "known", "y": ["a", "b"]}}, Problems("a"))

    assert shape is not None
    assert shape.when == {"x": ["known"], "y": ["a", "b"]}


def test_null_is_absent_but_for_keys_that_are_nobody_s() -> None:
    entry = {"category": "c", "subcategory": "s", "description": "d", "title": None, "mine": None}

    shape = shaped(ScenarioShape, entry | {"examples": None, "steps": None}, Problems("a"))

    assert shape is not None
    assert (shape.title, shape.examples, shape.steps) == (None, [], [])
    assert shape.model_extra == {"mine": None}


def test_every_problem_of_an_entry_is_told_with_its_place() -> None:
    problems = Problems("a")

    assert shaped(ScenarioShape, {"category": 1, "steps": [STEP | {"do": 2}]}, problems) is None
    assert _lines(problems) == (
        "a: category: expected text, got a number",
        "a: subcategory: is missing",
        "a: description: is missing",
        "a: steps[0].do: a number is unknown; known: ask, check, answer, hand_over",
    )


def test_a_list_without_end_is_told_once() -> None:
    problems = Problems("a")

    shaped(AsideShape, {"examples": [1] * 100_000}, problems)

    assert 0 < problems.count <= 1_001


def test_a_key_like_a_known_one_was_meant_to_be_it() -> None:
    problems = Problems("a")
    shape = shaped(SlotShape, {"patern": "x", "note": "mine"}, problems)

    assert shape is not None
    stray(shape, problems)

    assert _lines(problems) == ("a: unknown key 'patern'; did you mean 'pattern'?",)
