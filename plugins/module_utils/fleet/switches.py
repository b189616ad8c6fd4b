# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts have done by themselves, or will do, because nobody called their new release good in time. Pure."""

from __future__ import annotations

from typing import Any, Collection, List, Mapping, Set

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import clocks, member_health

#: Seconds that going back takes at most, with a slow pull of the old image.
LATE = 1800.0
#: The code of what :func:`impossible` says.
NO_SYSTEMD = "no-systemd"
#: What sets it off on a host: host/switch.py.
_TIMER = "praxis-rollback.timer praxis-rollback.service"


def findings(names: Collection[str], observations: Mapping[str, Mapping[str, Any]], run: str) -> List[Finding]:
    """That a host has rolled itself back: an error if this run had activated it, a warning if another one had. And that
    it could not, though its time was over.

    :param run: this deployment's id.
    """
    found = []
    for name in names:
        switch = _switch(observations.get(name) or {})
        done, armed = switch.get("rolled_back"), switch.get("armed") or {}
        if done:
            what = "The host rolled itself back to release %s at %s: deployment %s did not confirm release %s in time."
            what %= (done["to"], clocks.moment(done["at"]), done["run"], done["from"])
            level = ERROR if done["run"] == run else WARNING
            fix = (
                "Find out why that deployment stopped, and deploy again. If that deployment only needed more time, "
                "raise praxis_confirm_deadline."
            )
            found.append(Finding("rolled-back-itself", what, name, fix, level=level))
        if armed.get("missing"):
            found.append(_stuck(name, armed))
    return found


def impossible(names: Collection[str], observations: Mapping[str, Mapping[str, Any]]) -> List[Finding]:
    """A warning for each host that has nothing to go off: its machine is run by something else than systemd."""
    what = "systemd does not run this machine. So if a run dies before its release has been called good here, nothing "
    what += "rolls the host back; and after a reboot its agent stays down until a deployment."
    fix = "Use a system that systemd runs. On this one, deploy again, or run rollback.yml, when a run has died."
    none = [name for name in names if ((observations.get(name) or {}).get("host") or {}).get("systemd") is False]
    return [Finding(NO_SYSTEMD, what, name, fix, level=WARNING) for name in none]


def waiting(
    names: Collection[str], observations: Mapping[str, Mapping[str, Any]], at_work: Collection[str]
) -> List[Finding]:
    """A warning for each host that will roll itself back, because the deployment that was to call its release good has
    stopped.

    :param at_work: the deployments that may do so yet.
    """
    found = []
    for name in names:
        armed = _switch(observations.get(name) or {}).get("armed")
        if armed and not armed.get("missing") and armed["run"] not in at_work:
            what = "Deployment %s has not called release %s good here. " % (armed["run"], armed["wanted"])
            what += goes_back(observations[name])
            fix = "Before that time, deploy with this host in the run, or undo that deployment: rollback.yml."
            if _is_late(observations[name]):
                fix = "Deploy, or run rollback.yml. To see why it has not, on the host: systemctl status %s." % _TIMER
            found.append(Finding("unconfirmed", what, name, fix, level=WARNING))
    return found


def goes_back(observation: Mapping[str, Any]) -> str:
    """When a host rolls itself back, and to what, if nobody calls its release good; empty where it does not."""
    armed = _switch(observation).get("armed")
    if not armed or armed.get("missing"):
        return ""
    if _is_late(observation):
        what = "The host should have rolled itself back to release %s at %s, and has not."
        return what % (armed["back"], clocks.moment(armed["until"]))
    return "The host rolls itself back to release %s at %s." % (armed["back"], clocks.moment(armed["until"]))


def _is_late(observation: Mapping[str, Any]) -> bool:
    """Whether the time of what is armed is so long over, by the host's clock, that its timer cannot be running."""
    clock = (observation.get("host") or {}).get("clock")
    return clock is not None and float(clock) > float(_switch(observation)["armed"]["until"]) + LATE


def _switch(observation: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is known of a host's switch; nothing, where it was not observed."""
    return observation.get("switch") or {}


def _stuck(name: str, armed: Mapping[str, Any]) -> Finding:
    what = "The host cannot roll itself back to release %s: its image %s is missing, and could not be pulled."
    fix = "Deploy, or run rollback.yml. Or, on the host, docker login, docker pull %s: it tries again twice a minute."
    return Finding("image-gone", what % (armed["back"], armed["missing"]), name, fix % armed["missing"], level=WARNING)


def on_trial(observation: Mapping[str, Any]) -> bool:
    """Whether a host runs a release that nobody has called good. Most of them go back from it by themselves; one that
    is new in the fleet has nothing to go back to."""
    release = observation.get("release") or {}
    return bool(release.get("running")) and release["running"] != release.get("good")


def untried(observations: Mapping[str, Mapping[str, Any]], soak: float) -> Set[str]:
    """The members that are on trial, and whose agents nobody has seen last for so many seconds."""
    return {name for name, seen in observations.items() if on_trial(seen) and not _has_lasted(seen, soak)}


def is_recent(observation: Mapping[str, Any]) -> bool:
    """Whether its release was activated not long ago: where nothing is armed, that may be weeks."""
    return bool(_switch(observation).get("armed"))


def _has_lasted(observation: Mapping[str, Any], seconds: float) -> bool:
    crashes = is_recent(observation) and bool((observation.get("container") or {}).get("restarts"))
    return not crashes and member_health.age(observation) >= seconds


def unconfirmed(observation: Mapping[str, Any]) -> bool:
    """Whether a host has something left of a deployment that did not come to its end, or of this one."""
    release, switch = observation.get("release") or {}, _switch(observation)
    left = release.get("running") != release.get("good") or any(switch.values())
    return bool(release.get("running")) and left
