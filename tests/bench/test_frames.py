from __future__ import annotations

import json

import pytest

from bench.frames import MARK, WORDS, Recipe, recipe, script


def test_a_model_name_is_a_recipe() -> None:
    assert recipe("bench-n100-i20-b16-d50") == Recipe(100, 20, 16, 50)
    assert recipe("bench-n200-i0") == Recipe(200)
    assert recipe("bench-n1-i0-t1") == Recipe(1, calls=1)


@pytest.mark.parametrize(
    "asked",
    [Recipe(1), Recipe(320, 20, 16), Recipe(7, delay_ms=50, calls=2)],
    ids=lambda one: one.name,
)
def test_a_recipe_names_itself(asked: Recipe) -> None:
    assert recipe(asked.name) == asked


def test_another_name_is_refused_with_an_example() -> None:
    with pytest.raises(ValueError, match="expected a model like"):
        recipe("gpt-4o")


def test_every_word_holds_exactly_one_mark() -> None:
    assert [word.count(MARK) for word in WORDS] == [1] * 16


def test_a_chat_chunk_has_the_size_that_openai_sends() -> None:
    chunks = script("chat", "bench-n16-i0", with_usage=False).writes
    assert 270 <= sum(map(len, chunks)) / len(chunks) <= 330


def test_a_responses_stream_has_openais_order_and_numbers() -> None:
    whole = script("responses", "bench-n3-i0-b2", with_usage=False)
    text = (whole.opening + b"".join(whole.writes) + whole.closing).decode()
    frames = [frame.split("\n") for frame in text.split("\n\n")[:-1]]
    bodies = [json.loads(frame[1].removeprefix("data: ")) for frame in frames]
    assert [frame[0] for frame in frames] == [
        "event: response." + name
        for name in (
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            *["output_text.delta"] * 3,
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        )
    ]
    assert [body["sequence_number"] for body in bodies] == list(range(len(frames)))
    assert bodies[7]["text"] == "".join(WORDS[:3])
    assert bodies[-1]["response"]["usage"]["output_tokens"] == 3
    assert len(whole.writes) == 2
