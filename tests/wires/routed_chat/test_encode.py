"""What this wire says that the cases do not show; the frames of all cases are golden files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from talkwire.canon.errors import RateLimited, TalkwireError
from talkwire.canon.events import Stamped, TurnFailed
from talkwire.canon.fold import fold
from talkwire.canon.models import Standing
from talkwire.wires.routed_chat.encode import Encoder, answer, error, listing
from tests.cases.turns import CASES, SESSION, TURN, said
from tests.wires.frames import Frame, parse

FAILED = {name for name in CASES if isinstance(CASES[name][-1].event, TurnFailed)}
DATA = ["content", "session_id", "model_used", "model"]


def frames(case: str) -> list[Frame]:
    return parse(b"".join(Encoder(TURN, SESSION).feed(CASES[case])), events=False)


def as_documented(case: str) -> list[Any]:
    """As clients in the field read: lines of `data:` until `[DONE]`, each with a content."""
    seen: list[Any] = []
    for line in b"".join(Encoder(TURN, SESSION).feed(CASES[case])).decode().split("\n"):
        if line.startswith("data:"):
            text = line[5:].strip()
            if text == "[DONE]":
                return seen
            seen.append(json.loads(text))
            assert isinstance(seen[-1]["content"], str)
    return seen


def test_a_token_costs_no_more_than_its_bytes_and_has_the_frozen_form() -> None:
    encoder = Encoder(TURN, SESSION)
    encoder.feed(CASES["fell_over_midway"][:2])

    (frame,) = encoder.feed([Stamped(2, 0, said(['a"\n\u2028'])[0])])

    assert (
        frame
        == (
            f"id: {TURN}:0\n"
            'data: {"content": "a\\"\\n\\u2028", "session_id": "%s", "model_used": "local_small",'
            ' "model": "small"}\n\n' % SESSION
        ).encode()
    )


@pytest.mark.parametrize("case", sorted(CASES))
def test_the_documented_client_reads_every_case(case: str) -> None:
    seen = as_documented(case)

    *pieces, last = seen
    assert all(list(piece) == DATA for piece in pieces)
    if case in FAILED:
        assert list(last) == ["error", "code", "content", "session_id"]
        assert frames(case)[-1].text != "[DONE]"
    else:
        assert last["content"] == ""
        assert list(last)[:6] == [*DATA, "finish_reason", "usage"]
        assert frames(case)[-1].text == "[DONE]"


@pytest.mark.parametrize("case", sorted(set(CASES) - FAILED))
def test_a_whole_answer_says_what_the_stream_says(case: str) -> None:
    whole, seen = answer(fold(CASES[case])), as_documented(case)

    assert whole["content"] == "".join(each["content"] for each in seen)
    end = {name: value for name, value in seen[-1].items() if name != "content"}
    assert json.loads(json.dumps({name: whole[name] for name in end})) == end


@pytest.mark.parametrize("case", sorted(FAILED))
def test_a_whole_answer_that_failed_is_its_error(case: str) -> None:
    with pytest.raises(TalkwireError) as raised:
        answer(fold(CASES[case]))

    assert raised.value.code == as_documented(case)[-1]["code"]


@pytest.mark.parametrize(
    ("case", "types"),
    [
        ("fell_over_before_text", ["cloud_large"] * 3),
        ("fell_over_midway", ["local_small"] * 2 + ["cloud_large"] * 3),
        ("plain", ["scripted"] * 5),
    ],
)
def test_each_frame_tells_which_kind_of_model_said_it(case: str, types: list[str]) -> None:
    assert [each["model_used"] for each in as_documented(case)] == types


def test_the_route_is_told_with_its_reasons_and_all_that_were_tried() -> None:
    whole = answer(fold(CASES["fell_over_midway"]))

    assert (whole["model_used"], whole["turn_id"]) == ("cloud_large", TURN)
    assert whole["route"] == {
        "model": "large",
        "model_type": "cloud_large",
        "reasons": ("small failed: upstream_unavailable",),
        "tried": ["small", "large"],
    }
    assert whole["usage"] == {
        "prompt_tokens": 21,
        "completion_tokens": 4,
        "total_tokens": 25,
        "estimated": True,
        "cost": 0.000125,
    }


def test_calls_that_wait_for_a_person_are_told_at_the_end() -> None:
    last = as_documented("approval")[-1]

    assert last["finish_reason"] == "approval_required"
    assert [each["tool_call_id"] for each in last["approvals"]] == ["call_1"]
    assert "approvals" not in as_documented("plain")[-1]


def test_an_error_has_a_content_for_clients_that_read_nothing_else() -> None:
    assert error(RateLimited("Wait.", retry_after_s=1), "s_1") == {
        "error": "Wait.",
        "code": "rate_limited",
        "content": "",
        "session_id": "s_1",
    }


def test_models_are_listed_by_type_with_the_two_that_requests_name() -> None:
    ill = Standing("small", "local_small", healthy=False, why="it was refused", error_rate=1.0)
    large = Standing("large", "cloud_large", latency_ms=250.0, price_in=1.0, price_out=4.0)
    own = Standing("mine", "in_house")

    told = listing([ill, large, own], "large")

    assert told["default"] == "large"
    assert list(told["models"]) == ["local_small", "cloud_large", "in_house"]
    (small,) = told["models"]["local_small"]
    assert (small["reachable"], small["why"], small["default"]) == (False, "it was refused", False)
    assert told["models"]["cloud_large"] == [
        {
            "name": "large",
            "reachable": True,
            "default": True,
            "context_tokens": 128_000,
            "price_in": 1.0,
            "price_out": 4.0,
            "running": 0,
            "latency_ms": 250.0,
            "error_rate": 0.0,
        }
    ]
    assert listing([large], "large")["models"]["local_small"] == []
