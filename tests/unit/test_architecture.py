# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of layers in docs/architecture.md is true: who may import whom, what is pure, which files there are."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.test_repository import CHECKOUT, FILES, parse

PAGE = (CHECKOUT / "docs/architecture.md").read_text(encoding="utf-8")
PLUGINS = "ansible_collections.praxis.cloud.plugins."
#: The table's words for one file of a layer.
FILE_OF = {"references to secrets": "secrets/reference"}
#: What a pure layer may not import from Python itself: it does no I/O.
IO = ("http", "os", "socket", "subprocess", "urllib.request")
#: The probe, which runs in the agent's container.
NOT_PURE = "plugins/module_utils/kubernetes/ready.py"


#: Files of systemd, which the pages on roles and releases describe.
UNITS = (Paths.unit, Paths.engine_proxies)


@dataclass(frozen=True)
class Row:
    """A layer of the collection's Python code, by the table."""

    paths: tuple[str, ...]
    knows: str
    imports: frozenset[str]

    @property
    def is_pure(self) -> bool:
        return bool(re.search(r"\bPure\b", self.knows))


def rows() -> list[Row]:
    """The rows whose first column names Python code of the collection, with their paths from the checkout."""
    table = PAGE.partition("## The layers")[2].partition("\n## ")[0]
    found = []
    for line in table.splitlines():
        cells = line.strip("| ").split(" | ")
        paths = re.findall(r"`([\w./]+)`", cells[0]) if len(cells) == 3 else []
        if paths and paths[0].startswith(("module_utils/", "plugins/")):
            found.append(Row(tuple(map(from_the_checkout, paths)), cells[1], words(cells[2])))
    return found


def from_the_checkout(path: str) -> str:
    if path.startswith("plugins/"):
        return path.rstrip("/")
    return "plugins/module_utils/" + path.removeprefix("module_utils/").rstrip("/")


def words(cell: str) -> frozenset[str]:
    """The layers, files and packages of the column "may import"."""
    names = (word.strip().strip("`").removesuffix(".py") for word in cell.split(","))
    return frozenset(FILE_OF.get(name, name).lower() for name in names) - {"standard library", "nothing"}


ROWS = rows()
ONE_FILE = {Path(path).stem for row in ROWS for path in row.paths if path.endswith(".py")}
PURE = {Path(path).stem for row in ROWS if row.is_pure or not row.imports for path in row.paths} | {"secrets/reference"}


def python_files(row: Row) -> list[Path]:
    found = []
    for path in row.paths:
        found += sorted((CHECKOUT / path).rglob("*.py")) or [CHECKOUT / path]
    return [file.relative_to(CHECKOUT) for file in found]


@cache
def imported(file: Path) -> frozenset[str]:
    """Full names of what a file imports, ``from x import y`` as ``x.y``."""
    found = set()
    for node in ast.walk(parse(str(file))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def foreign(row: Row) -> dict[str, set[str]]:
    """What the row's files import from outside it, ``LAYER`` or ``LAYER/FILE`` or a package -> the files that do."""
    found: dict[str, set[str]] = {}
    for file in python_files(row):
        for name in imported(file):
            if name.startswith(PLUGINS):
                parts = name.removeprefix(PLUGINS).removeprefix("module_utils.").split(".")
                target = parts[0] if parts[0] in ONE_FILE else "/".join(parts[:2])
                if not any(Path(path).stem == parts[0] for path in row.paths):
                    found.setdefault(target, set()).add(file.name)
            elif name.split(".")[0] not in sys.stdlib_module_names:
                found.setdefault(name.split(".")[0], set()).add(file.name)
    return found


def allowed(row: Row) -> set[str]:
    return set(row.imports) | (PURE if "pure layers" in row.imports else set())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.paths[0])
def test_a_layer_imports_what_its_row_says(row: Row) -> None:
    if "any layer" in row.imports:
        return
    may = allowed(row)
    wrong = {name: files for name, files in foreign(row).items() if not {name, name.split("/")[0]} & may}
    assert wrong == {}, f"docs/architecture.md lets {row.paths} import {sorted(may)}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.paths[0])
def test_a_row_names_nothing_that_its_layer_does_not_import(row: Row) -> None:
    used = foreign(row)
    whole = {name.split("/")[0] for name in used}
    assert row.imports - {"any layer", "pure layers"} <= {*used, *whole}


@pytest.mark.parametrize("row", [row for row in ROWS if row.is_pure], ids=lambda row: row.paths[0])
def test_a_pure_layer_does_no_io(row: Row) -> None:
    for file in python_files(row):
        if str(file) != NOT_PURE:
            reaching = [name for name in imported(file) if any(f"{name}.".startswith(f"{io}.") for io in IO)]
            assert reaching == [], file


def test_every_layer_has_its_row() -> None:
    named = [path for row in ROWS for path in row.paths]
    others = ("module_utils", "__init__.py", "__pycache__")
    there = [str(path.relative_to(CHECKOUT)) for folder in ("plugins", "plugins/module_utils")
             for path in (CHECKOUT / folder).iterdir() if path.name not in others]
    assert sorted(named) == sorted(there)


def test_every_action_of_the_collection_is_in_its_row() -> None:
    row = next(row for row in ROWS if row.paths == ("plugins/action",))
    named = set(re.findall(r"`(\w+)`", row.knows))
    assert named == {path.stem for path in (CHECKOUT / "plugins/action").glob("*.py") if path.stem != "__init__"}


def test_the_page_has_the_numbers_of_requests_that_other_tests_hold() -> None:
    places = ("infrastructure", "google")
    tests = [(CHECKOUT / f"tests/unit/{place}/test_account.py").read_text(encoding="utf-8") for place in places]
    aws, google = (re.findall(r"^READS_OF_A_RUN = (\d+)$", text, re.MULTILINE) for text in tests)
    assert f"sends {aws[0]} requests on AWS and {google[0]} on Google Cloud" in " ".join(PAGE.split())


def test_every_file_on_a_host_is_in_the_list() -> None:
    listed = PAGE.partition("## On a host")[2]
    paths = Paths()
    values = [getattr(paths, name) for name in dir(paths) if not name.startswith("_")]
    there = {value for value in values if isinstance(value, str) and "praxis" in value}
    places = (paths.release("<id>"), paths.config("<name>"), paths.part("<part>"), paths.volume("<name>"),
              paths.environment("<id>"), paths.sealed_environment("<id>"))  # fmt: skip
    assert [path for path in sorted({*there, *places}) if path not in listed and path not in UNITS] == []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/]+\.(?:py|yml|sh))`", PAGE))))
def test_every_file_that_the_page_names_is_there(name: str) -> None:
    assert any(f"/{path}".endswith(f"/{name}") for path in FILES), name
