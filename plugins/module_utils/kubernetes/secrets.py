# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of a cluster: never a value, only where the cluster finds it.

An ExternalSecret is an object of the External Secrets Operator (``external-secrets.io/v1``), which makes a Secret of
it. With an AWS store, a version that begins with ``uuid/`` is a version's id, and any other a staging label
(https://external-secrets.io/latest/provider/aws-secrets-manager/); with a Google store it is a version's number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import digest
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.settings import SecretSource
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import AWS, Reference

# The operator reads a key as a path into the JSON, in which other characters have meanings of their own.
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class SecretObject:
    """A Secret that pods mount, and where it comes from.

    :param name: the Secret's name.
    :param names: of what pods get from it; its keys, where ``keys`` does not say another.
    :param references: key -> reference; empty for a Secret that exists.
    :param keys: name -> key of a Secret that exists: its owner writes it as the variable in ``praxis_agent_secrets``.
    """

    name: str
    names: Tuple[str, ...]
    source: SecretSource = SecretSource()
    references: Mapping[str, Reference] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_external(self) -> bool:
        return bool(self.references)

    def manifest(self, metadata: Mapping[str, Any], immutable: bool) -> Dict[str, Any]:
        """The ExternalSecret.

        :param immutable: whether the Secret may never change: its name says its versions.
        """
        data = [
            {
                "secretKey": name,
                "remoteRef": remote(reference),
                "sourceRef": {"storeRef": self._store(reference)},
            }
            for name, reference in sorted(self.references.items())
        ]
        target: Dict[str, Any] = {"name": self.name, "creationPolicy": "Owner", "deletionPolicy": "Retain"}
        return {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": dict(metadata),
            "spec": {
                "refreshInterval": self.source.refresh,
                "secretStoreRef": self._store(next(iter(self.references.values()))),
                "target": {**target, **({"immutable": True} if immutable else {})},
                "data": data,
            },
        }

    def _store(self, reference: Reference) -> Dict[str, str]:
        return {"name": self.source.stores[reference.store], "kind": self.source.store_kind}


def remote(reference: Reference) -> Dict[str, str]:
    """A reference in the operator's words."""
    version = reference.version or reference.stage
    if reference.store == AWS and reference.version:
        version = "uuid/" + reference.version
    found = {"key": reference.name, "property": reference.key, "version": version}
    # Written out, because the cluster fills defaults in and whoever compares would see a difference.
    defaults = {"conversionStrategy": "Default", "decodingStrategy": "None", "metadataPolicy": "None"}
    return {**{key: value for key, value in found.items() if value}, **defaults}


def versioned_name(base: str, references: Mapping[str, Reference]) -> str:
    """A name that another version of any of the secrets changes: pods of two releases each have their own Secret."""
    return "%s-%s" % (base, digest({name: str(reference) for name, reference in references.items()})[:10])


def check_references(source: SecretSource, references: Mapping[str, Reference], part: str, where: str) -> List[Finding]:
    """What a cluster's stores cannot give.

    :param part: ``secrets`` or ``identities``.
    """
    findings = []
    for store in sorted({reference.store for reference in references.values()} - set(source.stores)):
        what = "praxis_kubernetes.%s has no store for %s." % (part, store)
        fix = "Set %s.stores.%s to the name of a %s of the External Secrets Operator, or %s.existing to a Secret."
        fix %= (part, store, source.store_kind, part)
        findings.append(Finding("no-secret-store", what, where, fix))
    for name, reference in sorted(references.items()):
        if reference.key and not _PLAIN_KEY.fullmatch(reference.key):
            what = "The External Secrets Operator would not read the key %r of %s literally." % (reference.key, name)
            fix = "Use a key of letters, digits, '_' and '-', or use an existing Secret (%s.existing)." % part
            findings.append(Finding("external-secret-key", what, where, fix))
    projects = sorted({reference.project for reference in references.values() if reference.project})
    regions = sorted({reference.region for reference in references.values() if reference.region})
    for kind, places in (("projects", projects), ("regions", regions)):
        if len(places) > 1:
            what = "Its %s are in several %s (%s), and a store reads only one." % (part, kind, ", ".join(places))
            fix = "Store them in one place, or use an existing Secret (%s.existing)." % part
            findings.append(Finding("secrets-apart", what, where, fix))
    return findings
