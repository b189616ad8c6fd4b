# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ``praxis_*`` variable may hold: a wrong one is a finding that names the variable, never a traceback."""

from __future__ import annotations

import difflib
import ipaddress
import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import SCHEMES
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import proxies
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.dependence import WORDS
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import AWS, GCP

#: As Docker calls them.
ARCHITECTURES = ("amd64", "arm64")
#: Variables of a few words, and the code of what is reported of any other.
_CHOICES = {
    "architecture": (("", *ARCHITECTURES), "bad-variable"),
    "activate": (WORDS, "bad-variable"),
    "address": (("private", "public"), "bad-address-kind"),
    "identity_store": (("", AWS, GCP), "unknown-identity-store"),
    "peer_id_scheme": (SCHEMES, "unknown-identity-scheme"),
    "target": (("machines", "kubernetes", "ecs"), "bad-variable"),
}
#: The variables of a run, by fleet_plan's options: the least, the most, and what is meant when nothing is given.
RUN_OPTIONS: Dict[str, Tuple[str, int, int, Optional[int]]] = {
    "batch": ("praxis_batch", 1, 10000, 1),
    "canary": ("praxis_canary", 1, 10000, 1),
    "min_available": ("praxis_min_available", 0, 10000, None),
    "max_unreachable": ("praxis_max_unreachable", 0, 10000, 0),
    "soak": ("praxis_soak", 0, 86400, 30),
    "keep_releases": ("praxis_keep_releases", 1, 1000, 5),
    "deadline": ("praxis_gate_deadline", 1, 86400, 120),
    "pull_deadline": ("praxis_pull_deadline", 1, 86400, 900),
    "join_timeout": ("praxis_join_timeout", 1, 86400, None),
    "min_edges": ("praxis_min_edges", 0, 10000, None),
    "lease": ("praxis_lease", 1, 86400, None),
    "confirm_deadline": ("praxis_confirm_deadline", 60, 604800, None),
}
#: The variables of a person's lock and of waiting for others', by fleet_lock's options, as above.
LOCK_OPTIONS: Dict[str, Tuple[str, int, int, Optional[int]]] = {
    "lease": ("praxis_lock_for", 1, 604800, 3600),
    "wait": ("praxis_lock_wait", 0, 86400, 0),
}
#: Those of them that may be a percentage of the fleet, too.
SHARES = ("batch", "min_available")
#: The variables of a run that are one word, by fleet_plan's options: the words, the first of which is the default.
RUN_WORDS: Dict[str, Tuple[str, Tuple[str, ...]]] = {
    "departed": ("praxis_departed", ("report", "remove")),
    "unfinished": ("praxis_unfinished", ("continue", "refuse")),
}
#: All variables of a run, by fleet_plan's options.
RUN_VARIABLES: Dict[str, str] = {
    **{option: variable for option, (variable, *_limits) in RUN_OPTIONS.items()},
    **{option: variable for option, (variable, _words) in RUN_WORDS.items()},
    "hooks": "praxis_hooks",
    "record": "praxis_record",
    "take_over": "praxis_take_over",
}
#: What one run is given, and does without where it is not set. A playbook's ``default`` takes a template that fails for
#: one that is not set: any plan would do for the one that was agreed to, all slots for those that were named.
GIVEN: Tuple[str, ...] = (
    "praxis_backup",
    "praxis_confirm_down",
    "praxis_data_remove",
    "praxis_doctor_fix",
    "praxis_force",
    "praxis_lock_for",
    "praxis_lock_reason",
    "praxis_lock_wait",
    "praxis_plan_id",
    "praxis_provision_plan_id",
    "praxis_remove_identities",
    "praxis_slots",
    "praxis_take_over",
    "praxis_to",
    "praxis_unfinished",
)
#: Those of them that a run has a use for which only observes.
GIVEN_TO_OBSERVE: Tuple[str, ...] = ("praxis_plan_id",)
#: Those of them that are true or false.
GIVEN_TRUTHS: Tuple[str, ...] = ("praxis_force", "praxis_remove_identities")
#: What Ansible's argument specs and Jinja's filter ``bool`` agree on; ``y`` is true to one of them, false to the other.
_TRUTHS = {**dict.fromkeys(("true", "yes", "on", "1"), True), **dict.fromkeys(("false", "no", "off", "0"), False)}
#: IPv4 addresses that mean no other machine, or another one at each place.
_UNDIALLED: Tuple[Tuple[str, Callable[[ipaddress.IPv4Address], bool]], ...] = (
    ("which means every address of a machine", lambda address: address.is_unspecified),
    ("which means the machine itself", lambda address: address.is_loopback),
    ("a link-local address", lambda address: address.is_link_local),
    ("a multicast address", lambda address: address.is_multicast),
    ("a reserved address", lambda address: address.is_reserved or address.packed[0] == 0),
)
#: A finding's code, what a variable is, and the fix.
Wrong = Optional[Tuple[str, str, str]]


def truth(value: Any) -> Optional[bool]:
    """What Jinja's filter ``bool`` makes of a variable; None for what it would take for false without a word."""
    return _TRUTHS.get((value if isinstance(value, str) else shown(value)).lower())


def no_truth(value: Any) -> Tuple[str, str, str]:
    """What is wrong with such a one."""
    return "bad-variable", "is %s, and must be true or false." % shown(value), "Write true or false."


