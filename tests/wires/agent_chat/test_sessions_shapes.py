"""Fields have their bounds, and examples the shape that they show."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from talkwire.wires.agent_chat import sessions_batch, sessions_file
from talkwire.wires.agent_chat import sessions_shapes as shapes

SHOWN = [
    each
    for module in (shapes, sessions_batch, sessions_file)
    for each in vars(module).values()
    if isinstance(each, type)
    and issubclass(each, BaseModel)
    and each.__module__ == module.__name__
    and each.model_config.get("json_schema_extra")
]


@pytest.mark.parametrize("shape", SHOWN, ids=lambda shape: str(shape.__name__))
def test_an_example_is_one(shape: type[BaseModel]) -> None:
    extra = shape.model_config["json_schema_extra"]
    assert isinstance(extra, dict)
    examples = extra["examples"]
    assert isinstance(examples, list)
    for example in examples:
        shape.model_validate(example)


@pytest.mark.parametrize(
    "given",
    [
        {"user_id": "x" * 256},
        {"user_id": ""},
        {"title": "a\0"},
        {"title": 7},
        {"metadata": "x"},
        {"system_prompt_name": "a b"},
    ],
)
def test_a_field_out_of_its_bounds_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        shapes.NewSessionBody.model_validate(given)


def test_null_is_absent_in_a_new_session() -> None:
    shape = shapes.NewSessionBody.model_validate({"title": None, "user_id": None, "x": 1})
    assert shape == shapes.NewSessionBody()
