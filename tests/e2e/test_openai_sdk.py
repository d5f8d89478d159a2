"""The frames of the responses wire, read by the OpenAI SDK's own parser over a socket."""

from __future__ import annotations

from collections.abc import Callable

import openai
from openai.types.responses import ResponseStreamEvent

from tests.e2e.provider import Provider, said
from tests.e2e.servers import Server


async def test_the_openai_sdk_reads_every_frame(
    provider: Provider, fresh_server: Callable[..., Server]
) -> None:
    server = await fresh_server(config={"models": [provider.model()]}).start()
    async with openai.AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as client:
        stream = await client.post(
            "/chat/stream",
            cast_to=openai.AsyncStream[ResponseStreamEvent],
            body={"input": "words=12", "sessionId": "sdk"},
            stream=True,
            stream_cls=openai.AsyncStream[ResponseStreamEvent],
        )
        events = [event async for event in stream]

    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == said(12)
    completed = events[-1]
    assert completed.type == "response.completed"
    assert completed.response.status == "completed"
    assert completed.response.output_text == said(12)
    assert completed.response.usage is not None
    assert completed.response.usage.total_tokens == 7 + 12
    assert [e.sequence_number for e in events] == list(range(len(events)))
