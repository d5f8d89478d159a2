"""The baseline: the server a user would write in an afternoon.

FastAPI, uvicorn, the openai SDK and sse-starlette, sessions in a dict: the same request and the
same kind of frames as Talkwire's responses-sse wire, without anything else that Talkwire does.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

import uvicorn
from fastapi import FastAPI
from openai import AsyncOpenAI
from openai.types.responses import EasyInputMessageParam, ResponseInputParam
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent


class ChatRequest(BaseModel):
    input: str
    sessionId: str
    model: str


def build(base_url: str) -> FastAPI:
    """The application, talking to the OpenAI server at `base_url`."""
    app = FastAPI()
    client = AsyncOpenAI(api_key="bench", base_url=base_url)
    sessions: dict[str, ResponseInputParam] = defaultdict(list)

    async def answer(request: ChatRequest) -> AsyncIterator[ServerSentEvent]:
        messages = sessions[request.sessionId]
        messages.append(EasyInputMessageParam(role="user", content=request.input))
        text = ""
        stream = await client.responses.create(model=request.model, input=messages, stream=True)
        async for event in stream:
            if event.type == "response.output_text.delta":
                text += event.delta
                body = {"type": event.type, "delta": event.delta}
                yield ServerSentEvent(event=event.type, data=json.dumps(body))
        messages.append(EasyInputMessageParam(role="assistant", content=text))
        done = {"type": "response.completed", "sessionId": request.sessionId}
        yield ServerSentEvent(event="response.completed", data=json.dumps(done))

    @app.post("/chat/stream")
    async def stream(request: ChatRequest) -> EventSourceResponse:
        return EventSourceResponse(answer(request))

    return app


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.naive", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True, help="base URL with /v1")
    asked = parser.parse_args(argv)
    app = build(asked.upstream)
    uvicorn.run(app, host="127.0.0.1", port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
