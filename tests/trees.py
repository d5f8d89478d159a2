"""Sessions of every shape, for Hypothesis: trees with branches, turns, calls and odd texts."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from talkwire.canon.sessions import Archive, ArchivedMessage
from talkwire.canon.turn import Call, Message, TextPart

AT = 1_790_000_000_000
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=12)
METADATA = st.dictionaries(
    TEXTS, st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS, st.lists)
)


@st.composite
def archives(draw: Any) -> Archive:
    """An archive as it may be taken out of a database: in the order of the tree."""
    grown: list[ArchivedMessage] = []
    for turn in range(draw(st.integers(0, 7))):
        parent = draw(st.none() | st.integers(0, len(grown) - 1)) if grown else None
        for message in _turn(draw):
            grown.append(ArchivedMessage(message, parent, turn, AT + draw(st.integers(0, 2))))
            parent = len(grown) - 1
    messages = ordered(grown)
    leaf = draw(st.none() | st.integers(0, len(messages) - 1)) if messages else None
    return Archive(
        session_id=draw(st.from_regex(r"[A-Za-z0-9._:@-]{1,20}", fullmatch=True)),
        created_at=AT,
        updated_at=AT + draw(st.integers(0, 9)),
        messages=messages,
        leaf=leaf,
        title=draw(st.none() | NAMES),
        label=draw(st.none() | NAMES),
        metadata=draw(METADATA),
        archived=draw(st.booleans()),
    )


def _turn(draw: Any) -> list[Message]:
    """A question, a call with its result, an answer: some of it."""
    made: list[Message] = []
    if draw(st.booleans()):
        made.append(Message("", "user", _parts(draw)))
    if draw(st.booleans()):
        call_id = draw(st.sampled_from(["c1", "c2"]))
        made.append(Message("", "assistant", (), (Call(call_id, draw(NAMES), "{}"),)))
        made.append(Message("", "tool", _parts(draw), call_id=call_id))
    cut, model = draw(st.booleans()), draw(st.none() | NAMES)
    made.append(Message("", "assistant", _parts(draw), model=model, incomplete=cut))
    return made


def _parts(draw: Any) -> tuple[TextPart, ...]:
    return tuple(TextPart(text) for text in draw(st.lists(TEXTS, max_size=2)))


def ordered(grown: list[ArchivedMessage]) -> tuple[ArchivedMessage, ...]:
    """The same messages depth first, siblings by time, turns by their first message."""
    found: list[ArchivedMessage] = []
    turns: dict[int, int] = {}

    def walk(number: int | None, parent: int | None) -> None:
        below = [(each.at, n) for n, each in enumerate(grown) if each.parent == number]
        for _, n in sorted(below):
            turn = turns.setdefault(grown[n].turn, len(turns))
            here = len(found)
            found.append(ArchivedMessage(grown[n].message, parent, turn, grown[n].at))
            walk(n, here)

    walk(None, None)
    return tuple(found)
