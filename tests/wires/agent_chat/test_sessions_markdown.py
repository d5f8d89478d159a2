"""A session to be read: nothing in it can break out of where it stands."""

from __future__ import annotations

from msgspec.structs import replace

from talkwire.canon.turn import TextPart
from talkwire.wires.agent_chat.sessions_markdown import code, fenced, markdown
from tests.wires.agent_chat.test_sessions_file import FULL


def test_messages_are_told_with_who_when_and_what_was_called() -> None:
    text = markdown(replace(FULL, title="Holi\ndays", label="u`1", metadata={"a": 1}))

    assert text.startswith("# Holi days\n")
    assert "- User: ``u`1``" in text
    assert '- Metadata: `{"a":1}`' in text
    assert "## 0 · User · 2026-09-21T14:13:20.000Z\n\nHi\n" in text
    assert "Calls `f` (`c`):\n\n```json\n{\n```" in text
    assert "## 2 · Tool · 2026-09-21T14:13:20.000Z · result of `c` · incomplete" in text
    assert "- Goes on from: 3" in text


def test_a_message_that_follows_another_than_the_one_before_says_so() -> None:
    first, second = FULL.messages[0], FULL.messages[1]
    branch = (first, second, replace(first, parent=0, turn=1), replace(first, turn=2))
    text = markdown(replace(FULL, messages=branch, leaf=None, archived=True))

    assert "## 2 · User · 2026-09-21T14:13:20.000Z · follows 0" in text
    assert "## 3 · User · 2026-09-21T14:13:20.000Z · another beginning" in text
    assert "- Archived" in text
    assert "Goes on" not in text


def test_marks_in_a_text_do_not_end_its_block() -> None:
    assert next(iter(fenced("a\n````\nb"))) == "`````"
    assert code("`") == "`` ` ``"
    tool = replace(FULL.messages[2].message, parts=(TextPart("```\n# no title"),))
    text = markdown(replace(FULL, messages=(replace(FULL.messages[2], message=tool, parent=None),)))
    assert "````\n```\n# no title\n````" in text
