# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DNS record of the load balancer: made with a mark beside it, follows its name, and never somebody else's."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.dns_names import bad_name, record
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_dns import labels_of, remembered
from sandbox.gcp.refused import Refused
from tests.unit.infrastructure.account import HOST, rows
from tests.unit.infrastructure.test_account import codes

from .conftest import PROJECT
from .made import dns, zone
from .project import NAME, Project
from .test_account import WHOLE

ZONE = f"projects/{PROJECT}/managedZones/agents"
NAMED = {"dns_zone": "agents", "dns_name": HOST}
MARK = '"praxis_fleet=alpha praxis_managed_by=provision"'


@pytest.mark.parametrize("name", ["agents.example.org", "a-b.c.example.org", "x" * 51 + ".example.org"])
def test_the_address_remembers_the_record(name: str) -> None:
    wanted = record("zone", name)
    labels = {key: value for key, value in labels_of(wanted, "").items() if value}
    assert all(len(value) <= 63 and "." not in value for value in labels.values())
    assert remembered(labels) == wanted
    assert labels_of("", wanted) == {"praxis_dns_zone": None, "praxis_dns_name": None}
    assert labels_of("", "") == {}


@pytest.mark.parametrize(
    ("name", "domain", "bad"),
    [
        ("Agents.example.org.", "example.org.", False),
        ("example.org", "example.org.", False),
        ("", "example.org.", True),
        ("agents.example.com", "example.org.", True),
        ("agents.badexample.org", "example.org.", True),
        ("a_b.example.org", "example.org.", True),
        ("*.example.org", "example.org.", True),
        ("x" * 60 + ".example.org", "example.org.", True),
    ],
)
def test_which_names_a_zone_can_have(name: str, domain: str, bad: bool) -> None:
    assert bool(bad_name("zone", domain, name, "fleet alpha", 63)) is bad


# -- a project


def there(project: Project) -> dict[tuple[str, str], list[str]]:
    """The records of the zone beside its own."""
    found = dns(project.google, "GET", f"{ZONE}/rrsets")["rrsets"]
    return {(each["name"], each["type"]): each["rrdatas"] for each in found if each["type"] not in ("NS", "SOA")}


@pytest.fixture
def zoned(project: Project) -> Project:
    zone(project.google)
    project.own = set(project._listed())
    return project


@pytest.mark.slow
def test_a_record_leads_to_the_load_balancer_follows_its_name_and_goes_with_it(zoned: Project) -> None:
    address = zoned.present()["balancer"]
    mark = zoned.mark()
    predicted = zoned.present(check=True, **NAMED)
    assert zoned.changes(mark) == []
    made = zoned.present(**NAMED, plan_id=predicted["plan"]["id"])
    assert rows(made) == [("change", "address", NAME), ("create", "DNS record", f"agents/{HOST}")]
    assert there(zoned) == {(f"{HOST}.", "A"): [address], (f"_praxis.{HOST}.", "TXT"): [MARK]}
    mark = zoned.mark()
    assert rows(zoned.present(**NAMED)) == []
    assert zoned.changes(mark) == []

    other = {**NAMED, "dns_name": "other.example.org"}
    with pytest.raises(Failed) as refused:
        zoned.present(**other)
    assert codes(refused) == ["would-shrink"]
    assert f"lost: the name {HOST}" in refused.value.findings[0].what
    assert rows(zoned.present(**other, allow_shrink=True)) == [
        ("remove", "DNS record", f"agents/{HOST}"), ("change", "address", NAME),
        ("create", "DNS record", "agents/other.example.org"),
    ]  # fmt: skip
    assert there(zoned)[("other.example.org.", "A")] == [address]

    zoned.present(allow_shrink=True)
    assert (there(zoned), zoned.resources()) == ({}, WHOLE)
    assert "praxis_dns_zone" not in zoned.get(f"global/addresses/{NAME}")["labels"]
    assert rows(zoned.present()) == []


@pytest.mark.slow
def test_a_removal_does_not_need_the_name(zoned: Project) -> None:
    zoned.present(**NAMED)
    assert rows(zoned.absent())[0] == ("remove", "DNS record", f"agents/{HOST}")
    assert (there(zoned), zoned.resources()) == ({}, {})


def remove_by_hand(project: Project) -> None:
    """The address, and what stands before it."""
    for kind in ("forwardingRules", "addresses"):
        project.edit("DELETE", f"global/{kind}/{NAME}")


@pytest.mark.slow
def test_the_record_of_an_address_that_somebody_removed_goes_by_the_settings(zoned: Project) -> None:
    """Nothing remembers it any more, and its mark says whose it is."""
    zoned.present(**NAMED)
    remove_by_hand(zoned)
    assert rows(zoned.absent(**NAMED))[0] == ("remove", "DNS record", f"agents/{HOST}")
    assert (there(zoned), zoned.resources()) == ({}, {})
    assert rows(zoned.absent(**NAMED)) == []


@pytest.mark.slow
def test_a_marked_record_that_leads_to_another_address_of_the_project_stays(zoned: Project) -> None:
    zoned.present(**NAMED)
    remove_by_hand(zoned)
    zoned.edit("POST", "global/addresses", {"name": "theirs"})
    theirs = zoned.get("global/addresses/theirs")["address"]
    dns(zoned.google, "PATCH", f"{ZONE}/rrsets/{HOST}./A", {"rrdatas": [theirs]})
    before = there(zoned)
    assert "DNS record" not in [kind for _action, kind, _name in rows(zoned.absent(**NAMED))]
    assert there(zoned) == before and len(before) == 2


