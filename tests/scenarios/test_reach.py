from __future__ import annotations

import msgspec
import pytest

from talkwire.scenarios.catalogue import Scenario, Slot, Step, Words
from talkwire.scenarios.reach import placeholders, silence, sure

TEXT = Words("好", "good")
KIND = Slot("kind", TEXT, choices={"a": (), "b": ()})
CASE = Slot("case", TEXT, pattern="[0-9]+")


def _ask(slot: str, *, optional: bool = False, **when: str) -> Step:
    return Step(f"ask_{slot}", "ask", TEXT, slot, {k: (v,) for k, v in when.items()}, optional)


def _answer(**when: str) -> Step:
    return Step("answer", "answer", TEXT, when={k: tuple(v.split()) for k, v in when.items()})


def _scenario(*steps: Step) -> Scenario:
    numbered = [msgspec.structs.replace(step, id=str(n)) for n, step in enumerate(steps)]
    slots = {"kind": KIND, "case": CASE}
    return Scenario("c", "s", TEXT, "d", steps=tuple(numbered), slots=slots)


def test_placeholders_are_the_names_in_braces_of_both_texts() -> None:
    text = Words('{case} 和 {"code": 0} {case}', "{kind} { } {}")

    assert placeholders(Step("a", "answer", text)) == ["case", "kind"]


def test_what_an_earlier_question_waits_for_is_known() -> None:
    steps = (_ask("case"), _ask("kind", optional=True), _answer())

    assert sure(steps, 2, set()) == {"case"}
    assert sure(steps, 0, {"case"}) == set()


def test_a_question_that_may_be_passed_over_makes_nothing_known() -> None:
    steps = (_ask("case", kind="a"), _answer(), _answer(kind="a"), _answer(kind="a b"))

    assert sure(steps, 1, set()) == set()
    assert sure(steps, 1, {"case"}) == {"case"}
    assert sure(steps, 2, set()) == {"case", "kind"}
    assert sure(steps, 3, set()) == {"kind"}


def test_a_condition_on_a_value_makes_it_known_and_unknown_does_not() -> None:
    assert sure((_answer(kind="known"),), 0, set()) == {"kind"}
    assert sure((_answer(kind="a unknown"),), 0, set()) == set()


@pytest.mark.parametrize(
    ("scenario", "case"),
    [
        (_scenario(_answer()), None),
        (_scenario(_ask("case"), _answer(case="known")), None),
        (_scenario(_ask("kind"), _answer(kind="a"), _answer(kind="b")), None),
        (_scenario(_answer(kind="unknown")), None),
        (_scenario(Step("h", "hand_over", TEXT)), None),
        (_scenario(_ask("kind"), _answer(kind="a")), {"kind": "b"}),
        (_scenario(_ask("case"), _answer(case="unknown")), {"case": "…"}),
        (_scenario(_ask("kind", optional=True)), {}),
        (_scenario(_answer(kind="a b")), {}),
        (
            _scenario(_ask("kind"), _ask("case", kind="b"), _answer(kind="a"), _answer(case="x")),
            {"kind": "b", "case": "…"},
        ),
    ],
)
def test_a_flow_that_falls_silent_tells_in_which_case(
    scenario: Scenario, case: dict[str, str] | None
) -> None:
    assert silence(scenario) == case


def test_a_flow_with_very_many_cases_is_let_pass() -> None:
    slots = {f"s{n}": Slot(f"s{n}", TEXT, choices={str(c): () for c in range(9)}) for n in range(9)}
    steps = tuple(Step(name, "ask", TEXT, name) for name in slots)
    scenario = Scenario("c", "s", TEXT, "d", steps=(*steps, _answer()), slots=slots)

    assert silence(scenario) is None
