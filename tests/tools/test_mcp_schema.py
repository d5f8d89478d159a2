"""Schemas of others: what is safe stays as it was, what is not goes or refuses the whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema.validators import Draft202012Validator

from talkwire.tools.mcp_schema import Unsafe, safe_schema

TEXT = {"type": "string"}
KEYWORDS = ["type", "properties", "items", "anyOf", "not", "enum", "required", "minLength", "title"]


def _nested(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(parts, max_size=4) | st.dictionaries(st.sampled_from(KEYWORDS), parts)


def test_an_ordinary_schema_stays_as_it_is() -> None:
    ordinary = {
        "type": "object",
        "title": "Search",
        "properties": {
            "query": {"type": "string", "minLength": 1, "description": "What to look for"},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "default": []},
            "pattern": {"anyOf": [TEXT, {"type": "null"}]},
        },
        "required": ["query"],
        "additionalProperties": False,
    }

    assert safe_schema(ordinary) == ordinary


def test_references_in_the_document_stay() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/One~1two"}},
        "$defs": {"One/two": TEXT},
    }

    assert safe_schema(schema) == schema


def test_a_tree_may_refer_to_itself_in_its_parts() -> None:
    tree = {
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
    }

    assert safe_schema(tree) == tree


def test_regular_expressions_are_told_and_not_run() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string", "pattern": "(a+)+$", "description": "A."}},
        "patternProperties": {"(x+)+": TEXT},
        "additionalProperties": False,
    }

    assert safe_schema(schema) == {
        "type": "object",
        "properties": {"a": {"type": "string", "description": "A. Pattern: (a+)+$"}},
    }


def test_keywords_that_nobody_knows_go() -> None:
    unknown = {"$id": "http://a/b", "$schema": "x", "$dynamicRef": "#a", "x-y": {"a": 1}}

    assert safe_schema({"type": "object", **unknown}) == {"type": "object"}


def test_items_as_older_drafts_wrote_them_are_rewritten() -> None:
    schema = {"properties": {"a": {"type": "array", "items": [TEXT, TEXT]}}}

    assert safe_schema(schema)["properties"]["a"] == {"type": "array", "prefixItems": [TEXT, TEXT]}


def test_hidden_characters_are_not_shown() -> None:
    schema = {"properties": {"a": {"description": "x\u200by", "default": "p\u202eq"}}}

    assert safe_schema(schema)["properties"] == {"a": {"description": "xy"}}


def test_keywords_that_are_malformed_go() -> None:
    wrong = {"enum": 1, "required": "a", "minimum": "0", "multipleOf": 0, "uniqueItems": 1}

    assert safe_schema({"properties": {"a": wrong}, **wrong}) == {
        "type": "object",
        "properties": {"a": {}},
    }


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), _nested, max_leaves=30))
def test_what_comes_out_is_a_schema_whatever_came_in(given_schema: object) -> None:
    try:
        safe = safe_schema({"properties": {"a": given_schema}})
    except Unsafe:
        return
    Draft202012Validator.check_schema(safe)


def _doubling(times: int) -> dict[str, Any]:
    both = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(times)}
    return {"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": both | {f"d{times}": TEXT}}


def _deep(times: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(times):
        schema = {"properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ("text", "not of an object"),
        ({"type": "array"}, "not of an object"),
        (_doubling(20), "multiplies"),
        (_doubling(200), "too deep"),
        (_deep(5000), "too deep"),
        ({"properties": {str(n): TEXT for n in range(9000)}}, "too large"),
        ({"default": list(range(100_000))}, "too large"),
        ({"$ref": "#"}, "refers to itself"),
        ({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"$ref": "#/$defs/a"}}}, "to itself"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "another document"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "not there"),
        ({"default": {"pattern": "x"}, "not": {"$ref": "#/default"}}, "no schema"),
        ({"properties": {"a\u200b": TEXT}}, "malformed names"),
        ({"properties": {"a": "text"}}, "malformed"),
        ({"anyOf": 1}, "malformed"),
        ({"properties": {"a": {"type": "text"}}}, "unknown types"),
    ],
)
def test_what_is_unsafe_is_refused(schema: object, why: str) -> None:
    with pytest.raises(Unsafe, match=why):
        safe_schema(schema)
