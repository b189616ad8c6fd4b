# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What doctors of both clouds say of permissions. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Failed, Finding

UNSEEN = "permissions-unseen"
MISSING = "permission-missing"
#: The statement by which permissions may be asked for. An answer shows that it is there.
ASK = "AskPermissions"
#: The statement by which the role of AWS's single sign-on is found. Nobody else needs it.
FIND = "FindRole"
Needs = TypeVar("Needs")
#: Options of the modules that ask; plugins/doc_fragments/permissions.py describes them.
ASKING: dict[str, dict[str, Any]] = {
    "verbs": {"type": "list", "elements": "str", "default": []},
    "required": {"type": "bool", "default": True},
}


def wanted(by_verb: Mapping[str, Needs], verbs: Collection[str]) -> dict[str, Needs]:
    """What is needed for these verbs, or for all when none is named.

    :raises Failed: ``unknown-verb``.
    """
    if unknown := sorted(set(verbs) - set(by_verb)):
        what = f"There is no policy for the verb {', '.join(unknown)}."
        raise Failed(Finding("unknown-verb", what, "praxis_doctor_verbs", "Set praxis_doctor_verbs to some of "
                                                                          f"{', '.join(sorted(by_verb))}."))
    return {verb: needs for verb, needs in by_verb.items() if not verbs or verb in verbs}


def unseen(what: str, where: str, fix: str) -> Finding:
    """That nobody could be asked which permissions there are. That is no reason why a deployment fails."""
    return Finding(UNSEEN, what, where, fix, WARNING)


def lacking(what: str, where: str, fix: str, required: bool) -> Finding:
    """That a verb's permissions are missing.

    :param required: whether it is an error.
    """
    return Finding(MISSING, what, where, fix, ERROR if required else WARNING)


def plain(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Findings as a module returns them."""
    return [{**each.as_dict(), "level": each.level} for each in findings]
