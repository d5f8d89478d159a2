"""What this wire says that the cases do not show; the frames of all cases are golden files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from talkwire.canon.errors import TalkwireError
from talkwire.canon.events import RouteChosen, Stamped
from talkwire.canon.fold import fold
from talkwire.canon.scenarios import Scene
from talkwire.wires.support.encode import Encoder, EventSourceEncoder, answer
from tests.cases.turns import CASES, SCENES, SESSION, TURN, said
from tests.wires.frames import parse


def frames(case: str) -> list[dict[str, Any]]:
    stream = b"".join(Encoder(TURN, SESSION).feed(CASES[case]))
    return [frame.data for frame in parse(stream, events=False, ids=False)]


def as_documented(stream: bytes) -> list[dict[str, Any]]:
    """The snippet that clients in the field have copied, on lines as `requests` gives them."""
    lines = stream.decode().splitlines()
    return [json.loads(line.replace("data: ", "")) for line in lines if line]


@pytest.mark.parametrize("case", CASES)
def test_every_line_that_is_not_empty_is_json_behind_data(case: str) -> None:
    encoder = Encoder(TURN, SESSION)
    stream = b"".join(
        piece
        for stamped in CASES[case]
        for piece in (*encoder.feed([stamped]), encoder.heartbeat())
    )

    assert len(as_documented(stream)) == stream.count(b"data: {")
    assert [each for each in as_documented(stream) if each.get("response", "") != ""] == [
        each for each in frames(case) if "response" in each
    ]


@pytest.mark.parametrize("case", CASES)
def test_both_forms_say_the_same_under_the_same_numbers(case: str) -> None:
    begin, *rest = EventSourceEncoder(TURN, SESSION).feed(CASES[case])

    assert begin == b"id: %s:0\n\n" % TURN.encode()
    assert rest == [
        b"id: %s:%d\n%s" % (TURN.encode(), number, frame)
        for number, frame in enumerate(Encoder(TURN, SESSION).feed(CASES[case]), start=1)
    ]


def test_the_form_for_event_source_begins_before_any_model_is_asked() -> None:
    assert EventSourceEncoder(TURN, SESSION).feed(CASES["scene_answer"][:1]) == [
        b"id: %s:0\n\n" % TURN.encode()
    ]


def test_a_piece_costs_no_more_than_its_bytes() -> None:
    encoder = Encoder(TURN, SESSION)
    encoder.feed([Stamped(0, 0, RouteChosen("m", "t", scenario=Scene("C", "S")))])

    (frame,) = encoder.feed([Stamped(1, 0, said(['a"\n\u2028'])[0])])

    assert frame == (
        b'data: {"category":"C","subcategory":"S","response":"a\\"\\n\\u2028",'
        b'"thread_id":"%s"}\n\n' % SESSION.encode()
    )


def test_a_heartbeat_is_a_frame_without_text_of_where_the_turn_is() -> None:
    encoder = Encoder(TURN, SESSION)
    nowhere = encoder.heartbeat()
    encoder.feed(CASES["scene_answer"][:4])
    somewhere = encoder.heartbeat()
    (piece,) = encoder.feed(CASES["scene_answer"][4:5])

    scene = SCENES["answer"]
    assert as_documented(nowhere) == [
        {"category": "", "subcategory": "", "response": "", "thread_id": SESSION}
    ]
    (told,) = as_documented(somewhere)
    assert (told["category"], told["subcategory"]) == (scene.category, scene.subcategory)
    assert told == {**json.loads(piece.removeprefix(b"data: ")), "response": ""}
    assert list(told) == ["category", "subcategory", "response", "thread_id"]


def test_text_that_looks_like_a_field_comes_through_a_client_that_takes_it_out() -> None:
    text = '\\data: data: {"a":1} \\\\data: '
    encoder = Encoder(TURN, SESSION)
    encoder.feed([Stamped(1, 0, RouteChosen("m", "t", scenario=Scene("data: ", "S")))])

    (told,) = as_documented(encoder.feed([Stamped(2, 0, said([text])[0])])[0])
    assert (told["category"], told["response"]) == ("data: ", text)


def test_a_route_that_is_chosen_anew_is_told_from_then_on() -> None:
    encoder = Encoder(TURN, SESSION)
    encoder.feed([Stamped(1, 0, RouteChosen("m", "t", scenario=Scene("C", "S")))])
    encoder.feed([Stamped(2, 0, RouteChosen("m", "t"))])

    (told,) = as_documented(encoder.heartbeat())
    assert (told["category"], told["subcategory"]) == ("", "")


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("scene_answer", None),
        ("scene_clarify", None),
        ("scene_aborted", "aborted"),
        ("cut_by_length", "length"),
        ("approval", "approval_required"),
    ],
)
def test_the_end_tells_why_where_the_answer_is_not_whole(case: str, reason: str | None) -> None:
    end = frames(case)[-1]

    assert list(end)[:5] == [
        "done",
        "thread_id",
        "confidence",
        "related_subcategories",
        "sop_references",
    ]
    assert list(end)[5:] == ([] if reason is None else ["finish_reason"])
    assert end.get("finish_reason") == reason


def test_a_confidence_reads_the_same_live_and_after_it_was_stored() -> None:
    encoder = Encoder(TURN, SESSION)
    encoder.feed([Stamped(1, 0, RouteChosen("m", "t", scenario=Scene(confidence=1)))])

    (end,) = encoder.feed(CASES["plain"][-1:])
    assert b'"confidence":1.0,' in end


def test_a_failure_ends_in_words_and_a_code() -> None:
    assert frames("scene_failed")[-1] == {
        "error": "The model took too long.",
        "code": "upstream_timeout",
        "done": True,
        "thread_id": SESSION,
    }


@pytest.mark.parametrize("case", sorted(CASES))
def test_the_whole_answer_is_what_the_stream_says(case: str) -> None:
    state = fold(CASES[case])
    *pieces, end = frames(case)
    if "error" in end:
        with pytest.raises(TalkwireError) as raised:
            answer(state)
        assert (raised.value.message, raised.value.code) == (end["error"], end["code"])
        return

    told = answer(state)
    text = "".join(each["response"] for each in pieces)
    assert text.endswith(told["response"])  # what was said before a tool is a message of its own
    assert text == told["response"] or case in ("tool_call", "parallel_calls")
    rest = {key: value for key, value in end.items() if key != "done"}
    assert json.loads(json.dumps({key: told[key] for key in rest})) == rest
    assert list(told)[:7] == [
        "response",
        "category",
        "subcategory",
        "thread_id",
        "confidence",
        "related_subcategories",
        "sop_references",
    ]


def test_a_whole_answer_names_its_scenario() -> None:
    told = answer(fold(CASES["scene_answer"]))
    scene = SCENES["answer"]

    assert (told["category"], told["subcategory"]) == (scene.category, scene.subcategory)
    assert told["response"] == "Your money is on\nits way."
