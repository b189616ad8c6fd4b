# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster a run is about: that of a kubeconfig, wherever Ansible runs, and its own pod's only without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import config

from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_api import Api

OWN = "https://10.0.0.1:443"


@pytest.fixture
def pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The home directory of a pod, as AWX's jobs run in one."""

    def load(client_configuration: Any, **_more: Any) -> None:
        client_configuration.host = OWN

    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(config, "load_incluster_config", load)
    return tmp_path


def written(path: Path, server: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "users": [{"name": "me", "user": {"token": "a-token"}}],
        "clusters": [{"name": "one", "cluster": {"server": server}}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "me"}}],
    }))  # fmt: skip
    return path


def test_a_pod_without_a_kubeconfig_is_about_its_own_cluster(pod: Path) -> None:
    assert Api().server == OWN


def test_a_kubeconfig_of_the_environment_is_the_cluster_in_a_pod_too(
    pod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(written(pod / "given", "https://fleet.example")))
    assert Api().server == "https://fleet.example"


def test_so_is_one_in_the_home_directory(pod: Path) -> None:
    written(pod / ".kube" / "config", "https://home.example")
    assert Api().server == "https://home.example"


def test_the_environment_s_comes_before_the_one_in_the_home_directory(
    pod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(pod / ".kube" / "config", "https://home.example")
    monkeypatch.setenv("KUBECONFIG", str(written(pod / "given", "https://fleet.example")))
    assert Api().server == "https://fleet.example"


def test_a_kubeconfig_that_is_named_and_missing_is_never_replaced_by_the_pod_s_own_cluster(
    pod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(pod / "missing"))
    with pytest.raises(Exception, match="No cluster is known"):
        Api()
