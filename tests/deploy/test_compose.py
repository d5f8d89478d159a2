"""The compose file: what can be known of it without an engine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from talkwire.settings import Settings
from tests.deploy.environment import understood
from tests.deploy.nginx import SHIPPED

FILE = Path(__file__).resolve().parents[2] / "deploy" / "compose.yaml"
NODES = ("talkwire-1", "talkwire-2")


@pytest.fixture(scope="module")
def parts() -> Any:
    return yaml.safe_load(FILE.read_text("utf-8"))["services"]


def _filled(value: str) -> str:
    """As compose fills it in where POSTGRES_PASSWORD alone is set."""
    value = re.sub(r"\$\{POSTGRES_PASSWORD:\?[^}]*\}", "s3cret", value)
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


@pytest.mark.parametrize("name", [*NODES, "upgrade"])
def test_variables_of_the_nodes_are_settings(parts: Any, name: str, tmp_path: Path) -> None:
    given = {key: _filled(value) for key, value in parts[name]["environment"].items()}

    settings = understood(given, tmp_path).settings

    assert settings.database.is_postgres
    assert settings.redis.url is not None
    assert settings.auth.mode == "keys"
    assert not settings.open


def test_no_password_is_written_down(parts: Any) -> None:
    written = re.findall(r"PASSWORD: *(.*)|talkwire:(.*)@postgres", FILE.read_text("utf-8"))

    found = [one or other for one, other in written]
    assert len(found) == 2
    assert all(value.startswith("${POSTGRES_PASSWORD:?") for value in found)


@pytest.mark.parametrize("name", [*NODES, "upgrade", "nginx", "redis"])
def test_containers_have_no_rights_that_they_do_not_need(parts: Any, name: str) -> None:
    assert parts[name]["read_only"] is True
    assert parts[name]["cap_drop"] == ["ALL"]
    assert parts[name]["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", NODES)
def test_a_node_has_time_to_drain_and_a_folder_to_write_to(parts: Any, name: str) -> None:
    stop_s = int(parts[name]["stop_grace_period"].removesuffix("s"))

    assert stop_s > Settings().turns.drain_timeout_s + 15
    assert [mount.partition(":")[0] for mount in parts[name]["tmpfs"]] == ["/tmp", "/data"]  # noqa: S108 - paths in the container


def test_the_schema_is_brought_up_to_date_before_nodes_start(parts: Any) -> None:
    assert parts["upgrade"]["command"] == ["db", "upgrade"]
    assert "upgrade" not in parts["upgrade"]["depends_on"]
    for name in NODES:
        waits_for = parts[name]["depends_on"]["upgrade"]
        assert waits_for == {"condition": "service_completed_successfully"}


def test_nginx_is_given_the_shipped_configuration_and_finds_the_nodes_by_name(parts: Any) -> None:
    source, target, mode = parts["nginx"]["volumes"][0].split(":")

    assert (FILE.parent / source).resolve() == SHIPPED
    assert (target, mode) == ("/etc/nginx/conf.d/default.conf", "ro")
    named = re.findall(r"server ([\w-]+):(\d+)", SHIPPED.read_text("utf-8"))
    assert named == [(name, str(Settings().port)) for name in NODES]
    assert set(NODES) <= parts["nginx"]["depends_on"].keys()


def test_only_nginx_is_reachable_from_outside(parts: Any) -> None:
    assert [name for name, part in parts.items() if "ports" in part] == ["nginx"]


def test_compose_understands_it() -> None:
    docker = shutil.which("docker")
    asked = [docker or "docker", "compose", "version"]
    if docker is None or subprocess.run(asked, capture_output=True, timeout=30).returncode:
        pytest.skip("docker compose is not installed")

    command = [docker, "compose", "-f", str(FILE), "config", "--quiet"]
    subprocess.run(command, env={"POSTGRES_PASSWORD": "x"}, timeout=60, check=True)
