"""Parts as settings ask for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from talkwire._settings.sections import LimitSettings
from talkwire._settings.voice import VoiceSettings
from talkwire.canon.events import Stamped, TurnCompleted, TurnStarted, UsageCounted
from talkwire.canon.turn import TurnRequest
from talkwire.engine.live import LiveTurn
from talkwire.engine.storage_ports import Journal
from talkwire.journals.memory import MemoryJournal
from talkwire.journals.sql import SqlJournal
from talkwire.parts import parts
from talkwire.settings import Settings
from talkwire.voice.silence import Silence


def ended(journal: Journal) -> LiveTurn:
    """A turn of Alice's that has used some tokens."""
    live = LiveTurn(
        [Stamped(0, 0, TurnStarted("t_1", "s_1", "native", TurnRequest("s_1", "native")))],
        "alice",
        journal=journal,
        observer=lambda state, stamped: None,
    )
    live.stamp([UsageCounted(30, 12), TurnCompleted("stop")])
    return live


def test_the_journal_is_durable_unless_that_was_traded_away(tmp_path: Path) -> None:
    durable = parts(Settings(data_dir=tmp_path, use_mock=True), None, None)
    quick = parts(Settings(data_dir=tmp_path, use_mock=True, durability="memory"), None, None)

    assert isinstance(durable.journal, SqlJournal)
    assert isinstance(quick.journal, MemoryJournal)


def test_what_is_given_is_used_instead_of_the_configured(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, use_mock=True, voice=VoiceSettings(use_mock=True))
    configured, voice = parts(settings, None, None), Silence()

    given = parts(settings, configured.models, voice)

    assert given.models is configured.models
    assert given.speech is voice
    assert isinstance(configured.speech, Silence)


async def test_a_turn_s_tokens_are_charged_to_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path, use_mock=True, limits=LimitSettings(tpm=100))
    made = parts(settings, None, None)
    charged: list[tuple[str, int]] = []
    rates = made.who.admission.rates
    monkeypatch.setattr(rates, "charge", lambda owner, tokens: charged.append((owner, tokens)))

    made.turns._board._on_end(ended(made.journal))

    assert charged == [("alice", 42)]
