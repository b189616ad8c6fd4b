# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would make a deployment fail, from what the hosts showed of themselves (host/examination.py). Pure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import Any, Collection, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import consequences, member_health, remedies
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Table

#: Member -> what its host answered.
Outcomes = Mapping[str, Mapping[str, Any]]
#: MiB. An image is written in layers and then unpacked, and the engine, logs and releases need some as well.
LEAST_DISK = 1024
LEAST_MEMORY = 128
#: The first version of the engine that has ``default-network-opts`` (moby's release notes of 24.0).
KNOWS_NETWORK_OPTIONS = 24
#: The user that the agent's container runs as.
CONTAINER_UID = 10001
#: Found by the verdict where no deployment has been: that is no trouble of the next one's.
OF_A_DEPLOYMENT = ("no-container", "edge-missing", "mesh-split", "target-not-healthy")
#: Of the verdict's findings, those of the machine's own row, and what a deployment writes anew.
OF_THE_VERDICT = ("engine-down", "peers-stale")
#: What the next deployment puts right by itself.
OF_THE_NEXT = (member_health.OTHER_RELEASE, "service-missing", "service-unwanted")
_DEPLOY = "Run deploy.yml."


@dataclass(frozen=True)
class Check:
    """One row of the doctor's table.

    :param area: what was examined.
    :param checked: how many of it; 0: there was nothing to check, or nobody to ask.
    :param unit: what was counted, in the singular.
    """

    area: str
    checked: int
    unit: str
    findings: Tuple[Finding, ...] = ()

    def as_row(self) -> Dict[str, Any]:
        levels = [finding.level for finding in self.findings]
        return {
            "area": self.area,
            "checked": self.checked,
            "unit": self.unit,
            "errors": levels.count(ERROR),
            "warnings": levels.count(WARNING),
        }


def of_hosts(table: Table, names: Sequence[str], outcomes: Outcomes) -> List[Check]:
    """What the hosts' examinations show, an area each.

    :param names: the members of this run, in order.
    """
    seen = {name: outcomes[name] for name in names if (outcomes.get(name) or {}).get("examination")}
    return [
        _over(seen, "machines", "machine", lambda name, found: (1, _machine(name, found))),
        _over(seen, "images", "pull", _images),
        _over(seen, "names", "name", _names),
        _peers(table, seen),
        _over(seen, "networks", "container", _network),
        _over(seen, "secrets", "file", _secrets),
    ]


def of_verdict(findings: Sequence[Finding], deployed: bool) -> List[Finding]:
    """The verdict's findings, as far as they are the doctor's business.

    :param deployed: whether the fleet has ever been deployed.
    """
    left = OF_THE_VERDICT if deployed else (*OF_THE_VERDICT, *OF_A_DEPLOYMENT)
    kept = [finding for finding in findings if finding.code not in left]
    return [replace(item, level=WARNING) if item.code in OF_THE_NEXT else item for item in kept]


def is_deployed(outcomes: Outcomes) -> bool:
    """Whether any host has a release."""
    releases = ((outcome.get("observation") or {}).get("release") or {} for outcome in outcomes.values())
    return any(release.get("current") for release in releases)


def _over(seen: Outcomes, area: str, unit: str, judge: Any) -> Check:
    judged = [judge(name, outcome) for name, outcome in seen.items()]
    findings = tuple(finding for _count, found in judged for finding in found)
    return Check(area, sum(count for count, _found in judged), unit, findings)


def _machine(name: str, outcome: Mapping[str, Any]) -> List[Finding]:
    """Disk, memory, and an engine that is to be made anew."""
    found, host = [], outcome["observation"]["host"]
    absent = [item for item in outcome["examination"]["images"] if not item["present"]]
    free, memory = host.get("disk_free_mb"), host.get("memory_free_mb")
    if free is not None and free < LEAST_DISK:
        what = "Only %d MiB are free on the disk with the engine's images. A pull that fills it stops the agent too."
        fix = (
            "On the machine, see what fills the disk: docker system df; df -h. To remove the images that no container "
            "uses: docker image prune --all (a rollback then has to pull its image again). Or use a larger disk "
            "(praxis_root_volume_gb)."
        )
        found.append(Finding("disk-low", what % free, name, fix, ERROR if absent else WARNING))
    if memory is not None and memory < LEAST_MEMORY:
        what = "Only %d MiB of the machine's memory are free: the next container may be killed when it starts."
        fix = (
            "On the machine, see what uses the memory (ps axo rss,args --sort -rss) and stop it; or use a larger "
            "machine (praxis_instance_type)."
        )
        found.append(Finding("memory-low", what % memory, name, fix, WARNING))
    # A machine that has never had a release is given its engine by the first deployment.
    deployed = bool((outcome["observation"].get("release") or {}).get("current"))
    away = member_health.engine_down(name, outcome["observation"])
    if away is not None:
        found.append(away)
    elif deployed and outcome.get("reasons"):
        what = "The machine's Docker is not as the settings say (%s); the next deployment changes and restarts it."
        found.append(Finding("engine-to-be-made", what % "; ".join(outcome["reasons"]), name, _DEPLOY, WARNING))
    return found


