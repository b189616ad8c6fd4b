# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data for AWX: each playbook that it names, and what a job is given by a credential of each type."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import botocore.credentials
import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.awx.injected import DATA, credential_types, data, inject
from tests.awx.rules import wrong_credential_type, wrong_rule

CHECKOUT = Path(__file__).resolve().parents[3]
TYPES = credential_types()


def test_the_playbook_reads_all_of_the_data() -> None:
    text = (CHECKOUT / "playbooks" / "awx.yml").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\) \}\}/(\w+)\.yml\"", text)) == sorted(path.stem for path in DATA.glob("*.yml"))


def test_a_job_template_is_a_playbook_of_the_project_and_its_survey() -> None:
    for item in data("job_templates"):
        assert (CHECKOUT / "examples" / "awx-project" / item["playbook"]).is_file()
        assert item.get("survey") in (None, item["playbook"].removesuffix(".yml"))
    asked = {item["survey"] for item in data("job_templates") if "survey" in item}
    assert asked == set(data("surveys"))


@pytest.mark.parametrize(("given", "prefix"), [
    ({}, "Praxis "), ({"praxis_awx_prefix": None}, "Praxis "), ({"praxis_awx_prefix": ""}, ""),
    ({"praxis_awx_prefix": "Blue "}, "Blue "),
])  # fmt: skip
def test_all_names_begin_alike(given: dict[str, Any], prefix: str) -> None:
    """Names are put together in two ways, and of a prefix that is nothing one makes "None"."""
    plays = yaml.safe_load((CHECKOUT / "playbooks/awx.yml").read_text(encoding="utf-8"))
    (play,) = [each for each in plays if "_prefix" in each.get("vars", ())]
    texts = {name: trust_as_template(text) for name, text in play["vars"].items() if isinstance(text, str)}
    templar = Templar(DataLoader(), variables={**texts, "_types": [{"name": "AWS"}], **given})
    assert templar.template(texts["_credentials"]) == [f"{prefix}AWS"]
    assert templar.template(trust_as_template("{{ _prefix }}AWS")) == f"{prefix}AWS"


VERBS = ("plan", "deploy", "rollback", "backup", "restore", "status", "verify", "doctor", "down")


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_its_job_template(name: str) -> None:
    assert [item for item in data("job_templates") if item["playbook"] == f"{name}.yml"]


@pytest.mark.parametrize("key", sorted(TYPES))
def test_awx_takes_a_type_of_credential(key: str) -> None:
    assert wrong_credential_type("cloud", TYPES[key]["inputs"], TYPES[key]["injectors"]) == ""


@pytest.mark.parametrize("key", sorted(TYPES))
def test_a_secret_is_called_one(key: str) -> None:
    secret = {field["id"] for field in TYPES[key]["inputs"]["fields"] if field.get("secret")}
    assert {"aws": {"secret_key", "session_token"}, "gcp": {"service_account"}, "ssh": {"private_key"},
            "registry": {"password"}}[key] == secret  # fmt: skip


def test_a_job_s_credentials_are_those_that_were_filled_in(tmp_path: Path) -> None:
    aws = inject(TYPES["aws"], {"access_key": "AKIA", "secret_key": "hidden", "region": "eu-central-1"}, tmp_path)
    assert aws.environment == {
        "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_SESSION_TOKEN": "",
        "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1",
    }  # fmt: skip
    google = inject(TYPES["gcp"], {"service_account": "{}", "project": "one", "region": "europe-west1"}, tmp_path)
    assert google.environment["GOOGLE_CLOUD_PROJECT"] == "one"
    file = Path(google.environment["GOOGLE_APPLICATION_CREDENTIALS"])
    assert file.read_text(encoding="utf-8") == "{}" and file.stat().st_mode & 0o077 == 0
    ssh = inject(TYPES["ssh"], {"private_key": "a key\n"}, tmp_path)
    assert list(ssh.variables) == ["ansible_ssh_private_key_file"]
    assert Path(ssh.variables["ansible_ssh_private_key_file"]).read_text(encoding="utf-8") == "a key\n"
    login = {"server": "r.example.org", "username": "robot", "password": "pass word"}
    assert inject(TYPES["registry"], login, tmp_path).variables == {"praxis_registries": [login]}


def test_a_session_token_that_was_not_filled_in_is_none() -> None:
    """AWX sets the variable all the same, to an empty text."""
    around = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_SESSION_TOKEN": ""}
    loaded = botocore.credentials.EnvProvider(around).load()
    assert loaded is not None and not loaded.token


@pytest.mark.parametrize("book", ["verify", "doctor"])
def test_what_only_looks_runs_by_itself(book: str) -> None:
    """AWX starts no scheduled job whose survey has a question that must be answered."""
    (template,) = [item for item in data("job_templates") if item["playbook"] == f"{book}.yml"]
    assert [item for item in data("schedules") if item["job_template"] == template["name"]]
    questions = data("surveys").get(template.get("survey"), {}).get("spec", [])
    assert not any(question["required"] or question.get("default") for question in questions)


def test_schedules_are_of_the_kind_that_awx_takes() -> None:
    names = {item["name"] for item in data("job_templates")}
    for item in data("schedules"):
        assert wrong_rule(item["rrule"]) == "" and item["job_template"] in names


def test_the_page_lists_the_variables_that_the_playbook_reads() -> None:
    files = [CHECKOUT / "playbooks" / "awx.yml", *DATA.glob("*.yml")]
    read = {name for path in files for name in re.findall(r"praxis_awx_\w+", path.read_text(encoding="utf-8"))}
    page = (CHECKOUT / "docs" / "awx.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `praxis_awx_")]
    assert {name for row in rows for name in re.findall(r"praxis_awx_\w+", row)} == read


def test_the_page_lists_the_job_templates_that_are_made() -> None:
    page = (CHECKOUT / "docs" / "awx.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^\| job templates \|.*?\| (.*?)\. ", page, re.MULTILINE)
    names = [re.sub(r" \(.*", "", name) for name in listed.split(", ")]
    assert names == [item["name"].lower() for item in data("job_templates")]
