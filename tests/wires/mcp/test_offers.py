from __future__ import annotations

import pytest

from talkwire.canon.keys import SCOPES
from talkwire.wires.mcp.offers import OFFERS, as_tool


@pytest.mark.parametrize("name", OFFERS)
def test_each_tool_says_what_it_takes_and_gives_and_needs_a_scope(name: str) -> None:
    offer = OFFERS[name]
    tool = as_tool(name, offer)

    assert tool.description
    assert tool.input_schema["additionalProperties"] is False
    assert tool.output_schema is not None
    assert tool.output_schema["type"] == "object"
    assert set(offer.scopes) <= SCOPES
    assert tool.annotations is not None
    assert tool.annotations.read_only_hint is offer.reads
