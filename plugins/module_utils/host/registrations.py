# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The load balancers that deployments have put this host behind.

The controller keeps nothing between two runs. So the host remembers for it, before it is registered anywhere, and a
deployment with another target group finds the one of before.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.host import files
from ansible_collections.praxis.cloud.plugins.module_utils.host.change import Change
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

#: As many are kept, the newest.
LONGEST = 5

Balancer = Mapping[str, Any]


def read(paths: Paths) -> List[Dict[str, Any]]:
    """Those that are remembered, the newest last: ``module``, its ``options``, and the host as its ``target``."""
    found = (files.read_json(paths.balancers) or {}).get("balancers")
    return found if isinstance(found, list) else []


def changes(known: Sequence[Balancer], wanted: Sequence[Balancer], paths: Paths) -> List[Change]:
    """What remembering these, too, comes to."""
    kept = together(known, wanted)
    return [Change("balancers", paths.balancers, _text(known), _text(kept))] if kept != list(known) else []


def together(known: Sequence[Balancer], wanted: Sequence[Balancer]) -> List[Balancer]:
    """Those that are known, and at their end those that the host is to be behind now."""
    return [*(one for one in known if one not in wanted), *wanted][-LONGEST:]


def write(paths: Paths, wanted: Sequence[Balancer]) -> None:
    """Remember these, too."""
    kept = {"balancers": together(read(paths), wanted)}
    files.make_directory(paths.root, 0o755)
    files.write_file(paths.balancers, json.dumps(kept, indent=1).encode() + b"\n")


def _text(many: Sequence[Balancer]) -> str:
    return "".join("%s\n" % json.dumps(one, sort_keys=True) for one in many)
