"""Kinds of values, wherever in the settings they stand."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from talkwire._settings.kinds import WIRES, Group, Seconds, Wires


def test_every_wire_may_be_named_alone_or_with_others() -> None:
    names: TypeAdapter[tuple[str, ...]] = TypeAdapter(Wires)

    assert names.validate_python(",".join(WIRES)) == WIRES
    assert all(names.validate_python(name) == (name,) for name in WIRES)
    with pytest.raises(ValidationError):
        names.validate_python("grpc")


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan")])
def test_a_time_passes_and_ends(value: float) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Seconds).validate_python(value)


def test_a_group_takes_no_keys_that_it_does_not_know_and_stays_as_it_is() -> None:
    class Some(Group):
        one: int = 1

    with pytest.raises(ValidationError):
        Some.model_validate({"two": 2})
    with pytest.raises(ValidationError):
        Some().one = 2  # type: ignore[misc]  # that it cannot be done is what is tried
