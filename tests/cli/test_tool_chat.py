"""The wire with tools in the terminal: what is shown, what is asked, what is taken up again."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from rich.console import Console

from talkwire.cli.chat import Screen, run
from talkwire.cli.client import Client
from talkwire.cli.tool_chat import parse, told
from talkwire.wires.tool_chat.encode import Encoder
from tests.cases.turns import CASES, SESSION, TURN

Answer = Callable[[httpx2.Request], httpx2.Response]
HEADERS = {"X-Turn-Id": TURN}
ASKED = {"input": "Hi", "session_id": SESSION}


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr("talkwire.cli.client.time.sleep", lambda seconds: None)


class Terminal:
    """What a person sees, and what they say when they are asked."""

    def __init__(self, *says: bool | None) -> None:
        self._says = list(says)
        self.out, self.notes = io.StringIO(), io.StringIO()
        self.asked: list[str] = []
        notes = Console(file=self.notes, width=200, highlight=False)
        self.screen = Screen(Console(file=self.out), notes)

    def ask(self, question: str) -> bool | None:
        self.asked.append(question)
        return self._says.pop(0)

    def tell(self, answer: Answer, **asked: Any) -> tuple[int, str | None]:
        transport = httpx2.MockTransport(answer)
        client = Client("http://127.0.0.1:1", transport=transport)
        return told(client, self.screen, {**ASKED, **asked}, self.ask)


def frames(case: str) -> list[bytes]:
    return Encoder(TURN, SESSION).feed(CASES[case])


def whole(case: str) -> httpx2.Response:
    return httpx2.Response(200, content=b"".join(frames(case)), headers=HEADERS)


def test_calls_output_and_results_are_told_beside_the_text() -> None:
    terminal = Terminal()

    assert terminal.tell(lambda _: whole("tool_streams"))[0] == 0

    notes = terminal.notes.getvalue()
    assert '→ weather {"city": "Bern", "day": 1}' in notes
    assert "half" in notes
    assert "← weather [error]" in notes
    assert "← weather [summarized] short" in notes
    assert "\x0b" not in notes + terminal.out.getvalue()
    assert terminal.out.getvalue() == "Half\n"


@pytest.mark.parametrize(
    ("case", "status", "said"),
    [("plain", 0, ""), ("aborted_midway", 130, "stopped"), ("failed_midway", 1, "failed")],
)
def test_the_end_is_the_exit_status(case: str, status: int, said: str) -> None:
    terminal = Terminal()

    assert terminal.tell(lambda _: whole(case)) == (status, SESSION)
    assert said in terminal.notes.getvalue()


def test_a_cut_stream_is_taken_up_where_it_broke_and_asks_once() -> None:
    asked: list[httpx2.Request] = []
    all_frames = frames("plain")

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        if len(asked) == 2:
            raise httpx2.ReadError("cut")
        part = all_frames[:2] if len(asked) == 1 else all_frames[2:]
        return httpx2.Response(200, content=b"".join(part), headers=HEADERS)

    terminal = Terminal()
    terminal.tell(answer)

    text = json.loads(all_frames[-1].split(b"data: ")[1])["data"]["message"]["content"]
    assert terminal.out.getvalue() == f"{text}\n"
    assert [each.headers.get("last-event-id") for each in asked] == [None, f"{TURN}:1", f"{TURN}:1"]
    assert len({each.headers["idempotency-key"] for each in asked}) == 1


@pytest.mark.parametrize("agreed", [True, False])
def test_a_person_decides_and_the_conversation_goes_on(agreed: bool) -> None:
    asked: list[tuple[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append((request.url.path, json.loads(request.content)))
        return whole("approval" if len(asked) == 1 else "plain")

    terminal = Terminal(agreed)

    assert terminal.tell(answer)[0] == 0
    assert asked[1] == ("/api/tools/call_1/decision", {"approve": agreed})
    (question,) = terminal.asked
    assert 'weather {"city": "Bern", "day": 1}' in question


def test_where_nobody_is_there_to_decide_it_is_told_how() -> None:
    terminal = Terminal(None)

    assert terminal.tell(lambda _: whole("approval"))[0] == 1
    assert "/api/tools/call_1/decision" in terminal.notes.getvalue()


def test_a_decision_that_is_refused_is_told() -> None:
    refusal = httpx2.Response(409, json={"detail": "It was decided."})
    answers = iter([whole("approval"), refusal])
    terminal = Terminal(True)

    assert terminal.tell(lambda _: next(answers))[0] == 1
    assert "It was decided." in terminal.notes.getvalue()


def test_without_a_server_that_is_told_at_once() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    terminal = Terminal()

    assert terminal.tell(answer)[0] == 1
    assert "talkwire serve" in terminal.notes.getvalue()


def test_a_model_and_a_new_session_are_asked_for() -> None:
    bodies: list[Any] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        return whole("plain")

    _, session = Terminal().tell(answer, session_id=None, model="large")

    assert bodies == [
        {"session_id": session, "content": "Hi", "model_config": {"model_name": "large"}}
    ]


def test_lines_that_are_no_frames_are_passed_over() -> None:
    lines = [": heartbeat", "", "id: t:7", 'data: {"type":"chunk","data":{"content":"a"}}', "x"]

    assert [tuple(each) for each in parse(iter(lines))] == [("chunk", {"content": "a", "n": 7})]


@pytest.mark.parametrize(
    ("wire", "asked", "said"),
    [("grpc", {}, "tool-chat"), ("tool-chat", {"prompt": "x"}, "--prompt")],
)
def test_what_a_wire_cannot_is_refused(
    wire: str, asked: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("http://127.0.0.1:1", "Hi", asked, wire=wire) == 2
    assert said in capsys.readouterr().err
