"""What all codecs share is proved through them; here: the mending of strings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from talkwire.models._reading import without_surrogates

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
