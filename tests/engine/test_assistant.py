"""The agent that every server has."""

from __future__ import annotations

from pathlib import Path

from talkwire._settings.sections import BuiltinToolSettings, ToolSettings
from talkwire.canon.agents import ASSISTANT
from talkwire.engine.assistant import Assistant
from talkwire.parts import parts
from talkwire.settings import Settings

CLOCK = ToolSettings(builtin=BuiltinToolSettings(clock=True))


def test_it_has_the_default_model_and_the_tools_that_there_are(tmp_path: Path) -> None:
    made = parts(Settings(data_dir=tmp_path, use_mock=True, tools=CLOCK), None, None)
    assert made.tools is not None

    (card,) = Assistant(made.models, made.tools).cards()

    assert (card.id, card.kind, card.members) == (ASSISTANT, "agent", ())
    assert card.model == made.models.names()[0]
    assert card.tools == tuple(tool.name for tool in made.tools.offered()) != ()


def test_it_is_there_without_tools_too(tmp_path: Path) -> None:
    made = parts(Settings(data_dir=tmp_path, use_mock=True), None, None)

    (card,) = Assistant(made.models).cards()

    assert card.tools == ()
