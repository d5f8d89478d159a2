from __future__ import annotations

import msgspec
from hypothesis import given

from talkwire.canon.scenarios import Scene
from tests.canon.strategies import scenes


@given(scenes)
def test_a_scene_is_stored_and_read_back(scene: Scene) -> None:
    assert msgspec.json.decode(msgspec.json.encode(scene), type=Scene) == scene


def test_what_is_as_usual_takes_no_room() -> None:
    assert msgspec.json.encode(Scene()) == b"{}"
