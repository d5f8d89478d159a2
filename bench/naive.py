"""The baseline: the server a user would write in an afternoon.

FastAPI, uvicorn, the openai SDK and sse-starlette, sessions in a dict: the same request and the
same kind of frames as Talkwire's responses-sse wire, without anything else that Talkwire does. With
`--tools` it has the loop of the SDK's documents, over one tool that does nothing.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

import uvicorn
from fastapi import FastAPI
from openai import AsyncOpenAI, omit
from openai.types.responses import (
    EasyInputMessageParam,
    FunctionToolParam,
    ResponseFunctionToolCallParam,
    ResponseInputParam,
)
from openai.types.responses.response_input_param import FunctionCallOutput
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent


class ChatRequest(BaseModel):
    input: str
    sessionId: str
    model: str


async def noop() -> str:
    return "done"


_NO_ARGUMENTS: dict[str, object] = {"type": "object", "properties": {}}
TOOLS = [
    FunctionToolParam(
        type="function",
        name="noop",
        description="Do nothing.",
        parameters=_NO_ARGUMENTS,
        strict=False,
    )
]


def build(base_url: str, *, tools: bool = False) -> FastAPI:
    """The application, talking to the OpenAI server at `base_url`."""
    app = FastAPI()
    client = AsyncOpenAI(api_key="bench", base_url=base_url)
    sessions: dict[str, ResponseInputParam] = defaultdict(list)

    async def answer(request: ChatRequest) -> AsyncIterator[ServerSentEvent]:
        messages = sessions[request.sessionId]
        messages.append(EasyInputMessageParam(role="user", content=request.input))
        text, asking = "", True
        while asking:
            asking = False
            stream = await client.responses.create(
                model=request.model, input=messages, stream=True, tools=TOOLS if tools else omit
            )
            async for event in stream:
                if event.type == "response.output_text.delta":
                    text += event.delta
                    body = {"type": event.type, "delta": event.delta}
                    yield ServerSentEvent(event=event.type, data=json.dumps(body))
                elif event.type == "response.output_item.done":
                    call = event.item
                    if call.type == "function_call":
                        result = await noop(**json.loads(call.arguments))
                        messages.append(
                            ResponseFunctionToolCallParam(
                                type="function_call",
                                call_id=call.call_id,
                                name=call.name,
                                arguments=call.arguments,
                            )
                        )
                        messages.append(
                            FunctionCallOutput(
                                type="function_call_output", call_id=call.call_id, output=result
                            )
                        )
                        asking = True
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
    parser.add_argument("--tools", action="store_true")
    asked = parser.parse_args(argv)
    app = build(asked.upstream, tools=asked.tools)
    uvicorn.run(app, host="127.0.0.1", port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
