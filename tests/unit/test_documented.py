# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation's commands all have a row (tests/integration/test_documented.py runs them); its tables are true."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import gcp
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import Limits
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables, variable_types
from tests.documented import NO_COMMANDS, ROWS, commands, in_markdown, targets
from tests.unit.test_repository import documentation

CHECKOUT = Path(__file__).resolve().parents[2]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
DOCUMENTED = commands()


def test_every_documented_command_has_one_row() -> None:
    rows = Counter([*(row.command for row in ROWS), *NO_COMMANDS])
    wrong = {command: sorted(set(places)) for command, places in DOCUMENTED.items() if rows[command] != 1}
    assert wrong == {}, "each needs one row in tests/documented.py"


def test_every_row_stands_for_a_documented_command() -> None:
    assert {*(row.command for row in ROWS), *NO_COMMANDS} - set(DOCUMENTED) == set(), "in no page"


def test_a_row_says_why_it_runs_something_else() -> None:
    assert [row for row in ROWS if row.run and not (row.why and row.run != row.command)] == []


def test_commands_are_found_wherever_they_stand() -> None:
    page = """
# Title
Type `make up`, or `ansible-playbook deploy.yml
-i inventories/aws`; `make` alone is a program and `configs/a.yaml` a file. `ARGS="--check"` is an argument.
```
make test    # everything
    ssh admin@192.0.2.1 -i key
a ─► picture of no commands
$EDITOR file
```
```yaml
make: no command
```
```console
$ unheard-of --option
$ docker run \\
    --rm image
```
| `X=1 python -m thing` | in a table |
"""
    assert in_markdown(page) == [
        "make test", "ssh admin@192.0.2.1 -i key", "$EDITOR file", "unheard-of --option", "docker run --rm image",
        "make up", "ansible-playbook deploy.yml -i inventories/aws", 'ARGS="--check"', "X=1 python -m thing",
    ]  # fmt: skip


@pytest.mark.parametrize("target", targets())
def test_every_verb_that_help_lists_is_in_the_readme(target: str) -> None:
    assert re.search(rf"\bmake {target}\b(?!-)", README)


def variables() -> list[tuple[str, str]]:
    """Name and default of every row of the README's table of variables."""
    table = README.partition("## Variables")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines() if "| `" in line]
    found = []
    for cells in rows:
        default = cells[2].rstrip("|").strip().replace("`", "") if len(cells) > 2 else ""
        found += [(name, default) for name in re.findall(r"`(praxis_\w+)`", cells[0])]
    return found


def used(name: str) -> str:
    """A field of fleet_variables, or every expression of a playbook that reads the variable."""
    if name.removeprefix("praxis_") in {item.name for item in dataclasses.fields(fleet_variables.MemberVariables)}:
        return "fleet_variables"
    if name in variable_types.RUN_VARIABLES.values():
        return "fleet_plan"
    books = [*sorted(CHECKOUT.glob("playbooks/**/*.yml")), *sorted(CHECKOUT.glob("inventories/aws/group_vars/*.yml"))]
    return "\n".join(re.findall(rf"{name}\b[^}}]*", "\n".join(book.read_text(encoding="utf-8") for book in books)))


def in_effect(name: str) -> Any:
    """A variable's default as the code has it."""
    special = {
        "praxis_target_group": group_vars("aws")["praxis_target_group"],
        "praxis_min_edges": topology.MIN_EDGES,
        "praxis_lock_reason": None,
        "praxis_registries": [],
        "praxis_services": [],
        "praxis_data": {},
        "praxis_cluster": {},
        "praxis_eks": None,
        "praxis_gke": None,
        "praxis_backup": None,
        "praxis_slots": None,
        "praxis_data_remove": None,
        "praxis_no_proxy": [],
        **{name: group_vars("aws")[name] for name in ("praxis_known_hosts", "praxis_host_keys")},
    }
    if name in special:
        return special[name]
    options = (*variable_types.RUN_OPTIONS.values(), *variable_types.LOCK_OPTIONS.values())
    for variable, _least, _most, default in options:
        if variable == name:
            return default
    for item in dataclasses.fields(fleet_variables.MemberVariables):
        if "praxis_" + item.name == name:
            return {} if item.default is dataclasses.MISSING and item.name != "image" else item.default
    for option, variable in variable_types.RUN_VARIABLES.items():
        if variable == name:
            return documentation("fleet_plan")["options"][option].get("default")
    texts = "\n".join(book.read_text(encoding="utf-8") for book in sorted(CHECKOUT.glob("playbooks/**/*.yml")))
    others = r"\b(?!kubernetes_workload_|ecs_service_)"
    either = rf"(?:{name} \| default\(|lookup\('ansible\.builtin\.vars', '{name}', default=)"
    written = set(re.findall(rf'{others}(\w+): "{{{{ {either}([^)]*?)(?:, true)?\) }}}}"', texts))
    assert len(written) == 1, f"{name}: {written or 'no default'}"
    _option, default = written.pop()
    return None if default == "omit" else yaml.safe_load(default)


def group_vars(cloud: str) -> dict[str, Any]:
    return yaml.safe_load((CHECKOUT / f"inventories/{cloud}/group_vars/praxis_{cloud}.yml").read_text(encoding="utf-8"))


