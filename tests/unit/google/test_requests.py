# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests, filters and pages against Google's own description of them."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.gcp import discovery
from sandbox.gcp.filters import matcher
from sandbox.gcp.pages import page
from sandbox.gcp.refused import Refused

ZONE = "/compute/v1/projects/a-project/zones/us-central1-a"
MACHINE = {"name": "praxis-1", "status": "RUNNING", "labels": {"praxis_fleet": "praxis", "praxis_slot": "a-1"},
           "canIpForward": False, "tags": {"items": ["p2p", "api"]}, "disks": [{"diskSizeGb": "20"}],
           "networkInterfaces": [{"networkIP": "10.0.0.4"}]}


def call(verb: str, path: str, body: Any = None, query: tuple[tuple[str, str], ...] = ()) -> discovery.Call:
    text = b"" if body is None else json.dumps(body).encode()
    return discovery.load("compute.v1").call(verb, path, list(query), text)


@pytest.mark.parametrize(("verb", "path", "method"), [
    ("GET", f"{ZONE}/instances", "instances.list"),
    ("GET", f"{ZONE}/instances/one", "instances.get"),
    ("POST", f"{ZONE}/instances/one/setLabels", "instances.setLabels"),
    ("GET", "/compute/v1/projects/a-project/aggregated/instances", "instances.aggregatedList"),
    ("GET", "/compute/v1/projects/debian-cloud/global/images/family/debian-12", "images.getFromFamily"),
    ("POST", f"{ZONE}/operations/operation-1/wait", "zoneOperations.wait"),
    ("PATCH", "/compute/v1/projects/a-project/regions/us-central1/backendServices/api", "regionBackendServices.patch"),
])
def test_a_request_finds_its_method(verb, path, method):
    found = call(verb, path).method
    assert f"{found.collection}.{found.name}" == method


@pytest.mark.parametrize(("verb", "path", "body", "query", "said"), [
    ("GET", "/compute/v1/projects/a-project/zones/us-central1-a/nothing", None, (), "no GET"),
    ("GET", f"{ZONE}/instances", None, (("pageSize", "3"),), 'Unknown name "pageSize"'),
    ("GET", f"{ZONE}/instances", None, (("maxResults", "three"),), "maxResults"),
    ("GET", f"{ZONE}/instances", None, (("fields", "items"),), "fields"),
    ("GET", f"{ZONE}/instances/Upper", None, (), "instance"),
    ("POST", f"{ZONE}/instances", {"naem": "one"}, (), 'Unknown name "naem"'),
    ("POST", f"{ZONE}/instances", {"name": 7}, (), "resource.name"),
    ("POST", f"{ZONE}/instances", {"name": "Not a name"}, (), "Must be a match of regex"),
    ("POST", f"{ZONE}/instances", {"labels": ["a"]}, (), "resource.labels"),
    ("POST", f"{ZONE}/instances", {"disks": {}}, (), "resource.disks"),
    ("POST", f"{ZONE}/instances", {"disks": [{"boot": "yes"}]}, (), r"resource.disks\[0\].boot"),
    ("POST", f"{ZONE}/instances", {"disks": [{"type": "FLOPPY"}]}, (), "PERSISTENT"),
])
def test_what_the_document_does_not_know_is_refused(verb, path, body, query, said):
    with pytest.raises(Refused, match=said):
        call(verb, path, body, query)


def test_what_only_google_sets_is_ignored():
    assert call("POST", f"{ZONE}/instances", {"name": "one", "status": "RUNNING"}).body == {"name": "one"}


@pytest.mark.parametrize(("text", "taken"), [
    ("", True),
    ("name=praxis-1", True),
    ("name = praxis-*", True),
    ("name != praxis-1", False),
    ('labels.praxis_fleet = "praxis"', True),
    ("labels.praxis_fleet=other", False),
    ("labels.praxis_slot:*", True),
    ("labels.missing:*", False),
    ("-labels.missing:*", True),
    ("NOT labels.praxis_slot:*", False),
    ("status=RUNNING labels.praxis_fleet=praxis", True),
    ("(status = RUNNING) AND (labels.praxis_fleet = other)", False),
    ("status=STOPPED OR status=RUNNING", True),
    ("name=other AND status=STOPPED OR status=RUNNING", False),  # OR binds tighter
    ("(name=other AND status=STOPPED) OR status=RUNNING", True),
    ("canIpForward=false", True),
    ("tags.items:p2p", True),
    ("tags.items=none", False),
    ("networkInterfaces.networkIP=10.0.0.4", True),
    ("disks.diskSizeGb > 9", True),
    ("disks.diskSizeGb <= 9", False),
    ("name eq praxis-[0-9]", True),
    ("name ne praxis-[0-9]", False),
])
def test_filters(text, taken):
    assert matcher(text)(MACHINE) is taken


@pytest.mark.parametrize("text", ["name", "name=", "= a", "(name=a", "name=a)", "AND name=a", "name === a", '"name"=a'])
def test_what_is_no_filter_is_refused(text):
    with pytest.raises(Refused, match="Invalid list filter expression"):
        matcher(text)


@given(st.text(alphabet="ab=!:<>()\"'- .*ANDORT", max_size=30))
def test_a_filter_is_taken_or_refused_and_never_crashes(text):
    with contextlib.suppress(Refused):
        matcher(text)(MACHINE)


@given(st.lists(st.integers(), max_size=60), st.integers(1, 20))
def test_pages_put_together_are_the_list(items, size):
    found, token = page(items, str(size), "", "q")
    while token:
        more, token = page(items, str(size), token, "q")
        assert len(more) <= size
        found += more
    assert found == items


@pytest.mark.parametrize(("size", "token"), [("501", ""), ("-1", ""), ("", "nonsense")])
def test_a_page_that_cannot_be(size, token):
    with pytest.raises(Refused):
        page([1, 2, 3], size, token, "q")


def test_a_token_is_good_for_its_own_question_only():
    _other, token = page([1, 2, 3], "2", "", "q")
    with pytest.raises(Refused, match="another request"):
        page([1, 2, 3], "2", token, "r")
