"""`talkwire keys`: made, listed, revoked; the key itself is printed once and last."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from talkwire.canon.keys import SCOPES, USUAL_SCOPES
from talkwire.cli.keys import Asked, expiry, wanted
from talkwire.cli.main import app

NOW = 1_800_000_000.0


def ran(folder: Path, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["keys", *words, "--data-dir", str(folder)])
    return done.exit_code, done.stdout, done.stderr


def test_the_key_is_alone_on_stdout_and_never_seen_again(tmp_path: Path) -> None:
    code, text, said = ran(tmp_path, "create", "--name", "phone", "--user", "ann", "--rpm", "5")

    assert code == 0
    assert text.count("\n") == 1
    key_id, secret = text.strip().removeprefix("tw_").split("_")
    assert key_id in said
    assert secret not in said
    for listing in (ran(tmp_path, "list"), ran(tmp_path, "list", "--json")):
        assert key_id in listing[1]
        assert secret not in "".join(listing[1:])
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(secret.encode() in content for content in files)


def test_a_list_for_programs_tells_all_but_the_secret(tmp_path: Path) -> None:
    ran(tmp_path, "create", "--name", "x", "--scopes", "chat,metrics", "--expires", "2100-01-31")

    (key,) = json.loads(ran(tmp_path, "list", "--json")[1])

    assert key["scopes"] == ["chat", "metrics"]
    assert key["expires_at"] == "2100-01-31T00:00:00+00:00"
    assert key["status"] == "open"
    assert key["owner"] == f"key:{key['id']}"
    assert "secret_hash" not in key


def test_a_budget_is_told_in_both_lists(tmp_path: Path) -> None:
    words = ["--budget-day", "100000", "--budget-month", "2000000", "--cost-day", "1.5"]
    ran(
        tmp_path, "create", *words, "--cost-month", "20", "--budget-total", "9", "--cost-total", "3"
    )
    ran(tmp_path, "create", "--cost-total", "0.25")
    ran(tmp_path, "create")

    keys = json.loads(ran(tmp_path, "list", "--json")[1])
    table = CliRunner().invoke(
        app, ["keys", "list", "--data-dir", str(tmp_path)], env={"COLUMNS": "300"}
    )

    assert [key["budget"] for key in keys] == [
        {
            "day": 100_000,
            "month": 2_000_000,
            "total": 9,
            "cost_day": 1.5,
            "cost_month": 20.0,
            "cost_total": 3.0,
        },
        {
            "day": None,
            "month": None,
            "total": None,
            "cost_day": None,
            "cost_month": None,
            "cost_total": 0.25,
        },
        None,
    ]
    assert "day: 100,000 tokens, cost 1.5" in table.stdout
    assert "total: cost 0.25" in table.stdout


def test_a_revoked_key_is_told_as_such_and_an_unknown_one_is_an_error(tmp_path: Path) -> None:
    key_id = ran(tmp_path, "create")[1].split("_")[1]

    assert ran(tmp_path, "revoke", key_id)[0] == 0
    assert json.loads(ran(tmp_path, "list", "--json")[1])[0]["status"] == "revoked"
    code, _, said = ran(tmp_path, "revoke", "nobody")
    assert code == 1
    assert "talkwire keys list" in said


def test_no_keys_are_told(tmp_path: Path) -> None:
    assert "talkwire keys create" in ran(tmp_path, "list")[2]


@pytest.mark.parametrize(
    "words",
    [
        ("--scopes", "chat,root"),
        ("--expires", "yesterday"),
        ("--expires", "2001-01-01"),
        ("--expires", "0d"),
        ("--expires", "99999999d"),
        ("--user", "key:1"),
        ("--user", " "),
        ("--rpm", "0"),
        ("--tpm", "-5"),
        ("--budget-day", "0"),
        ("--budget-total", "-1"),
        ("--cost-month", "0"),
        ("--cost-day", "nan"),
        ("--cost-total", "inf"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    code, text, said = ran(tmp_path, "create", *words)

    assert code == 2
    assert text == ""
    assert said
    assert not list(tmp_path.iterdir())


def test_an_unusable_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "talkwire.sqlite3").write_text("this is no database, but it is long enough" * 99)

    code, text, said = ran(tmp_path, "create")

    assert (code, text) == (1, "")
    assert "cannot be used" in said


def test_expiry_is_a_span_or_a_date() -> None:
    assert expiry("30d", NOW) == int((NOW + 30 * 86_400) * 1000)
    assert expiry("12H", NOW) == int((NOW + 12 * 3600) * 1000)
    assert expiry("2030-01-31T00:00:00+02:00", NOW) == expiry("2030-01-30T22:00:00", NOW)


def test_an_admins_key_has_all_scopes_and_others_the_usual_ones() -> None:
    assert wanted(Asked(admin=True), time.time()).scopes == SCOPES
    assert wanted(Asked(), time.time()).scopes == USUAL_SCOPES
