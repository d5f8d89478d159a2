"""Following a turn through whatever happens to its connection."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest
from pydantic import SecretStr

from talkwire.cli.client import Client, ClientError, Happened, Limited, parse, plain

Answer = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have waited."""
    waited: list[float] = []
    monkeypatch.setattr("talkwire.cli.client.time.sleep", waited.append)
    monkeypatch.setenv("LC_ALL", "C")
    return waited


KEY = "tw_canary0123"


def _client(answer: Answer, key: str | None = None) -> Client:
    return Client(
        "http://127.0.0.1:1",
        key=SecretStr(key) if key else None,
        transport=httpx2.MockTransport(answer),
    )


def _refusing(status: int, **headers: str) -> Answer:
    body = {"title": "No", "detail": "It needs the scope chat."}
    return lambda _: httpx2.Response(status, json=body, headers=headers)


def _frames(*numbers: int, end: bool = False) -> bytes:
    text = "".join(
        f'id: t:{n}\nevent: text.delta\ndata: {{"kind":"text.delta","text":"{n}","n":{n}}}\n\n'
        for n in numbers
    )
    if end:
        n = numbers[-1] + 1 if numbers else 0
        text += f'id: t:{n}\nevent: turn.completed\ndata: {{"n":{n}}}\n\n'
    return (": heartbeat\n\n" + text).encode()


def _texts(events: list[Happened]) -> str:
    return "".join(event.text for event in events)


def test_a_cut_stream_is_taken_up_where_it_broke() -> None:
    asked: list[str | None] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.headers.get("last-event-id"))
        if len(asked) == 2:
            raise httpx2.ConnectError("refused")
        content = _frames(0, 1) if len(asked) == 1 else _frames(2, end=True)
        return httpx2.Response(200, content=content)

    lost: list[int] = []
    events = list(_client(answer).follow("t", lambda: lost.append(1)))

    assert _texts(events) == "012"
    assert asked == [None, "t:1", "t:1"]
    assert len(lost) == 1


def test_a_server_that_starts_again_is_waited_for_and_for_a_minute_at_most(
    monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    monkeypatch.setattr("talkwire.cli.client.time.monotonic", lambda: sum(waits))

    with pytest.raises(ClientError, match="No connection for 60 s"):
        list(_client(lambda _: httpx2.Response(503)).follow("t", lambda: None))

    assert 60 < sum(waits) < 70
    assert max(waits) <= 3


def test_nothing_more_to_come_is_an_end() -> None:
    assert list(_client(lambda _: httpx2.Response(204)).follow("t", lambda: None, 5)) == []


def test_an_unknown_turn_is_told() -> None:
    refusal = httpx2.Response(404, json={"title": "Not found", "detail": "There is no such turn."})

    with pytest.raises(ClientError, match="There is no such turn"):
        list(_client(lambda _: refusal).follow("t", lambda: None))


def test_a_turn_asked_for_again_is_the_same_one() -> None:
    keys: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            raise httpx2.ReadError("reset")
        return httpx2.Response(202, json={"turn_id": "t", "session_id": "s"})

    assert _client(answer).start({"input": "x", "model": None}) == ("t", "s")
    assert keys[0] == keys[1]


def test_no_server_is_told_with_what_to_do() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    with pytest.raises(ClientError, match="talkwire serve"):
        _client(answer).start({"input": "x"})


def test_another_program_on_the_port_is_no_crash() -> None:
    with pytest.raises(ClientError, match="HTTP 404"):
        _client(lambda _: httpx2.Response(404, text="<html>")).start({"input": "x"})


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://a:b:c"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(ClientError, match="Expected an address"):
        Client(url)


def test_an_unfinished_frame_is_dropped() -> None:
    lines = iter(["event: text.delta", 'data: {"text":"a"}', "", "event: x", 'data: {"tex'])

    assert list(parse(lines)) == [Happened("text.delta", {"text": "a"})]


def test_a_model_cannot_steer_the_terminal() -> None:
    assert plain("a\x1b[2Jb\x07\x9b\n\tc\r") == "a[2Jb\n\tc"


def test_the_key_is_shown_with_every_request() -> None:
    shown: list[str | None] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        shown.append(request.headers.get("authorization"))
        if request.method == "GET":
            return httpx2.Response(200, content=_frames(0, end=True))
        return httpx2.Response(202, json={"turn_id": "t", "session_id": "s"})

    client = _client(answer, KEY)
    client.start({"input": "x"})
    list(client.follow("t", lambda: None))
    client.abort("t")

    assert shown == [f"Bearer {KEY}"] * 3


@pytest.mark.parametrize(
    ("status", "key", "told"),
    [
        (401, None, "asks for a key.*TALKWIRE_API_KEY"),
        (401, KEY, "does not take this key.*talkwire keys create"),
        (403, KEY, "It needs the scope chat.*--scopes"),
        (429, KEY, "in 60 s"),
    ],
)
def test_a_refusal_of_the_key_is_told_with_what_to_do(
    status: int, key: str | None, told: str
) -> None:
    client = _client(_refusing(status), key)

    for ask in (
        lambda: client.start({"input": "x"}),
        lambda: list(client.follow("t", lambda: None)),
        lambda: client.abort("t"),
    ):
        with pytest.raises(ClientError, match=f"(?s){told}") as refused:
            ask()
        assert KEY not in str(refused.value)


def test_when_to_ask_again_is_told() -> None:
    with pytest.raises(Limited, match="in 17 s"):
        _client(_refusing(429, **{"Retry-After": "17"})).start({"input": "x"})


@pytest.mark.parametrize("told", ["0", "Wed, 21 Oct 2026 07:28:00 GMT", "²"])
def test_a_time_that_is_no_help_is_no_busy_loop(told: str) -> None:
    answer = httpx2.Response(429, headers=[(b"retry-after", told.encode("latin-1"))])

    with pytest.raises(Limited) as limited:
        _client(lambda _: answer).start({"input": "x"})

    assert limited.value.retry_after_s >= 1


def test_an_answer_that_may_not_be_read_yet_is_waited_for(waits: list[float]) -> None:
    answers = iter([_refusing(429, **{"Retry-After": "7"}), None])

    def answer(request: httpx2.Request) -> httpx2.Response:
        refusal = next(answers)
        return (
            refusal(request) if refusal else httpx2.Response(200, content=_frames(0, 1, end=True))
        )

    assert _texts(list(_client(answer).follow("t", lambda: None))) == "01"
    assert waits == [7.0]


def test_a_stop_that_finds_no_server_is_no_crash() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    _client(answer).abort("t")
    _client(_refusing(404)).abort("t")


@pytest.mark.parametrize("status", [429, 403])
def test_a_budget_that_is_used_up_is_not_waited_for(status: int, waits: list[float]) -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        body = {"code": "budget_exceeded", "detail": "Used up. / 已用完。"}
        return httpx2.Response(status, json=body, headers={"Retry-After": "50000"})

    with pytest.raises(ClientError, match=r"Used up\. / 已用完。") as refused:
        _client(answer, KEY).start({"input": "x"})

    assert not isinstance(refused.value, Limited)
    assert waits == []
