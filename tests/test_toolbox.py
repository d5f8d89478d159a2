"""Tools as settings ask for them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from talkwire._settings.sections import (
    BuiltinToolSettings,
    EgressSettings,
    McpServerSettings,
    ToolSettings,
)
from talkwire.canon.errors import Forbidden
from talkwire.canon.tools import CallContext
from talkwire.settings import Settings
from talkwire.toolbox import fault, policy, toolbox

CONTEXT = CallContext("ann", "s_1", "t_1", "c_1")


def test_nobody_pays_for_tools_that_nobody_asked_for() -> None:
    assert toolbox(Settings()) is None


async def test_built_in_tools_are_those_that_are_on() -> None:
    asked = ToolSettings(builtin=BuiltinToolSettings(clock=True, calculator=True))
    tools = toolbox(Settings(tools=asked))

    assert tools is not None
    assert [tool.name for tool in tools.offered()] == ["clock", "calculator"]
    answer = await tools.call("calculator", {"expression": "6*7"}, CONTEXT, lambda text: None)
    assert "42" in answer.result


async def test_a_person_is_asked_about_the_tools_that_settings_name() -> None:
    switched_on = BuiltinToolSettings(clock=True, calculator=True)
    tools = toolbox(Settings(tools=ToolSettings(builtin=switched_on, approve=("clock",))))

    assert tools is not None
    assert [tool.requires_approval for tool in tools.offered()] == [True, False]


def test_wrong_arguments_are_told_without_a_call() -> None:
    schema = {"type": "object", "required": ["text"]}

    assert fault(schema, {"text": 1}) is None
    assert "text" in (fault(schema, {}) or "")


async def test_a_module_of_one_s_own_brings_its_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(
        "from talkwire.tools import tool\n\n\n"
        "@tool\ndef shout(text: str) -> str:\n    'Shouts.'\n    return text.upper()\n"
    )
    monkeypatch.chdir(tmp_path)
    tools = toolbox(Settings(tools=ToolSettings(module="mine.py")))

    assert tools is not None
    answer = await tools.call("shout", {"text": "hi"}, CONTEXT, lambda text: None)
    assert answer.result == "HI"
    wrong = await tools.call("shout", {"text": 5}, CONTEXT, lambda text: None)
    assert wrong.is_error


async def test_a_server_that_is_not_there_hinders_nothing() -> None:
    there = McpServerSettings(command=sys.executable, args=("-c", "raise SystemExit(3)"))
    asked = ToolSettings(builtin=BuiltinToolSettings(clock=True))
    tools = toolbox(Settings(tools=asked, mcpServers={"gone": there}))

    assert tools is not None
    await tools.open()
    try:
        assert [tool.name for tool in tools.offered()] == ["clock"]
    finally:
        await tools.close()


@pytest.mark.parametrize(
    "settings",
    [
        Settings(tools=ToolSettings(module="nowhere.at.all")),
        Settings(mcpServers={"web": McpServerSettings(url=SecretStr("ftp://x"))}),
        Settings(
            tools=ToolSettings(builtin=BuiltinToolSettings(fetch=True)),
            egress=EgressSettings(allow=("not a host",)),
        ),
    ],
    ids=["module", "server", "egress"],
)
def test_what_cannot_be_used_is_told_at_the_start(settings: Settings) -> None:
    with pytest.raises(ValueError, match=r"tools\.module|mcpServers\.web|egress\.allow"):
        toolbox(settings)


def test_a_server_is_somewhere_and_its_secrets_are_not_shown() -> None:
    with pytest.raises(ValidationError):
        McpServerSettings()

    server = McpServerSettings(
        url=SecretStr("http://h/?key=hidden"), headers={"A": SecretStr("hidden")}
    )
    assert "hidden" not in repr(server)


async def test_beyond_loopback_only_listed_hosts_may_be_asked() -> None:
    asked = "http://93.184.215.14/"
    far = Settings(host="0.0.0.0", open=True)  # noqa: S104 - nothing is bound
    listed = Settings(
        host="0.0.0.0",  # noqa: S104 - as above
        open=True,
        egress=EgressSettings(allow=("93.184.215.14",)),
    )

    assert (await policy(Settings()).admit(asked)).addresses
    assert (await policy(listed).admit(asked)).addresses
    with pytest.raises(Forbidden):
        await policy(far).admit(asked)
