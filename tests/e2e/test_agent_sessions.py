"""Sessions of accounts over real sockets: one server with keys, three people, a real database."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from talkwire.canon.sessions import Archive
from talkwire.wires.agent_chat.sessions_file import written
from tests import trees
from tests.e2e import accounts
from tests.e2e.accounts import Place
from tests.e2e.keyed import whole
from tests.e2e.provider import said


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with accounts.place(tmp_path_factory.mktemp("agent_sessions")) as made:
        yield made


async def test_a_session_is_made_shown_and_changed(place: Place) -> None:
    ann = place.ann
    made = await place.ask(
        ann,
        "POST",
        "/chat/session",
        {
            "title": "Holidays",
            "user_id": "u-1",
            "agent_id": "assistant",
            "metadata": {"plan": ["gold", 1.5, None]},
            "system_prompt_name": "default",
        },
        201,
    )
    path = f"/sessions/{made['session_id']}"

    shown = await place.ask(ann, "GET", path)
    assert {name: shown[name] for name in made} == made
    assert (shown["message_count"], shown["messages"]) == (0, [])
    assert made["metadata"] == {"plan": ["gold", 1.5, None]}
    changed = await place.ask(ann, "PATCH", path, {"title": None, "archived": True})
    assert changed == {**made, "title": None, "archived": True}
    assert await place.ask(ann, "PATCH", path, {}) == changed
    history = await place.ask(ann, "GET", f"/chat/history/{made['session_id']}")
    assert (history["messages"], history["total"], history["next_cursor"]) == ([], 0, None)


async def test_what_is_not_acceptable_is_refused_with_its_field(place: Place) -> None:
    path = f"/sessions/{await place.begin(place.ann)}"
    asked: list[tuple[str, str, Any, int, str]] = [
        ("POST", "/chat/session", {"agent_id": "nobody"}, 404, "agent_id"),
        ("POST", "/chat/session", {"system_prompt_name": "none"}, 404, "system_prompt_name"),
        ("POST", "/chat/session", {"user_id": "a\x00b"}, 422, "user_id"),
        ("POST", "/chat/session", {"title": ""}, 422, "title"),
        ("POST", "/chat/session", {"metadata": [1]}, 422, "metadata"),
        ("POST", "/chat/session", {"metadata": {"a": "x" * 20_000}}, 422, "metadata"),
        ("PATCH", path, {"titel": "x"}, 422, "titel"),
        ("PATCH", path, {"archived": None}, 422, "archived"),
        ("PATCH", path, {"title": "x" * 201}, 422, "title"),
        ("PATCH", "/sessions/none", {"titel": "x"}, 422, "titel"),
        ("GET", "/sessions?limit=0", None, 422, "limit"),
        ("GET", "/sessions?limit=201", None, 422, "limit"),
        ("GET", "/sessions?archived=maybe", None, 422, "archived"),
        ("GET", "/sessions?cursor=%00", None, 422, "cursor"),
        ("GET", "/sessions?cursor=WyJhIiwwXQ", None, 422, "cursor"),
        ("GET", "/chat/history/x?cursor=WzEsMl0", None, 422, "cursor"),
        ("POST", "/sessions/batch", {"action": "burn", "session_ids": ["a"]}, 422, "action"),
        ("POST", "/sessions/batch", {"action": "delete", "session_ids": []}, 422, "session_ids"),
        (
            "POST",
            "/sessions/batch",
            {"action": "delete", "session_ids": ["a"] * 501},
            422,
            "session_ids",
        ),
        ("GET", f"{path}/export?format=pdf", None, 422, "format"),
    ]
    for method, target, body, status, param in asked:
        told = await place.refused(place.ann, method, target, body)
        assert told == (status, param), (method, target, body)


async def test_nobody_sees_or_changes_what_is_anothers(place: Place) -> None:
    theirs = await place.begin(place.ann, title="Secret", user_id="u-secret")
    for who in (place.bob, place.admin):
        for method, target, body in (
            ("GET", f"/sessions/{theirs}", None),
            ("PATCH", f"/sessions/{theirs}", {"title": "Mine"}),
            ("DELETE", f"/sessions/{theirs}", None),
            ("GET", f"/chat/history/{theirs}", None),
            ("GET", f"/sessions/{theirs}/export", None),
        ):
            assert (await place.refused(who, method, target, body))[0] == 404
        batch = {"action": "export", "session_ids": [theirs]}
        told = await place.ask(who, "POST", "/sessions/batch", batch)
        assert told["results"][0]["error"]["code"] == "not_found"
        found = await place.ask(who, "GET", "/sessions", q="Secret")
        assert found["sessions"] == []
    stats = "/sessions/user/u-secret/stats"
    assert (await place.refused(place.bob, "GET", stats))[0] == 404
    assert (await place.refused(place.bob, "GET", "/sessions/user/ann/stats"))[0] == 404
    assert (await place.ask(place.admin, "GET", stats))["sessions"] == 1
    for user in ("u-secret", "ann"):
        found = await place.ask(place.admin, "GET", "/sessions", user_id=user, q="secret")
        assert [each["owner"] for each in found["sessions"]] == ["ann"]


async def test_pages_of_a_list_are_whole_without_repeats_while_sessions_come_in(
    place: Place,
) -> None:
    ids = [await place.begin(place.bob, user_id="pager") for _ in range(7)]
    seen: list[str] = []
    query: dict[str, Any] = {"user_id": "pager", "limit": 3}
    while True:
        page = await place.ask(place.bob, "GET", "/sessions", **query)
        seen += [each["session_id"] for each in page["sessions"]]
        if page["next_cursor"] is None:
            break
        await place.begin(place.bob, user_id="pager")
        query["cursor"] = page["next_cursor"]

    assert sorted(seen) == sorted(ids)


async def test_a_history_is_read_in_pages_with_what_turns_were(place: Place) -> None:
    session_id = await place.begin(place.ann)
    first = await place.say(place.ann, session_id, "words=2 one")
    await place.say(place.ann, session_id, "words=3 two")
    await place.say(place.ann, session_id, "words=1 again", parent_message_id=f"msg_{first}")
    await place.say(place.ann, session_id, "words=2 then=cut")
    seen: list[Any] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = await place.ask(place.ann, "GET", f"/chat/history/{session_id}", **query)
        seen += page["messages"]
        await place.say(place.ann, session_id, "words=1 meanwhile")
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    texts = ["words=2 one", said(2), "words=1 again", said(1), "words=2 then=cut", said(2)]
    assert [each["content"] for each in seen] == texts
    assert [each["parent_id"] for each in seen[1:]] == [each["message_id"] for each in seen[:-1]]
    assert seen[1]["usage"] == {
        "input_tokens": 7,
        "output_tokens": 2,
        "total_tokens": 9,
        "cost": 11.0,
    }
    assert [each["usage"] is None for each in seen] == [True, False] * 3
    assert [each["incomplete"] for each in seen] == [False] * 5 + [True]
    assert (seen[5]["status"], seen[5]["agent_id"], seen[1]["turn_id"]) == (
        "failed",
        "assistant",
        first,
    )


async def test_words_are_found_in_titles_and_texts_of_ones_own(place: Place) -> None:
    titled = await place.begin(place.bob, title="Straße 100%", user_id="finder")
    texted = await place.begin(place.bob, user_id="finder")
    await place.say(place.bob, texted, "words=1 我的订单在哪里 A_B")
    found = {}
    for text in ("STRASSE", "0%", "订单", "a_b", "aXb", "%", "parts", "100_"):
        page = await place.ask(place.bob, "GET", "/sessions", q=text, user_id="finder")
        found[text] = [each["session_id"] for each in page["sessions"]]

    assert found == {
        "STRASSE": [titled],
        "0%": [titled],
        "订单": [texted],
        "a_b": [texted],
        "aXb": [],
        "%": [titled],
        "parts": [],
        "100_": [],
    }


async def test_sums_equal_a_recount_over_a_random_history(place: Place) -> None:
    dice = random.Random(7)
    owners = {"ann": place.ann, "bob": place.bob}
    labels = ["stats-1", "stats-2"]
    made = {
        name: [await place.begin(who, user_id=label) for label in labels for _ in range(2)]
        for name, who in owners.items()
    }

    async def one(name: str) -> None:
        text = f"words={dice.randrange(1, 9)} {dice.choice(['', '', 'then=500', 'then=cut'])}"
        session_id, aborted = dice.choice(made[name]), dice.random() < 0.2
        if not aborted:
            await place.say(owners[name], session_id, text)
            return
        body = {"input": "words=9 then=stall", "session_id": session_id, "on_busy": "interrupt"}
        turn = await place.ask(owners[name], "POST", "/turns", body, 202)
        await place.ask(owners[name], "POST", f"/turns/{turn['turn_id']}/abort", {})

    for _ in range(24):
        await one(dice.choice(["ann", "ann", "bob"]))

    for name, who in owners.items():
        for label in (None, *labels):
            told = await place.ask(who, "GET", f"/sessions/user/{label or name}/stats")
            again = accounts.recounted(place, name, label)
            assert {key: told[key] for key in again} == again
    both = await place.ask(place.admin, "GET", "/sessions/user/stats-1/stats")
    assert both["sessions"] == 4
    assert sum(both["turns"].values()) > 0


async def test_five_hundred_sessions_are_a_few_statements(place: Place) -> None:
    kept = await place.begin(place.ann)
    ids = [f"many-{n}" for n in range(498)]
    accounts.insert_sessions(place, "ann", ids)
    running = await place.begin(place.ann)
    body = {"input": "words=9 then=stall", "session_id": running}
    await place.ask(place.ann, "POST", "/turns", body, 202)
    named = [*ids, running, "none"]

    for action, ok in (("archive", 499), ("unarchive", 499), ("delete", 499), ("delete", 0)):
        before = place.counted.stat().st_size
        batch = {"action": action, "session_ids": named}
        told = await place.ask(place.ann, "POST", "/sessions/batch", batch)
        assert place.counted.stat().st_size - before < 160
        assert [each["session_id"] for each in told["results"]] == named
        assert (told["succeeded"], told["failed"]) == (ok, 500 - ok)
        assert told["results"][-1]["error"]["code"] == "not_found"

    for table in ("messages", "turns", "turn_logs", "turn_events", "sessions"):
        assert not any(
            f"'{each}'" in repr(row)
            for row in place.rows(f"SELECT * FROM {table}")  # noqa: S608 - a table's own name
            for each in (running, "many-7")
        )
    assert (await place.ask(place.ann, "GET", f"/sessions/{kept}"))["session_id"] == kept


async def test_a_batch_of_exports_is_bounded_and_duplicates_are_told_once(place: Place) -> None:
    session_id = await place.begin(place.ann, title="One")
    await place.say(place.ann, session_id, "words=2")
    asked = [session_id, "none", session_id, "bad id\0"]
    batch = {"action": "export", "session_ids": asked}

    told = await place.ask(place.ann, "POST", "/sessions/batch", batch)

    alone = await place.ask(place.ann, "GET", f"/sessions/{session_id}/export")
    first, none, again, bad = told["results"]
    assert first == {"session_id": session_id, "ok": True, "export": alone}
    assert again == {"session_id": session_id, "ok": True, "same_as": 0}
    assert none["error"]["code"] == bad["error"]["code"] == "not_found"


async def test_a_session_goes_out_and_comes_in_and_goes_on(place: Place) -> None:
    session_id = await place.begin(place.ann, title="Trip", user_id="u", metadata={"a": [1]})
    first = await place.say(place.ann, session_id, "words=2 one")
    await place.say(place.ann, session_id, "words=3 two")
    await place.say(place.ann, session_id, "words=1 other", parent_message_id=f"msg_{first}")
    path = f"/sessions/{session_id}/export"
    out = await whole(place.server, "GET", path, headers=place.ann.headers)
    file = json.loads(out.body)

    theirs = await place.ask(place.bob, "POST", "/sessions/import", file, 201)
    again = await place.ask(place.ann, "POST", "/sessions/import", file, 201)

    assert theirs["session_id"] == session_id
    assert again["session_id"] != session_id
    assert again["imported_from"] == session_id
    assert [m["parent"] for m in file["messages"]] == [None, 0, 1, 2, 1, 4]
    assert file["leaf"] == 5
    back = await whole(place.server, "GET", path, headers=place.bob.headers)
    assert back.body == out.body
    path = f"/sessions/{again['session_id']}/export"
    copy = await whole(place.server, "GET", path, headers=place.ann.headers)
    assert copy.body.replace(again["session_id"].encode(), session_id.encode()) == out.body

    await place.say(place.bob, session_id, "words=2 and on")
    history = await place.ask(place.bob, "GET", f"/chat/history/{session_id}")
    assert [each["content"] for each in history["messages"]][-4:] == [
        "words=1 other",
        said(1),
        "words=2 and on",
        said(2),
    ]
    message = {"session_id": again["session_id"], "content": "words=2 here"}
    answer = await place.ask(place.ann, "POST", "/chat/message", message)
    assert answer["content"] == said(2)
    question = history["messages"][0]["message_id"]
    edited = {"input": "words=4 edited"}
    await place.ask(place.bob, "POST", f"/messages/{question}/edit", edited, 202)


def test_every_tree_goes_out_as_it_came_in(place: Place) -> None:
    async def there_and_back(given: Archive) -> tuple[bytes, bytes]:
        file = json.loads(written(given))
        made = await place.ask(place.bob, "POST", "/sessions/import", file, 201)
        path = f"/sessions/{quote(made['session_id'])}/export"
        out = await whole(place.server, "GET", path, headers=place.bob.headers)
        return out.body, written(replace(given, session_id=made["session_id"]))

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(trees.archives())
    def holds(given: Archive) -> None:
        came, went = asyncio.run(there_and_back(given))
        assert came == went

    holds()


async def test_people_can_read_an_export(place: Place) -> None:
    session_id = await place.begin(place.ann, title="Trip")
    await place.say(place.ann, session_id, "words=2 go")
    path = f"/sessions/{session_id}/export"

    named = await whole(place.server, "GET", f"{path}?format=markdown", headers=place.ann.headers)
    accepted = await whole(
        place.server, "GET", path, headers=place.ann.headers | {"Accept": "text/markdown"}
    )

    assert named.body == accepted.body
    assert named.headers["content-type"] == "text/markdown; charset=utf-8"
    text = named.body.decode()
    assert text.startswith("# Trip\n")
    assert "words=2 go" in text
    assert said(2) in text


async def test_hostile_files_are_refused_with_the_place(place: Place) -> None:
    session_id = await place.begin(place.ann)
    await place.say(place.ann, session_id, "words=1 hello")
    good = await place.ask(place.ann, "GET", f"/sessions/{session_id}/export")

    def with_message(number: int, **more: Any) -> dict[str, Any]:
        messages = [dict(each) for each in good["messages"]]
        messages[number] |= more
        return {**good, "messages": messages}

    deep: Any = 1
    for _ in range(80):
        deep = [deep]
    answer = {"role": "tool", "tool_call_id": "c9"}
    files: list[tuple[Any, int, str]] = [
        (with_message(0, parent=1), 422, "messages.0.parent"),
        (with_message(1, parent=1), 422, "messages.1.parent"),
        (with_message(1, parent=7), 422, "messages.1.parent"),
        (with_message(1, turn=2), 422, "messages.1.turn"),
        (with_message(1, **answer), 422, "messages.1.tool_call_id"),
        (with_message(0, role="system"), 422, "messages.0.role"),
        (with_message(0, created_at="2026-02-31T00:00:00Z"), 422, "messages.0.created_at"),
        (with_message(0, created_at="1969-01-01T00:00:00Z"), 422, "messages.0.created_at"),
        (with_message(0, id="msg_t_1"), 422, "messages.0.id"),
        ({**good, "version": 2}, 422, "version"),
        ({**good, "leaf": 2}, 422, "leaf"),
        ({**good, "owner": "ann"}, 422, "owner"),
        ({**good, "agent_id": "nobody"}, 404, "agent_id"),
        ({**good, "session_id": "a/b"}, 422, "session_id"),
        ({**good, "metadata": {"deep": deep}}, 400, "invalid_request"),
        ({**good, "title": "\ud800"}, 400, "title"),
    ]
    for file, status, param in files:
        told = await place.refused(place.ann, "POST", "/sessions/import", file)
        assert told == (status, param), repr(file)[:300]
    huge = json.dumps({**good, "title": "x" * 10_000_000}).encode()
    assert (await place.refused(place.ann, "POST", "/sessions/import", huge))[0] == 413


async def test_what_is_deleted_leaves_nothing(place: Place) -> None:
    session_id = await place.begin(place.ann, title="canary-title", metadata={"k": "canary-meta"})
    await place.say(place.ann, session_id, "words=1 canary-text")

    await place.ask(place.ann, "DELETE", f"/sessions/{session_id}")

    async def left() -> set[str]:
        names = place.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            row["name"]
            for row in names
            if "canary-" in repr(place.rows(f'SELECT * FROM "{row["name"]}"'))  # noqa: S608 - a table's own name
        }

    assert await left() == set()
    assert (await place.refused(place.ann, "GET", f"/chat/history/{session_id}"))[0] == 404
