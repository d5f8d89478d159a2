from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from talkwire.canon.errors import SpeechError
from talkwire.voice._endpoint import Endpoint
from tests.voice.clone_server import CloneServer, clone_server


@pytest.mark.parametrize(
    ("status", "told"), [(401, "key"), (404, "model or voice"), (429, "too much"), (500, "500")]
)
async def test_a_refusal_says_what_to_look_at_and_nothing_of_the_answer(
    status: int, told: str
) -> None:
    async def script(server: CloneServer, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 6\r\n\r\nsecret" % status)

    async with clone_server(script) as server:
        service = Endpoint(server.url + "/v1/", SecretStr("sk-1"), idle_timeout_s=2)
        with pytest.raises(SpeechError, match=told) as caught:
            async for _ in service.audio("/audio/speech", {"input": "x"}):
                pass
        await service.close()

    assert "secret" not in caught.value.message
    line, headers, asked = server.requests[0]
    assert (line, headers["authorization"]) == ("POST /v1/audio/speech HTTP/1.1", "Bearer sk-1")
    assert asked == {"input": "x"}
