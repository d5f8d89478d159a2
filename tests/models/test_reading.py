"""What all codecs share is proved through them; here: pieces that are joined, mended strings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.deltas import Reasoning, Text
from talkwire.models._reading import without_surrogates
from talkwire.models.openai_chat import ChatCodec

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(JSON)
def test_no_surrogate_is_left_anywhere(value: object) -> None:
    repr(without_surrogates(value)).encode()


def test_a_lone_surrogate_becomes_one_replacement_character() -> None:
    assert without_surrogates({"a": ["x\ud800y", "😀"]}) == {"a": ["x\ufffdy", "😀"]}


def test_joined_pieces_know_how_many_they_were() -> None:
    frames = [
        (b"", b'{"choices":[{"index":0,"delta":{"%b":"%b"}}]}' % (kind, word))
        for kind, word in (
            (b"reasoning_content", b"hm "),
            (b"reasoning_content", b"so "),
            (b"content", b"one "),
            (b"content", b"two "),
            (b"content", b"three "),
        )
    ]

    deltas = ChatCodec().reading().take(frames)
    (alone,) = ChatCodec().reading().take(frames[-1:])

    assert deltas == [Reasoning("hm so "), Text("one two three ")]
    assert [each.pieces for each in deltas if isinstance(each, Reasoning | Text)] == [2, 3]
    assert alone == Text("three ", 1)
