"""What is told of the health routes is what they answer."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from talkwire.web import health_told

ANSWERS: list[dict[str, Any]] = [
    each
    for answers in (
        health_told.SERVICE,
        health_told.HEALTH,
        health_told.LIVENESS,
        health_told.READINESS,
        health_told.DETAILED,
    )
    for each in answers.values()
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["description"])
def test_each_example_fits_its_schema(answer: dict[str, Any]) -> None:
    (content,) = answer["content"].values()

    jsonschema.Draft202012Validator.check_schema(content["schema"])
    jsonschema.validate(content["example"], content["schema"])
