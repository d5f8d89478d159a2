"""What holds for every wire on every case: form, numbering, ends, replay, batching."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.canon.fold import fold
from talkwire.web.form import Encoder
from talkwire.wires.native.encode import Encoder as NativeEncoder
from talkwire.wires.responses_sse.encode import Encoder as ResponsesEncoder
from talkwire.wires.tool_chat.encode import Encoder as ToolChatEncoder
from tests.cases.turns import CASES, SESSION, TURN
from tests.wires.frames import Frame, parse

Make = Callable[[str, str], Encoder]
WIRES: dict[str, tuple[Make, set[str]]] = {
    "responses_sse": (
        ResponsesEncoder,
        {
            "response.completed",
            "response.failed",
            "response.incomplete",
            "audio.completed",
            "audio.failed",
        },
    ),
    "native": (NativeEncoder, {"turn.completed", "turn.failed", "turn.aborted"}),
    "tool_chat": (ToolChatEncoder, {"complete", "error"}),
}
WITHOUT_EVENT_LINES = {"tool_chat"}
EACH = pytest.mark.parametrize(("wire", "case"), list(itertools.product(WIRES, CASES)))
GOLDEN = Path(__file__).parent


def whole(wire: str, case: str) -> list[bytes]:
    return WIRES[wire][0](TURN, SESSION).feed(CASES[case])


def parsed(wire: str, frames: list[bytes]) -> list[Frame]:
    return parse(b"".join(frames), events=wire not in WITHOUT_EVENT_LINES)


@pytest.mark.parametrize("case", CASES)
def test_every_case_obeys_the_grammar(case: str) -> None:
    assert fold(CASES[case]).terminal is not None


@EACH
def test_frames_are_the_golden_ones(wire: str, case: str) -> None:
    """To accept new bytes, delete the file, run the test twice and read the difference."""
    golden = GOLDEN / wire / "golden" / f"{case}.sse"
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

    assert len(frames) == len(raw)
    assert [frame.id for frame in frames] == [f"{TURN}:{k}" for k in range(len(raw))]


@EACH
def test_exactly_one_terminal_frame_and_it_is_the_last(wire: str, case: str) -> None:
    terminal = WIRES[wire][1]
    names = [frame.kind for frame in parsed(wire, whole(wire, case))]
    if wire == "responses_sse" and names[-1].startswith("audio."):
        terminal = terminal - {"response.completed"}

    assert [name for name in names if name in terminal] == names[-1:]


@EACH
def test_replay_equals_live_at_every_cut(wire: str, case: str) -> None:
    """What a client has at any frame, and what a fresh encoder gives after it, is everything."""
    live: list[bytes] = []
    encoder = WIRES[wire][0](TURN, SESSION)
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
    encoder = WIRES[wire][0](TURN, SESSION)

    bounds = itertools.pairwise([0, *cuts, len(events)])
    frames = [frame for a, b in bounds for frame in encoder.feed(events[a:b])]

    assert frames == whole(wire, case)
