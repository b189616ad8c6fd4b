# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for the repository as a whole, found by listing it: a new file is covered by being there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.praxis.cloud."
HOST_PYTHON = (3, 9)

# What runs on a fleet's machines starts here, and imports no file of the collection but the rest of HOST_FILES.
HOST_ENTRIES = (
    "plugins/modules/agent_release.py",
    "plugins/modules/agent_info.py",
    "plugins/modules/agent_data.py",
    "plugins/modules/fleet_lock.py",
)
HOST_FILES = (
    *HOST_ENTRIES,
    "plugins/module_utils/finding.py",
    "plugins/module_utils/agent/peers.py",
    "plugins/module_utils/deployment.py",
    "plugins/module_utils/addresses.py",
    "plugins/module_utils/byte_size.py",
    "plugins/module_utils/connections.py",
    "plugins/module_utils/image_digest.py",
    *sorted(str(path.relative_to(CHECKOUT)) for path in CHECKOUT.glob("plugins/module_utils/host/*.py")),
)


def repository() -> list[Path]:
    """Every file that git holds or would hold, as a path from the checkout."""
    printed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=CHECKOUT,
                             capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in printed.split("\0") if name and (CHECKOUT / name).is_file()]


FILES = repository()
PYTHON = [str(path) for path in FILES if path.suffix == ".py" and (CHECKOUT / path).stat().st_size]
ROLES = sorted(path.parent.name for path in CHECKOUT.glob("roles/*/tasks"))
MODULES = sorted(path.stem for path in CHECKOUT.glob("plugins/modules/*.py") if path.stem != "__init__")


def parse(name: str, **options: Any) -> ast.Module:
    """The syntax tree of a file of the checkout."""
    return ast.parse((CHECKOUT / name).read_text(encoding="utf-8"), name, **options)


def imports(tree: ast.Module) -> set[str]:
    """The names of all modules imported anywhere in a file, ``from x import y`` as ``x``."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def documentation(module: str) -> dict[str, Any]:
    """A module's DOCUMENTATION."""
    for node in parse(f"plugins/modules/{module}.py").body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"plugins/modules/{module}.py has no DOCUMENTATION")


def test_every_python_file_names_its_licence_and_its_future() -> None:
    for name in PYTHON:
        text = (CHECKOUT / name).read_text(encoding="utf-8")
        assert "SPDX-License-Identifier: GPL-3.0-or-later" in "\n".join(text.splitlines()[:5]), name
        if any(not isinstance(node, ast.Expr) for node in parse(name).body):
            assert "from __future__ import annotations" in text, name


def test_every_module_of_the_hosts_layer_is_held_to_what_a_machine_has() -> None:
    layer = COLLECTION + "plugins.module_utils.host"
    found = {f"plugins/modules/{module}.py" for module in MODULES
             if any(name.startswith(layer) for name in imports(parse(f"plugins/modules/{module}.py")))}
    assert found == set(HOST_ENTRIES)


@pytest.mark.parametrize("name", HOST_FILES)
def test_what_runs_on_a_host_is_python_3_9_and_its_standard_library(name: str) -> None:
    allowed = {COLLECTION + file.removesuffix(".py").replace("/", ".") for file in HOST_FILES}
    tree = parse(name, feature_version=HOST_PYTHON)
    for imported in imports(tree):
        if imported.startswith(COLLECTION):
            assert imported in allowed | {COLLECTION + "plugins.module_utils.host"}, imported
        else:
            top = imported.split(".")[0]
            assert top in sys.stdlib_module_names or imported == "ansible.module_utils.basic", imported


def test_product_code_knows_nothing_of_the_sandbox() -> None:
    for path in FILES:
        if path.parts[0] in ("plugins", "roles", "playbooks", "configs", "meta"):
            text = (CHECKOUT / path).read_text(encoding="utf-8").lower()
            for word in ("sandbox", "standin", "moto"):
                assert not re.search(rf"\b{word}", text), f"{path} mentions {word}"


