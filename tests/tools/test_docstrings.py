from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.tools.docstrings import read

GOOGLE = """Find things.

    In all
    places.

    Args:
        what (str, optional): The thing,
            or a part of it: any.
        *rest: More.
        bare:

    Returns:
        where: They are.

    And so on.
    """
SPHINX = """Find things.

    :param what: The thing,
        or a part of it.
    :param str where: The place.
    :returns: Where.
    :raises ValueError: never
    """
CHINESE = """查找。

    参数：
        what：什么
    """


@pytest.mark.parametrize(
    ("docstring", "text", "parameters"),
    [
        (None, "", {}),
        ("One line.", "One line.", {}),
        (
            GOOGLE,
            "Find things.\n\nIn all\nplaces.\n\nAnd so on.",
            {"what": "The thing, or a part of it: any.", "rest": "More."},
        ),
        (SPHINX, "Find things.", {"what": "The thing, or a part of it.", "where": "The place."}),
        (CHINESE, "查找。", {"what": "什么"}),
        ("Note: this stays.", "Note: this stays.", {}),
    ],
)
def test_a_docstring_is_taken_apart(
    docstring: str | None, text: str, parameters: dict[str, str]
) -> None:
    described = read(docstring)

    assert described.text == text
    assert described.parameters == parameters


@given(st.text(st.sampled_from("Args:\n x()*：Returns :param"), max_size=200))
def test_any_text_can_be_read(docstring: str) -> None:
    assert len(read(docstring).text) <= len(docstring)
