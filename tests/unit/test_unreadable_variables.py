# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable that is a template of something undefined is not one that is not set; to `default` both are the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
#: By file: variables that say where a run works, and how safely; the option made of each, and what it is without.
OPTIONS = {
    "vars/provision.yml": {
        "praxis_project": ("provision_project", ""),
        "praxis_public_address": ("provision_public_address", True),
        "praxis_certificate": ("provision_certificate", ""),
        "praxis_api_exposure": ("provision_api_exposure", ""),
        "praxis_oidc": ("provision_oidc", {}),
        "praxis_data": ("provision_data", {}),
        "praxis_eks": ("provision_cluster", {"name": ""}),
        "praxis_gke": ("provision_cluster", {"name": ""}),
        "praxis_p2p_plaintext_across": ("provision_members", []),
        "praxis_provision_plan_id": ("provision_plan_id", ""),
        "ansible_user": ("provision_ssh_user", "praxis"),
        "ansible_private_key_file": ("provision_ssh_public_key_file", os.path.expanduser("~/.ssh/id_ed25519.pub")),
        "praxis_ssh_public_key_file": ("provision_ssh_public_key_file", os.path.expanduser("~/.ssh/id_ed25519.pub")),
    },
    "down.yml": {
        "praxis_project": ("provision_project", ""),
        "praxis_dns_zone": ("provision_dns_zone", ""),
        "praxis_provision_plan_id": ("provision_plan_id", ""),
    },
    "doctor.yml": {"praxis_project": ("project", "left out")},
    "image.yml": {"praxis_project": ("project", ""), "praxis_region": ("region", "")},
    "plays/cluster.yml": {
        "praxis_kubeconfig": ("kubernetes_workload_kubeconfig", ""),
        "praxis_kube_context": ("kubernetes_workload_context", ""),
        "praxis_cluster": ("kubernetes_workload_cluster", {}),
        "praxis_plan_id": ("kubernetes_workload_plan_id", ""),
        **(CLUSTER := {
            "praxis_canary": ("kubernetes_workload_canary", 1),
            "praxis_lease": ("kubernetes_workload_lease", 120),
            "praxis_lock_wait": ("kubernetes_workload_wait", 0),
            "praxis_to": ("kubernetes_workload_to", ""),
            "praxis_unfinished": ("kubernetes_workload_unfinished", "continue"),
        }),
    },
    "plays/ecs.yml": {
        "praxis_plan_id": ("ecs_service_plan_id", ""),
        **(ECS := {"praxis_to": ("ecs_service_to", ""), "praxis_lock_wait": ("ecs_service_wait", 0)}),
    },
}


def mappings(found: Any) -> Iterator[dict[str, Any]]:
    """All mappings in a file."""
    for item in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from mappings(item)
    if isinstance(found, dict):
        yield found


def read(file: str, option: str, **known: Any) -> Any:
    """What a file makes of an option, with these variables."""
    options = next(each for each in mappings(yaml.safe_load((PLAYBOOKS / file).read_text())) if option in each)
    texts = {name: trust_as_template(text) if isinstance(text, str) else text
             for name, text in {**options, **known}.items()}  # fmt: skip
    return Templar(DataLoader(), variables={"omit": "left out", **texts}).template(texts[option])


@pytest.mark.parametrize(
    ("file", "variable", "option", "without"),
    [(file, name, *each) for file, variables in OPTIONS.items() for name, each in variables.items()],
)
def test_what_cannot_be_read_is_not_taken_for_what_is_not_set(
    file: str, variable: str, option: str, without: Any
) -> None:
    """Else a fleet is made in the credentials' own project, or one in another cluster is removed."""
    assert read(file, option) == without
    with pytest.raises(AnsibleError, match="lost"):
        read(file, option, **{variable: "{{ lost }}"})


@pytest.mark.parametrize(
    ("state", "acts"), [("status", False), ("verified", False), ("history", False), ("plan", True), ("deployed", True)]
)
@pytest.mark.parametrize(
    ("file", "verb", "variable", "option", "without"),
    [("plays/cluster.yml", "cluster_state", name, *each) for name, each in CLUSTER.items()]
    + [("plays/ecs.yml", "ecs_state", name, *each) for name, each in ECS.items()],
)
def test_who_observes_reads_nothing_that_only_others_have_a_use_for(
    file: str, verb: str, variable: str, option: str, without: Any, state: str, *, acts: bool
) -> None:
    known = {verb: state, variable: "{{ lost }}"}
    if not acts:
        assert read(file, option, **known) == without
        return
    with pytest.raises(AnsibleError, match="lost"):
        read(file, option, **known)


@pytest.mark.parametrize("given", [None, [], ["deploy"]])
def test_lists_without_a_value_are_empty_to_the_doctor(given: list[str] | None) -> None:
    """It counts them, and would report no permission, or end in an error of Python's."""
    assert read("vars/policies.yml", "_named_verbs", praxis_doctor_verbs=given) == (given or [])
    named = next(each["when"] for each in mappings(yaml.safe_load((PLAYBOOKS / "doctor.yml").read_text()))
                 if "praxis_doctor_fix" in str(each.get("when")))  # fmt: skip
    known = Templar(DataLoader(), variables={"praxis_doctor_fix": given, "praxis_doctor_plan": {}})
    assert known.template(trust_as_template("{{ %s }}" % named)) is bool(given)


@pytest.mark.parametrize("file", ["provision.yml", "down.yml"])
def test_a_cluster_whose_settings_cannot_be_read_is_not_taken_for_machines(file: str) -> None:
    conditions = {each["when"] for each in mappings(yaml.safe_load((PLAYBOOKS / file).read_text()))
                  if "eks" in str(each.get("when"))}  # fmt: skip
    given = Templar(DataLoader(), variables={"praxis_gke": trust_as_template("{{ lost }}")})
    found = {each: given.template(trust_as_template("{{ %s }}" % each)) for each in conditions}
    assert sorted(found.values()) == [False, True] and all(is_ == ("> 0" in each) for each, is_ in found.items())
