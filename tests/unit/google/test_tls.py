# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS at Google's load balancer: what a run makes of it, and which certificates are refused untouched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from sandbox.gcp.balancing import serving
from tests.unit.infrastructure.account import HOST, rows
from tests.unit.infrastructure.test_account import codes

from .conftest import PROJECT
from .made import REGION, certificate, operations, zone
from .project import NAME, Project
from .test_account import READS_OF_A_RUN, SECURE, WHOLE
from .test_kinds import patch

pytestmark = pytest.mark.slow

LINK = f"projects/{PROJECT}/global/sslCertificates/theirs"
MADE = [
    ("create", "SSL policy", NAME), ("create", "HTTPS target proxy", NAME),
    ("create", "forwarding rule", f"{NAME}-https"), ("create", "URL map", f"{NAME}-redirect"),
]  # fmt: skip


def managed(project: Project, name: str) -> None:
    """A certificate of the user's that Google makes."""
    project.edit("POST", "global/sslCertificates", {"name": name, "type": "MANAGED", "managed": {"domains": [HOST]}})


def test_a_fleet_gets_https_keeps_it_and_loses_it_only_with_leave(project: Project) -> None:
    before = project.present()
    link, mark = certificate(project.google), project.mark()
    project.own.add(link)
    wanted = {"certificate": "theirs", "dns_name": HOST}
    predicted = project.present(check=True, **wanted)
    assert project.changes(mark) == []
    made = project.present(**wanted, plan_id=predicted["plan"]["id"])
    assert rows(made) == [*MADE, ("change", "target proxy", NAME)]
    assert made["balancer"] == before["balancer"]
    proxy, rule = project.get(f"global/targetHttpsProxies/{NAME}"), project.get(f"global/forwardingRules/{NAME}-https")
    assert [each.partition("/v1/")[2] for each in proxy["sslCertificates"]] == [link]
    assert (rule["IPAddress"], rule["portRange"], rule["target"]) == (made["balancer"], "443-443", proxy["selfLink"])
    policy = project.get(f"global/sslPolicies/{NAME}")
    assert (policy["selfLink"], policy["profile"], policy["minTlsVersion"]) == (
        proxy["sslPolicy"], "MODERN", "TLS_1_2",
    )  # fmt: skip
    assert project.get(f"global/urlMaps/{NAME}-redirect")["defaultUrlRedirect"] == {
        "httpsRedirect": True, "redirectResponseCode": "MOVED_PERMANENTLY_DEFAULT", "stripQuery": False,
    }  # fmt: skip

    mark, asked = project.mark(), len(operations(project.google))
    assert rows(project.present(**wanted)) == []
    assert project.changes(mark) == []
    # The certificate itself, and the second rule's address.
    assert len(operations(project.google)) - asked == READS_OF_A_RUN + 2

    with pytest.raises(Failed) as refused:
        project.present()
    assert codes(refused) == ["would-shrink"]
    assert "port 80 answers in plain text" in refused.value.findings[0].what
    mark = project.mark()
    project.present(allow_shrink=True)
    assert project.changes(mark) == [
        "targetHttpProxies.patch", "urlMaps.delete", "globalForwardingRules.delete", "targetHttpsProxies.delete",
        "sslPolicies.delete",
    ]  # fmt: skip
    assert project.resources() == WHOLE
    assert rows(project.present()) == []


def test_from_an_empty_project_check_mode_names_what_the_run_makes_and_a_removal_leaves_the_certificate(
    project: Project,
) -> None:
    project.secure()
    predicted = project.present(check=True)
    made = project.present(plan_id=predicted["plan"]["id"])
    assert made["plan"] == predicted["plan"]
    assert set(MADE) < set(rows(made))
    assert project.resources() == SECURE
    gone = [(kind, name) for _action, kind, name in rows(project.absent())]
    assert gone[:8] == [
        ("DNS record", f"agents/{HOST}"),
        ("forwarding rule", NAME), ("target proxy", NAME), ("URL map", f"{NAME}-redirect"),
        ("forwarding rule", f"{NAME}-https"), ("HTTPS target proxy", NAME), ("SSL policy", NAME), ("URL map", NAME),
    ]  # fmt: skip
    assert project.resources() == {}
    assert project.get(LINK.partition(f"{PROJECT}/")[2])