def _images(name: str, outcome: Mapping[str, Any]) -> Tuple[int, List[Finding]]:
    examination = outcome["examination"]
    found = []
    for item in examination["images"]:
        failure = item["failure"]
        registry = item["image"].partition("/")[0].partition(":")[0]
        # That the name does not resolve is said once, and by its name.
        if failure and examination["names"].get(registry, "ok") == "ok":
            what, level = "A deployment could not pull %s here: %s", ERROR
            if item["present"] and failure["code"] != "image-architecture":  # nobody pulls it
                what, level = "%s is here already; a release with another image could not be deployed: %s", WARNING
            said = what % (item["image"].partition("@")[0], failure["what"])
            found.append(Finding(failure["code"], said, name, failure["fix"], level))
    return len(examination["images"]), found


def _names(name: str, outcome: Mapping[str, Any]) -> Tuple[int, List[Finding]]:
    examination, found = outcome["examination"], []
    inside = (examination["inside"] or {}).get("names") or {}
    for host, answer in sorted(examination["names"].items()):
        # What only the agent asks for, its container may know by its hosts file.
        if answer != "ok" and inside.get(host) != "ok":
            what = "The name %s does not resolve on the machine (%s)." % (host, answer)
            fix = (
                "On the machine: getent hosts %s; resolvectl status. In a VPC: enableDnsSupport and "
                "enableDnsHostnames; a private DNS zone must be associated with the VPC." % host
            )
            found.append(Finding("name-unresolved", what, name, fix))
    for host, answer in sorted(inside.items()):
        if answer != "ok" and examination["names"].get(host) == "ok":
            what = "The name %s resolves on the machine, but not in the agent's container (%s), which needs it." % (
                host, answer,
            )  # fmt: skip
            fix = 'Set a DNS server that containers reach: praxis_docker_daemon: {"dns": ["ADDRESS"]}; then deploy.'
            found.append(Finding("name-unresolved-inside", what, name, fix))
    return len(examination["names"]) + len(inside), found


def _peers(table: Table, seen: Outcomes) -> Check:
    """Every bootstrap address, dialled by the machine that has it in its list, and from its agent's container."""
    checked = 0
    #: (whom, where, answer) -> who has dialled; (who, answer) -> whom its container does not reach.
    silent: Dict[Tuple[str, str, str], List[str]] = {}
    shut_in: Dict[Tuple[str, str], List[str]] = {}
    for name, outcome in seen.items():
        dials = outcome["observation"].get("dials") or {}
        inside = (outcome["examination"]["inside"] or {}).get("dials") or {}
        for dial in table.dials(name):
            point = "%s:%d" % (dial["address"], dial["port"])
            answer, within = dials.get(point), inside.get(point, "ok")
            checked += answer is not None
            # Nothing listens before the first deployment: that a machine refuses shows that it was reached.
            if answer not in (None, "ok") and (answer != "refused" or _runs(seen, dial["member"])):
                silent.setdefault((dial["member"], point, str(answer)), []).append(name)
            if answer == "ok" != within:
                shut_in.setdefault((name, within), []).append("%s at %s" % (dial["member"], point))
    found = [_silent(*key, names, _own_addresses(table, seen, *key[:2])) for key, names in silent.items()]
    found += [_shut_in(*key, others) for key, others in shut_in.items()]
    return Check("peers", checked, "dial", tuple(found))


def _runs(seen: Outcomes, name: str) -> bool:
    container = ((seen.get(name) or {}).get("observation") or {}).get("container") or {}
    return bool(container.get("state") == "running")


def _own_addresses(table: Table, seen: Outcomes, name: str, point: str) -> Sequence[str]:
    """The machine's addresses, where the one that was dialled has to be among them and is not; else none.

    A public address is often translated, and the machine does not know it.
    """
    address = point.rpartition(":")[0]
    there: Sequence[str] = ((seen.get(name) or {}).get("examination") or {}).get("addresses") or ()
    return () if address == table.members[name].public_address or address in there else there


def _silent(name: str, point: str, answer: str, dialled_by: Sequence[str], others: Sequence[str]) -> Finding:
    """That an agent is not reached.

    :param others: the machine's addresses, when the one that was dialled is none of them.
    """
    if others:
        what = "The inventory has a wrong address for the machine: its agent cannot be reached at %s by %s (%s)."
        fix = "Correct praxis_private_ip of this host. The machine's addresses: %s." % ", ".join(others)
        return Finding("address-wrong", what % (point, ", ".join(dialled_by), answer), name, fix)
    what = "The machine's agent cannot be reached at %s by %s (%s)."
    fix = "Allow TCP to that port: run provision.yml for the cloud's firewall; on the machine, see nft list ruleset."
    if answer == "refused":
        fix = "On the machine: docker port praxis-agent-1; ss -ltn. The agent has to listen at praxis_p2p_port."
    return Finding("peer-unreachable", what % (point, ", ".join(dialled_by), answer), name, fix)


