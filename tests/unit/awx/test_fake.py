# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake of AWX refuses what AWX would: else nothing that it takes would mean anything."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.awx.fake import Controller, Refused, Request
from tests.awx.injected import credential_types
from tests.awx.kinds import NODES
from tests.awx.rules import wrong_credential_type, wrong_notification, wrong_rule, wrong_survey
from tests.awx.specs import argument_spec, lists

pytest.importorskip("ansible_collections.awx.awx.plugins.modules.job_template", reason="no awx.awx in this ansible")
SSH, REGISTRY = credential_types()["ssh"], credential_types()["registry"]


@pytest.fixture
def controller() -> Controller:
    """With a synced project, an inventory, and a job template on them."""
    made = Controller(("plan.yml",))
    post(made, "projects", name="p", organization=1, scm_type="git", scm_url="https://git.example.org/a.git")
    made.answer(Request("GET", f"project_updates/{id_of(made, 'projects', 'p')}/", {}), {})
    post(made, "inventories", name="i", organization=1)
    post(made, "job_templates", **template(made))
    return made


def post(controller: Controller, endpoint: str, **body: Any) -> Any:
    return controller.answer(Request("POST", f"{endpoint}/", body), {})[1]


def id_of(controller: Controller, endpoint: str, name: str) -> int:
    return controller.named(endpoint)[name]["id"]


def template(controller: Controller, **more: Any) -> dict[str, Any]:
    return {"name": "t", "playbook": "plan.yml", "project": id_of(controller, "projects", "p"),
            "inventory": id_of(controller, "inventories", "i"), **more}  # fmt: skip


def test_the_argument_specs_are_the_modules_own() -> None:
    assert argument_spec("job_template")["survey_spec"] == {"type": "dict"}
    assert argument_spec("inventory_source")["source"]["choices"][0] == "scm"
    assert "credentials" in lists("job_template") and "extra_vars" not in lists("job_template")


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"name": "u", "playbok": "plan.yml"}, "playbok"),
        ({"name": "u", "playbook": "other.yml"}, "playbook"),
        ({"name": "u", "playbook": ""}, "playbook"),
        ({"name": "u", "inventory": "i"}, "inventory"),
        ({"name": "u", "inventory": 99}, "inventory"),
        ({"name": "u", "forks": "5"}, "forks"),
        ({"name": "u", "forks": True}, "forks"),
        ({"name": "u", "diff_mode": 1}, "diff_mode"),
        ({"name": "u", "job_type": "look"}, "job_type"),
        ({"name": "u", "extra_vars": {"a": 1}}, "extra_vars"),
        ({"name": "u", "extra_vars": "a: 1"}, "extra_vars"),
        ({"name": "u", "credentials": [1]}, "credentials"),
        ({}, "__all__"),
    ],
)
def test_a_field_that_is_wrong_is_refused(controller: Controller, more: dict[str, Any], where: str) -> None:
    with pytest.raises(Refused) as caught:
        post(controller, "job_templates", **template(controller, **more))
    assert caught.value.status == 400 and list(caught.value.answer) == [where]


def test_a_job_template_waits_for_its_project_s_sync() -> None:
    made = Controller(("plan.yml",))
    post(made, "projects", name="p", organization=1)
    post(made, "inventories", name="i", organization=1)
    with pytest.raises(Refused, match="Playbook not found for project"):
        post(made, "job_templates", **template(made))


def test_an_unknown_filter_is_refused_and_a_known_one_chooses(controller: Controller) -> None:
    found = controller.answer(Request("GET", "job_templates/", {}), {"name": "t", "organization": "1"})[1]
    assert found["count"] == 0 or found["results"][0]["name"] == "t"
    assert controller.answer(Request("GET", "job_templates/", {}), {"name": "none"})[1]["count"] == 0
    with pytest.raises(Refused, match="has no field named"):
        controller.answer(Request("GET", "job_templates/", {}), {"nam": "t"})


def test_secrets_are_not_returned_and_stay_when_their_mask_is_sent(controller: Controller) -> None:
    fields = {key: REGISTRY[key] for key in ("name", "inputs", "injectors")}
    kind = post(controller, "credential_types", kind="cloud", managed=False, **fields)
    inputs = {"username": "robot", "password": "hidden"}
    made = post(controller, "credentials", name="c", credential_type=kind["id"], inputs=inputs)
    assert made["inputs"] == {"username": "robot", "password": "$encrypted$"}
    body = {"inputs": {"username": "other", "password": "$encrypted$"}}
    controller.answer(Request("PATCH", f"credentials/{made['id']}/", body), {})
    assert controller.objects[made["id"]]["inputs"] == {"username": "other", "password": "hidden"}
    with pytest.raises(Refused, match="was unexpected"):
        post(controller, "credentials", name="d", credential_type=kind["id"], inputs={"key": "a"})
    other = post(controller, "credentials", name="e", credential_type=kind["id"])
    job = f"job_templates/{id_of(controller, 'job_templates', 't')}/credentials/"
    assert controller.answer(Request("POST", job, {"id": made["id"]}), {})[0] == 204
    with pytest.raises(Refused, match="Cannot assign multiple"):
        controller.answer(Request("POST", job, {"id": other["id"]}), {})


