"""Progress and log messages, as lines."""

from __future__ import annotations

from talkwire.tools.mcp_hearing import Hearing


async def test_progress_is_a_line_with_its_share() -> None:
    heard: list[str] = []
    hearing = Hearing(heard.append)

    await hearing.progress(1, 4, "reading")
    await hearing.progress(2.5, 4, None)
    await hearing.progress(3, None, None)

    assert heard == ["1/4 reading\n", "2.5/4\n", "3\n"]


def test_log_messages_are_lines_whatever_they_hold() -> None:
    heard: list[str] = []
    hearing = Hearing(heard.append)

    hearing.log("plain\x1b[2J")
    hearing.log({"größe": 1})

    assert heard == ["plain[2J\n", '{"größe": 1}\n']


def test_what_comes_after_the_answer_is_not_heard() -> None:
    heard: list[str] = []
    hearing = Hearing(heard.append)

    hearing.close()
    hearing.log("late")

    assert heard == []


def test_only_so_much_is_heard_of_one_call() -> None:
    heard: list[str] = []
    hearing = Hearing(heard.append)

    for _ in range(1000):
        hearing.log("x" * 5000)

    assert 90_000 < sum(map(len, heard)) <= 100_000
    assert max(map(len, heard)) <= 2001
