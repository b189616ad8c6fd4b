# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fleet in one region of a project, as its provisioning and its removal know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_machines import Machines
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.provisioning import Quotas, Run, unasked
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import google_names, mark_text
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_list import KIND_PARTS

Options = Mapping[str, Any]


@dataclass
class Fleet:
    """A fleet.

    :param options: the module's.
    """

    client: GcpClient
    options: Options
    poll: Poll = field(default_factory=Poll)

    @property
    def name(self) -> str:
        """Of everything that it has."""
        return str(self.options["name"] or google_names(self.options["fleet"])["fleet"])

    @property
    def mark(self) -> str:
        """The words of a description by which what is made is known as made here."""
        return str(self.options["mark"] or mark_text(self.options["fleet"]))

    @property
    def where(self) -> str:
        """For findings."""
        region = self.options["region"]
        return f"fleet {self.options['fleet']} in project {self.client.project}" + (f", {region}" if region else "")

    def run(self, check_mode: bool, allow_shrink: bool, quotas: Quotas = unasked) -> Run:
        """One run of provisioning."""
        fleet, region, project = self.options["fleet"], self.options["region"], self.client.project
        place = f"project {project}" + (f", {region}" if region else "")
        return Run(
            scope=("gcp", project, region, fleet),
            title=f"fleet {fleet}, Google Cloud {place}",
            where=self.where,
            agreed=self.options["plan_id"],
            allow_shrink=allow_shrink,
            check_mode=check_mode,
            parts=KIND_PARTS,
            quotas=quotas,
        )

    def machines(self) -> Machines:
        """Its machines."""
        return Machines(self.client, self.options["fleet"], float(self.options["deadline"]), self.poll)
