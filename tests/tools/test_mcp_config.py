"""`mcpServers`, as other MCP hosts write it."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.tools.mcp_config import Address, Command, read_server, read_servers


def test_a_command_and_a_url_are_read_as_other_hosts_write_them() -> None:
    git, web = read_servers(
        {
            "git": {"command": "uvx", "args": ["mcp-server-git"], "env": {"A": "b"}, "cwd": "/srv"},
            "web": {"type": "http", "url": "https://t.example/mcp", "headers": {"X-Key": "k"}},
        }
    )

    assert git.at == Command(command="uvx", args=("mcp-server-git",), env={"A": "b"}, cwd="/srv")
    assert git.transport == "stdio"
    assert web.at == Address(url="https://t.example/mcp", headers={"X-Key": "k"})
    assert web.transport == "streamable-http"


def test_keys_of_other_hosts_are_passed_over() -> None:
    config = read_server("a", {"command": "x", "autoApprove": [], "disabled": True})

    assert not config.enabled


@pytest.mark.parametrize(
    ("entry", "about"),
    [
        ({}, "either `command` or `url`"),
        ({"command": "x", "url": "http://a"}, "either `command` or `url`"),
        ({"url": "ftp://a"}, "expected http"),
        ({"url": "http://a", "type": "sse"}, "'sse' is not spoken here"),
        ({"command": "x", "args": "y"}, "args"),
        ({"command": "x", "env": {"A": 1}}, "env"),
        ({"command": "x", "timeout_s": 0}, "timeout_s"),
        ({"command": "x", "connect_timeout_s": "5"}, "connect_timeout_s"),
        ({"command": "x", "requires_approval": "often"}, "requires_approval"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(entry: dict[str, Any], about: str) -> None:
    with pytest.raises(ValueError, match=r"mcpServers\.a") as told:
        read_server("a", entry)

    assert about in str(told.value)


def test_secrets_are_in_no_text() -> None:
    command = read_server("a", {"command": "x", "args": ["--key=abcdef"], "env": {"K": "abcdef"}})
    web = read_server(
        "b", {"url": "https://u:passw@h/mcp?key=12345", "headers": {"Authorization": "Bearer tok1"}}
    )

    assert "abcdef" not in repr(command)
    assert "passw" not in repr(web)
    assert "tok1" not in repr(web)
    assert command.redacted("said abcdef") == "said ***"
    assert web.redacted("tok1 passw key=12345") == "*** *** ***"
