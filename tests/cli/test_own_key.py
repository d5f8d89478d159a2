"""Where a command's key comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from talkwire.cli.own_key import BadKey, own_key

KEY = "tw_canary0123"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.delenv("TALKWIRE_API_KEY", raising=False)


def _text(path: Path | None = None) -> str | None:
    found = own_key(path)
    return None if found is None else found.get_secret_value()


def test_without_a_key_none_is_shown() -> None:
    assert own_key(None) is None


def test_the_file_goes_before_the_environment_and_that_before_dotenv(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path(".env").write_text("TALKWIRE_API_KEY=tw_dotenv\n")
    assert _text() == "tw_dotenv"

    monkeypatch.setenv("TALKWIRE_API_KEY", "tw_variable")
    assert _text() == "tw_variable"

    (tmp_path / "key").write_text("tw_file\n")
    assert _text(tmp_path / "key") == "tw_file"


def test_a_key_prints_as_stars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKWIRE_API_KEY", KEY)

    assert KEY not in f"{own_key(None)!r}{own_key(None)}"


@pytest.mark.parametrize(
    "text", ["", "\n", "tw_canary0123 x", "tw_canary0123\nx", "密钥", "x" * 9000]
)
def test_what_cannot_be_a_key_is_told_and_not_shown(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text(text, encoding="utf-8")
    with pytest.raises(BadKey, match="does not hold a key") as told:
        own_key(tmp_path / "key")
    assert "canary" not in str(told.value)

    if text:
        monkeypatch.setenv("TALKWIRE_API_KEY", text)
        with pytest.raises(BadKey, match="TALKWIRE_API_KEY does not hold a key"):
            own_key(None)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadKey, match="No such file"):
        own_key(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(BadKey, match="UnicodeDecodeError"):
        own_key(tmp_path / "bytes")
