from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from talkwire.scenarios import weighing
from talkwire.scenarios.features import NAMES
from talkwire.scenarios.weighing import (
    BY_HAND,
    SHIPPED,
    Weights,
    corrected,
    from_file,
    shipped,
    written,
)


def _row(name: str, value: float) -> list[float]:
    return [value if each == name else 0.0 for each in NAMES]


def test_the_shipped_weights_can_be_used() -> None:
    shipped.cache_clear()

    assert shipped() != BY_HAND
    assert shipped().fault() == ""
    assert BY_HAND.fault() == ""


@pytest.mark.parametrize(
    "text", ["", "{}", '{"columns": {"unheard_of": 1}}', '{"columns": {}, "version": 99}']
)
def test_weights_that_cannot_be_used_give_way_to_those_set_by_hand(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "weights.json"
    file.write_text(text)
    monkeypatch.setattr(weighing, "SHIPPED", file)
    shipped.cache_clear()

    assert shipped() == BY_HAND
    shipped.cache_clear()


def test_probabilities_are_shares_of_one() -> None:
    rows = np.array([_row("best_words", 1), _row("best_words", 0), _row("best_words", 0)])

    shares = Weights({"best_words": 2.0}).probabilities(rows, without=None)

    assert shares.sum() == pytest.approx(1)
    assert shares[0] / shares[1] == pytest.approx(np.exp(2))


def test_rows_that_are_left_out_have_no_share() -> None:
    rows = np.array([_row("best_words", 9), _row("best_words", 1), _row("best_words", 1)])

    shares = Weights({"best_words": 2.0}).probabilities(rows, without=np.array([1, 0, 0], bool))

    assert shares.tolist() == [0, 0.5, 0.5]


def test_a_correction_is_straight_between_its_points_and_level_beyond_them() -> None:
    curve = ((0.2, 0.1), (0.6, 0.9))

    assert corrected(curve, 0.4) == pytest.approx(0.5)
    assert corrected(curve, 0.0) == 0.1
    assert corrected(curve, 1.0) == 0.9


def test_what_is_written_is_read_as_the_same() -> None:
    assert msgspec.json.decode(written(BY_HAND), type=Weights) == BY_HAND
    learnt = msgspec.json.decode(SHIPPED.read_bytes(), type=Weights)
    assert written(learnt) == SHIPPED.read_bytes()


def test_weights_that_were_learnt_without_vectors_hear_them_all_the_same() -> None:
    assert shipped().columns["vector"] == BY_HAND.columns["vector"] / 2


def test_weights_of_a_file_are_read_and_faults_are_told(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    with pytest.raises(ValueError, match="cannot be read"):
        from_file(path)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"weights\.json"):
        from_file(path)
    path.write_bytes(written(BY_HAND))

    assert from_file(path) == BY_HAND
