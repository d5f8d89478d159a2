"""Files that cannot be used: each is told with its line, its key, and what was meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from talkwire.settings import SettingsError, load

SECRET = "canary0f0f"
BROKEN = [
    # YAML itself
    ("port: [1", r":1:9: not valid YAML: "),
    ("port: 1\n\thost: a", r":2:1: not valid YAML: a tab cannot indent; use spaces"),
    ("host: *", r"put quotes around the value"),
    ("host: @a", r":1:7: not valid YAML"),
    ("- port", r":1:1: expected keys with values, such as `port: 8000`"),
    ("just text", r":1:1: expected keys with values"),
    ("port: 1\nport: 2", r":2:1: 'port' was given before, on line 1"),
    ("turns:\n  max_waiting: 1\n  max_waiting: 2", r":3:3: 'max_waiting' was given before, on lin"),
    ("host: \x07", r":1:1: holds a control character"),
    # variables
    ("host: ${NO_SUCH_HOST}", r":1:1: \$\{NO_SUCH_HOST\} is not set; set the variable, or write"),
    (
        "redis:\n  url: redis://:${NO_SUCH_PASSWORD}@h/0",
        r":2:3: \$\{NO_SUCH_PASSWORD\} is not set",
    ),
    ("wires:\n  - native\n  - ${NO_SUCH_WIRE}", r":3:5: \$\{NO_SUCH_WIRE\} is not set"),
    # keys
    ("prot: 1", r":1:1: prot: unknown key; did you mean port\?"),
    ("database:\n  pool: 5", r":2:3: database\.pool: unknown key; did you mean pool_size\?"),
    ("logs:\n  level: info", r":1:1: logs: unknown key; did you mean log\?"),
    ("log:\n  lvel: info", r":2:3: log\.lvel: unknown key; did you mean level\?"),
    ("gateway:\n  adress: x", r":2:3: gateway\.adress: unknown key"),
    ("auth:\n  jwt:\n    issuer_: x", r":3:5: auth\.jwt\.issuer_: unknown key; did you mean is"),
    ("zzz: 1", r":1:1: zzz: unknown key$"),
    (
        "models:\n  - name: a\n    provider: openai-chat\n    basurl: x",
        r":4:5: models\[1\]\.basurl: unknown key; did you mean base_url\?",
    ),
    ("listeners:\n  - {prot: 1, port: 2}", r":2:6: listeners\[1\]\.prot: unknown key; did you me"),
    # kinds of values
    ("port: eight", r":1:1: port: expected a whole number, got other text"),
    ("port: 1.5", r":1:1: port: expected a whole number, got a number"),
    ("port: true", r":1:1: port: expected a number, got true or false"),
    ("turns:\n  max_turn_s: yes", r":2:3: turns\.max_turn_s: expected a number, got true or fals"),
    ("host: 127", r":1:1: host: expected text, got a number \(quotes make it text\)"),
    ("host: on", r":1:1: host: expected text, got true or false \(quotes make it text\)"),
    ("open: maybe", r":1:1: open: expected true or false, got other text"),
    ("turns: 5", r":1:1: turns: expected a group of keys, got a number"),
    ("turns: [a]", r":1:1: turns: expected a group of keys, got a list"),
    ("models: {a: 1}", r":1:1: models: expected a list, got a group of keys"),
    ("trusted_hosts: {a: 1}", r":1:1: trusted_hosts: expected a list, got a group of keys"),
    ("data_dir: [a]", r":1:1: data_dir: expected a path, got a list"),
    # bounds and choices
    ("port: 70000", r":1:1: port: expected at most 65535, got 70000"),
    ("streams:\n  heartbeat_s: 0", r":2:3: streams\.heartbeat_s: expected at least 1, got 0"),
    ("sessions:\n  window_share: 2", r":2:3: sessions\.window_share: expected at most 1, got 2"),
    ("events:\n  retention_s: .inf", r":2:3: events\.retention_s: expected a number"),
    ("log:\n  level: loud", r":2:3: log\.level: expected 'debug', 'info', 'warning' or 'error'"),
    ("gateway:\n  protocol: dns", r":2:3: gateway\.protocol: expected 'rest' or 'consul'"),
    ("wires: [nativ]", r":1:9: wires\[1\]: expected 'responses-sse'"),
    ("log:\n  max_bytes: 5", r":2:3: log\.max_bytes: expected at least 1024, got 5"),
    # addresses
    (f"database:\n  url: mysql://u:{SECRET}@h/d", r":2:3: database\.url: expected postgresql://"),
    (f"redis:\n  url: http://:{SECRET}@h", r":2:3: redis\.url: expected redis://host:6379/0"),
    ("openai_base_url: api.example", r":1:1: openai_base_url: expected an http:// or https:// "),
    ("trusted_proxies: [here]", r":1:1: trusted_proxies: expected addresses and networks"),
    # keys that go together
    (f"workers: 2\nopenai_api_key: {SECRET}", r":1:1: workers: more than one process needs Post"),
    ("open: true\nauth:\n  mode: keys", r":1:1: open: contradicts auth\.mode keys"),
    (
        "gateway:\n  url: http://g.example\nhost: 0.0.0.0",
        r":1:1: gateway: advertise_url must say where others reach this server",
    ),
    (
        f"auth:\n  jwt:\n    secret: {SECRET}",
        r":2:3: auth\.jwt: secret: must have at least 32 bytes",
    ),
    ("default_model: b\nmodels:\n  - {name: a, provider: scripted}", r":1:1: default_model: no s"),
    ("models:\n  - provider: scripted", r":2:5: models\[1\]\.name: is required"),
    ("node:\n  beat_s: 9", r":1:1: node: dead_after_s must be at least twice beat_s"),
    ("mcpServers:\n  a: {command: x, url: y}", r":2:3: mcpServers\.a: expected either `command` o"),
    ("budgets:\n  - user: ann", r":2:5: expected a limit: day, month, total"),
]


@pytest.mark.parametrize(("text", "told"), BROKEN, ids=[text[:40] for text, _ in BROKEN])
def test_a_broken_file_is_told_with_its_line(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text, "utf-8")

    with pytest.raises(SettingsError) as raised:
        load(path)

    first = str(raised.value.problems[0])
    assert first.startswith(str(path))
    assert re.search(told, first.removeprefix(str(path))), first
    assert SECRET not in str(raised.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("prot: 1\nlog: {level: loud}\nturns:\n  max_waiting: -1\n", "utf-8")

    with pytest.raises(SettingsError) as raised:
        load(path)

    assert len(raised.value.problems) == 3
