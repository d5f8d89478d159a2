from __future__ import annotations

import contextlib
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from talkwire.canon.tools import CallContext
from talkwire.tools.docstrings import Described
from talkwire.tools.running import Refusal
from talkwire.tools.signature import Signature
from tests.tools.calls import CONTEXT

NOTHING = Described("", {})


def made(
    first: int, /, second: str = "b", *, who: CallContext, third: list[int] | None = None
) -> Any:
    return first, second, third, who


def test_arguments_are_bound_by_position_and_by_name() -> None:
    signature = Signature(made, NOTHING)

    positional, named = signature.bind({"first": 1, "third": [2]}, CONTEXT)

    assert (positional, named) == ([1], {"third": [2], "who": CONTEXT})


def test_parameters_that_are_ours_are_left_out() -> None:
    signature = Signature(made, NOTHING, ours=frozenset({"second"}))

    assert list(signature.schema["properties"]) == ["first", "third"]


def test_descriptions_are_taken_from_the_nearest_place_that_has_one() -> None:
    def told(
        a: Annotated[int, "annotated"],
        b: Annotated[int, Field(description="a field's", ge=1)],
        c: int = Field(1, description="the default's"),
        d: int = Field(1, ge=0),
        e: Annotated[int, Field(ge=1)] = 2,
    ) -> None: ...

    signature = Signature(told, Described("", dict.fromkeys("abcde", "the docstring's")))

    assert [each["description"] for each in signature.schema["properties"].values()] == [
        "annotated",
        "a field's",
        "the default's",
        "the docstring's",
        "the docstring's",
    ]
    assert [signature.schema["properties"][name]["minimum"] for name in "bde"] == [1, 0, 1]
    arguments = {"a": 1, "b": 2}
    assert signature.bind(arguments, CONTEXT)[1] == {"a": 1, "b": 2, "c": 1, "d": 1}


def test_a_function_without_parameters_takes_an_empty_object() -> None:
    signature = Signature(lambda: None, NOTHING)

    assert signature.schema == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }
    assert signature.bind({}, CONTEXT) == ([], {})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["first", "second", "third", "who", "x"]), _JSON))
def test_any_arguments_are_bound_or_refused(arguments: dict[str, Any]) -> None:
    with contextlib.suppress(Refusal):
        positional, named = Signature(made, NOTHING).bind(arguments, CONTEXT)
        assert isinstance(positional[0], int)
        assert named["who"] is CONTEXT


def test_many_faults_are_told_of_in_part() -> None:
    with pytest.raises(Refusal) as error:
        Signature(made, NOTHING).bind({f"x{n}" * 999: n for n in range(100)}, CONTEXT)

    assert len(str(error.value)) < 2500
