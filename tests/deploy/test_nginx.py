"""The shipped nginx configuration, in front of real nodes and of nodes that misbehave."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from talkwire.settings import Settings
from tests.deploy.conftest import Behind
from tests.deploy.nginx import SHIPPED, Nginx, checked, configured, find
from tests.e2e.listening import Listening
from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server, free_port
from tests.e2e.waiting import until
from tests.e2e.wire_client import ask, asking

STREAM = {"Accept": "text/event-stream"}
Nodes = Callable[..., Server]


class Node(Listening):
    """Reads each request's head and answers with `answer`; nothing is a closed connection."""

    def __init__(self, answer: bytes = b"") -> None:
        super().__init__()
        self.answer = answer
        self.asked = 0
        self.received = 0  # bytes of bodies

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if (length := re.search(rb"(?i)content-length: *(\d+)", head)) is not None:
                self.received += len(await reader.readexactly(int(length[1])))
            self.asked += 1
            writer.write(self.answer)
            await writer.drain()
        finally:
            writer.close()


async def _in_front_of_one(behind: Behind, node: Nodes, **config: Any) -> Nginx:
    """Both addresses are one node's: it is the way through nginx that counts."""
    server = await node(**config).start()
    return behind([server.port, server.port])


async def _two(node: Nodes, **config: Any) -> tuple[Server, Server]:
    one, other = node(**config), node(**config)
    await asyncio.gather(one.start(), other.start())
    return one, other


def _seconds(name: str) -> list[float]:
    found = re.findall(rf"^\s*{name} (\d+)s;", SHIPPED.read_text("utf-8"), re.MULTILINE)
    return [float(seconds) for seconds in found]


def test_nginx_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    if find() is None:
        pytest.skip("nginx is not installed")

    told = checked(configured(tmp_path, port=free_port(), nodes=[1, 2]))

    assert "test is successful" in told
    assert "warn" not in told


def test_its_times_fit_the_server_s() -> None:
    # uvicorn closes idle connections after this: nginx must have let go of them before.
    config = uvicorn.Config("none")
    longest_silence_s = 60

    assert _seconds("keepalive_timeout")[0] < config.timeout_keep_alive
    assert min(_seconds("proxy_read_timeout")) > longest_silence_s
    assert Settings().streams.heartbeat_s <= longest_silence_s


async def test_tokens_pass_while_the_model_still_speaks(
    behind: Behind, node: Nodes, provider: Provider
) -> None:
    nginx = await _in_front_of_one(behind, node)
    body = {"input": "words=20 pace_ms=100"}

    async with asking(nginx.port, "POST", "/chat/stream", body=body, headers=STREAM) as answer:
        deltas = []
        async for frame in answer.frames():
            if frame.event == "response.output_text.delta":
                deltas.append(frame.data["delta"])
                if len(deltas) == 1:
                    assert provider.calls[0].sent < 10

    assert answer.status == 200
    assert "".join(deltas) == said(20)
    assert len(provider.calls) == 1


async def test_heartbeats_pass_in_a_long_silence(behind: Behind, node: Nodes) -> None:
    nginx = await _in_front_of_one(behind, node, streams={"heartbeat_s": 1})
    body = {"input": "words=1 then=stall"}

    async with (
        asyncio.timeout(15),
        asking(nginx.port, "POST", "/turns", body=body, headers=STREAM) as answer,
    ):
        held = b""
        async for piece in answer.pieces():
            held += piece
            if held.count(b": heartbeat") == 2:
                break

    assert b"w0" in held


async def test_a_cursor_reaches_the_node(behind: Behind, node: Nodes) -> None:
    nginx = await _in_front_of_one(behind, node)
    status, started = await ask(nginx.port, "POST", "/turns", body={"input": "words=9"})
    turn = started["turn_id"]
    path = f"/turns/{turn}/events"
    async with asking(nginx.port, "GET", path, headers=STREAM) as answer:
        whole = [frame async for frame in answer.frames()]

    cursor = {"Last-Event-ID": f"{turn}:3"}
    async with asking(nginx.port, "GET", path, headers=STREAM | cursor) as answer:
        rest = [frame async for frame in answer.frames()]

    assert status in (200, 201, 202)
    assert [frame.raw for frame in rest] == [frame.raw for frame in whole[4:]]


async def test_a_node_that_is_gone_costs_no_request(behind: Behind, node: Nodes) -> None:
    one, other = await _two(node)
    nginx = behind([one.port, other.port])
    one.kill9()

    asked = [ask(nginx.port, "POST", "/turns", body={"input": "words=1"}) for _ in range(6)]
    answers = [await each for each in asked]

    assert {status for status, _ in answers} == {answers[0][0]}
    assert answers[0][0] < 300


async def test_a_node_that_drains_costs_no_new_turn(behind: Behind, node: Nodes) -> None:
    one, other = await _two(node, turns={"drain_timeout_s": 20})
    nginx = behind([one.port, other.port])
    body = {"input": "words=2 then=stall"}
    async with asking(one.port, "POST", "/turns", body=body, headers=STREAM) as held:
        frames = held.frames()
        await anext(frames)
        one.terminate()
        async with asyncio.timeout(5):
            while await _is_ready(one):
                pass

        asked = [ask(nginx.port, "POST", "/turns", body={"input": "words=1"}) for _ in range(6)]
        statuses = {(await each)[0] for each in asked}

    assert all(status < 300 for status in statuses)
    one.kill9()


