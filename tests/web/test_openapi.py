"""What is told to the OpenAPI document."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from talkwire.web.openapi import answers, asks, named, stream_answers
from talkwire.wires.responses_sse.shapes import ChatBody, ChatQuery
from talkwire.wires.support import shapes as support
from talkwire.wires.tool_chat.shapes import DirectBody


def test_a_body_is_told_with_its_fields() -> None:
    schema = asks(ChatBody)["requestBody"]["content"]["application/json"]["schema"]

    assert schema["required"] == ["input"]
    assert "promptVariables" in schema["properties"]


def test_shapes_within_shapes_are_told_in_place() -> None:
    schema = asks(DirectBody)["requestBody"]["content"]["application/json"]["schema"]

    message = schema["properties"]["messages"]["items"]["properties"]
    assert message["role"]["enum"] == ["user", "assistant", "system", "tool"]
    assert "max_tokens" in str(schema["properties"]["model_config"])
    assert "$ref" not in str(schema)
    assert "$defs" not in str(schema)


def test_a_query_is_told_field_by_field() -> None:
    told = {each["name"]: each for each in asks(ChatQuery, query=True)["parameters"]}

    assert told["input"]["required"]
    assert not told["voiceId"]["required"]


def test_several_shapes_are_told_as_one_of_them() -> None:
    body = asks(ChatBody, support.ChatBody)["requestBody"]["content"]["application/json"]["schema"]
    query = asks(ChatQuery, support.ChatQuery, query=True)["parameters"]

    assert [each["required"] for each in body["oneOf"]] == [["input"], ["user_query"]]
    assert {"input", "voiceId", "user_query", "context"} <= {each["name"] for each in query}
    assert not any(each["required"] for each in query)


def test_path_names_are_required_strings() -> None:
    assert [each["name"] for each in named("a", "b")["parameters"]] == ["a", "b"]


def test_streams_are_told_as_event_streams() -> None:
    assert "text/event-stream" in stream_answers()[200]["content"]


class Told(BaseModel):
    """What is answered."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "x"}]})

    name: str


def test_answers_are_told_with_their_fields_their_errors_and_an_example_of_each() -> None:
    told = answers(Told, "It is made", {404: "No such thing"}, status=201)

    good = told[201]["content"]["application/json"]
    assert (good["schema"]["required"], good["example"]) == (["name"], {"name": "x"})
    for status in (400, 401, 404, 503):
        problem = told[status]["content"]["application/problem+json"]
        assert problem["example"]["status"] == status
        assert set(problem["schema"]["required"]) <= set(problem["example"])
    assert "default" in told


def test_an_answer_without_a_body_has_no_content() -> None:
    assert answers(None, "It is gone", status=204)[204] == {"description": "It is gone"}