@pytest.mark.parametrize("role", ROLES)
def test_every_role_says_what_it_does_and_takes_its_own_arguments(role: str) -> None:
    home = CHECKOUT / "roles" / role
    assert (home / "README.md").is_file()
    specs = yaml.safe_load((home / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    for entry, spec in specs.items():
        assert spec.get("short_description"), f"{role}: {entry}"
        for option in spec.get("options", {}):
            assert option.startswith(f"{role}_"), f"{role}: the option {option} lacks the role's prefix"


def test_roles_and_playbooks_use_no_module_of_another_collection() -> None:
    for path in FILES:
        if path.parts[0] in ("roles", "playbooks") and path.suffix == ".yml":
            text = (CHECKOUT / path).read_text(encoding="utf-8")
            used = set(re.findall(r"^[ -]*([a-z_]+\.[a-z_]+)\.[a-z0-9_]+:", text, re.MULTILINE))
            assert used <= {"ansible.builtin", "praxis.cloud"}, path


#: How a playbook at the root takes another target's of the same name: groups are known when playbooks are read, and
#: variables of hosts are not.
TARGETS = ("kubernetes", "ecs")
CHOICE = "{{ 'kubernetes/' if 'praxis_kubernetes' in groups else 'ecs/' if 'praxis_ecs' in groups else '' }}"


@pytest.mark.parametrize("playbook", sorted(path.name for path in CHECKOUT.glob("playbooks/*.yml")))
def test_every_playbook_is_there_at_the_root(playbook: str) -> None:
    plays = yaml.safe_load((CHECKOUT / playbook).read_text(encoding="utf-8"))
    assert [play["ansible.builtin.import_playbook"].replace(CHOICE, "") for play in plays] == [f"playbooks/{playbook}"]


def test_every_playbook_at_the_root_imports_one_that_is_there() -> None:
    others = {CHECKOUT / f"{name}.yml" for name in ("execution-environment", "galaxy", "requirements")}
    for path in set(CHECKOUT.glob("*.yml")) - others:
        for play in yaml.safe_load(path.read_text(encoding="utf-8")):
            book = play["ansible.builtin.import_playbook"]
            for folder in ("", *(f"{target}/" for target in TARGETS)):
                assert (CHECKOUT / book.replace(CHOICE, folder)).is_file(), f"{path.name}: {play}"


@pytest.mark.parametrize("target", TARGETS)
def test_what_there_is_for_a_target_is_chosen_at_the_root_and_in_a_user_s_project(target: str) -> None:
    verbs = {path.name for path in CHECKOUT.glob(f"playbooks/{target}/*.yml")}
    for folder, choice in ((CHECKOUT, CHOICE), (CHECKOUT / "examples/awx-project", CHOICE.replace("/", "."))):
        chosen = {path.name for path in folder.glob("*.yml") if choice in path.read_text(encoding="utf-8")}
        assert chosen == verbs and verbs


def test_an_action_group_lists_exactly_the_modules_that_take_its_cloud_s_options() -> None:
    runtime = yaml.safe_load((CHECKOUT / "meta/runtime.yml").read_text(encoding="utf-8"))
    groups = runtime["action_groups"]
    for cloud in ("aws", "gcp"):
        fragments = (f"praxis.cloud.{cloud}",)
        expected = [
            module for module in MODULES
            if module.startswith(f"{cloud}_")
            or any(name in fragments for name in documentation(module).get("extends_documentation_fragment", []))
        ]
        assert sorted(groups.get(cloud, [])) == expected
    assert set(groups) <= {"aws", "gcp"}


def test_the_tested_ansible_is_one_that_the_collection_admits() -> None:
    runtime = yaml.safe_load((CHECKOUT / "meta/runtime.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] == ">=2.19.0"
    assert pins("requirements.txt")["ansible-core"].startswith("2.19.")
    assert pins("requirements-newest.txt")["ansible-core"].startswith("2.21.")


def test_the_execution_environment_has_the_newest_ansible_that_is_tested() -> None:
    described = yaml.safe_load((CHECKOUT / "execution-environment.yml").read_text(encoding="utf-8"))["dependencies"]
    newest = pins("requirements-newest.txt")["ansible-core"]
    assert described["ansible_core"]["package_pip"] == f"ansible-core=={newest}"
    example = yaml.safe_load((CHECKOUT / "examples/awx-project/execution-environment.yml").read_text(encoding="utf-8"))
    assert described["ansible_runner"] == example["dependencies"]["ansible_runner"]


def pins(file: str) -> dict[str, str]:
    """Package and version of every line."""
    lines = (CHECKOUT / file).read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {package.lower().replace("_", "-"): version for package, version in pairs}


@pytest.mark.parametrize("leg", ["", "-newest"])
@pytest.mark.parametrize("name", ["requirements{}.txt", "requirements-sandbox.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_exactly_and_as_the_constraints_say(name: str, leg: str) -> None:
    assert pins(name.format(leg)).items() <= pins(f"constraints{leg}.txt").items()


def test_what_makes_the_site_is_pinned_exactly() -> None:
    assert pins("requirements-docs.txt").items() <= pins("constraints-docs.txt").items()


@pytest.mark.parametrize("name", ["requirements{}.txt", "constraints{}.txt"])
def test_the_newest_leg_differs_in_ansible_alone(name: str) -> None:
    ours, newest = pins(name.format("")), pins(name.format("-newest"))
    assert {package for package in ours if newest.get(package) != ours[package]} == {"ansible", "ansible-core"}


def test_the_pages_name_the_versions_that_are_tested() -> None:
    for page in ("README.md", "docs/architecture.md"):
        text = (CHECKOUT / page).read_text(encoding="utf-8")
        for name in ("requirements.txt", "requirements-newest.txt"):
            found = pins(name)
            assert found["ansible-core"] in text and found["ansible"] in text, f"{page}: {name}"


def test_nothing_names_the_place_it_was_written_at() -> None:
    for path in FILES:
        try:
            text = (CHECKOUT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        assert f"{CHECKOUT}/" not in text, f"{path} names this checkout"


def test_git_holds_nothing_that_it_ignores() -> None:
    printed = subprocess.run(["git", "ls-files", "--cached", "--ignored", "--exclude-standard"], cwd=CHECKOUT,
                             capture_output=True, text=True, check=True).stdout
    assert printed == "", "build products are committed"


def test_sanity_s_ignore_list_explains_every_entry() -> None:
    for path in CHECKOUT.glob("tests/sanity/ignore-*.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert re.fullmatch(r"\S+ \S+ # .{15,}", line), f"{path.name}: {line}"
