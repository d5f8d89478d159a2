"""What holds for every wire on every case: form, numbering, ends, replay, batching."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.fold import fold
from talkwire.web.form import Encoder
from talkwire.wires.agent_chat.encode import Encoder as AgentChatEncoder
from talkwire.wires.native.encode import Encoder as NativeEncoder
from talkwire.wires.responses_sse.encode import Encoder as ResponsesEncoder
from talkwire.wires.routed_chat.encode import Encoder as RoutedEncoder
from talkwire.wires.support.encode import Encoder as SupportEncoder
from talkwire.wires.support.encode import EventSourceEncoder
from talkwire.wires.tool_chat.encode import Encoder as ToolChatEncoder
from tests.cases.turns import CASES, SESSION, TURN
from tests.wires.frames import Frame, parse

GOLDEN = Path(__file__).parent
BEGIN = b"id: %s:0\n\n" % TURN.encode()


@dataclass(frozen=True)
class Wire:
    """What its frames look like. Those that end a turn are named in `ends`, or say `done`; with
    `marks` it is a frame that is no JSON, or an error.
    """

    make: Callable[[str, str], Encoder]
    golden: str
    ends: frozenset[str] = frozenset()
    events: bool = True
    ids: bool = True
    marks: bool = False
    begins: bool = False  # with a block that is an id and nothing else


WIRES = {
    "responses_sse": Wire(
        ResponsesEncoder,
        "responses_sse/golden",
        frozenset(
            {
                "response.completed",
                "response.failed",
                "response.incomplete",
                "audio.completed",
                "audio.failed",
            }
        ),
    ),
    "agent_chat": Wire(
        AgentChatEncoder,
        "agent_chat/golden",
        frozenset({"message.completed", "message.failed"}),
    ),
    "native": Wire(
        NativeEncoder,
        "native/golden",
        frozenset({"turn.completed", "turn.failed", "turn.aborted"}),
    ),
    "tool_chat": Wire(
        ToolChatEncoder, "tool_chat/golden", frozenset({"complete", "error"}), events=False
    ),
    "routed_chat": Wire(RoutedEncoder, "routed_chat/golden", events=False, marks=True),
    "support": Wire(SupportEncoder, "support/golden", events=False, ids=False),
    "support_get": Wire(
        EventSourceEncoder, "support/golden_get", events=False, ids=True, begins=True
    ),
}
EACH = pytest.mark.parametrize(("wire", "case"), list(itertools.product(WIRES, CASES)))


def whole(wire: str, case: str) -> list[bytes]:
    return WIRES[wire].make(TURN, SESSION).feed(CASES[case])


def parsed(wire: str, frames: list[bytes]) -> list[Frame]:
    it = WIRES[wire]
    if it.begins:
        begin, *frames = frames
        assert begin == BEGIN
    return parse(b"".join(frames), events=it.events, ids=it.ids)


def is_end(frame: Frame, wire: str, ends: frozenset[str]) -> bool:
    if WIRES[wire].marks:
        return frame.text == "[DONE]" or "error" in frame.data
    return frame.kind in ends if ends else frame.data.get("done") is True


@pytest.mark.parametrize("case", CASES)
def test_every_case_obeys_the_grammar(case: str) -> None:
    assert fold(CASES[case]).terminal is not None


@EACH
def test_frames_are_the_golden_ones(wire: str, case: str) -> None:
    """To accept new bytes, delete the file, run the test twice and read the difference."""
    golden = GOLDEN / WIRES[wire].golden / f"{case}.sse"
    stream = b"".join(whole(wire, case))
    if not golden.exists():
        golden.parent.mkdir(exist_ok=True)
        golden.write_bytes(stream)
        pytest.fail(f"{golden} was missing and is written now")

    assert stream == golden.read_bytes()


@EACH
def test_frames_are_well_formed_and_count_up_from_0(wire: str, case: str) -> None:
    raw = whole(wire, case)
    frames = parsed(wire, raw)

    first = 1 if WIRES[wire].begins else 0
    assert len(frames) == len(raw) - first
    if WIRES[wire].ids:
        assert [frame.id for frame in frames] == [f"{TURN}:{k}" for k in range(first, len(raw))]


@EACH
def test_exactly_one_terminal_frame_and_it_is_the_last(wire: str, case: str) -> None:
    ends, frames = WIRES[wire].ends, parsed(wire, whole(wire, case))
    if wire == "responses_sse" and frames[-1].kind.startswith("audio."):
        ends -= {"response.completed"}

    assert [frame for frame in frames if is_end(frame, wire, ends)] == frames[-1:]


@EACH
def test_replay_equals_live_at_every_cut(wire: str, case: str) -> None:
    """What a client has at any frame, and what a fresh encoder gives after it, is everything."""
    live: list[bytes] = []
    encoder = WIRES[wire].make(TURN, SESSION)
    for stamped in CASES[case]:
        live.extend(encoder.feed([stamped]))
    replayed = whole(wire, case)

    assert len(live) == len(replayed)
    assert all(live[:cut] + replayed[cut:] == live for cut in range(len(live) + 1))


@EACH
@given(data=st.data())
def test_batches_do_not_show(wire: str, case: str, data: st.DataObject) -> None:
    events = CASES[case]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=8)))
    encoder = WIRES[wire].make(TURN, SESSION)

    bounds = itertools.pairwise([0, *cuts, len(events)])
    frames = [frame for a, b in bounds for frame in encoder.feed(events[a:b])]

    assert frames == whole(wire, case)
