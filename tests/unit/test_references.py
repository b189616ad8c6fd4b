# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of modules refers to outside of the collection is known to what builds the site."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTED = ("plugins/*/*.py", "roles/*/meta/argument_specs.yml")
_NAME = r"[a-z_]+(?:\.[a-z_]+){2}"
#: M(ansible.builtin.debug), P(ansible.builtin.env#lookup).
REFERENCE = re.compile(rf"\b(?:M\((?P<module>{_NAME})|P\((?P<plugin>{_NAME})#(?P<kind>[a-z]+))\)")


def test_every_module_of_other_collections_that_is_referred_to_has_a_place() -> None:
    spec = importlib.util.spec_from_file_location("docs", CHECKOUT / "scripts" / "docs.py")
    assert spec and spec.loader
    site = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(site)
    found = set()
    for pattern in DOCUMENTED:
        for path in CHECKOUT.glob(pattern):
            for each in REFERENCE.finditer(path.read_text(encoding="utf-8")):
                name, kind = each["module"] or each["plugin"], each["kind"] or "module"
                if not name.startswith(f"{site.COLLECTION}."):
                    found.add(f"std:label ansible_collections.{name}_{kind}")
    assert found and found <= set(site.ANSIBLE)
