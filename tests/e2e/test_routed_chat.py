"""The wire of local and cloud models, with the clients that are in the field."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.e2e.keyed import KEYS_MODE, make_key
from tests.e2e.provider import Provider, said
from tests.e2e.routed import (
    BEATING,
    MODELS,
    STREAM,
    WHOLE,
    Fresh,
    asked,
    frames_of,
    local,
    read_as_documented,
    text,
)
from tests.e2e.servers import Server
from tests.e2e.waiting import until
from tests.e2e.wire_client import ask, asking


async def test_the_documented_client_reads_a_slow_answer_behind_its_key(
    provider: Provider, fresh_server: Fresh
) -> None:
    config = {"models": [local(provider)], **BEATING, **KEYS_MODE}
    server = await fresh_server(config=config).start()
    key = make_key(server)
    body = asked("words=3 pace_ms=1400", session_id="s_1")

    seen = await read_as_documented(server.url + STREAM, body, key.headers)

    *pieces, last = seen
    assert [piece["content"] for piece in pieces] == ["w0 ", "w1 ", "w2 "]
    assert all(list(each)[:3] == ["content", "session_id", "model_used"] for each in seen)
    assert {(each["session_id"], each["model_used"]) for each in seen} == {("s_1", "local_small")}
    assert (last["content"], last["finish_reason"]) == ("", "stop")
    assert last["usage"] == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    (call,) = provider.calls
    assert call.body["temperature"] == 0.7
    assert 1024 in (call.body.get("max_tokens"), call.body.get("max_completion_tokens"))


async def test_curl_reads_it_as_plain_text(provider: Provider, fresh_server: Fresh) -> None:
    config = {"models": [local(provider)], **KEYS_MODE}
    server = await fresh_server(config=config).start()
    key = make_key(server)

    curl = await asyncio.create_subprocess_exec(
        *("curl", "-sN", "-D", "-", server.url + STREAM, "-H", f"Authorization: Bearer {key.text}"),
        *("-H", "Content-Type: application/json", "-d", json.dumps(asked("words=1"))),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        out, _ = await curl.communicate()

    head, _, body = out.decode().partition("\r\n\r\n")
    assert "content-type: text/plain; charset=utf-8" in head.lower()
    assert 'data: {"content": "w0 ", "session_id": "' in body
    assert '", "model_used": "local_small", "model": "small"}\n\n' in body
    assert body.endswith("data: [DONE]\n\n")


async def test_silence_in_the_middle_is_told_by_comments(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [local(provider)], **BEATING}).start()

    async with asking(server.port, "POST", STREAM, body=asked("words=2 pace_ms=1400")) as answer:
        body = (await answer.body()).decode()

    first, between = body.index('"w0 "'), body.index('"w1 "')
    assert "\n\n: heartbeat\n\n" in body[first:between]
    assert all(line[:4] in ("id: ", "data", ": he", "") for line in body.split("\n"))


async def test_a_failure_behind_text_is_the_last_frame_and_has_a_content(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [local(provider)]}).start()
    body = asked("words=3 then=cut", session_id="s_1")

    seen = await read_as_documented(server.url + STREAM, body, {})
    status, whole = await ask(server.port, "POST", WHOLE, body=body)

    *pieces, last = seen
    assert "".join(piece["content"] for piece in pieces) == said(3)
    assert list(last) == ["error", "code", "content", "session_id"]
    assert (last["code"], last["content"]) == ("upstream_incomplete", "")
    assert (status, whole["code"]) == (502, "upstream_incomplete")


@pytest.mark.parametrize(
    ("orders", "status", "code"),
    [
        ("words=1 fails=9 how=500", 502, "upstream_unavailable"),
        ("words=1 fails=9 how=429", 429, "upstream_rate_limited"),
        ("words=0 then=cut", 502, None),
        ("words=0 then=garbage", 502, None),
    ],
)
async def test_a_failure_before_the_first_frame_is_the_status_of_the_answer(
    provider: Provider, fresh_server: Fresh, orders: str, status: int, code: str | None
) -> None:
    server = await fresh_server(config={"models": [local(provider)]}).start()

    async with asking(server.port, "POST", STREAM, body=asked(orders, session_id="s_1")) as answer:
        body = await answer.body()

    assert answer.status == status
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert ("retry-after" in answer.headers) is (status == 429)
    assert body.startswith(b'data: {"error":"')
    assert body.count(b"\n") == 2
    told = json.loads(body[6:])
    assert told["session_id"] == "s_1"
    assert code is None or told["code"] == code
    turn_id = answer.headers["x-turn-id"]
    cursor = {"Last-Event-ID": f"{turn_id}:0"}
    async with asking(server.port, "POST", STREAM, headers=cursor) as answer:
        assert answer.status == 204


async def test_after_the_first_heartbeat_it_is_a_stream_and_the_failure_is_in_it(
    provider: Provider, fresh_server: Fresh
) -> None:
    model = local(provider, first_token_timeout_s=2.5)
    server = await fresh_server(config={"models": [model], **BEATING}).start()

    async with asking(server.port, "POST", STREAM, body=asked("words=0 then=stall")) as answer:
        head = answer.status
        body = (await answer.body()).decode()

    assert head == 200
    assert body.startswith(": heartbeat\n\n")
    assert "[DONE]" not in body
    assert '"code":"upstream_timeout","content":""' in body.split("\n\n")[-2]


async def test_a_failure_of_the_same_question_is_the_same_failure(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [local(provider)]}).start()
    body, key = asked("words=1 fails=9"), {"Idempotency-Key": "k1"}

    answers = []
    for path in (STREAM, STREAM, WHOLE):
        async with asking(server.port, "POST", path, body=body, headers=key) as answer:
            answers.append((answer.status, answer.headers.get("x-turn-id"), await answer.body()))

    assert answers[0] == answers[1]
    assert answers[0][0] == 502
    assert answers[2][0] == 409  # a key is for one path
    assert len(provider.calls) == 1


async def test_every_frame_can_be_resumed_from_and_one_key_is_one_turn(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [local(provider)]}).start()
    body = asked("words=5 pace_ms=2")
    whole = await frames_of(server, body, Idempotency_Key="k1")

    again = await frames_of(server, body, Idempotency_Key="k1")
    assert again == whole
    # Words that a busy machine reads together are one frame.
    assert [frame.number for frame in whole] == list(range(len(whole)))
    assert text(whole[:-2]) == said(5)
    for frame in whole:
        cursor = {"Last-Event-ID": str(frame.id)}
        async with asking(server.port, "POST", STREAM, headers=cursor) as answer:
            rest = [each async for each in answer.frames()]
        assert rest == whole[frame.number + 1 :]
        assert answer.status == (204 if frame is whole[-1] else 200)
    assert len(provider.calls) == 1


async def test_an_abort_ends_both_kinds_of_answers_with_what_was_said(
    provider: Provider, fresh_server: Fresh
) -> None:
    server = await fresh_server(config={"models": [local(provider)]}).start()
    order = "words=5000 pace_ms=5"
    stream = asyncio.create_task(frames_of(server, asked(order, session_id="a")))
    body = asked(order, session_id="b")
    whole = asyncio.create_task(ask(server.port, "POST", WHOLE, body=body, within_s=20))
    await until(lambda: len(provider.calls) == 2 and all(call.sent > 5 for call in provider.calls))

    for session_id in ("a", "b"):
        await ask(server.port, "POST", "/api/chat/abort", body={"session_id": session_id})

    *pieces, last, done = await stream
    status, told = await whole
    assert done.fields["data"] == "[DONE]"
    assert (last.data["content"], last.data["finish_reason"]) == ("", "aborted")
    assert text(pieces).startswith(said(5))
    assert (status, told["finish_reason"]) == (200, "aborted")
    assert told["content"].startswith(said(5))


async def test_a_client_that_leaves_while_the_head_is_held_back_is_no_reader_any_more(
    provider: Provider, fresh_server: Fresh
) -> None:
    leaving = {"turns": {"on_disconnect": "abort", "disconnect_grace_s": 0.1}}
    server = await fresh_server(config={"models": [local(provider)], **leaving}).start()
    waiting = asyncio.create_task(frames_of(server, asked("words=0 then=stall")))
    await until(lambda: provider.calls)

    waiting.cancel()

    await asyncio.wait_for(provider.calls[0].closed.wait(), 5)


async def test_a_conversation_goes_on_from_other_wires(server: Server) -> None:
    body = {"input": "echo one", "sessionId": "shared"}
    async with asking(server.port, "POST", "/chat/stream", body=body) as answer:
        await answer.body()

    _, told = await ask(
        server.port, "POST", WHOLE, body=asked("remember", session_id="shared"), within_s=20
    )

    assert "3" in told["content"]  # messages: the one, its answer, and this


async def test_only_a_bearer_opens_it(fresh_server: Fresh) -> None:
    server = await fresh_server(env={"USE_MOCK": "1"}, config=KEYS_MODE).start()
    key = make_key(server)
    shown: list[tuple[dict[str, str], int]] = [
        ({}, 401),
        ({"X-API-Key": key.text}, 401),
        ({"Authorization": "Bearer tw_none"}, 401),
        (key.headers, 200),
    ]

    for path, body in ((STREAM, asked("echo Hello")), (WHOLE, asked("echo Hello")), (MODELS, None)):
        for headers, status in shown:
            method = "GET" if body is None else "POST"
            async with asking(server.port, method, path, body=body, headers=headers) as answer:
                told = await answer.body()
            assert answer.status == status
            if status == 401:
                assert answer.headers["www-authenticate"] == "Bearer"
                assert told.startswith(b'data: {"error":"' if path == STREAM else b'{"error":"')
