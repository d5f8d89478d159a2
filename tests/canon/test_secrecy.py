"""Secrets in text, by their look and by their value."""

from __future__ import annotations

import contextvars

import pytest

from talkwire.canon.secrecy import Known, hold, scrubbed

CANARY = "canary0123456789"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"401 for https://api.example/v1?token={CANARY}",
        f"postgresql://jane:{CANARY}@db/x",
        f"api_key='{CANARY}'",
        f"sk-{CANARY}",
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str) -> None:
    assert CANARY not in scrubbed(text)


@pytest.mark.parametrize(
    "text",
    [
        f"bearer\u00a0{CANARY}",
        f"BASIC\n{CANARY}",
        f"pk-{CANARY}",
        f"rk-{CANARY}",
        "tw_3f9a0c_0123456789",
        f"eyJhbGciOi.{CANARY}",
        f"redis://:{CANARY}@h",
        f"X-API-KEY={CANARY}",
        f"Password={CANARY}",
        f"SECRET:{CANARY}",
        f"authorization={CANARY}",
        f"/a?{CANARY}",
    ],
)
def test_a_look_of_any_kind_is_enough_without_other_words(text: str) -> None:
    assert "0123456789" not in scrubbed(text)


def test_other_words_stay() -> None:
    assert scrubbed("the port is 8000, and 3 of 4 came") == "the port is 8000, and 3 of 4 came"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (CANARY, f"the vault refused {CANARY}"),
        (f"Bearer {CANARY}", f"the key {CANARY}"),
        (f"redis://:{CANARY}%2F@h/0", f"the password {CANARY}/"),
        (f"{CANARY}/", f"in an address: {CANARY}%2F"),
        (f"https://h/v1?key={CANARY}", f"asked with key={CANARY}"),
    ],
)
def test_what_is_known_is_hidden_in_each_of_its_forms(value: str, text: str) -> None:
    assert CANARY not in Known([value]).hidden(text)


def test_the_longest_secret_is_hidden_first() -> None:
    assert Known(["abcdefgh", "abcdefghijkl"]).hidden("abcdefghijkl") == "***"


@pytest.mark.parametrize("values", [[], ["", "on"], ["postgresql://db/x"]])
def test_what_is_no_secret_stays(values: list[str]) -> None:
    assert Known(values).hidden("on postgresql://db/x") == "on postgresql://db/x"


def test_an_address_that_is_none_is_hidden_whole() -> None:
    assert Known(["http://[half"]).hidden("at http://[half") == "at ***"


def test_what_a_task_holds_is_hidden_there_alone() -> None:
    def task() -> str:
        hold(CANARY)
        hold("on")
        return Known().hidden(f"{CANARY} on")

    assert contextvars.copy_context().run(task) == "*** on"
    assert Known().hidden(CANARY) == CANARY
