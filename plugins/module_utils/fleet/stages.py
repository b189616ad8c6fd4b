# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each task of the collection's playbooks means to somebody who watches a deployment. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.render import clean

#: Whom a stage is about: each host by itself, all hosts of the batch at once, the controller, or members of earlier
#: batches that each host of this one waits for.
HOST, BATCH, CONTROLLER, EARLIER = "host", "batch", "controller", "earlier"
ROLE = "role"


@dataclass(frozen=True)
class Stage:
    """What a task means to somebody who watches.

    :param what: more than the verb, where the verb alone does not say it.
    :param done: what a host has reached after it; empty when it is where it was before.
    """

    doing: str
    done: str = ""
    about: str = HOST
    what: str = ""

    @property
    def text(self) -> str:
        return ("%s %s" % (self.doing, self.what)).strip()


#: By a task's action and the argument that tells its uses apart (:func:`word_of`), or by the role it belongs to. A
#: task that is not here is shown by its name.
STAGES: Dict[Tuple[str, str], Stage] = {
    ("praxis.cloud.docker", ROLE): Stage("installing", what="Docker"),
    ("praxis.cloud.fleet_inventory", ""): Stage("planning", about=CONTROLLER),
    ("praxis.cloud.fleet_plan", ""): Stage("planning", about=CONTROLLER),
    ("praxis.cloud.p2p_identity", ""): Stage("creating", about=CONTROLLER, what="identities"),
    ("praxis.cloud.agent_release", "prepared"): Stage("preparing", "prepared"),
    ("praxis.cloud.fleet_order", ""): Stage("ordering", about=CONTROLLER),
    ("praxis.cloud.fleet_lock", "wait"): Stage("waiting", about=CONTROLLER, what="for another deployment"),
    ("praxis.cloud.fleet_lock", "free"): Stage("observing", about=CONTROLLER, what="who has locked the fleet"),
    ("praxis.cloud.fleet_lock", "observed"): Stage("observing", what="who has locked the fleet"),
    ("praxis.cloud.fleet_lock", ""): Stage("locking", about=CONTROLLER, what="the fleet"),
    ("praxis.cloud.agent_info", "member"): Stage("observing", about=EARLIER, what="earlier batches"),
    ("praxis.cloud.fleet_balancer", "absent"): Stage("draining", about=BATCH),
    ("praxis.cloud.agent_release", "active"): Stage("activating", "activated"),
    ("praxis.cloud.agent_info", ""): Stage("observing"),
    ("praxis.cloud.fleet_verify", ""): Stage("judging", about=CONTROLLER),
    ("praxis.cloud.fleet_doctor", ""): Stage("judging", about=CONTROLLER),
    ("praxis.cloud.aws_permissions_info", ""): Stage("observing", about=CONTROLLER, what="the permissions"),
    ("praxis.cloud.gcp_permissions_info", ""): Stage("observing", about=CONTROLLER, what="the permissions"),
    ("praxis.cloud.aws_caller_info", ""): Stage("observing", about=CONTROLLER, what="whose credentials these are"),
    ("praxis.cloud.fleet_balancer", "present"): Stage("rejoining", about=BATCH),
    ("praxis.cloud.agent_release", "restored"): Stage("rolling back", "rolled back"),
    ("praxis.cloud.agent_release", "confirmed"): Stage("confirming", "good"),
    ("praxis.cloud.fleet_lock", "absent"): Stage("releasing", about=CONTROLLER, what="the lock"),
    ("praxis.cloud.project", ""): Stage("writing", about=CONTROLLER, what="the project"),
    ("praxis.cloud.fleet_render", ""): Stage("rendering", about=CONTROLLER, what="files"),
    ("praxis.cloud.fleet_image", ""): Stage("building or copying", about=CONTROLLER, what="the image"),
    ("praxis.cloud.fleet_host_keys", ""): Stage("writing", about=CONTROLLER, what="host keys"),
    ("praxis.cloud.fleet_backups", "named"): Stage("naming", about=CONTROLLER, what="the backup"),
    ("praxis.cloud.fleet_backups", "made"): Stage("judging", about=CONTROLLER, what="the backup"),
    ("praxis.cloud.fleet_backups", "chosen"): Stage("choosing", about=CONTROLLER, what="the backup"),
    ("praxis.cloud.agent_backup", ""): Stage("backing up", "backed up"),
    ("praxis.cloud.agent_backup", "restored"): Stage("restoring", what="the data"),
    ("praxis.cloud.fleet_history", ""): Stage("reading", about=CONTROLLER, what="the history"),
}


@dataclass(frozen=True)
class Task:
    """A task as it is written.

    :param action: its full name.
    :param once: whether it runs once for all hosts, on the controller.
    """

    name: str
    action: str
    word: str = ""
    role: str = ""
    once: bool = False

    @property
    def stage(self) -> Stage:
        row = STAGES.get((self.role, ROLE)) or STAGES.get((self.action, self.word))
        return row or Stage("running", about=CONTROLLER if self.once else HOST, what=clean(self.name))


def word_of(args: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    """The argument that tells an action's uses apart. Before a task runs its templates have no values yet; the one
    that is a single variable of an include has that variable's."""
    value = str(args.get("state", next((word for word in ("member", "wait", "free") if word in args), "")))
    named = re.fullmatch(r"{{\s*(\w+)\s*}}", value)
    return str(variables.get(named[1], value)) if named else value
