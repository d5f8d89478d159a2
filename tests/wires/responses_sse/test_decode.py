"""Requests of this wire. What is refused is in tests/wires/bad_input.py."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.canon.turn import TextPart, TurnRequest
from talkwire.web.faults import Invalid
from talkwire.wires.responses_sse.decode import from_body, from_query, prompt_draft


def body(fields: dict[str, Any], voice: str | None = None, most: int = 200_000) -> TurnRequest:
    return from_body(fields, session_id="s_new", voice=voice, most_chars=most)


def query(fields: dict[str, str], voice: str | None = None) -> TurnRequest:
    return from_query(fields, session_id="s_new", voice=voice, most_chars=200_000)


def test_input_alone_is_enough() -> None:
    assert body({"input": "Hi"}) == TurnRequest(
        session_id="s_new", wire="responses-sse", parts=(TextPart("Hi"),)
    )


def test_every_field_has_its_place() -> None:
    fields = {
        "input": "Hi",
        "sessionId": "a.B_9:@-",
        "systemPromptName": "brief@3",
        "promptVariables": {"name": "Ann", "n": 1, "f": 0.5, "b": True, "z": None},
        "model": "gpt",
        "temperature": 1,
        "maxOutputTokens": 5,
    }

    assert body(fields, voice="anna") == TurnRequest(
        session_id="a.B_9:@-",
        wire="responses-sse",
        parts=(TextPart("Hi"),),
        model="gpt",
        prompt="brief@3",
        prompt_variables={"name": "Ann", "n": 1, "f": 0.5, "b": True, "z": None},
        voice="anna",
        temperature=1.0,
        max_output_tokens=5,
    )


def test_nulls_and_unknown_fields_count_as_absent() -> None:
    fields = {"input": "Hi", "sessionId": None, "model": None, "temperature": None, "other": [1]}

    assert body(fields) == body({"input": "Hi"})


def test_a_query_says_the_same_in_text_and_may_leave_parameters_empty() -> None:
    fields = {"input": "Hi", "temperature": "0.5", "maxOutputTokens": "9", "model": ""}

    assert query(fields | {"voiceId": "anna"}) == TurnRequest(
        session_id="s_new",
        wire="responses-sse",
        parts=(TextPart("Hi"),),
        voice="anna",
        temperature=0.5,
        max_output_tokens=9,
    )


def test_the_voice_header_wins_over_the_query() -> None:
    assert query({"input": "Hi", "voiceId": "ben"}, voice="anna").voice == "anna"


def test_the_configured_bound_is_held() -> None:
    assert body({"input": "x" * 10}, most=10).text == "x" * 10
    with pytest.raises(Invalid) as caught:
        body({"input": "x" * 11}, most=10)
    assert caught.value.errors[0].field == "input"


def test_errors_name_every_field_and_no_value() -> None:
    with pytest.raises(Invalid) as caught:
        body({"input": 7, "model": ["swordfish"], "promptVariables": {"k": ["swordfish"]}})

    assert {error.field.split(".")[0] for error in caught.value.errors} == {
        "input",
        "model",
        "promptVariables",
    }
    assert "swordfish" not in str(caught.value.errors)


def test_a_prompt_has_defaults() -> None:
    draft = prompt_draft("brief", {"text": "Be {{ how }}.", "variables": ["how"]})

    assert (draft.name, draft.text, draft.variables) == ("brief", "Be {{ how }}.", ("how",))
    assert (draft.description, draft.model, draft.temperature) == ("", None, None)
