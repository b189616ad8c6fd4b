# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan of a fleet's infrastructure says of its next deployment, each difference by its name. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import shown_rules
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import CREATE, REMOVE

#: A row of the plan, in plain values.
Row = Mapping[str, Any]
_PROVISION = "Run provision.yml (with --check --diff first, to see what it does)."
_MACHINE = "machine"
#: Port, code, why it matters, fix.
Shut = tuple[str, str, str, str]
_P2P: Shut = ("p2p", "p2p-port-shut", "members cannot reach each other's agents", "Run provision.yml.")
_API: Shut = ("api", "api-port-shut", "callers of the API, such as the load balancer, are "
                                      "blocked", "Run provision.yml.")
_SSH: Shut = ("ssh", "ssh-port-shut", "the controller cannot log in", "Run provision.yml.")
_OTHER: Shut = ("", "infrastructure-differs", "what the settings open is blocked", "Run provision.yml.")
#: Fields of a rule of Google's: the more they hold, the more it admits.
_ADMITTING = ("sourceRanges", "sourceTags", "allowed")
_GOOGLE_RULE = re.compile(r"-(p2p|api|ssh)(?:-from)?(?:-v6)?$")


def is_ours(there: int, members: int) -> bool:
    """Whether the fleet has been provisioned here. Machines that come from elsewhere make a plan that would create all.

    :param there: how much of what the fleet should have there is.
    :param members: how many machines the inventory has.
    """
    return not members or there > 0


def findings(rows: Sequence[Row], p2p_port: int, api_port: int) -> list[Finding]:
    """What stands between what there is and what the settings need.

    :param rows: of the plan, as the infrastructure modules return them.
    :param p2p_port: the fleet's P2P port.
    :param api_port: where its API listens.
    """
    ports = {p2p_port: _P2P, api_port: _API, 22: _SSH}
    return [finding for row in rows for finding in _of_row(row, ports)]


def _of_row(row: Row, ports: Mapping[int, Shut]) -> list[Finding]:
    where = f"{row['kind']} {row['name']}"
    if row["action"] == REMOVE:
        what = "The settings do not ask for this resource, and provision.yml would remove it."
        return [Finding("infrastructure-differs", what, where, _PROVISION, WARNING)]
    if row["kind"] == _MACHINE:
        what = "This resource of the fleet is missing." if row["action"] == CREATE else _differs(row)
        level = ERROR if row["action"] == CREATE or "state" in _names(row) else WARNING
        missing = level == ERROR
        return [Finding("machine-missing" if missing else "infrastructure-differs", what, where, _PROVISION, level)]
    named = _GOOGLE_RULE.search(str(row["name"])) if "firewall" in str(row["kind"]) else None
    if named:
        return [_of_google_rule(row, named[1], where)]
    if row["action"] == CREATE:
        what = "This resource of the fleet is missing."
        return [Finding("infrastructure-missing", what, where, _PROVISION)]
    return _of_fields(row, where, ports)


def _of_google_rule(row: Row, port: str, where: str) -> Finding:
    if beyond := _beyond(row["fields"]):
        return _open(beyond, where)
    _port, code, why, fix = next(each for each in (_P2P, _API, _SSH) if each[0] == port)
    what = f"The resource {'is missing' if row['action'] == CREATE else 'is not as the settings ask for'}, so {why}."
    return Finding(code, what, where, fix)


def _of_fields(row: Row, where: str, ports: Mapping[int, Shut]) -> list[Finding]:
    found: list[Finding] = []
    fields = {str(each["field"]): each for each in row["fields"]}
    rules = fields.pop("rules", None)
    if rules:
        found += _of_rules(rules["before"] or [], rules["after"] or [], where, ports)
    for names, make in _NAMED:
        held = {name: fields.pop(name) for name in list(fields) if names(name)}
        if held:
            found.append(make(held, where))
    if fields:
        level = WARNING if all(name.startswith("tag ") for name in fields) else ERROR
        shown = _differs({"fields": fields.values()})
        found.append(Finding("infrastructure-differs", shown, where, _PROVISION, level))
    return found


