"""Settings: every source, their order, and problems that people can act on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from talkwire.settings import (
    FROZEN_NAMES,
    AuthSettings,
    DatabaseSettings,
    JwtSettings,
    ListenerSettings,
    Settings,
    SettingsError,
    client_key,
    language,
    load,
    trace,
)

CANARY = "sk-canary0123456789"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder and an environment that says nothing."""
    monkeypatch.chdir(tmp_path)
    for name in FROZEN_NAMES:
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("TALKWIRE_")]:
        monkeypatch.delenv(name)


def _problem(text: str) -> str:
    Path("config.yaml").write_text(text, "utf-8")
    with pytest.raises(SettingsError) as caught:
        load()
    assert CANARY not in str(caught.value)
    return str(caught.value)


# What is written, where the message must point, and what it must say.
BAD = [
    ("prot: 1\n", "config.yaml:1:1", "did you mean port?"),
    ("\nturns:\n  max_wating: 1\n", "config.yaml:3:3", "did you mean max_waiting?"),
    ("zzzzzz: 1\n", "config.yaml:1:1", "zzzzzz: unknown key"),
    ("port: abc\n", "config.yaml:1:1", "port: expected a whole number"),
    ("port: 70000\n", "config.yaml:1:1", "port: expected at most 65535, got 70000"),
    ("port: -1\n", "config.yaml:1:1", "port: expected at least 0, got -1"),
    ("port: [1]\n", "config.yaml:1:1", "port: expected a whole number, got a list"),
    ("port: 1.5\n", "config.yaml:1:1", "port: expected a whole number"),
    ("host: 5\n", "config.yaml:1:1", "host: expected text, got a number"),
    ("host: {a: 1}\n", "config.yaml:1:1", "host: expected text, got a group of keys"),
    ("open: maybe\n", "config.yaml:1:1", "open: expected true or false"),
    ("durability: jurnal\n", "config.yaml:1:1", "expected 'journal' or 'memory'"),
    ("turns: {on_busy: no}\n", "config.yaml:1:9", "turns.on_busy: expected 'queue'"),
    ("turns: 5\n", "config.yaml:1:1", "turns: expected a group of keys"),
    ("turns: []\n", "config.yaml:1:1", "turns: expected a group of keys, got a list"),
    ("streams: {heartbeat_s: 0}\n", "config.yaml:1:11", "expected at least 1"),
    ("streams: {heartbeat_s: 61}\n", "config.yaml:1:11", "expected at most 60"),
    ("streams: {heartbeat_s: .nan}\n", "config.yaml:1:11", "streams.heartbeat_s: expected"),
    ("sessions: {ttl_s: .inf}\n", "config.yaml:1:12", "sessions.ttl_s: expected a number"),
    ("sessions: {window_share: 2}\n", "config.yaml:1:12", "expected at most 1"),
    ("wires: [openai]\n", "config.yaml:1:", "wires[1]: expected 'responses-sse'"),
    ("wires: 5\n", "config.yaml:1:1", "wires: expected a list"),
    ("models:\n  - provider: scripted\n", "config.yaml:2:5", "models[1].name: is required"),
    ("models:\n  - name: a\n    provider: x\n", "config.yaml:3:5", "'openai-responses'"),
    ("models: {name: a}\n", "config.yaml:1:1", "models: expected a list"),
    (
        "models:\n  - {name: a, provider: scripted}\n  - {name: a, provider: scripted}\n",
        "config.yaml:1:1",
        "the name 'a' is given twice",
    ),
    (
        f"models:\n  - {{name: a, provider: openai-chat, base_url: {CANARY}}}\n",
        "config.yaml:2:38",
        "expected an http:// or https:// address",
    ),
    (f"models:\n  - {{name: a, provider: scripted, {CANARY[:5]}y: 1}}\n", "config.yaml:2:", ""),
    ("models: [{name: a, provider: scripted}]\ndefault_model: b\n", "config.yaml:2:1", "known: a"),
    ("workers: 4\n", "config.yaml:1:1", "needs PostgreSQL"),
    ("database: {url: 'mysql://u:secretpw@h/d'}\n", "config.yaml:1:", "expected postgresql://"),
    ("database: {url: 'sqlite://'}\n", "config.yaml:1:12", "database.url: expected a file"),
    ("listeners: [{port: 0, wires: [native]}]\n", "config.yaml:1:1", "a port of its own"),
    (
        "wires: [native]\nlisteners: [{port: 1, wires: [responses-sse]}]\n",
        "config.yaml:2:1",
        "listeners: the wire responses-sse is switched off",
    ),
    ("node: {beat_s: 9, dead_after_s: 10}\n", "config.yaml:1:", "at least twice"),
    ("openai_api_key: 12345\n", "config.yaml:1:1", "openai_api_key: expected text, got a number"),
    (f"voice: {CANARY}\n", "config.yaml:1:1", "voice: expected a group of keys"),
    ("port: 1\nport: 2\n", "config.yaml:2:1", "given before, on line 1"),
    ("port: [1\n", "config.yaml:2:1", "not valid YAML"),
    ("turns:\n\tmax_waiting: 1\n", "config.yaml:2:1", "not valid YAML"),
    ("openai_api_key: *abc\n", "config.yaml:1:17", "quotes"),
    ("- port\n", "config.yaml:1:1", "expected keys with values"),
    ("host: ${NOT_SET_ANYWHERE}\n", "config.yaml:1:1", "${NOT_SET_ANYWHERE} is not set"),
    ("host: !!python/object:os.system x\n", "config.yaml:1:7", "not valid YAML"),
    ("host: a\x07b\n", "config.yaml:1", "control character"),
]


