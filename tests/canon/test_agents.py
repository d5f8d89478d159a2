from __future__ import annotations

from talkwire.canon.agents import ASSISTANT, AgentCard


def test_a_card_needs_a_name_alone() -> None:
    card = AgentCard(ASSISTANT, "Assistant")
    assert (card.kind, card.tools, card.members, card.why) == ("agent", (), (), "")
