"""Text as the value it stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from talkwire._settings.texts import home, http, listed, mapped, networks, number


@pytest.mark.parametrize(
    ("text", "value"),
    [("a, b ,", ["a", "b"]), ('["a"]', ["a"]), ("", []), (["x"], ["x"]), (5, 5)],
)
def test_lists(text: object, value: object) -> None:
    assert listed(text) == value


def test_a_broken_json_list_is_told() -> None:
    with pytest.raises(ValueError, match="expected a JSON list"):
        listed("[a")


def test_a_tilde_is_the_users_folder() -> None:
    assert home("~/x") == Path.home() / "x"
    assert home(None) is None


@pytest.mark.parametrize("url", ["http://", "ftp://a", "a", "http://a:0/", "http://a:x/", "//a"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected an http"):
        http(url)


def test_the_last_slash_goes() -> None:
    assert http("https://a:1/v1/") == "https://a:1/v1"


def test_an_object_comes_from_a_variable_as_json() -> None:
    assert mapped('{"a": 1}') == {"a": 1}
    assert mapped({"a": 1}) == {"a": 1}
    with pytest.raises(ValueError, match="expected a JSON object"):
        mapped("{a")


def test_networks_are_told_from_other_words() -> None:
    assert networks(("10.0.0.0/8", "::1")) == ("10.0.0.0/8", "::1")
    for wrong in ("nginx", "10.0.0.1/8", "", "*"):
        with pytest.raises(ValueError, match="expected addresses and networks"):
            networks((wrong,))


@pytest.mark.parametrize("value", [1, 2.5, "3", None])
def test_numbers_and_texts_pass(value: object) -> None:
    assert number(value) == value


@pytest.mark.parametrize("value", [True, False])
def test_yes_is_no_number(value: bool) -> None:
    with pytest.raises(ValueError, match="got true or false"):
        number(value)