@pytest.mark.repetition
def test_another_certificate_and_a_policy_of_the_users_are_changes_in_place(project: Project) -> None:
    project.secure()
    project.present()
    other = certificate(project.google, "newer")
    (row,) = project.present(certificate=other)["plan"]["rows"]
    assert (row["action"], [each["field"] for each in row["fields"]]) == ("change", ["sslCertificates"])
    project.edit("POST", "global/sslPolicies", {"name": "strict", "profile": "RESTRICTED"})
    changed = project.present(certificate=other, tls_policy="strict")
    assert rows(changed) == [("change", "HTTPS target proxy", NAME), ("remove", "SSL policy", NAME)]
    assert project.get(f"global/targetHttpsProxies/{NAME}")["sslPolicy"].endswith("/sslPolicies/strict")
    assert rows(project.present(certificate=other, tls_policy="strict")) == []


def plain(project: Project) -> None:
    """The API in plain text, by the map that redirected."""
    patch(f"global/urlMaps/{NAME}-redirect", defaultUrlRedirect=None,
          defaultService=f"global/backendServices/{NAME}")(project)  # fmt: skip


def elsewhere(project: Project) -> None:
    patch(f"global/urlMaps/{NAME}-redirect", defaultUrlRedirect={"hostRedirect": "evil.example"})(project)


@pytest.mark.parametrize(
    ("edit", "kind", "named"),
    [
        (plain, "URL map", ["defaultUrlRedirect", "defaultService"]),
        (elsewhere, "URL map", ["defaultUrlRedirect"]),
        (patch(f"global/targetHttpsProxies/{NAME}", certificateMap="//certificatemanager.googleapis.com/x"),
         "HTTPS target proxy", ["certificateMap"]),
        (patch(f"global/sslPolicies/{NAME}", minTlsVersion="TLS_1_0"), "SSL policy", ["minTlsVersion"]),
    ],
    ids=["no redirect", "redirect elsewhere", "another certificate", "TLS 1.0"],
)  # fmt: skip
def test_what_is_edited_by_hand_is_named_and_restored(
    project: Project, edit: Callable[[Project], None], kind: str, named: list[str]
) -> None:
    project.secure()
    project.present()
    edit(project)
    (row,) = project.present()["plan"]["rows"]
    assert (row["kind"], [each["field"] for each in row["fields"]]) == (kind, named)
    assert rows(project.present()) == []


def test_somebody_elses_rule_and_proxy_are_neither_adopted_nor_removed(project: Project) -> None:
    project.present()
    link = certificate(project.google)
    project.edit("POST", "global/targetHttpsProxies", {
        "name": NAME, "urlMap": f"global/urlMaps/{NAME}", "sslCertificates": [link]})
    assert rows(project.present()) == []
    with pytest.raises(Failed) as refused:
        project.present(certificate=link)
    assert codes(refused) == ["not-managed"]
    assert project.get(f"global/targetHttpsProxies/{NAME}")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"certificate": "nowhere"}, "certificate-not-found"),
        ({"certificate": LINK.replace("global", f"regions/{REGION}")}, "certificate-elsewhere"),
        ({"certificate": LINK.replace(PROJECT, "b-project")}, "certificate-elsewhere"),
        ({"certificate": "arn:aws:acm:r:123456789012:certificate/1"}, "bad-certificate"),
        ({"certificate": "//certificatemanager.googleapis.com/projects/p/locations/global/certificates/c"},
         "bad-certificate"),
        ({"dns_name": "other.example.org"}, "certificate-mismatch"),
        ({"certificate": "old"}, "certificate-expired"),
        ({"certificate": "failed"}, "certificate-not-issued"),
    ],
)  # fmt: skip
def test_a_certificate_that_cannot_serve_is_refused_before_anything_is_touched(
    project: Project, options: dict[str, Any], code: str
) -> None:
    certificate(project.google, "old", days=-1)
    managed(project, "failed")
    failed = project.google.front.compute.resources.get(f"projects/{PROJECT}/global/sslCertificates/failed")
    failed["managed"]["status"] = "PROVISIONING_FAILED_PERMANENTLY"
    project.secure(dns_name=HOST)
    for check in (True, False):
        with pytest.raises(Failed) as refused:
            project.present(check=check, **options)
        assert codes(refused) == [code]
    assert (project.changes(), project.resources()) == ([], {})


