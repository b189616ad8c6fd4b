# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults of secrets and identities."""

from __future__ import annotations

from tests.planted.fault import Fault

FAULTS = (
    Fault(
        name="text-around-a-reference-is-shown",
        breaks="A fault in a reference shows the text around it, which may be secret.",
        file="plugins/module_utils/secrets/grammar.py",
        before="            raise fault(\n                inside[0],\n",
        after="            raise fault(\n                text,\n",
        tests=("tests/unit/secrets/test_grammar.py",),
    ),
    Fault(
        name="stage-survives-a-pin",
        breaks="A reference that is pinned to a version still asks for a stage.",
        file="plugins/module_utils/secrets/reference.py",
        before='return replace(self, version=version, stage="")',
        after="return replace(self, version=version)",
        tests=("tests/unit/secrets/test_reference.py",),
    ),
    Fault(
        name="region-of-an-arn-is-ignored",
        breaks="A secret that is named by ARN is looked for in the client's region.",
        file="plugins/module_utils/secrets/reference.py",
        before='return arn["region"] if arn else self.home',
        after="return self.home",
        tests=("tests/unit/secrets/test_reference.py", "tests/unit/secrets/test_aws_sm.py"),
    ),
    Fault(
        name="value-in-a-representation",
        breaks="A secret's value is in its representation, and so in any traceback.",
        file="plugins/module_utils/secrets/fetch.py",
        before="value: str | bytes = field(repr=False)",
        after="value: str | bytes = field()",
        tests=("tests/unit/secrets/test_fetch.py",),
    ),
    Fault(
        name="key-that-stands-twice",
        breaks="Of a key that stands twice in a secret one value is taken by chance.",
        file="plugins/module_utils/secrets/fetch.py",
        before="if len(values) > 1:",
        after="if len(values) > 2:",
        tests=("tests/unit/secrets/test_fetch.py",),
    ),
    Fault(
        name="stores-are-asked-for-each-key",
        breaks="A secret is asked for once for each of its keys.",
        file="plugins/module_utils/secrets/fetch.py",
        before="groups.setdefault(reference.store, {})[reference.whole()] = None",
        after="groups.setdefault(reference.store, {})[reference] = None",
        tests=("tests/unit/secrets/test_fetch.py",),
    ),
    Fault(
        name="twenty-one-a-call",
        breaks="One secret more is asked for in a call than AWS takes.",
        file="plugins/module_utils/secrets/aws_sm.py",
        before="BATCH = 20",
        after="BATCH = 21",
        tests=("tests/unit/secrets/test_aws_sm.py",),
    ),
    Fault(
        name="busy-secret-is-refused",
        breaks="A secret that the store was too busy for is reported as one that cannot be read.",
        file="plugins/module_utils/secrets/aws_sm.py",
        before="elif error is not None and not _passing(error):",
        after="elif error is not None:",
        tests=("tests/unit/secrets/test_aws_sm.py",),
    ),
    Fault(
        name="checksum-is-not-checked",
        breaks="A value that changed on its way from Google is delivered.",
        file="plugins/module_utils/secrets/gcp_sm.py",
        before='if "data_crc32c" in answer.payload and crc32c(data) != int(answer.payload.data_crc32c):',
        after='if "data_crc32c" not in answer.payload and crc32c(data) != int(answer.payload.data_crc32c):',
        tests=("tests/unit/google/test_gcp_sm.py",),
    ),
    Fault(
        name="disabled-service-is-reported-for-each-secret",
        breaks="A service that is switched off is reported once for each secret.",
        file="plugins/module_utils/secrets/gcp_sm.py",
        before='if not error.reason or error.reason == "SERVICE_DISABLED":',
        after="if not error.reason:",
        tests=("tests/unit/google/test_gcp_sm.py",),
    ),
    Fault(
        name="removed-seed-is-made-anew",
        breaks="A seed that can still be restored is made anew, with another peer id.",
        file="plugins/module_utils/secrets/identities.py",
        before='DELETED: "restore"}',
        after='DELETED: "create"}',
        tests=("tests/unit/secrets/test_identities.py",),
    ),
    Fault(
        name="seed-as-text-is-taken",
        breaks="A seed that AWS holds as text is taken.",
        file="plugins/module_utils/secrets/identities.py",
        before='        if where.store == AWS:\n            return _unusable(slot, where, "is stored as text")',
        after='        if where.store == GCP:\n            return _unusable(slot, where, "is stored as text")',
        tests=("tests/unit/secrets/test_identities.py",),
    ),
    Fault(
        name="own-seed-over-another-runs",
        breaks="Of two runs that make one seed each goes on with its own.",
        file="plugins/module_utils/secrets/identities_aws.py",
        before=(
            "            # Someone made it since we observed it: theirs is the slot's identity now.\n"
            "            return self._present(change)"
        ),
        after='            return Identity(change.slot, change.name, PRESENT, "", seed)',
        tests=("tests/unit/secrets/test_identities.py", "tests/unit/modules/test_p2p_identity.py"),
    ),
    Fault(
        name="refused-removal-is-done",
        breaks="A removal that AWS refuses is reported as done.",
        file="plugins/module_utils/secrets/identities_aws.py",
        before=".state in (PRESENT, UNUSABLE):\n                raise\n",
        after=".state in (PRESENT, UNUSABLE):\n                pass\n",
        tests=("tests/unit/modules/test_p2p_identity.py",),
    ),
    Fault(
        name="later-version-is-the-seed",
        breaks="Of two controllers that race the second one keeps its own seed too.",
        file="plugins/module_utils/secrets/identities_gcp.py",
        before='if str(added["name"]).rpartition("/")[2] == _FIRST:',
        after='if str(added["name"]).rpartition("/")[2]:',
        tests=("tests/unit/google/test_gcp_identities.py",),
    ),
)
