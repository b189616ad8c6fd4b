# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the archive of a release in build/release, out of what git holds, and tries it as one who installs it would.

A version whose changelog is not written yet is rehearsed: it is written in a copy, and the checkout stays as it is.
Whatever is wrong ends it with what, and how to fix it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.copies import copy_files

CHECKOUT = Path(__file__).resolve().parents[1]
TARGET = CHECKOUT / "build" / "release"
COLLECTION = "praxis.cloud"
#: Kinds of plugins that are documented, and their folders. Of a module there is one file each.
KINDS = {"module": "modules", "inventory": "inventory", "lookup": "lookup", "callback": "callback", "filter": "filter"}
#: What ansible-lint says of a playbook whose name is a template: it looks for a file of the template's own text.
CHOSEN = re.compile(r"ERROR +Failed to find \S*\{\{.*\}\}\S* playbook\.")


class Refused(Exception):
    """What keeps this from being a release."""


def step(text: str) -> None:
    print(f"\n== {text}", flush=True)


def run(command: Sequence[str], folder: Path, around: Mapping[str, str] | None = None) -> str:
    """What a command prints to standard output; it must succeed."""
    done = subprocess.run(command, cwd=folder, env=around, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)  # fmt: skip
    if done.returncode:
        said = f"{done.stdout[-4000:]}{done.stderr[-4000:]}"
        raise Refused(f"`{' '.join(command)}` ended with {done.returncode}:\n{said}")
    said = re.findall(r"^\[?(?:WARNING|DEPRECATION WARNING|ERROR)\b.*", done.stdout + done.stderr, re.MULTILINE)
    if warned := [line for line in said if not CHOSEN.fullmatch(line)]:
        raise Refused(f"`{' '.join(command)}` warns:\n" + "\n".join(warned))
    return done.stdout


def rehearses(version: str, released: Sequence[str], fragments: Sequence[str], uncommitted: Sequence[str]) -> bool:
    """Whether the version's changelog has still to be written; a mixture of both is refused.

    :param released: the versions in changelogs/changelog.yaml.
    :param fragments: the names of the files in changelogs/fragments.
    :param uncommitted: files that differ from the last commit.
    """
    if version not in released:
        if not fragments:
            raise Refused(f"version {version} has no changelog, and there is no fragment to make one of: add one to "
                          "changelogs/fragments")
        return True
    if fragments:
        raise Refused(f"version {version} is released already, and {', '.join(sorted(fragments))} came after it: raise "
                      "`version` in galaxy.yml")
    if uncommitted:
        raise Refused(f"a release is what is committed, and {', '.join(sorted(uncommitted))} is not: commit it first")
    return False


def write_changelog(tree: Path, version: str, rehearsal: bool) -> None:
    """The changelog in the copy: written of the fragments, or seen to be what the recorded releases make."""
    run(["antsibull-changelog", "lint"], tree)
    before = (tree / "CHANGELOG.md").read_text(encoding="utf-8")
    run(["antsibull-changelog", *(["release"] if rehearsal else ["generate"])], tree)
    run(["antsibull-changelog", "lint-changelog-yaml", "--strict", "changelogs/changelog.yaml"], tree)
    text = (tree / "CHANGELOG.md").read_text(encoding="utf-8")
    if not rehearsal and text != before:
        raise Refused("CHANGELOG.md is not what changelogs/changelog.yaml says: run `antsibull-changelog generate`")
    # Dots are escaped there.
    newest = next(iter(re.findall(r"^#+ v(\S+)", text.replace("\\", ""), re.MULTILINE)), None)
    if newest != version:
        raise Refused(f"the newest version in CHANGELOG.md is {newest}, and galaxy.yml says {version}")


def build(tree: Path, version: str) -> Path:
    """The archive, and Galaxy's own verdict on it."""
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    run(["ansible-galaxy", "collection", "build", "--output-path", str(TARGET)], tree)
    archive = TARGET / f"{COLLECTION.replace('.', '-')}-{version}.tar.gz"
    step("galaxy-importer")
    # It writes its result into the folder it is run in.
    run([sys.executable, "-m", "galaxy_importer.main", str(archive)], TARGET,
        {**os.environ, "GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false"})  # fmt: skip
    return archive


def lint(installed: Path) -> None:
    """What the importer has ansible-lint say. It gives it three minutes, which on a busy machine are too few."""
    skipped = "yaml,var-naming,avoid-dot-notation,import-task-no-when,single-entry-point,use-loop"
    run(["ansible-lint", "--offline", "--profile", "production", "--nocolor", "-q", "-x", skipped],
        installed / "ansible_collections" / Path(*COLLECTION.split(".")),
        {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(installed)})  # fmt: skip


