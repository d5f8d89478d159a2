"""Plain JSON answers."""

from __future__ import annotations

from talkwire.canon.records import Usage
from talkwire.web.answers import json_answer


def test_values_become_json_that_no_cache_keeps() -> None:
    answer = json_answer({"usage": Usage(1, 2)}, 202)

    assert answer.status_code == 202
    assert answer.body == (
        b'{"usage":{"input_tokens":1,"output_tokens":2,"estimated":false,"cost":null}}'
    )
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
