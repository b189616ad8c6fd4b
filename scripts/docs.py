# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the site of the documentation: the pages as they lie in the repository, and the reference that antsibull-docs
makes of plugins, modules and roles. A link to a file that is no page leads to the repository; one to nothing is an
error.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import yaml

CHECKOUT = Path(__file__).resolve().parents[1]
SOURCE, TARGET = CHECKOUT / "build" / "docs-source", CHECKOUT / "build" / "docs"
PAGES = ("README.md", "docs/*.md", "roles/*/README.md", "sandbox/README.md")
COLLECTION = "praxis.cloud"
#: A link's target in Markdown, without its anchor; a line of code has none that it could be taken for.
LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]+)(?=[)#])")
#: What the reference refers to in Ansible's own documentation: kind and name -> place.
ANSIBLE = {
    "std:label action_plugins": "plugins/action.html#action-plugins",
    "std:label callback_plugins": "plugins/callback.html#callback-plugins",
    "std:label common_return_values": "reference_appendices/common_return_values.html#common-return-values",
    "std:label ansible_configuration_settings": "reference_appendices/config.html#ansible-configuration-settings",
    "std:label ansible_collections.ansible.builtin.debug_module": "collections/ansible/builtin/debug_module.html",
    "std:label ansible_collections.ansible.builtin.shell_module": "collections/ansible/builtin/shell_module.html",
    **{f"std:envvar {name}": f"reference_appendices/config.html#envvar-{name}"
       for name in ("ANSIBLE_NOCOLOR", "ANSIBLE_VERBOSE_TO_STDERR", "NO_COLOR")},
}  # fmt: skip


class Broken(Exception):
    """What keeps the site from being built."""


def pages() -> list[PurePosixPath]:
    found = (path for pattern in PAGES for path in CHECKOUT.glob(pattern))
    return sorted(PurePosixPath(path.relative_to(CHECKOUT)) for path in found)


def outward(text: str, page: PurePosixPath, inside: Iterable[PurePosixPath], repository: str) -> str:
    """A page's text with its links to files that are no pages leading to the repository.

    :param page: where the page is, from the checkout.
    :param inside: the pages of the site.
    """
    known = set(inside)

    def lead(found: re.Match[str]) -> str:
        place = (CHECKOUT / page).parent.joinpath(found[1]).resolve()
        if not place.exists() or not place.is_relative_to(CHECKOUT):
            raise Broken(f"{page}: the link to {found[1]} leads nowhere")
        path = PurePosixPath(place.relative_to(CHECKOUT))
        if path in known:
            return found[1]
        return f"{repository}/{'tree' if place.is_dir() else 'blob'}/main/{path}"

    return LINK.sub(lead, text)


def inventory() -> bytes:
    """ANSIBLE in the form in which one Sphinx site tells another what is where."""
    head = ("# Sphinx inventory version 2", "# Project: ansible", "# Version: ",
            "# The remainder of this file is compressed using zlib.", "")  # fmt: skip
    rows = ("{1} {0} 1 {2} -\n".format(*key.split(), place) for key, place in ANSIBLE.items())
    return "\n".join(head).encode() + zlib.compress("".join(rows).encode())


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise Broken(f"`{command[0]}` ended with {done.returncode}")


def main() -> None:
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.rmtree(TARGET, ignore_errors=True)
    repository = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text(encoding="utf-8"))["repository"]
    inside = pages()
    for page in inside:
        (SOURCE / page).parent.mkdir(parents=True, exist_ok=True)
        text = (CHECKOUT / page).read_text(encoding="utf-8")
        (SOURCE / page).write_text(outward(text, page, inside, repository), encoding="utf-8")
    for file in (CHECKOUT / "scripts" / "site").iterdir():
        if file.is_file():
            shutil.copy(file, SOURCE)
    (SOURCE / "ansible.inv").write_bytes(inventory())
    reference = SOURCE / "reference"
    reference.mkdir()
    run("antsibull-docs", "collection", "--use-current", "--fail-on-error", "--squash-hierarchy", "--dest-dir",
        str(reference), COLLECTION)  # fmt: skip
    for page in reference.glob("*.rst"):
        # The theme shows what a page contains beside it.
        text = re.sub(r"^\.\. contents::\n(   :.*\n)*", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        page.write_text(text, encoding="utf-8")
    run("sphinx-build", "--builder", "html", "--fail-on-warning", "--keep-going", "--quiet", str(SOURCE), str(TARGET))
    made = len(list(reference.iterdir()))
    print(f"{TARGET.relative_to(CHECKOUT)}/index.html: {len(inside)} pages, {made} of reference")


if __name__ == "__main__":
    try:
        main()
    except Broken as broken:
        print(f"docs: {broken}", file=sys.stderr)
        sys.exit(1)
