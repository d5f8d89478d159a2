"""Many sessions at once: each is told, in order, whatever became of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from talkwire.wires.agent_chat import sessions_batch
from talkwire.wires.agent_chat.sessions_batch import BATCH, BatchShape
from tests.wires.agent_chat.household import asked, begun


async def test_each_action_is_told_for_each_session_in_order(tmp_path: Path) -> None:
    async with asked(tmp_path) as client:
        one, two = [(await begun(client, title=name))["session_id"] for name in "ab"]
        named = [two, "none", one, "no id\n", two]
        for action in ("archive", "unarchive", "export", "delete"):
            batch = {"action": action, "session_ids": named}
            response = await client.post(BATCH, json=batch)
            told = response.json()

            assert response.status_code == 200
            BatchShape.model_validate(told)
            assert [each["session_id"] for each in told["results"]] == named
            assert [each["ok"] for each in told["results"]] == [True, False, True, False, True]
            assert (told["succeeded"], told["failed"]) == (3, 2)
            if action == "export":
                assert told["results"][2]["export"]["title"] == "a"
                assert told["results"][4]["same_as"] == 0
        gone = await client.get(f"/chat/history/{one}")

    assert gone.status_code == 404


async def test_an_export_that_is_too_much_is_told_and_smaller_ones_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_batch, "ALL_BYTES", 900)
    async with asked(tmp_path) as client:
        large = await begun(client, metadata={"a": "x" * 1000})
        small = await begun(client)
        ids = [large["session_id"], small["session_id"]]
        told = (await client.post(BATCH, json={"action": "export", "session_ids": ids})).json()

    assert [each["ok"] for each in told["results"]] == [False, True]
    assert told["results"][0]["error"]["code"] == "payload_too_large"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "delete"},
        {"action": "delete", "session_ids": "all"},
        {"action": "delete", "session_ids": [1]},
        {"action": "delete", "session_ids": ["a"] * 501},
    ],
)
async def test_a_batch_has_an_action_and_ids(tmp_path: Path, body: object) -> None:
    async with asked(tmp_path) as client:
        assert (await client.post(BATCH, json=body)).status_code == 422