#: Defaults that the table gives in words.
WORDS = {
    ("praxis_image", ""): "none: must be set",
    ("praxis_config_dir", ""): "the collection's",
    ("praxis_target_group", "{{ 'praxis-' ~ praxis_fleet if praxis_balancer | bool else '' }}"): "praxis-<fleet>",
    ("praxis_plan_id", ""): "any",
    ("praxis_certificate", ""): "none",
    ("praxis_dns_name", ""): "any",
    ("praxis_dns_zone", ""): "none",
    ("praxis_tls_policy", ""): "TLS 1.2 and 1.3",
    ("praxis_api_exposure", ""): "as praxis_balancer_scheme says",
    ("praxis_known_hosts", group_vars("aws")["praxis_known_hosts"]): "~/.ssh/praxis-<fleet>.known_hosts",
    ("praxis_host_keys", group_vars("aws")["praxis_host_keys"]): "a file host_keys in the project",
    ("praxis_take_over", ""): "none",
    ("praxis_data_remove", "None"): "none",
    ("praxis_backup", "None"): "none",
    ("praxis_eks", "None"): "none",
    ("praxis_gke", "None"): "none",
    ("praxis_slots", "None"): "all",
    ("praxis_lock_reason", "None"): "none",
    ("praxis_record", "None"): "~/.local/state/praxis/<fleet>",
    ("praxis_hooks", "{}"): "none",
    ("praxis_confirm_deadline", "None"): "by the batches",
    ("praxis_lease", "None"): "900, more where a batch may take longer",
    ("praxis_join_timeout", "None"): "by its kind and its health check",
    ("praxis_min_available", "None"): "all but a batch",
    ("praxis_network", ""): "the inventory's: VPC id, or project and network",
    ("praxis_http_proxy", ""): "none",
    ("praxis_https_proxy", ""): "none",
    ("praxis_architecture", ""): "the inventory's",
    ("praxis_identity_store", ""): "the store of the member's cloud",
}


@pytest.mark.parametrize(("name", "default"), variables())
def test_every_variable_of_the_readme_is_read_and_has_its_default(name: str, default: str) -> None:
    assert used(name), f"nothing reads {name}"
    if name == "praxis_container":
        assert default == words_of_limits()
        return
    value = in_effect(name)
    shown = WORDS.get((name, str(value))) or (str(value).lower() if isinstance(value, bool) else str(value))
    assert default == shown, f"the README says {name} is {default!r} by default, and it is {shown!r}"


def words_of_limits() -> str:
    """The table's words for the limits, in their order."""
    words = {"start_period": "from the settings"}
    return ", ".join(words.get(item.name, str(item.default)) for item in dataclasses.fields(Limits))


def test_the_readme_s_limits_are_the_limits() -> None:
    row = next(line for line in README.splitlines() if line.startswith("| `praxis_container`"))
    meaning = row.split(" | ")[1]
    assert re.findall(r"`(\w+)`", meaning) == [item.name for item in dataclasses.fields(Limits)]


#: Variables that only one cloud has a use for.
ONLY = {
    "aws": set(),
    "gcp": {"praxis_project", "praxis_public_address"},
}  # fmt: skip


def test_the_clouds_have_the_same_variables_in_the_same_order() -> None:
    shared = {cloud: [name for name in group_vars(cloud) if name not in ONLY[cloud]] for cloud in ONLY}
    assert shared["aws"] == shared["gcp"]
    assert all(names <= set(group_vars(cloud)) for cloud, names in ONLY.items())


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_every_variable_of_an_inventory_is_read(cloud: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in CHECKOUT.glob("playbooks/**/*.yml")]
    own = (CHECKOUT / f"inventories/{cloud}/group_vars/praxis_{cloud}.yml").read_text(encoding="utf-8")
    fields = {"praxis_" + item.name for item in dataclasses.fields(fleet_variables.MemberVariables)}
    for name in group_vars(cloud):
        if name.startswith("praxis_"):
            used_here = len(re.findall(rf"\b{name}\b", own)) > 1
            known = fields | set(variable_types.RUN_VARIABLES.values())
            assert name in known or used_here or re.search(rf"\b{name}\b", "\n".join(texts)), name


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_the_inventories_defaults_are_the_code_s(cloud: str) -> None:
    for item in dataclasses.fields(fleet_variables.MemberVariables):
        value = group_vars(cloud).get("praxis_" + item.name)
        if isinstance(value, (int, str)) and "{{" not in str(value):
            assert value == item.default, item.name
        elif value is not None and (given := re.search(r" or '(\w+)'", str(value))):
            assert given[1] == item.default, item.name


def test_the_first_fleet_on_google_cloud_names_every_api_that_is_called() -> None:
    page = (CHECKOUT / "docs/first-google.md").read_text(encoding="utf-8")
    called = {endpoint.removeprefix("https://") for endpoint in gcp.ENDPOINTS.values()}
    assert set(re.findall(r"`(\w+\.googleapis\.com)`", page)) == called


def test_every_page_is_reached_from_the_readme() -> None:
    for page in sorted(CHECKOUT.glob("docs/*.md")):
        assert f"docs/{page.name}" in README, page.name
