from __future__ import annotations

import pytest

from talkwire.models._asked import has_no_schemas


@pytest.mark.parametrize(
    ("rejection", "about_schemas"),
    [
        ("Unsupported value: 'response_format.type'", True),
        ("text.format is not a known field", True),
        ("json_schema is only for newer models", True),
        ("max_tokens is too large", False),
        ("", False),
    ],
)
def test_a_rejection_that_is_about_schemas_is_known(rejection: str, about_schemas: bool) -> None:
    assert has_no_schemas(rejection) is about_schemas
