"""Whole bodies: bounded, and good for what they hold when they are cut."""

from __future__ import annotations

from talkwire.models._document import whole
from tests.models.test_answer import END, HEAD, chunk, made


async def test_a_body_is_read_to_its_end() -> None:
    answer, _ = made()
    answer.received(HEAD + chunk(b"ab") + chunk(b"c") + END)

    assert await whole(answer, 100) == b"abc"
    answer.close()


async def test_a_body_is_cut_at_the_limit() -> None:
    answer, _ = made()
    answer.received(HEAD + chunk(b"a" * 50))

    assert await whole(answer, 10) == b"a" * 10
    answer.close()


async def test_what_came_before_a_cut_is_told() -> None:
    answer, _ = made()
    answer.received(HEAD + chunk(b"a"))
    answer.cut(ConnectionResetError())

    assert await whole(answer, 100) == b"a"
    answer.close()
