"""What is told of this wire's route."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from talkwire.wires.mcp.told import told


def test_errors_are_told_as_json_rpc() -> None:
    refused = told("/mcp")["responses"][400]["content"]["application/json"]

    assert refused["example"]["jsonrpc"] == "2.0"
    assert refused["example"]["error"]["code"] == -32600
    assert Draft202012Validator(refused["schema"]).is_valid(refused["example"])


def test_an_answer_is_json_or_a_stream_and_a_notification_has_none() -> None:
    answers = told("/mcp")["responses"]

    assert set(answers[200]["content"]) == {"application/json", "text/event-stream"}
    assert "content" not in answers[202]
