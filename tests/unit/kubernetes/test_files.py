# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of manifests: read back as they were, written whole, and nothing of anybody else's touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import manifests
from ansible_collections.praxis.cloud.plugins.plugin_utils import rendered_files
from tests import tiers
from tests.unit.kubernetes.made import VERSION, codes, leaf, plan, seeds, variables

CHECKOUT = Path(__file__).resolve().parents[3]
#: What one YAML reader takes for a text and another for a number, a date, a truth value or nothing.
DOUBTFUL = [
    "1e3", "850699100e56", "0o17", "017", "1_000", "12:30:45", "2026-01-01", "yes", "No", "on", "y", "~", "null",
    "", " ", "a: b", "#", "- a", "grüße", "two\nlines\n", "  indented\nlines\n", "end ", "trail \n x\n", "\n",
    "a\n\n\n",
    "tab\there\n",
    "\u0085", "$(X)", "{{ x }}", "'", '"', "\\", "=", "<<", "!tag", "&a", "*a", "%", "@", "`", "NaN", "-",
]  # fmt: skip


def written(fleet: Any) -> dict[str, str]:
    return manifests.files(fleet.objects())


def test_files_are_read_back_as_the_objects_they_were() -> None:
    made = plan(agent=variables(), leaf=leaf()).objects()
    files = manifests.files(made)
    index = yaml.safe_load(files.pop("kustomization.yaml"))
    assert [yaml.safe_load(files[name]) for name in index["resources"]] == made
    assert set(files) == set(index["resources"])


@pytest.mark.parametrize("text", DOUBTFUL)
def test_a_text_stays_one_whoever_reads_it(text: str) -> None:
    thing = {"kind": "Thing", "metadata": {"name": "x"}, "data": {"value": text, "list": [{"deep": text}]}}
    (one, _index) = manifests.files([thing]).values()
    assert yaml.safe_load(one) == thing
    # Readers of other versions of YAML take a doubtful word for something else unless it is quoted.
    styles = {event.style for event in yaml.parse(one) if getattr(event, "value", None) == text}
    assert styles in ({'"'}, {"|"})


def test_the_same_fleet_gives_the_same_files() -> None:
    assert written(plan()) == written(plan())


def put(dest: Path, files: dict[str, str]) -> list[str]:
    differences = rendered_files.compare(str(dest), files, manifests)
    rendered_files.apply(str(dest), differences, manifests)
    return [os.path.basename(each.path) for each in differences]


def there(dest: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in dest.iterdir()}


def test_what_is_no_part_of_the_fleet_any_more_goes_and_the_rest_stays(tmp_path: Path) -> None:
    dest = tmp_path / "deep" / "manifests"
    before, after = written(plan()), written(plan(agent=variables(agent_config={"llm": {"timeout": 7}})))
    assert put(dest, before) and there(dest) == before
    (dest / "ingress.yaml").write_text("mine: true\n", encoding="utf-8")
    (gone,) = set(before) - set(after)
    assert gone.startswith("configmap-agent-") and gone in put(dest, after)
    assert there(dest) == {**after, "ingress.yaml": "mine: true\n"}
    assert put(dest, after) == []


@pytest.mark.parametrize("name", ["kustomization.yaml", "statefulset-agent.yaml"])
def test_a_file_of_somebody_else_s_is_never_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine: true\n", encoding="utf-8")
    with pytest.raises(Failed) as raised:
        put(tmp_path, written(plan()))
    assert codes(raised.value) == ["render-destination"] and name in str(raised.value)
    assert there(tmp_path) == {name: "mine: true\n"}


def test_a_base_of_somebody_else_s_names_nothing_to_remove(tmp_path: Path) -> None:
    assert manifests.listed("resources:\n- a.yaml\n") == []
    assert manifests.listed(manifests.MARK + "resources:\n- ../a.yaml\n- b.yaml\n") == ["b.yaml"]


def test_a_destination_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Failed) as raised:
        put(tmp_path / "file", written(plan()))
    assert codes(raised.value) == ["render-destination"]


def render(folder: Path, *arguments: str, book: str = "render.yml") -> subprocess.CompletedProcess[str]:
    """The playbook on the collection's own inventory, with nothing left open and no cloud to be found."""
    image = "registry.example/praxis@sha256:" + "5" * 64
    secrets = {"OPENAI_API_KEY": f"aws-sm://praxis/agent#OPENAI_API_KEY?version={VERSION}"}
    stores = {"stores": {"aws-sm": "praxis"}}
    kind = {"secrets": stores, "identities": stores, "seeds": seeds(10)}
    given = folder / "vars.yml"
    given.write_text(yaml.safe_dump({"praxis_agent_secrets": secrets, "praxis_kubernetes": kind}), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), book, "-i", "inventories/kubernetes"]
    around = {"ANSIBLE_SHOW_CUSTOM_STATS": "1", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(folder / "home")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GOOGLE_", "PRAXIS_"))}
    return subprocess.run(
        [*command, "-e", f"@{given}", "-e", f"praxis_render_dest={folder / 'out'}", *arguments],
        cwd=CHECKOUT, env={**kept, **around, "PRAXIS_IMAGE": image, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_the_playbook_predicts_writes_and_then_changes_nothing(tmp_path: Path) -> None:
    predicted = render(tmp_path, "--check", "--diff")
    assert predicted.returncode == 0 and "changed=1" in predicted.stdout, predicted.stdout
    assert "+kind: StatefulSet" in predicted.stdout and not (tmp_path / "out").exists()
    made = render(tmp_path, "--diff", "-vvvvv")
    assert made.returncode == 0, made.stdout
    assert "+kind: StatefulSet" in made.stdout
    files = there(tmp_path / "out")
    assert "statefulset-agent.yaml" in files
    for seed in seeds(10):
        assert seed not in "".join(files.values()) + made.stdout + made.stderr
    again = render(tmp_path, "--diff")
    assert "changed=0" in again.stdout and "+kind" not in again.stdout, again.stdout
    changed = ["-e", "{praxis_agent_config: {llm: {timeout: 7}}}"]
    differs = render(tmp_path, "--check", "--diff", *changed)
    assert "+      timeout: 7" in differs.stdout and there(tmp_path / "out") == files
    assert render(tmp_path, *changed).returncode == 0
    assert "timeout: 7" in "".join(there(tmp_path / "out").values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    tiers.first(
        [
            (["-e", "{praxis_kubernetes: {autoscale: {}}}"], "Did you mean autoscaler?"),
            (["-e", "praxis_render_dest="], "-e praxis_render_dest=DIRECTORY"),
            (["--tags", "none"], "have no tags"),
            (["-e", "praxis_image="], "praxis_image is not set."),
        ]
    ),
)
def test_the_playbook_refuses_before_it_writes(tmp_path: Path, arguments: list[str], said: str) -> None:
    refused = render(tmp_path, *arguments)
    assert refused.returncode != 0
    assert said in " ".join(refused.stdout.split()), refused.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_deployment_does_not_take_kinds_for_machines(tmp_path: Path) -> None:
    refused = render(tmp_path, "-e", "praxis_known_hosts=/dev/null", book="playbooks/plan.yml")
    assert refused.returncode != 0
    assert "the group praxis_kubernetes" in " ".join(refused.stdout.split()), refused.stdout


@pytest.mark.slow
def test_the_group_of_a_cluster_leads_to_the_cluster(tmp_path: Path) -> None:
    refused = render(tmp_path, "-e", f"praxis_kubeconfig={tmp_path}/none", book="plan.yml")
    assert refused.returncode != 0
    assert "No cluster is known" in " ".join(refused.stdout.split()), refused.stdout