def convert(values: Dict[str, Any], name: str, kind: str, value: Any) -> Wrong:
    """Put a variable's value into ``values``, or say what is wrong with it."""
    if value is None:
        return None
    if kind == "int":
        if not isinstance(value, (int, str)) or not _is_port(value):
            return "bad-variable", "is %s, which is not a port." % shown(value), "Write a whole number from 1 to 65535."
        values[name] = int(value)
    elif kind == "bool":
        said = truth(value)
        if said is None:
            return no_truth(value)
        values[name] = said
    elif kind == "str":
        if isinstance(value, (dict, list)):
            return "bad-variable", "is not text.", "Write it as one text."
        if isinstance(value, (bool, float)):
            fix = "Write it in quotes: YAML reads a bare yes, no or 1.10 as something else."
            return "bad-variable", "is %s, which is not text." % shown(value), fix
        values[name] = shown(value) if isinstance(value, int) else str(value)
    elif kind == "Pointer":
        if not isinstance(value, (str, dict)):
            return "bad-variable", "is neither a name nor a mapping of tags.", "Write a name, an id, or `tag: value`."
        values[name] = value
    elif kind == "Words":
        if not isinstance(value, str) and not _are_texts(value):
            return "bad-variable", "is neither a text nor a list of texts.", "Write `- NAME` entries below it."
        values[name] = tuple(proxies.entries(value))
    elif kind == "Entries":
        if not isinstance(value, list):
            return "bad-variable", "is not a list.", "Write `- name: value` entries below it."
        values[name] = tuple(value)
    else:
        if not isinstance(value, dict):
            return "bad-variable", "is not a mapping.", "Write `name: value` lines below it."
        values[name] = value
    return None


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_port(value: Any) -> bool:
    text = value if isinstance(value, str) else shown(value)
    return re.fullmatch("[0-9]{1,5}", text) is not None and 1 <= int(text) <= 65535


def check(name: str, value: Any) -> Wrong:
    """What is wrong with a value of the right type."""
    if name in _CHOICES:
        choices, code = _CHOICES[name]
        if value is not None and value not in choices:
            return code, "is %s." % shown(value), one_of(value, choices)
    if name in ("private_ip", "public_ip") and value:
        return _check_address(value)
    if name == "docker_daemon" and value and value.get("userns-remap"):
        what = "has userns-remap: containers would run as other users, and the agent could not read its files."
        return "mounts-unreadable", what, "Remove userns-remap from it."
    if name in ("http_proxy", "https_proxy", "no_proxy") and value:
        wrong = proxies.check_entries(value) if name == "no_proxy" else proxies.check_url(value)
        return wrong and ("bad-proxy", *wrong)
    return None


def _check_address(value: str) -> Wrong:
    """Whether other members can dial it. The container's network and the connections that are read there are IPv4."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        what = "is %s, which is not an IP address: connections are distinguished by address." % shown(value)
        fix = "Write one IPv4 address, without port and prefix; for a name, the address that it resolves to."
        return "bad-address", what, fix
    if isinstance(address, ipaddress.IPv6Address):
        what = "is %s, an IPv6 address: agents dial each other through IPv4 only." % shown(value)
        inside = address.ipv4_mapped
        fix = "Write %s." % inside if inside else "Write the machine's IPv4 address; only ansible_host may be IPv6."
        return "bad-address", what, fix
    for kind, is_kind in _UNDIALLED:
        if is_kind(address):
            what = "is %s, %s." % (shown(value), kind)
            return "bad-address", what, "Write the IPv4 address at which the other members reach the machine."
    return None


def one_of(word: str, choices: Sequence[str]) -> str:
    """What to write in the place of a word that is none of these."""
    near = difflib.get_close_matches(word.lower(), choices, n=1, cutoff=0.5)
    return ("Did you mean %s? " % near[0] if near else "") + "Write one of %s." % ", ".join(choices)


def bad_variable(what: str, where: str, fix: str) -> Finding:
    """A variable cannot be what it is."""
    return Finding("bad-variable", what, where, fix)


def run_options(given: Mapping[str, Any]) -> Tuple[Dict[str, Any], List[Finding]]:
    """The run's own numbers and words, percentages as they were written, and every one that cannot be: its default
    stands in for it."""
    found, findings = numbers(given, RUN_OPTIONS)
    for option, (variable, words) in RUN_WORDS.items():
        value = given.get(option) or words[0]
        found[option] = value if value in words else words[0]
        if value not in words:
            fix = "Write one of %s." % ", ".join(words)
            findings.append(bad_variable("%s is %s." % (variable, shown(value)), variable, fix))
    if found["lease"] is not None and found["lease"] <= found["soak"]:
        what = "praxis_lease (%d) is not longer than praxis_soak (%d): a run would lose the lock while it waits."
        fix = "Remove praxis_lease (its default is long enough), or set it higher than praxis_soak."
        findings.append(bad_variable(what % (found["lease"], found["soak"]), "praxis_lease", fix))
    return found, findings


def numbers(
    given: Mapping[str, Any], options: Mapping[str, Tuple[str, int, int, Optional[int]]]
) -> Tuple[Dict[str, Any], List[Finding]]:
    """The numbers of a table like :data:`RUN_OPTIONS`, and every one that cannot be: its default stands in for it."""
    found: Dict[str, Any] = {}
    findings = []
    for option, (variable, least, most, default) in options.items():
        value = given.get(option)
        text = value if isinstance(value, str) else shown(value)
        found[option] = default
        if value is None or value == "":
            continue
        if isinstance(value, (int, str)) and re.fullmatch("[0-9]{1,9}", text) and least <= int(text) <= most:
            found[option] = int(text)
        elif option in SHARES and isinstance(value, str) and re.fullmatch("(100|[1-9][0-9]?)%", value):
            found[option] = value
        else:
            share = ", or a percentage of the fleet from 1% to 100%" if option in SHARES else ""
            fix = "Write a whole number from %d to %d%s." % (least, most, share)
            findings.append(bad_variable("%s is %s." % (variable, shown(value)), variable, fix))
    return found, findings