def test_an_approval_has_no_links_of_its_own(controller: Controller) -> None:
    """They are its node's. AWX has no such place below an approval either."""
    flow = post(controller, "workflow_job_templates", name="w", organization=1)
    node = post(controller, NODES, identifier="n", workflow_job_template=flow["id"])
    below = f"{NODES}/{node['id']}/create_approval_template/"
    approval = controller.answer(Request("POST", below, {"name": "a", "timeout": 5}), {})[1]
    assert controller.objects[node["id"]]["unified_job_template"] == approval["id"]
    with pytest.raises(Refused) as caught:
        controller.answer(Request("GET", f"workflow_approval_templates/{approval['id']}/success_nodes/", {}), {})
    assert caught.value.status == 404
    with pytest.raises(Refused, match="argument spec"):
        controller.answer(Request("POST", below, {"name": "a", "deadline": 5}), {})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda made: made["spec"].clear(), "any items"),
        (lambda made: made.pop("description"), "is missing"),
        (lambda made: made["spec"][0].pop("required"), "'required'"),
        (lambda made: made["spec"][0].update(type="number"), "allowed question types"),
        (lambda made: made["spec"][0].update(default=5), "expected to be text"),
        (lambda made: made["spec"][0].update(min="1"), "The min limit"),
        (lambda made: made["spec"].append(made["spec"][0]), "duplicated"),
        (lambda made: made["spec"][1].pop("choices"), "specify choices"),
        (lambda made: made["spec"][1].update(default="c"), "from the choices"),
        (lambda made: made["spec"][1].update(default="a\nb"), "one default"),
    ],
)
def test_a_wrong_survey_is_refused(change: Any, why: str) -> None:
    good = {"name": "", "description": "", "spec": [
        {"type": "text", "question_name": "q", "variable": "x", "required": True},
        {"type": "multiplechoice", "question_name": "q", "variable": "y", "required": True, "choices": ["a", "b"]},
    ]}  # fmt: skip
    assert wrong_survey(good) == ""
    change(good)
    assert why in wrong_survey(good)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda made: made["injectors"].update(env={"ANSIBLE_PRIVATE_KEY_FILE": "a"}), "is not allowed"),
        (lambda made: made["injectors"].update(env={"PATH": "a"}), "is not allowed"),
        (lambda made: made["injectors"]["extra_vars"].update(a="{{ user }}"), "undefined field"),
        (lambda made: made["injectors"]["extra_vars"].update(a="{{ tower.filename.other }}"), "undefined field"),
        (lambda made: made["injectors"]["extra_vars"].update(a=1), "undefined field"),
        (lambda made: made["injectors"].update(files={}), "Additional properties"),
        (lambda made: made["injectors"]["file"].update(key="a"), "no name of a file's template"),
        (lambda made: made["inputs"]["required"].append("other"), "none of the fields"),
        (lambda made: made["inputs"]["fields"][0].update(sekret=True), "Schema validation"),
        (lambda made: made["inputs"]["fields"].append(made["inputs"]["fields"][0]), "must be unique"),
    ],
)
def test_a_wrong_type_of_credential_is_refused(change: Any, why: str) -> None:
    made = copy.deepcopy(SSH)
    assert wrong_credential_type("ssh", made["inputs"], made["injectors"]).startswith("Must be 'cloud' or 'net'")
    change(made)
    assert why in wrong_credential_type("cloud", made["inputs"], made["injectors"])


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("RRULE:FREQ=DAILY;INTERVAL=1", "DTSTART required"),
        ("DTSTART:20260101T000000 RRULE:FREQ=DAILY;INTERVAL=1", "naive"),
        ("DTSTART:20260101T000000Z", "rule required"),
        ("DTSTART:20260101T000000Z RRULE:FREQ=DAILY", "INTERVAL required"),
        ("DTSTART:20260101T000000Z RRULE:FREQ=SECONDLY;INTERVAL=1", "not supported"),
        ("DTSTART:20260101T000000Z RRULE:FREQ=NEVER;INTERVAL=1", "parsing failed"),
        ("DTSTART;TZID=Europe/Berlin:20260101T000000 RRULE:FREQ=DAILY;INTERVAL=1", ""),
    ],
)
def test_a_wrong_schedule_is_refused(rule: str, why: str) -> None:
    assert why in wrong_rule(rule) and bool(why) is bool(wrong_rule(rule))


def test_a_wrong_notification_is_refused() -> None:
    assert "Missing required" in wrong_notification("webhook", {"url": "https://example.org"})
    assert "incorrect type" in wrong_notification("webhook", {"url": 5, "headers": {}})
    assert wrong_notification("webhook", {"url": "https://example.org", "headers": {}}) == ""