def test_one_that_google_makes_is_issued_after_the_load_balancer_has_it(project: Project) -> None:
    managed(project, "made")
    project.own = set(project._listed())
    project.present(certificate="made", dns_name=HOST)
    served = serving(project.google.front.compute.resources)
    assert served
    assert served.https
    assert (served.https.certificate, served.https.redirected) == ("", True)


def test_google_makes_one_and_another_one_for_another_name(project: Project) -> None:
    zone(project.google)
    project.own = set(project._listed())
    wanted = {"certificate": "managed", "dns_zone": "agents", "dns_name": HOST}
    with pytest.raises(Failed) as refused:
        project.present(certificate="managed")
    assert (codes(refused), project.changes()) == (["bad-certificate"], [])
    predicted = project.present(check=True, **wanted)
    assert predicted["certificate_status"] == "(known after apply)"
    made = project.present(**wanted, plan_id=predicted["plan"]["id"])
    assert made["certificate_status"] == "PROVISIONING"
    assert project.resources() == {**SECURE, "sslCertificates": 1}
    (first,) = [name for _action, kind, name in rows(made) if kind == "SSL certificate"]
    assert project.get(f"global/sslCertificates/{first}")["managed"]["domains"] == [HOST]
    assert rows(project.present(**wanted)) == []

    other = {**wanted, "dns_name": "other.example.org"}
    changed = project.present(**other, allow_shrink=True)
    assert rows(changed)[-1] == ("remove", "SSL certificate", first)
    assert project.resources() == {**SECURE, "sslCertificates": 1}
    link = certificate(project.google, host="other.example.org")
    project.own.add(link)
    # It has been replaced: nothing is lost.
    own = project.present(**{**other, "certificate": link})
    assert [(action, kind) for action, kind, _name in rows(own)] == [
        ("change", "HTTPS target proxy"), ("remove", "SSL certificate"),
    ]  # fmt: skip
    assert project.resources() == SECURE
    project.present(**other)
    project.absent()
    assert project.resources() == {}


def test_a_load_balancer_of_the_users_gets_no_certificate(project: Project) -> None:
    project.present()
    project.edit("POST", "global/backendServices", {
        "name": "theirs", "healthChecks": [f"global/healthChecks/{NAME}"],
        "backends": project.get(f"global/backendServices/{NAME}")["backends"]})  # fmt: skip
    for options in ({"certificate": LINK}, {"dns_zone": "agents"}):
        with pytest.raises(Failed) as refused:
            project.present(backend_service="theirs", **options)
        assert codes(refused) == ["front-without-balancer"]


def test_the_sandboxs_balancer_answers_443_and_redirects_80(project: Project) -> None:
    resources = project.google.front.compute.resources
    address = project.present()["balancer"]
    before = serving(resources)
    assert before
    assert (before.places, before.https) == (((address, 80),), None)
    project.secure()
    project.present()
    served = serving(resources)
    assert served
    assert (served.places, served.addresses) == (((address, 80),), [address])
    assert served.https
    assert (served.https.redirected, served.https.login, served.https.binds) == (True, "", [f"{address}:443"])
    assert "PRIVATE KEY" in served.https.certificate
