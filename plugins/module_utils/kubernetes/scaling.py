# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an autoscaler knows the load, by what the cluster says of it. Pure."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.clocks import moment
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.step_failure import short

#: Seconds for which it may know nothing: pods that have just started are measured by no one yet.
_LEARNS = 300
#: Somebody has scaled the workload to zero, which a verdict says by itself.
_DISABLED = "ScalingDisabled"


def inactive(item: Mapping[str, Any], now: float) -> Optional[Finding]:
    """That an autoscaler decides on nothing, however high the load is: most often, nobody serves it metrics.

    :param item: as it is in the cluster.
    :param now: in seconds since 1970, by the API server's clock.
    """
    conditions = (item.get("status") or {}).get("conditions") or []
    active: Mapping[str, Any] = next((each for each in conditions if each.get("type") == "ScalingActive"), {})
    since = str(active.get("lastTransitionTime") or "")
    if active.get("status") != "False" or active.get("reason") == _DISABLED or since > moment(now - _LEARNS):
        return None
    said = short(str(active.get("message") or active.get("reason"))).rstrip(".")
    what = "It does not know the load since %s, so the number of pods stays as it is: %s." % (since, said)
    fix = "See that the cluster serves metrics of pods: kubectl top pods, and metrics-server or what stands for it."
    return Finding("autoscaler-inactive", what, "HorizontalPodAutoscaler/%s" % item["metadata"]["name"], fix, WARNING)
