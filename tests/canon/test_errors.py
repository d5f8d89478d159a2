from __future__ import annotations

from collections.abc import Iterator

import pytest

from talkwire.canon import errors
from talkwire.canon.errors import BadRequest, Busy, NotFound, TalkwireError


def _tree(root: type[TalkwireError]) -> Iterator[type[TalkwireError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child)


TREE = list(_tree(TalkwireError))


def test_the_picture_of_the_tree_is_true() -> None:
    drawn = {
        line.lstrip("│├└─ ").split()[0]: line.split()[1:]
        for line in (errors.__doc__ or "").splitlines()
        if line.lstrip("│├└─ ")[:1].isupper() and "─" in line
    }
    drawn = {
        name: [word for word in words if word not in ("│", "├─", "└─", name)]
        for name, words in drawn.items()
    }

    assert set(drawn) == {error.__name__ for error in TREE} - {"TalkwireError"}
    for error in TREE[1:]:
        words = drawn[error.__name__]
        assert str(error.status) in words
        assert ("yes" in words) == error.retryable
        assert error.code in words or error.__name__ == "Unprocessable"


@pytest.mark.parametrize("error", TREE)
def test_every_error_has_a_code_and_a_status_of_failure(error: type[TalkwireError]) -> None:
    assert error.code.replace("_", "").isalpha()
    assert 400 <= error.status <= 599


def test_the_message_is_what_people_read() -> None:
    error = BadRequest("no input", param="input")

    assert (str(error), error.message, error.param) == ("no input", "no input", "input")
    assert (error.code, error.status) == ("invalid_request", 400)


def test_a_raise_may_name_its_own_code_and_changes_no_other() -> None:
    assert NotFound("gone", code="unknown_model").code == "unknown_model"
    assert NotFound("gone").code == "not_found"


def test_a_busy_session_tells_the_turn_in_the_way() -> None:
    error = Busy("busy", turn_id="t_1")

    assert (error.turn_id, error.code, error.status, error.retryable) == (
        "t_1",
        "turn_in_progress",
        409,
        True,
    )
