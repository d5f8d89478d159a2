"""The manifests hold what keeps turns alive: probes, time to drain, and no rights."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from talkwire import __version__
from talkwire.app import build
from talkwire.settings import Settings
from tests.deploy.environment import understood

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
FILES = sorted(path for path in FOLDER.glob("*.yaml"))


def _read(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))


def _pod(name: str) -> Any:
    return _read(name)["spec"]["template"]["spec"]


def _container(name: str) -> Any:
    (container,) = _pod(name)["containers"]
    return container


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_is_one_object_that_says_what_it_is(path: Path) -> None:
    (document,) = yaml.safe_load_all(path.read_text("utf-8"))

    assert document["kind"]
    assert document["apiVersion"]


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_probes_ask_what_is_served(probe: str, tmp_path: Path) -> None:
    asked = _container("deployment")[probe]["httpGet"]
    (port,) = _container("deployment")["ports"]
    paths = build(Settings(data_dir=tmp_path, use_mock=True)).openapi()["paths"]

    assert asked["path"] in paths
    assert asked["port"] == port["name"]
    assert port["containerPort"] == Settings().port


def test_the_database_is_asked_for_readiness_alone() -> None:
    container = _container("deployment")

    assert container["livenessProbe"]["httpGet"]["path"] == "/health/liveness"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/readiness"
    assert container["readinessProbe"]["timeoutSeconds"] > 2  # what a check itself may take


def test_there_is_time_to_drain(tmp_path: Path) -> None:
    pod, container = _pod("deployment"), _container("deployment")
    settings = understood(_read("configmap")["data"], tmp_path).settings
    before_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    worker_s = 15  # what a supervisor gives its workers beyond the drain

    needed_s = before_s + settings.turns.drain_timeout_s + worker_s
    assert pod["terminationGracePeriodSeconds"] > needed_s
    assert settings.turns.drain_timeout_s == Settings().turns.drain_timeout_s


@pytest.mark.parametrize("name", ["deployment", "upgrade-job"])
def test_a_pod_may_do_nothing_but_its_work(name: str) -> None:
    pod, container = _pod(name), _container(name)

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    written = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert written == {"/data", "/tmp"}  # noqa: S108 - a path in the pod


def test_variables_are_settings_and_no_secret_is_written_down(tmp_path: Path) -> None:
    secrets = _read("secret.example")["stringData"]

    understood({**_read("configmap")["data"], **secrets}, tmp_path)

    assert set(secrets.values()) == {""}
    assert not [name for name in _read("configmap")["data"] if "URL" in name or "KEY" in name]


def test_links_to_services_do_not_overwrite_settings() -> None:
    # A Service named talkwire would set TALKWIRE_PORT=tcp://… in its pods.
    assert _read("service")["metadata"]["name"] == "talkwire"
    assert _pod("deployment")["enableServiceLinks"] is False


def test_service_and_disruption_budget_mean_the_nodes_and_not_the_job() -> None:
    nodes = _read("deployment")["spec"]["template"]["metadata"]["labels"]
    job = _read("upgrade-job")["spec"]["template"]["metadata"]["labels"]
    chosen = [
        _read("service")["spec"]["selector"],
        _read("disruption")["spec"]["selector"]["matchLabels"],
        _read("deployment")["spec"]["selector"]["matchLabels"],
    ]

    for selector in chosen:
        assert selector.items() <= nodes.items()
        assert not selector.items() <= job.items()
    assert _read("deployment")["spec"]["replicas"] == 2
    assert _read("disruption")["spec"]["minAvailable"] == 1


def test_the_image_is_this_version_s() -> None:
    images = {_container(name)["image"] for name in ("deployment", "upgrade-job")}

    assert images == {f"talkwire:{__version__}"}
    (image,) = _read("kustomization")["images"]
    assert image["newTag"] == __version__


def test_kubectl_can_put_it_together() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")

    told = subprocess.run(
        [kubectl, "kustomize", str(FOLDER)], capture_output=True, text=True, timeout=30, check=True
    )

    kinds = {document["kind"] for document in yaml.safe_load_all(told.stdout)}
    assert kinds == {"ConfigMap", "Deployment", "PodDisruptionBudget", "Service"}
