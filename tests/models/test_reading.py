"""What all codecs share is proved through them; here: pieces that are joined, mended strings."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.deltas import Delta, Reasoning, Text, Words
from talkwire.models._reading import without_surrogates
from talkwire.models._sse import Decoder
from talkwire.models.openai_chat import ChatCodec
from talkwire.models.openai_responses import ResponsesCodec

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


WORD = {
    "openai-chat": b'data: {"choices":[{"index":0,"delta":{"content":%b}}]}\n\n',
    "openai-responses": b"event: response.output_text.delta\n"
    b'data: {"type":"response.output_text.delta","delta":%b}\n\n',
}
OTHER = (
    b'data: {"choices":[{"index":0,"delta":{"reasoning":"hm"}}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{"content":null}}],"usage":null}\n\n',
    b"event: response.output_text.delta\n"
    b'data: {"type":"response.reasoning_text.delta","delta":"hm"}\n\n',
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta"}\n\n',
    b"data: [DONE]\n\n",
    b"data: 1,2\n\n",
    b"data: {\n\n",
    b": still here\n\n",
    b"data: {}\r\n\r\n",
    b'data: {"choices":[]}\ndata: \n\n',
)
SAID = st.sampled_from([b'"a"', b'"\\n"', '"字"'.encode(), b'""', b'"\\ud800"', b'"\xff"', b"7"])


@pytest.mark.parametrize("codec", [ChatCodec(), ResponsesCodec()], ids=list(WORD))
@given(data=st.data())
def test_a_run_of_words_is_read_as_its_frames_are(
    codec: ChatCodec | ResponsesCodec, data: st.DataObject
) -> None:
    word = WORD["openai-chat" if isinstance(codec, ChatCodec) else "openai-responses"]
    frame = SAID.map(lambda said: word % said) | st.sampled_from(OTHER)
    pieces = data.draw(st.lists(st.lists(frame, max_size=4).map(b"".join), max_size=3))
    quick, slow = codec.reading(), codec.reading()

    for piece in pieces:
        said = quick.run(piece)
        frames = Decoder().feed(piece)
        as_frames = slow.take(frames)
        if said is None:
            said = quick.take(frames)
        assert _told(said) == _told(as_frames)
    assert (quick.frames, quick.done, quick.broken) == (slow.frames, slow.done, slow.broken)


@pytest.mark.parametrize("codec", [ChatCodec(), ResponsesCodec()], ids=list(WORD))
def test_a_run_of_words_is_one_text_of_many_pieces(codec: ChatCodec | ResponsesCodec) -> None:
    word = WORD["openai-chat" if isinstance(codec, ChatCodec) else "openai-responses"]

    (said,) = codec.reading().run(b"".join(word % b'"a"' for _ in range(9))) or []

    assert isinstance(said, Text)
    assert (said.text, said.pieces) == ("a" * 9, 9)


def _told(deltas: Sequence[Delta]) -> list[object]:
    return [(each, each.pieces) if isinstance(each, Words) else each for each in deltas]
