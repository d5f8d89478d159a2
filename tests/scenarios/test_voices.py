from __future__ import annotations

import math

import numpy as np
import pytest

from talkwire.scenarios.voices import Profile, Voice

UNITS = [["where", "is", "refund"], ["where", "is", "parcel"], ["forgot", "password"]]


@pytest.fixture
def voice() -> Voice:
    return Voice.over(UNITS)


def test_a_unit_that_says_all_of_a_query_covers_it(voice: Voice) -> None:
    covered = voice.covered(["forgot", "password"])

    assert covered[2] == pytest.approx(1, abs=0.1)
    assert covered[:2].tolist() == [0, 0]


def test_unknown_words_are_information_that_nothing_covers(voice: Voice) -> None:
    known = voice.covered(["password"])[2]

    assert voice.covered(["password", "weather"])[2] < 0.6 * known


def test_a_rare_word_covers_more_than_a_frequent_one(voice: Voice) -> None:
    covered = voice.covered(["where", "parcel"])

    assert covered[1] > 2 * covered[0] > 0


def test_a_query_without_known_words_is_covered_by_nothing(voice: Voice) -> None:
    assert voice.covered(["weather"]).tolist() == [0, 0, 0]
    assert voice.covered([]).tolist() == [0, 0, 0]


def test_a_voice_over_nothing_has_nothing_to_say() -> None:
    assert Voice.over([[]]).covered(["word"]).tolist() == [0]


def test_weights_have_unit_length_and_leave_unknown_words_out(voice: Voice) -> None:
    query = voice.weighted(["where", "parcel", "weather"])

    assert len(query.ids) == 2
    assert float(np.linalg.norm(query.weights)) == pytest.approx(1)


def test_rarity_is_highest_for_unknown_words(voice: Voice) -> None:
    assert voice.rarity("weather") > voice.rarity("parcel") > voice.rarity("where")


def _profile(voice: Voice, entries: list[int]) -> Profile:
    return Profile.over(
        [voice.weighted(unit) for unit in UNITS],
        [1.0] * len(UNITS),
        entries,
        size=(max(entries) + 1, len(voice.vocabulary)),
    )


def test_an_entry_is_likelier_to_say_what_its_units_say(voice: Voice) -> None:
    profile = _profile(voice, [0, 0, 1])

    assert profile.likelihood(voice.weighted(["parcel"])).argmax() == 0
    assert profile.likelihood(voice.weighted(["password"])).argmax() == 1


def test_a_likelihood_is_a_logarithm_of_a_distribution(voice: Voice) -> None:
    profile = _profile(voice, [0, 1, 2])
    single = [profile.likelihood(voice.weighted([token])) for token in voice.vocabulary]

    assert np.exp(np.array(single)).sum(axis=0) == pytest.approx(np.ones(3), abs=1e-3)


def test_a_query_of_unknown_words_is_equally_likely_everywhere(voice: Voice) -> None:
    assert _profile(voice, [0, 1, 2]).likelihood(voice.weighted(["x"])).tolist() == [0, 0, 0]


def test_a_token_tells_entries_apart_the_fewer_say_it(voice: Voice) -> None:
    profile = _profile(voice, [0, 1, 2])

    assert profile.telling(voice.weighted(["parcel"])) == pytest.approx(1)
    where = profile.telling(voice.weighted(["where"]))
    assert where == pytest.approx(1 - math.log(2) / math.log(3))
