"""The conversation as it looks."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from talkwire.cli.chat import Screen, Tail, answer, run, show
from talkwire.cli.client import Client, ClientError, Happened


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def notes() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def screen(out: io.StringIO, notes: io.StringIO) -> Screen:
    return Screen(Console(file=out), Console(file=notes, width=200))


class Server:
    """Tells events; an exception among them happens."""

    def __init__(self, *runs: list[Happened | BaseException]) -> None:
        self._runs = iter(runs)
        self.aborted: list[str] = []
        self.after: list[int] = []

    def follow(self, turn: str, lost: Callable[[], None], after: int) -> Iterator[Happened]:
        self.after.append(after)
        for event in next(self._runs):
            if isinstance(event, BaseException):
                raise event
            yield event

    def abort(self, turn_id: str) -> None:
        self.aborted.append(turn_id)


def _delta(n: int, text: str) -> Happened:
    return Happened("text.delta", {"text": text, "n": n})


def test_without_a_terminal_the_text_comes_as_it_is(screen: Screen, out: io.StringIO) -> None:
    server = Server([_delta(0, "# a"), _delta(1, "*b*"), Happened("turn.completed", {"n": 2})])

    screen.begin()
    status = answer(cast(Client, server), screen, "t")
    screen.end()

    assert status == 0
    assert out.getvalue() == "# a*b*\n"


def test_on_a_terminal_it_is_markdown(notes: io.StringIO) -> None:
    out = io.StringIO()
    screen = Screen(Console(file=out, force_terminal=True, width=40), Console(file=notes))

    screen.begin()
    screen.add("**bold**")
    screen.note("a note")
    screen.end()

    assert "\x1b[1mbold" in out.getvalue()
    assert "**bold**" not in out.getvalue()


def test_only_the_last_lines_are_live() -> None:
    console = Console(file=(out := io.StringIO()), width=20, height=7)

    console.print(Tail("\n\n".join(f"line {n}" for n in range(50))))

    assert "line 49" in out.getvalue()
    assert "line 40" not in out.getvalue()


def test_a_live_line_leaves_room_for_what_the_terminal_adds() -> None:
    console = Console(file=(out := io.StringIO()), width=40, height=7, force_terminal=True)

    console.print(Tail("1, 2, 3, "))

    assert out.getvalue() == "1, 2, 3,\n"


def test_ctrl_c_aborts_the_turn_and_waits_for_its_end(screen: Screen, notes: io.StringIO) -> None:
    server = Server(
        [_delta(3, "a"), KeyboardInterrupt()], [Happened("turn.aborted", {"n": 4, "by": "client"})]
    )

    assert answer(cast(Client, server), screen, "t") == 130
    assert server.aborted == ["t"]
    assert server.after == [-1, 3]
    assert "stopped" in notes.getvalue()


def test_a_stop_that_is_refused_is_told_and_the_answer_goes_on(
    screen: Screen, out: io.StringIO, notes: io.StringIO
) -> None:
    class Refusing(Server):
        def abort(self, turn_id: str) -> None:
            raise ClientError("This key may not.")

    server = Refusing(
        [_delta(0, "a"), KeyboardInterrupt()], [_delta(1, "b"), Happened("turn.completed", {})]
    )

    screen.begin()
    assert answer(cast(Client, server), screen, "t") == 0
    screen.end()

    assert out.getvalue() == "ab\n"
    assert "This key may not." in notes.getvalue()


def test_a_key_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "key").touch()

    assert run("http://127.0.0.1:9", "hello", {}, key_file=tmp_path / "key") == 1
    assert "does not hold a key" in capsys.readouterr().err


def test_the_second_ctrl_c_leaves(screen: Screen) -> None:
    server = Server([KeyboardInterrupt()], [KeyboardInterrupt()])

    with pytest.raises(KeyboardInterrupt):
        answer(cast(Client, server), screen, "t")
    assert server.aborted == ["t"]


@pytest.mark.parametrize(
    ("kind", "fields", "status", "said"),
    [
        ("turn.failed", {"code": "upstream_timeout", "message": "Too slow."}, 1, "Too slow."),
        ("attempt.failed", {"attempt": 1, "max_attempts": 3}, None, "1 of 3"),
        ("usage.counted", {}, None, ""),
    ],
)
def test_events_beside_the_text_are_notes(
    kind: str,
    fields: dict[str, Any],
    status: int | None,
    said: str,
    screen: Screen,
    notes: io.StringIO,
) -> None:
    assert show(screen, Happened(kind, fields)) == status
    assert said in notes.getvalue()


def test_no_server_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(self: Client, body: object) -> tuple[str, str]:
        raise ClientError("talkwire serve")

    monkeypatch.setattr(Client, "start", refused)

    assert run("http://127.0.0.1:9", "hello", {"session_id": None}) == 1
    assert "talkwire serve" in capsys.readouterr().err


def test_a_conversation_keeps_its_session_until_a_new_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["hello", "", "/help", "/nonsense", "again", "/new", "fresh", "/quit"])
    asked: list[tuple[str, object]] = []

    def start(self: Client, body: dict[str, object]) -> tuple[str, str]:
        asked.append((str(body["input"]), body["session_id"]))
        return "t", "s_1"

    def follow(self: Client, *_: object) -> Iterator[Happened]:
        yield _delta(0, "hi")
        yield Happened("turn.completed", {"n": 1})

    monkeypatch.setattr(Client, "start", start)
    monkeypatch.setattr(Client, "follow", follow)
    monkeypatch.setattr("builtins.input", lambda _: next(typed))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    assert run("http://127.0.0.1:9", None, {"session_id": None}) == 0
    assert asked == [("hello", None), ("again", "s_1"), ("fresh", None)]
    said = capsys.readouterr()
    assert said.out == "hi\nhi\nhi\n"
    assert "--session s_1" in said.err