@pytest.mark.slow
@pytest.mark.parametrize(("zone_", "name"), [("agents", HOST), ("agents", ""), ("agents", "a_b"), ("", HOST),
                                             ("gone", HOST), ("no/zone", HOST)])  # fmt: skip
def test_a_removal_takes_no_record_that_is_not_marked_and_fails_at_no_name(
    zoned: Project, zone_: str, name: str
) -> None:
    zoned.present()
    dns(zoned.google, "POST", f"{ZONE}/rrsets", {"name": f"{HOST}.", "type": "A", "rrdatas": ["192.0.2.1"]})
    before = there(zoned)
    assert "DNS record" not in [kind for _action, kind, _name in rows(zoned.absent(dns_zone=zone_, dns_name=name))]
    assert there(zoned) == before


@pytest.mark.slow
def test_a_load_balancer_that_goes_takes_its_name_with_it(zoned: Project) -> None:
    zoned.present(**NAMED)
    zoned.present(**NAMED, balancer=False, allow_shrink=True)
    assert there(zoned) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "theirs",
    [
        {"name": f"{HOST}.", "type": "A", "rrdatas": ["192.0.2.1"]},
        {"name": f"{HOST}.", "type": "AAAA", "rrdatas": ["2001:db8::1"]},
        {"name": f"{HOST}.", "type": "CNAME", "rrdatas": ["example.org."]},
    ],
    ids=["A", "AAAA", "CNAME"],
)
def test_a_record_of_somebody_elses_is_neither_adopted_nor_removed(zoned: Project, theirs: dict[str, Any]) -> None:
    dns(zoned.google, "POST", f"{ZONE}/rrsets", theirs)
    before = there(zoned)
    with pytest.raises(Failed) as refused:
        zoned.present(**NAMED)
    assert codes(refused) == ["not-managed"]
    assert zoned.changes() == []
    zoned.present()
    labels = zoned.google.front.compute.resources.get(f"projects/{PROJECT}/global/addresses/{NAME}")["labels"]
    labels |= {key: value for key, value in labels_of(f"agents/{HOST}", "").items() if value}
    zoned.absent()
    assert there(zoned) == before


@pytest.mark.slow
def test_half_of_a_record_is_made_whole_and_removed(zoned: Project) -> None:
    """Somebody removed the address, and left the mark."""
    zoned.present(**NAMED)
    dns(zoned.google, "DELETE", f"{ZONE}/rrsets/{HOST}./A")
    assert rows(zoned.present(**NAMED)) == [("create", "DNS record", f"agents/{HOST}")]
    assert rows(zoned.present(**NAMED)) == []
    dns(zoned.google, "DELETE", f"{ZONE}/rrsets/{HOST}./A")
    zoned.absent()
    assert there(zoned) == {}


@pytest.mark.parametrize(
    ("options", "code"),
    [({"dns_zone": "elsewhere"}, "dns-zone-not-found"), ({"dns_name": "agents.example.com"}, "bad-dns-name"),
     ({"dns_name": ""}, "bad-dns-name")],
)  # fmt: skip
def test_a_name_that_cannot_be_is_refused_before_anything_is_touched(
    zoned: Project, options: dict[str, Any], code: str
) -> None:
    with pytest.raises(Failed) as refused:
        zoned.present(**{**NAMED, **options})
    assert codes(refused) == [code]
    assert zoned.changes() == []


# -- the sandbox's Cloud DNS


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"name": f"{HOST}", "type": "A", "rrdatas": ["192.0.2.1"]}, "Invalid value"),
        ({"name": "agents.example.com.", "type": "A", "rrdatas": ["192.0.2.1"]}, "not in the zone"),
        ({"name": f"{HOST}.", "type": "A", "rrdatas": ["2001:db8::1"]}, "Invalid value"),
        ({"name": f"{HOST}.", "type": "TXT", "rrdatas": ["two words"]}, "Invalid value"),
        ({"name": f"{HOST}.", "type": "A"}, "required"),
        ({"name": "example.org.", "type": "NS", "rrdatas": ["ns.example.org."]}, "already exists"),
        ({"name": "example.org.", "type": "CNAME", "rrdatas": ["example.com."]}, "CNAME"),
    ],
)
def test_what_cloud_dns_refuses(zoned: Project, body: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        dns(zoned.google, "POST", f"{ZONE}/changes", {"additions": [body]})


def test_a_change_is_whole_or_nothing(zoned: Project) -> None:
    one = {"name": f"{HOST}.", "type": "A", "ttl": 60, "rrdatas": ["192.0.2.1"]}
    with pytest.raises(Refused, match="does not exist"):
        dns(zoned.google, "POST", f"{ZONE}/changes", {"additions": [one], "deletions": [{**one, "type": "TXT"}]})
    assert there(zoned) == {}
    dns(zoned.google, "POST", f"{ZONE}/changes", {"additions": [one]})
    with pytest.raises(Refused, match="Precondition"):
        dns(zoned.google, "POST", f"{ZONE}/changes", {"deletions": [{**one, "ttl": 61}]})
    assert there(zoned)
