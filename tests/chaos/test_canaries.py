"""Secrets wherever one can be, and the proof that they would be found. `make chaos` asks more."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos import canaries, household
from tests.chaos.canaries import Options
from tests.chaos.canary import Cage, Canary
from tests.chaos.indiscretions import LOG

BRIEF = Options(seed=3, many=False, brief=True)

pytestmark = pytest.mark.timeout(200)


async def test_no_secret_is_found_anywhere(tmp_path: Path) -> None:
    outcome = await canaries.run(BRIEF, tmp_path)

    assert outcome.green, (outcome.why, outcome.verdict.notes)


@pytest.mark.parametrize("control", [household.UNREDACTED, household.PRINTING], ids=["log", "type"])
async def test_without_redaction_secrets_are_found(control: str, tmp_path: Path) -> None:
    outcome = await canaries.run(replace(BRIEF, prelude=control), tmp_path)

    assert outcome.verdict.faults[LOG], outcome.verdict.troubles


@pytest.mark.parametrize(
    "text",
    [
        "key={}",
        "x{}x",
        '{{"a": "\\u0022{}"}}',
    ],
)
def test_a_canary_is_known_again(text: str) -> None:
    cage = Cage(1)
    secret = cage.new("a key")

    assert cage.found(text.format(secret).encode(), LOG) == ["a key"]


@pytest.mark.parametrize("words", ["{}", "jane:{}", "Bearer {}", "a{}b", "ab{}"])
def test_a_canary_is_known_again_when_it_is_encoded(words: str) -> None:
    core = "abcdefghijklmnopqrstuvwx"
    canary = Canary("a key", core)
    data = words.format(core).encode()

    for encoded in (base64.b64encode(data), data.hex().encode()):
        assert canary.is_in(encoded, encoded.lower())


def test_its_beginning_and_its_end_give_it_away() -> None:
    cage = Cage(1)
    secret = cage.new("a key")

    assert cage.found(f"{secret[:8]}…".encode(), LOG)
    assert cage.found(f"…{secret[-8:]}".encode(), LOG)
    assert not cage.found(secret[8:-8].encode(), LOG)
    assert not Cage(2).found(secret.encode(), LOG)
