from __future__ import annotations

from talkwire.models.agent_entries import AgentEntry


def test_an_entry_needs_only_its_id() -> None:
    entry = AgentEntry("clerk")

    assert (entry.model, entry.tools, entry.members, entry.mode) == ("", (), (), "coordinate")
