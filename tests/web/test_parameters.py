"""Names and headers as the document tells them, and as they are read."""

from __future__ import annotations

import re

import pytest
from jsonschema import Draft202012Validator

from talkwire.web import parameters
from talkwire.web.cursor import TURN_ID, parse


@pytest.mark.parametrize("name", parameters.PATHS)
def test_the_example_of_a_name_fits_it(name: str) -> None:
    told = parameters.PATHS[name]

    assert Draft202012Validator(dict(told["schema"])).is_valid(told["example"])


def test_what_is_told_to_be_a_turn_or_a_cursor_is_taken_for_one() -> None:
    cursor = f"{parameters.TURN_ID}:12"

    assert TURN_ID.fullmatch(parameters.TURN_ID)
    assert re.fullmatch(parameters.CURSOR, cursor)
    assert parse(cursor).n == 12