def _shut_in(name: str, answer: str, others: Sequence[str]) -> Finding:
    what = "The machine reaches %s; its agent's container does not (%s), so its agent cannot dial them."
    fix = "Let containers out. On the machine: sysctl net.ipv4.ip_forward; iptables -S FORWARD; nft list ruleset."
    return Finding("container-shut-in", what % (", ".join(others), answer), name, fix)


def _network(name: str, outcome: Mapping[str, Any]) -> Tuple[int, List[Finding]]:
    examination = outcome["examination"]
    inside, outside = (examination["inside"] or {}).get("mtu"), examination["mtu"]
    if not inside or not outside:
        return 0, []
    if inside <= outside:
        return 1, []
    what = "The MTU of containers is %d, and the MTU of the machine's default route is %d: large packets are lost."
    version = str((outcome["observation"].get("engine") or {}).get("version") or "")
    return 1, [Finding("mtu-too-large", what % (inside, outside), name, _smaller_mtu(outside, version))]


def _smaller_mtu(mtu: int, version: str) -> str:
    """How containers get a smaller MTU, by the engine's version; an older engine does not start with the option."""
    major = re.match(r"[0-9]+", version)
    if major and int(major.group()) < KNOWS_NETWORK_OPTIONS:
        return (
            "Docker Engine %s cannot change this MTU. Use version %d or newer (docker_source: docker, on a machine "
            "without an engine), or raise the MTU of the default route." % (version, KNOWS_NETWORK_OPTIONS)
        )
    options = '{"bridge": {"com.docker.network.driver.mtu": "%d"}}' % mtu
    return (
        'Set praxis_docker_daemon: {"mtu": %d, "default-network-opts": %s}, and deploy. An existing network keeps '
        "its MTU: on one machine after the other, run docker compose -p praxis down, and deploy again." % (mtu, options)
    )


def _secrets(name: str, outcome: Mapping[str, Any]) -> Tuple[int, List[Finding]]:
    items = outcome["examination"]["secrets"]
    found: List[Finding] = []
    for item in items:
        sealed = "/sealed" in item["path"]
        owner, most = (0, 0o700) if sealed else (CONTAINER_UID, 0o500)
        if item["path"].endswith("/praxis") and item["directory"]:
            owner, most = 0, 0o755  # the top, which holds directories only
        right = most if item["directory"] else 0o600 if sealed else 0o400
        needed = 0o500 if item["directory"] else 0o400
        path = shlex.quote(item["path"])
        command = "chown %d:%d %s && chmod %04o %s" % (owner, owner, path, right, path)
        fix = "On the machine: %s" % command
        if item["mode"] & ~most or item["uid"] not in (0, owner):
            what = "%s has the mode %04o and belongs to user %d: other users can read or change it."
            fix += "; then change the secrets that it holds, and deploy."
            said = what % (item["path"], item["mode"], item["uid"])
            found.append(Finding("secret-exposed", said, name, fix, command=command))
        elif item["uid"] != owner or item["mode"] & needed != needed:
            what = "%s has the mode %04o and belongs to user %d: the agent cannot read it when it starts again."
            said = what % (item["path"], item["mode"], item["uid"])
            found.append(Finding("secret-unreadable", said, name, fix, command=command))
    return sum(not item["directory"] for item in items), found


def of_plan(members: int, failures: Sequence[Finding], warnings: Sequence[Finding]) -> Check:
    """What the plan says of variables, settings, secrets and images.

    :param members: how many were planned.
    :param failures: why there is no plan.
    """
    return Check("plan", members, "member", (*failures, *warnings))


def summary(checks: Sequence[Check], fleet: str, hosts: Collection[str]) -> Dict[str, Any]:
    """The playbook's ``praxis_summary``: the rows of the table, and all that was found."""
    findings = consequences.without([finding for check in checks for finding in check.findings])
    shown = [replace(check, findings=tuple(one for one in check.findings if one in findings)) for check in checks]
    errors = [finding for finding in findings if finding.level == ERROR]
    return {
        "playbook": "doctor",
        "ok": not errors,
        "fleet": fleet,
        "hosts": list(hosts),
        "checks": [check.as_row() for check in shown],
        "findings": [
            {**finding.as_dict(), "level": finding.level, **remedies.of(finding, findings).as_dict()}
            for finding in findings
        ],
        "text": "\n".join(str(finding) for finding in errors),
    }
