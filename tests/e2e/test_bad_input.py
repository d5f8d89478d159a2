"""Bad requests over a socket: each is answered with its 4xx, soon, and the server lives on."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from urllib.parse import urlsplit

import pytest

from tests.e2e.routed import STREAM
from tests.e2e.servers import Server
from tests.wires import bad_input
from tests.wires.agent_chat.bad_requests import agent_chat
from tests.wires.bad_input import Bad
from tests.wires.routed_chat.bad_requests import routed_chat
from tests.wires.support.bad_requests import support
from tests.wires.tool_chat.bad_requests import tool_chat

CASES = {
    "responses_sse": bad_input.responses_sse(),
    "native": bad_input.native(),
    "agent_chat": agent_chat(),
    "tool_chat": tool_chat(),
    "support": support(),
    "routed_chat": routed_chat(),
}
SECONDS = 10.0
SECRET = "sk-never-repeat-me"


async def exchange(url: str, bad: Bad) -> bytes:
    """The whole answer; the server closes the connection."""
    where = urlsplit(url)
    host, port = where.hostname or "", where.port or 80
    reader, writer = await asyncio.open_connection(host, port)
    try:
        async with asyncio.timeout(SECONDS):
            try:
                writer.write(bad.raw(f"{host}:{port}"))
                await writer.drain()
            except ConnectionError:
                pass  # refused before all of it was sent: the answer is there all the same
            return await _all(reader)
    finally:
        writer.close()


async def _all(reader: asyncio.StreamReader) -> bytes:
    """What came, also when the connection was reset after it."""
    answer = bytearray()
    try:
        while piece := await reader.read(65_536):
            answer += piece
    except ConnectionError:
        pass
    return bytes(answer)


def status_of(answer: bytes) -> int:
    head = answer.split(b"\r\n", 1)[0].split(b" ")
    return int(head[1]) if len(head) > 1 else 0


@pytest.mark.parametrize("wire", CASES)
def test_there_are_enough_of_them_and_none_twice(wire: str) -> None:
    sent = Counter((bad.method, bad.target, str(bad.headers), bad.body) for bad in CASES[wire])

    assert len(sent) >= 150
    assert {one for one, times in sent.items() if times > 1} == set()


@pytest.mark.parametrize("wire", CASES)
async def test_every_bad_request_is_refused_in_words(wire: str, server: Server) -> None:
    wrong: dict[str, str] = {}
    for bad in CASES[wire]:
        answer = await exchange(server.url, bad)
        if status_of(answer) not in bad.expect:
            wrong[bad.name] = f"{answer[:60]!r}, not {sorted(bad.expect)[:3]}"

    assert wrong == {}


async def test_what_a_stream_of_frames_refuses_is_one_frame(server: Server) -> None:
    wrong: dict[str, str] = {}
    for bad in CASES["routed_chat"]:
        if bad.target != STREAM or bad.method != "POST":
            continue
        head, _, body = (await exchange(server.url, bad)).partition(b"\r\n\r\n")
        if b"x-request-id" not in head.lower():
            continue  # no HTTP: it came no further than to the server's own parser
        text = body.decode()
        fields = json.loads(text[6:]) if text.startswith("data: {") else {}
        one = text.endswith("}\n\n") and text.count("\n") == 2
        if not one or list(fields) != ["error", "code", "content", "session_id"]:
            wrong[bad.name] = text[:100]

    assert wrong == {}


async def test_the_server_still_answers_afterwards(server: Server) -> None:
    answer = await exchange(server.url, Bad("alive", "GET", "/healthz"))

    assert status_of(answer) == 200


@pytest.mark.parametrize(
    "path",
    [
        "/chat/stream",
        "/turns",
        "/api/chat/stream",
        "/api/chat/stream/direct",
        "/chat",
        "/chat/message/stream",
    ],
)
@pytest.mark.parametrize(
    "field", ["input", "model", "temperature", "model_config", "user_query", "context", "other"]
)
async def test_no_answer_repeats_what_was_sent(path: str, field: str, server: Server) -> None:
    body = json.dumps({"input": 7, field: {"key": SECRET}}).encode()

    answer = await exchange(server.url, Bad("secret", "POST", path, bad_input.JSON, body))

    assert status_of(answer) == 422
    assert b"application/problem+json" in answer
    assert b"x-request-id" in answer.lower()
    assert SECRET.encode() not in answer


@pytest.mark.parametrize(
    "field", ["message", "session_id", "model_type", "preferred_model", "temperature", "stream"]
)
async def test_no_frame_repeats_what_was_sent(field: str, server: Server) -> None:
    body = json.dumps({"message": "Hi", field: {"key": SECRET}}).encode()

    answer = await exchange(server.url, Bad("secret", "POST", STREAM, bad_input.JSON, body))

    assert status_of(answer) == 400
    assert field.encode() in answer
    assert SECRET.encode() not in answer
