"""The strict provider is strict: what others rely on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.strict import Refused, Strict, read
from tests.e2e.wire_client import ask

USER = {"role": "user", "content": "hello"}
CALL = {"id": "a", "type": "function", "function": {"name": "t", "arguments": "{}"}}
ASKED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
TOLD = {"role": "tool", "tool_call_id": "a", "content": "x"}
ITEM = {"type": "function_call", "call_id": "a", "name": "t", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "a", "output": "x"}

PAIRED: list[tuple[str, list[dict[str, Any]]]] = [
    ("chat", [USER]),
    ("chat", [USER, ASKED, TOLD]),
    ("chat", [USER, ASKED, TOLD, USER]),
    ("responses", [USER, ITEM, OUTPUT]),
    ("responses", [USER, ITEM, ITEM | {"call_id": "b"}, OUTPUT, OUTPUT | {"call_id": "b"}]),
]
UNPAIRED: list[tuple[str, list[dict[str, Any]]]] = [
    ("chat", []),
    ("chat", [USER, ASKED]),
    ("chat", [USER, ASKED, USER]),
    ("chat", [USER, TOLD]),
    ("chat", [USER, ASKED, TOLD, TOLD]),
    ("chat", [USER, ASKED, TOLD | {"tool_call_id": "b"}]),
    ("chat", [USER, ASKED | {"tool_calls": [CALL, CALL]}, TOLD, TOLD]),
    ("chat", [USER, ASKED | {"tool_calls": []}]),
    ("chat", [USER, {"role": "assistant", "content": ""}, USER]),
    ("chat", [USER, {"role": "assistant", "content": "mine"}]),
    ("responses", [USER, ITEM]),
    ("responses", [USER, OUTPUT]),
    ("responses", [USER, ITEM, USER, OUTPUT]),
    ("responses", [USER, ITEM, OUTPUT | {"call_id": "b"}]),
]


def given(api: str, messages: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    if api == "chat":
        return "/chat/completions", {"messages": messages}
    return "/responses", {"input": messages}


@pytest.mark.parametrize(("api", "messages"), PAIRED)
def test_a_conversation_whose_calls_have_results_is_taken(
    api: str, messages: list[dict[str, Any]]
) -> None:
    assert read(*given(api, messages)).api == api


@pytest.mark.parametrize(("api", "messages"), UNPAIRED)
async def test_a_conversation_with_orphans_is_refused(
    api: str, messages: list[dict[str, Any]]
) -> None:
    path, body = given(api, messages)
    with pytest.raises(Refused):
        read(path, body)

    async with Strict() as provider:
        status, answer = await ask(provider.port, "POST", f"/v1{path}", body=body)

    assert (status, [answer["error"]["message"]]) == (400, provider.refusals)
