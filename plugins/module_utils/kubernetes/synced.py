# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the External Secrets Operator says of an ExternalSecret. Pure."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.step_failure import short


def unsynced(item: Mapping[str, Any]) -> Optional[Finding]:
    """That the operator has not made the Secret of an ExternalSecret as it is now; a warning where it has, and only
    could not look again. None too where no operator has ever seen it: pods that need it do not start, and say so.

    ``syncedResourceVersion`` begins with the generation that was synced last (External Secrets Operator,
    ``GetResourceVersion``).

    :param item: as it is in the cluster.
    """
    status, name = item.get("status") or {}, str(item["metadata"]["name"])
    said_ready = [each for each in status.get("conditions") or [] if each.get("type") == "Ready"]
    ready: Mapping[str, Any] = said_ready[0] if said_ready else {}
    synced = str(status.get("syncedResourceVersion") or "").partition("-")[0]
    made = synced == str(item["metadata"].get("generation", ""))
    fails = ready.get("status") == "False"
    if not status or made and not fails:
        return None
    said = str(ready.get("message") or ready.get("reason")) if fails else "it has not processed it yet"
    what = "The External Secrets Operator has not brought this Secret up to date: %s." % short(said).rstrip(".")
    fix = "kubectl describe externalsecret %s; the store's account must be able to read every secret in it." % name
    if made:
        what = "The External Secrets Operator could not refresh this Secret: %s." % short(said).rstrip(".")
    return Finding("secret-not-synced", what, "ExternalSecret/%s" % name, fix, WARNING if made else ERROR)