@pytest.mark.parametrize(("text", "place", "said"), BAD, ids=[text[:30] for text, _, _ in BAD])
def test_a_bad_file_is_told_with_its_place_and_key(text: str, place: str, said: str) -> None:
    problem = _problem(text)

    assert problem.startswith(place)
    assert said in problem
    assert "secretpw" not in problem


def test_all_problems_are_told_at_once() -> None:
    assert len(_problem("port: x\nprot: 1\nhost: 5\n").splitlines()) == 3


def test_a_file_that_is_not_there_is_told_when_it_was_asked_for() -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.yaml: cannot be read: No such file"):
        load(Path("nowhere.yaml"))


def test_later_sources_win(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("config.yaml").write_text("port: 1\nhost: file\nturns: {max_waiting: 1, max_turn_s: 7}\n")
    Path(".env").write_text("PORT=2\nTALKWIRE_TURNS__MAX_WAITING=2\nUSE_MOCK=1\n")
    monkeypatch.setenv("TALKWIRE_PORT", "3")

    loaded = trace(host="line")

    settings = loaded.settings
    assert (settings.port, settings.host, settings.use_mock) == (3, "line", True)
    assert (settings.turns.max_waiting, settings.turns.max_turn_s) == (2, 7)
    assert loaded.origins == {
        ("port",): "environment TALKWIRE_PORT",
        ("host",): "--host",
        ("turns", "max_waiting"): ".env TALKWIRE_TURNS__MAX_WAITING",
        ("turns", "max_turn_s"): "config.yaml:3:25",
        ("use_mock",): ".env USE_MOCK",
    }


def test_the_frozen_names_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "PORT": "8084",
        "OPENAI_API_KEY": CANARY,
        "OPENAI_BASE_URL": "http://upstream/v1/",
        "USE_MOCK": "1",
        "VOICE_CLONE_BASE_URL": "http://voice",
        "VOICE_CLONE_API_KEY": CANARY,
        "VOICE_USE_MOCK": "true",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    settings = load()

    assert settings.port == 8084
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == CANARY
    assert settings.openai_base_url == "http://upstream/v1"
    assert settings.use_mock
    assert settings.voice.use_mock
    assert settings.voice.clone_base_url == "http://voice"
    assert CANARY not in repr(settings)
    assert CANARY not in settings.model_dump_json()


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.setenv("TALKWIRE_PORT", "")

    assert load() == Settings()


def test_the_address_that_a_container_platform_announces_is_no_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TALKWIRE_PORT", "tcp://10.0.0.1:8000")
    monkeypatch.setenv("TALKWIRE_PORT_8000_TCP", "tcp://10.0.0.1:8000")
    monkeypatch.setenv("TALKWIRE_SERVICE_HOST", "10.0.0.1")

    assert trace().settings.port == 8000
    assert trace().warnings == ()


def test_a_bad_variable_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", CANARY)
    monkeypatch.setenv("TALKWIRE_TURNS__MAX_WAITING", CANARY)

    with pytest.raises(SettingsError) as caught:
        load()

    assert "environment OPENAI_BASE_URL: openai_base_url: expected an http" in str(caught.value)
    assert "environment TALKWIRE_TURNS__MAX_WAITING: turns.max_waiting" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_an_unknown_variable_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKWIRE_DATADIR", "x")

    (warning,) = trace().warnings

    assert warning == (
        "TALKWIRE_DATADIR: unknown variable, not used; did you mean TALKWIRE_DATA_DIR?"
    )


def test_the_key_that_commands_show_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKWIRE_API_KEY", CANARY)

    loaded, key = trace(), client_key()

    assert loaded.warnings == ()
    assert CANARY not in repr(loaded)
    assert key is not None
    assert key.get_secret_value() == CANARY


def test_the_address_of_a_server_is_no_path() -> None:
    url = SecretStr(f"postgresql://u:{CANARY}@h/d")

    path = Settings(database=DatabaseSettings(url=url)).sqlite_path

    assert path == Settings().sqlite_path


def test_lists_come_from_variables_as_words_or_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKWIRE_TRUSTED_HOSTS", "a.example, b.example")
    monkeypatch.setenv("TALKWIRE_MODELS", '[{"name": "m", "provider": "scripted"}]')

    assert load().trusted_hosts == ("a.example", "b.example")
    assert load().models[0].name == "m"


def test_the_file_can_be_named_by_a_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "t.yaml").write_text("port: 9\ndata_dir: data\nlog:\nhost:\n")
    monkeypatch.setenv("TALKWIRE_CONFIG", str(folder / "t.yaml"))

    settings = load()

    assert settings.port == 9
    assert settings.host == "127.0.0.1"
    assert settings.data_dir == folder / "data"
    assert settings.sqlite_path == folder / "data" / "talkwire.sqlite3"


