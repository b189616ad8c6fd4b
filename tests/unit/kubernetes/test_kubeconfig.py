# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster a run is about: that of a kubeconfig, wherever Ansible runs, and its own pod's only without one."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import config
from kubernetes.client.configuration import Configuration

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_api import Api
from tests.unit.cloud.test_oci import authority
from tests.unit.cloud.wire import Answer, in_order, serving
from tests.unit.kubernetes.fake_api import TOKEN, FakeApi

__all__ = ["authority"]
VERSION = in_order(Answer(body=b'{"major": "1", "minor": "30"}'))
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


def written(path: Path, server: str, **cluster: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "users": [{"name": "me", "user": {"token": "a-token"}}],
        "clusters": [{"name": "one", "cluster": {"server": server, **cluster}}],
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


def known_by(api: FakeApi, user: dict[str, Any]) -> str:
    """A kubeconfig of the fake's cluster with this user."""
    known = json.loads(api.kubeconfig.read_text(encoding="utf-8"))
    known["users"][0]["user"] = user
    api.kubeconfig.write_text(json.dumps(known), encoding="utf-8")
    return str(api.kubeconfig)


def test_a_file_with_a_token_may_end_with_a_line_break(api: FakeApi, tmp_path: Path) -> None:
    """As `kubectl create token NAME > FILE` writes it."""
    (tmp_path / "token").write_text(TOKEN + "\n", encoding="utf-8")
    assert Api(known_by(api, {"tokenFile": str(tmp_path / "token")})).version() == (1, 30)
    assert Api(known_by(api, {"token": f" {TOKEN}\n"})).version() == (1, 30)


@pytest.mark.parametrize("token", ["planted-token\nmore", "planted token", "planted-t\u00f6ken", "planted-token\u2026"])
def test_a_token_that_is_none_is_refused_and_not_shown(api: FakeApi, token: str) -> None:
    given = Api(known_by(api, {"token": token}))
    for act in (given.version, lambda: given.execute("praxis", "agent-0", ["true"], 1.0)):
        with pytest.raises(Failed) as refused:
            act()
        assert refused.value.findings[0].code == "no-cluster" and "planted" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("clusters", {"name": "fake", "cluster": {"server": 5}}),
        ("users", {"name": "me", "user": {"auth-provider": {"name": "gcp", "config": {}}}}),
    ],
)
def test_a_kubeconfig_of_another_shape_is_no_cluster(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, name: str, entry: dict[str, Any]
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/not-there")
    known = json.loads(api.kubeconfig.read_text(encoding="utf-8"))
    api.kubeconfig.write_text(json.dumps({**known, name: [entry]}), encoding="utf-8")
    with pytest.raises(Failed, match="No cluster is known"):
        Api(str(api.kubeconfig))


def test_its_proxy_is_used_whatever_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As kubectl does it; and for commands in pods as well."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving(VERSION) as proxy:
        path = written(tmp_path / "given", "http://fleet.invalid:6443", **{"proxy-url": f"http://{proxy.host}"})
        assert Api(str(path)).version() == (1, 30)
        assert [each.path for each in proxy.requests] == ["http://fleet.invalid:6443/version"]
        with pytest.raises(errors.Unavailable, match="501"):  # it knows no CONNECT
            Api(str(path)).execute("praxis", "agent-0", ["true"], 5.0)
    monkeypatch.delenv("NO_PROXY")
    with serving(VERSION) as proxy, serving(VERSION) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.host}")
        assert Api(str(written(tmp_path / "plain", f"http://{server.host}"))).version() == (1, 30)
        assert (len(proxy.requests), len(server.requests)) == (1, 0), "without one, that of the environment"


def test_an_older_package_that_reads_no_name_of_the_server_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Older(Configuration):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            del self.tls_server_name

    monkeypatch.setattr("kubernetes.client.configuration.Configuration", Older)
    with serving(VERSION) as server:
        assert Api(str(written(tmp_path / "plain", f"http://{server.host}"))).version() == (1, 30)


def test_its_name_of_the_server_is_what_the_certificate_has_to_be_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: tuple[Path, Path]
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    certificate, key = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    known = {"certificate-authority-data": base64.b64encode(certificate.read_bytes()).decode()}
    named, skipped = {"tls-server-name": "localhost"}, {"insecure-skip-tls-verify": True}
    with serving(VERSION, tls=context) as server:
        for at, (cluster, good) in enumerate((({**known, **named}, True), (known, False), (skipped, True), ({}, False),
                                              ({**known, "tls-server-name": "elsewhere"}, False))):
            api = Api(str(written(tmp_path / str(at), f"https://{server.host}", **cluster)), retry=Retry(deadline=0.0))
            if good:
                assert api.version() == (1, 30)
            else:
                with pytest.raises(errors.Unavailable, match="certificate"):
                    api.version()