def documented(archive: Path) -> dict[str, set[str]]:
    """What the archive has of each kind of plugin, by the names of its files."""
    with tarfile.open(archive) as opened:
        names = [Path(item.name) for item in opened if item.isfile()]
    return {kind: {path.stem for path in names if path.parent == Path("plugins", folder) and path.stem != "__init__"}
            for kind, folder in KINDS.items()}  # fmt: skip


def try_out(archive: Path, work: Path) -> None:
    """Install the archive beside an ansible-core that has nothing else, and read its documentation there."""
    leg = "-newest" if os.environ.get("PRAXIS_LEG") else ""
    pins = (CHECKOUT / f"requirements{leg}.txt").read_text(encoding="utf-8")
    core = re.findall(r"^ansible-core==.*", pins, re.MULTILINE)
    bin_ = work / "venv" / "bin"
    run([sys.executable, "-m", "venv", str(bin_.parent)], work)
    run([str(bin_ / "python"), "-m", "pip", "-q", "--disable-pip-version-check", "install", "-c",
         str(CHECKOUT / f"constraints{leg}.txt"), *core], work, {**os.environ, "PIP_QUIET": "2"})  # fmt: skip
    installed = work / "installed"
    places = {"HOME": str(work), "ANSIBLE_HOME": str(work / "home"), "ANSIBLE_COLLECTIONS_PATH": str(installed),
              "PATH": f"{bin_}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}  # fmt: skip
    # No Galaxy is asked: the documentation needs none of the collections that this one depends on.
    run(["ansible-galaxy", "collection", "install", "--offline", "--no-deps", str(archive), "-p", str(installed)],
        work, places)  # fmt: skip
    step("ansible-lint, on what was installed")
    lint(installed)
    step("its documentation, and a playbook, where it was installed")
    for kind, files in documented(archive).items():
        read_documentation(kind, files, work, places)
    run(["ansible-playbook", f"{COLLECTION}.init", "-i", "localhost,", "-e", "dest=project"], work, places)
    print("praxis.cloud.init wrote a project")


def read_documentation(kind: str, files: set[str], work: Path, places: Mapping[str, str]) -> None:
    """Every plugin of a kind has documentation, an example and a description."""
    listed = json.loads(run(["ansible-doc", "--json", "--list", "-t", kind, COLLECTION], work, places))
    names = {name.removeprefix(f"{COLLECTION}.") for name in listed}
    # A file of filters may hold several.
    if names != files and (kind != "filter" or len(names) < len(files)):
        raise Refused(f"ansible-doc lists of the kind {kind} {sorted(names)}, and the archive has {sorted(files)}")
    read: dict[str, Any] = json.loads(run(["ansible-doc", "--json", "-t", kind, *listed], work, places))
    for name in listed:
        if not read.get(name, {}).get("doc", {}).get("short_description"):
            raise Refused(f"ansible-doc -t {kind} {name} describes nothing")
    print(f"{kind}: {len(listed)} documented")


def main() -> None:
    version = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    changelog = yaml.safe_load((CHECKOUT / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))
    fragments = [path.name for path in (CHECKOUT / "changelogs" / "fragments").glob("*.y*ml")]
    uncommitted = run(["git", "status", "--porcelain"], CHECKOUT).splitlines()
    rehearsal = rehearses(version, list(changelog["releases"]), fragments, [line[3:] for line in uncommitted])
    with tempfile.TemporaryDirectory(prefix="praxis-release-") as folder:
        work = Path(folder)
        tree = work / "ansible_collections" / Path(*COLLECTION.split("."))
        copy_files(tree)
        step(f"changelog of {version}")
        write_changelog(tree, version, rehearsal)
        step("build the collection")
        archive = build(tree, version)
        step("install it into an empty environment")
        try_out(archive, work)
    step("done")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    print(f"{archive.relative_to(CHECKOUT)}  sha256 {digest}")
    if rehearsal:
        print(f"This was a rehearsal: the changelog of {version} is in the archive and not in this checkout. "
              "docs/releasing.md says how to go on.")
    else:
        print(f"{version} is ready: tag this commit v{version}, and publish the archive.")


if __name__ == "__main__":
    try:
        main()
    except Refused as refused:
        print(f"release: {refused}", file=sys.stderr)
        sys.exit(1)