def test_settings_alone_read_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKWIRE_PORT", "1")
    Path(".env").write_text("TALKWIRE_PORT=2\n")

    assert Settings().port == 8000


def test_settings_are_frozen() -> None:
    settings = Settings()

    with pytest.raises(ValidationError):
        settings.__setattr__("port", 1)


@pytest.mark.parametrize(
    ("names", "spoken"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LC_ALL": "zh_TW"}, "zh"),
        ({"LANG": "de_DE"}, "en"),
        ({}, "en"),
    ],
)
def test_the_terminal_says_which_language(
    names: dict[str, str], spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)

    assert language() == spoken


def test_the_examples_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).resolve().parents[1]
    Path(".env").write_text((root / ".env.example").read_text("utf-8"), "utf-8")

    assert trace(root / "config.example.yaml").warnings == ()


def test_listeners_stand_for_host_and_port() -> None:
    both = (ListenerSettings(port=1), ListenerSettings(host="::1", port=2))

    assert Settings(listeners=both).addresses == [("127.0.0.1", 1), ("::1", 2)]
    assert Settings().addresses == [("127.0.0.1", 8000)]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104 - no socket
def test_beyond_this_machine_keys_are_asked_for_unless_open_in_so_many_words(host: str) -> None:
    assert Settings(host=host).asks_for_keys
    assert Settings(listeners=(ListenerSettings(host=host, port=1),)).asks_for_keys
    assert not Settings(host=host, open=True).asks_for_keys
    assert not Settings(host=host, auth=AuthSettings(mode="open")).asks_for_keys


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_on_this_machine_no_key_is_asked_for_unless_it_is_said(host: str) -> None:
    assert not Settings(host=host).asks_for_keys
    assert Settings(host=host, auth=AuthSettings(mode="keys")).asks_for_keys


def test_open_and_keys_contradict() -> None:
    with pytest.raises(ValueError, match="contradicts"):
        Settings(open=True, auth=AuthSettings(mode="keys"))


@pytest.mark.parametrize(
    "given",
    [
        {"secret": "s" * 32, "algorithms": ("RS256",)},
        {"jwks_url": "https://id.example/keys", "algorithms": ("HS256",)},
        {"jwks_url": "https://id.example/keys", "algorithms": ("none",)},
        {"jwks_url": "https://id.example/keys", "algorithms": ("RS256", "HS512")},
    ],
)
def test_algorithms_must_fit_where_the_keys_are_from(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="algorithms"):
        JwtSettings.model_validate({"issuer": "i", "audience": "a", **given})
