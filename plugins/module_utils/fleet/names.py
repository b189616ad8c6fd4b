# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheme of names and tags: what a fleet may be called, and what is called after it. Pure.

Names are never shortened: two fleets whose names begin alike would then share a resource. The fleet's own name is
short enough instead.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Any, Dict, Iterator, List, Mapping, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

#: A load balancer's name may have 32 characters, and the fleet's comes after ``praxis-``.
LONGEST_FLEET = 25
LONGEST_TAG_KEY, LONGEST_TAG_VALUE = 128, 256
LONGEST_ACCOUNT = 30
MANAGED_TAG, MANAGED_VALUE = "praxis_managed_by", "provision"
FLEET_TAG = "praxis_fleet"
#: The kind of agents in ECS that a resource was made for, and with which it goes.
KIND_TAG = "praxis_kind"

_FLEET = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
LONGEST_LABEL, LONGEST_LABEL_BYTES = 63, 128
# Google's labels are of any script: letters without capitals, letters that know none (Lo), and digits.
_LABEL_LETTERS, _LABEL_DIGITS = ("Ll", "Lo"), ("Nd", "Nl", "No")

#: What may stand in a tag of any service of AWS beside letters, digits and spaces of any script.
_AWS_SIGNS = "_.:/=+-@"


def google_machine(ident: str, zone: str = "") -> Tuple[str, str]:
    """Zone and name of a machine of Google's.

    :param ident: its name, or a link to it of any form, which has the zone: ``projects/P/zones/Z/instances/NAME``.
    :param zone: where the name alone is given; it may be a link, too.
    """
    words = ident.split("/")
    within = words[words.index("zones") + 1] if "zones" in words[:-1] else ""
    return (zone or within).rpartition("/")[2], words[-1]


def check_fleet(fleet: str, where: str = "praxis_fleet") -> None:
    """:raises Failed: ``bad-fleet-name``, saying which rule the name breaks."""
    if len(fleet) > LONGEST_FLEET:
        what = "The fleet's name %r has %d characters." % (fleet, len(fleet))
    elif not _FLEET.fullmatch(fleet):
        what = "The fleet's name %r cannot be part of the names of cloud resources." % fleet
    else:
        return
    fix = "Use 1 to %d lower-case letters, digits and hyphens; begin with a letter; no hyphen last." % LONGEST_FLEET
    raise Failed(Finding(code="bad-fleet-name", what=what, where=where, fix=fix))


def check_labels(labels: Mapping[str, Any], where: str = "praxis_labels", *, google: bool = False) -> None:
    """Whether a cloud can keep these tags, and whether none of them is one of the scheme's own.

    :param google: as labels on Google Cloud; else as tags on AWS.
    :raises Failed: ``bad-label``, one finding a label.
    """
    problems = _google_problems if google else _aws_problems
    findings = [
        Finding(code="bad-label", what="The label %r %s." % (key, problem), where=where, fix=fix)
        for key, value in labels.items()
        for problem, fix in [*_own_problems(str(key)), *problems(str(key), str(value))]
    ]
    if findings:
        raise Failed(*findings)


def _own_problems(key: str) -> Iterator[List[str]]:
    if key == "Name" or key.startswith("praxis_"):
        yield ["is a tag that praxis.cloud sets itself", "Leave it out, or choose another key."]


def _google_problems(key: str, value: str) -> Iterator[List[str]]:
    fix = "Use up to 63 lower-case letters, digits, hyphens and underscores; a key begins with a letter."
    first = unicodedata.category(key[0]) if key else ""
    if first not in _LABEL_LETTERS or not _is_google_word(key) or not _is_google_word(value):
        yield ["has a key or a value (%r) that Google Cloud does not allow" % value, fix]


def _is_google_word(text: str) -> bool:
    allowed = (*_LABEL_LETTERS, *_LABEL_DIGITS)
    return (
        len(text) <= LONGEST_LABEL
        and len(text.encode(errors="surrogatepass")) <= LONGEST_LABEL_BYTES
        and all(letter in "-_" or unicodedata.category(letter) in allowed for letter in text)
    )


def _aws_problems(key: str, value: str) -> Iterator[List[str]]:
    if key.lower().startswith("aws:"):
        yield ["begins with aws:, which AWS keeps for itself", "Choose another key."]
    if not 1 <= len(key) <= LONGEST_TAG_KEY or len(value) > LONGEST_TAG_VALUE:
        fix = "A key has 1 to %d characters, a value at most %d." % (LONGEST_TAG_KEY, LONGEST_TAG_VALUE)
        yield ["has a key or a value of the wrong length", fix]
    if not _is_aws_word(key + value):
        fix = "Use letters, digits, spaces and %s." % " ".join(_AWS_SIGNS)
        yield ["has a key or a value (%r) with a character that AWS does not allow in every tag" % value, fix]


def _is_aws_word(text: str) -> bool:
    """Whether IAM and Elastic Load Balancing take it; EC2 takes more."""
    return all(letter in _AWS_SIGNS or unicodedata.category(letter)[0] in "LNZ" for letter in text)


def tags_of(item: Mapping[str, Any]) -> Dict[str, str]:
    """The tags of a resource as AWS describes it: a list of ``{Key, Value}`` under ``Tags``, or none."""
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags") or ()}


def tag_list(tags: Mapping[str, str]) -> List[Dict[str, str]]:
    """Tags as AWS takes them, in the order of their keys."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def mark(fleet: str) -> Dict[str, str]:
    """The tags by which provisioning knows its own: it changes and removes what carries both, and nothing else."""
    return {FLEET_TAG: fleet, MANAGED_TAG: MANAGED_VALUE}


def mark_text(fleet: str) -> str:
    """The same mark as a description, for what has no labels on Google Cloud."""
    return " ".join("%s=%s" % pair for pair in mark(fleet).items())


def is_marked(description: Any, text: str) -> bool:
    """Whether a description holds every word of a mark; more may stand beside them."""
    return set(text.split()) <= set(str(description or "").split())


def names(fleet: str, region: str) -> Dict[str, str]:
    """The names of what provisioning makes for a fleet in a region.

    ``fleet`` is that of the VPC, internet gateway, route table, load balancer and target group, and what a subnet's
    (``-ZONE``) and a key pair's (``-DIGEST``) begin with. A role's has the region in it: roles belong to the account.
    """
    base = "praxis-" + fleet
    return {
        "fleet": base,
        "members_group": base + "-member",
        "balancer_group": base + "-balancer",
        "role": "%s-%s" % (base, region),
    }


def google_names(fleet: str) -> Dict[str, str]:
    """The names of what provisioning makes for a fleet in a Google Cloud project.

    ``fleet`` is that of everything of Compute Engine's (firewall rules' begin with it), and the machines' network tag.
    A service account's name may have 30 characters: a longer one ends in a digest, so that two still share none.
    """
    base = "praxis-" + fleet
    digest = hashlib.sha256(fleet.encode()).hexdigest()[:8]
    short = "%s-%s" % (base[: LONGEST_ACCOUNT - 9].rstrip("-"), digest)
    return {"fleet": base, "account": base if len(base) <= LONGEST_ACCOUNT else short}