def _of_rules(
    before: Collection[str], after: Collection[str], where: str, ports: Mapping[int, Shut]
) -> list[Finding]:
    there, wanted = _shown(before), _shown(after)
    found = []
    for text, rule in ((text, rule) for text, rule in wanted.items() if text not in there):
        known = [each for each in there.values() if each and rule and each.includes(rule)]
        if same := [each for each in known if rule and each.admitted == rule.admitted]:
            what = f"Its rule {text} is called {same[0].words or 'nothing'}."
            found.append(Finding("infrastructure-differs", what, where, _PROVISION, WARNING))
        elif not known:
            _port, code, why, fix = ports.get(rule.first if rule else -1, _OTHER)
            found.append(Finding(code, f"The group or rule does not admit {text}: {why}.", where, fix))
    admitted = {each.admitted for each in wanted.values() if each}
    for text, rule in ((text, rule) for text, rule in there.items() if text not in wanted):
        # Another name of what is wanted is said above.
        if not rule or rule.admitted not in admitted:
            found.append(_open([text], where))
    return found


def _shown(rules: Collection[str]) -> dict[str, shown_rules.Shown | None]:
    return {text: shown_rules.read(text) for text in rules}


def _open(admitted: Sequence[str], where: str) -> Finding:
    what = f"The group or rule admits {', '.join(admitted)}, which the settings do not ask for."
    fix = f"{_PROVISION} Or add the network to praxis_ssh_from, praxis_api_from or praxis_p2p_from."
    return Finding("port-open", what, where, fix, WARNING)


def _beyond(fields: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a rule of Google's admits beside all that it should; empty where it may keep out some of that."""
    beyond: list[str] = []
    networks = [str(one) for each in fields if each["field"] == "sourceRanges" for one in each["before"] or ()]
    for each in fields:
        if each["field"] not in _ADMITTING:
            return []
        there, wanted = _admitted(each["before"]), _admitted(each["after"])
        # A rule admits whoever is in one of its networks, or has one of its tags.
        if not all(one in there or _is_admitted(each["field"], one, networks) for one in wanted):
            return []
        beyond += [one for one in there if one not in wanted]
    return beyond


def _is_admitted(field: str, source: str, networks: Collection[str]) -> bool:
    """Whether a network, or all machines with a tag, are in one of these networks.

    Only of the whole of IPv4 it is known here that it has the machines' addresses.
    """
    if field != "sourceRanges":
        return field == "sourceTags" and shown_rules.WHOLE_IPV4 in networks
    return any(shown_rules.within(source, network) for network in networks)


def _admitted(values: Iterable[Any] | None) -> list[str]:
    """Networks and tags as they are, ports with their protocol."""
    found = []
    for one in values or ():
        ports = one.get("ports") or ["all"] if isinstance(one, Mapping) else []
        found += [f"{one['IPProtocol']} {port}" for port in ports] or [str(one)]
    return found


def _names(row: Row) -> list[str]:
    return [str(each["field"]) for each in row["fields"]]


def _differs(row: Row) -> str:
    shown = [f"{each['field']} is {each['before']}, and should be {each['after']}" for each in row["fields"]]
    return f"{'; '.join(shown)}."


def _dns(held: Mapping[str, Any], where: str) -> Finding:
    what = f"{' and '.join(sorted(held))} are off: machines of this VPC resolve no DNS names, such as the registry's."
    return Finding("vpc-dns-off", what, where, _PROVISION)


def _health(held: Mapping[str, Any], where: str) -> Finding:
    shown = _differs({"fields": held.values()})
    what = f"The load balancer's health check does not fit the agents: {shown} Healthy agents get no requests."
    return Finding("health-check-differs", what, where, _PROVISION)


#: Which fields are meant, and what is said of them.
_NAMED: tuple[tuple[Callable[[str], bool], Callable[[Mapping[str, Any], str], Finding]], ...] = (
    (lambda name: name in ("dns_support", "dns_hostnames"), _dns),
    (lambda name: name.startswith("health_") or name in ("httpHealthCheck", "requestPath"), _health),
)
