# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members and strangers as a load balancer's module takes and answers them: ``id``, ``port``, and Google's ``zone``."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence


def id_of(target: Mapping[str, Any]) -> str:
    """As the modules answer it: without the path that Google's may have."""
    return str(target["id"]).rpartition("/")[2]


def at_its_port(target: Mapping[str, Any], observation: Mapping[str, Any]) -> Dict[str, Any]:
    """A member as it is registered now: the port in the plan may be new."""
    return {**target, "port": (observation.get("api") or {}).get("port") or target["port"]}


def stale(answer: Mapping[str, Any], targets: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """What members are registered with beside the port that they serve at."""
    ours = {id_of(target) for target in targets}
    mine = [one for one in answer.get("others") or [] if str(one["id"]) in ours]
    return [] if answer.get("failed") else [in_words(one) for one in mine]


def strangers(answer: Mapping[str, Any], balancer: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """The targets behind the balancer that are no member's, in the module's words."""
    ours = {id_of(target) for target in balancer["targets"].values()}
    return [in_words(one) for one in answer.get("others") or [] if str(one["id"]) not in ours]


def in_words(one: Mapping[str, Any]) -> Dict[str, Any]:
    """A target that a module has answered, as it takes it."""
    return {key: one[key] for key in ("id", "zone", "port") if one.get(key)}


def name_of(target: Mapping[str, Any]) -> str:
    return "%(zone)s/%(id)s" % target if "zone" in target else "%(id)s:%(port)s" % target