async def _is_ready(server: Server) -> bool:
    return (await ask(server.port, "GET", "/health/readiness"))[0] == 200


async def test_where_all_nodes_say_no_the_client_hears_it_from_one_of_them(
    behind: Behind,
) -> None:
    refusal = (
        b"HTTP/1.1 503 X\r\nRetry-After: 7\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    )
    async with Node(refusal) as one, Node(refusal) as other:
        nginx = behind([one.port, other.port])
        async with asking(nginx.port, "POST", "/turns", body={"input": "x"}) as answer:
            assert await answer.body() == b"{}"

    assert (answer.status, answer.headers["retry-after"]) == (503, "7")


async def test_a_post_that_a_node_has_seen_is_not_given_to_another(behind: Behind) -> None:
    async with Node() as one, Node() as other:
        nginx = behind([one.port, other.port])
        async with asking(nginx.port, "POST", "/turns", body={"input": "x"}) as answer:
            pass

        assert answer.status == 502
        assert one.asked + other.asked == 1


async def test_a_get_that_a_node_has_dropped_is_given_to_the_other(behind: Behind) -> None:
    async with Node() as one, Node() as other:
        nginx = behind([one.port, other.port])
        async with asking(nginx.port, "GET", "/turns/t_1/events", headers=STREAM):
            pass

        assert (one.asked, other.asked) == (1, 1)


async def test_talkwire_s_own_words_pass(behind: Behind, node: Nodes) -> None:
    nginx = await _in_front_of_one(behind, node)

    status, problem = await ask(
        nginx.port, "POST", "/turns", body={"input": "x" * (1_048_576 + 10)}
    )
    missing, _ = await ask(nginx.port, "GET", "/turns/t_none")

    assert (status, problem["code"]) == (413, "payload_too_large")
    assert missing == 404


async def _sent(port: int, path: str, size: int) -> int:
    """The status of the answer to a body of so many bytes."""
    url = f"http://127.0.0.1:{port}{path}"
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        return (await client.post(url, content=b"x" * size)).status_code


async def test_recordings_pass_and_no_other_bodies_of_their_size(behind: Behind) -> None:
    full = 25 * 2**20 + 2000  # with what multipart puts around it
    taken = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with Node(taken) as one:
        nginx = behind([one.port, one.port])
        voice = await _sent(nginx.port, "/chat/voice", full)
        message = await _sent(nginx.port, "/chat/message", full)
        more = await _sent(nginx.port, "/chat/voice", full + 2**21)

    assert (voice, one.received) == (200, full)
    assert (message, more, one.asked) == (413, 413, 1)


@pytest.mark.parametrize("path", ["/chat/voice", "/chat/message", "/chat/message/stream"])
async def test_what_a_full_node_refuses_is_given_to_another(path: str, behind: Behind) -> None:
    refusal = b"HTTP/1.1 503 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    taken = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with Node(refusal) as one, Node(taken) as other:
        nginx = behind([one.port, other.port])
        statuses = {await _sent(nginx.port, path, 1000) for _ in range(4)}

    assert statuses == {200}
    assert other.received == 4000


async def test_metrics_are_for_the_nodes_own_neighbours(behind: Behind) -> None:
    async with Node() as one:
        nginx = behind([one.port, one.port])
        async with asking(nginx.port, "GET", "/metrics") as answer:
            pass

        assert (answer.status, one.asked) == (404, 0)


async def test_health_and_the_messages_of_agents_pass(
    behind: Behind, node: Nodes, provider: Provider
) -> None:
    nginx = await _in_front_of_one(behind, node)
    probes = ("/health", "/health/liveness", "/health/readiness", "/health/detailed")
    assert [(await ask(nginx.port, "GET", path))[0] for path in probes] == [200] * 4
    _, session = await ask(nginx.port, "POST", "/turns", body={"input": "words=1"})
    body = {"session_id": session["session_id"], "content": "words=20 pace_ms=100"}

    headers = {"Accept": "text/event-stream"}
    path = "/chat/message/stream"
    async with asking(nginx.port, "POST", path, body=body, headers=headers) as answer:
        events = []
        async for frame in answer.frames():
            events.append(frame.event)
            if events.count("message.delta") == 1:
                assert provider.calls[-1].sent < 15

    assert (answer.status, events[-1]) == (200, "message.completed")


def test_its_limits_fit_the_server_s() -> None:
    assert max(_seconds("proxy_read_timeout")) > Settings().turns.max_turn_s


async def test_its_logs_hold_no_message(behind: Behind, node: Nodes) -> None:
    server = await node().start()
    nginx = behind([server.port, server.port])
    path = "/chat/stream?input=words%3D1%20canary-in-a-query"
    async with asking(nginx.port, "GET", path, headers=STREAM) as answer:
        await answer.body()
    server.kill9()
    async with asking(nginx.port, "GET", path, headers=STREAM) as answer:
        await answer.body()

    await until(lambda: nginx.logged.count("/chat/stream") == 2)

    assert answer.status == 502
    assert "canary" not in nginx.logged
