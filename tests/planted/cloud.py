# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults of the clouds' clients."""

from __future__ import annotations

from tests.planted.fault import Fault

FAULTS = (
    Fault(
        name="attempt-after-the-deadline",
        breaks="A request is sent again after the policy's deadline.",
        file="plugins/module_utils/cloud/retry.py",
        before="elapsed + pause > self.deadline",
        after="elapsed > self.deadline",
        tests=("tests/unit/cloud/test_retry.py",),
    ),
    Fault(
        name="retry-after-is-ignored",
        breaks="A cloud's wish for a pause is not kept.",
        file="plugins/module_utils/cloud/retry.py",
        before="return jitter if retry_after is None else retry_after + jitter",
        after="return jitter",
        tests=("tests/unit/cloud/test_retry.py",),
    ),
    Fault(
        name="quota-is-throttling",
        breaks="A quota that is used up is tried again as if it were throttling.",
        file="plugins/module_utils/cloud/retry.py",
        before='"LambdaThrottledException",\n',
        after='"LambdaThrottledException", "LimitExceededException",\n',
        tests=("tests/unit/cloud/test_retry.py",),
    ),
    Fault(
        name="refusal-is-tried-again",
        breaks="A refusal is hidden behind a minute of retries.",
        file="plugins/module_utils/cloud/errors.py",
        before="return self.transient and (idempotent or self.untouched)",
        after="return self.transient or idempotent",
        tests=("tests/unit/cloud/test_retry.py",),
    ),
    Fault(
        name="change-is-sent-twice",
        breaks="A change whose fate is unknown is sent again.",
        file="plugins/module_utils/cloud/errors.py",
        before="return self.transient and (idempotent or self.untouched)",
        after="return self.transient",
        tests=("tests/unit/cloud/test_retry.py", "tests/unit/cloud/test_aws.py"),
    ),
    Fault(
        name="sdk-logs-values",
        breaks="The SDK logs secret values at debug level.",
        file="plugins/module_utils/cloud/aws.py",
        before='    logging.getLogger("botocore").setLevel(logging.INFO)\n',
        after="",
        tests=("tests/unit/cloud/test_aws.py",),
    ),
    Fault(
        name="refusal-quotes-the-value",
        breaks="AWS's refusal of a secret is shown with the value that it quotes.",
        file="plugins/module_utils/cloud/aws.py",
        before="quotable = _CONFIDENTIAL.isdisjoint(params)",
        after="quotable = True",
        tests=("tests/unit/cloud/test_aws.py",),
    ),
    Fault(
        name="first-page-only",
        breaks="Only the first page of a listing is read.",
        file="plugins/module_utils/cloud/aws.py",
        before="            if not token:\n                return\n",
        after="            if token:\n                return\n",
        tests=("tests/unit/cloud/test_aws.py",),
    ),
    Fault(
        name="failed-operation-is-done",
        breaks="An operation that Google ended with an error counts as done.",
        file="plugins/module_utils/cloud/gcp.py",
        before='if operation.get("error"):',
        after='if operation.get("errors"):',
        tests=("tests/unit/google/test_gcp_client.py",),
    ),
    Fault(
        name="operation-is-waited-for-without-end",
        breaks="An operation that never ends is waited for beyond its deadline.",
        file="plugins/module_utils/cloud/gcp.py",
        before="end = clock() + seconds",
        after="end = clock() + 2 * seconds",
        tests=("tests/unit/google/test_gcp_client.py",),
    ),
    Fault(
        name="draining-target-is-gone",
        breaks="A target that still serves its last requests counts as gone.",
        file="plugins/module_utils/cloud/target_group.py",
        before="not (health.registered or health.draining)",
        after="not health.registered",
        tests=("tests/unit/cloud/test_target_group.py",),
    ),
    Fault(
        name="registration-refusal-is-waited-for",
        breaks="A refused registration is tried again, and told late.",
        file="plugins/module_utils/cloud/target_group.py",
        before="if error.reason not in _LATE_TARGET:",
        after="if error.reason in _LATE_TARGET:",
        tests=("tests/unit/modules/test_aws_lb_target.py",),
    ),
    Fault(
        name="image-of-another-region",
        breaks="An image is looked up in the client's region and not in its registry's.",
        file="plugins/module_utils/cloud/registry.py",
        before="ecr = client.in_region(region)",
        after="ecr = client",
        tests=("tests/unit/cloud/test_registry.py",),
    ),
    Fault(
        name="registry-password-in-a-representation",
        breaks="A registry's password is in its representation.",
        file="plugins/module_utils/cloud/registry.py",
        before="password: str = field(repr=False)",
        after="password: str = field()",
        tests=("tests/unit/cloud/test_registry.py", "tests/unit/google/test_leaks.py"),
    ),
    Fault(
        name="login-in-clear",
        breaks="A registry's login is sent without TLS to whoever asks for it.",
        file="plugins/module_utils/cloud/oci.py",
        before='if realm.scheme != "https" and not (realm.scheme == "http" and _is_loopback(realm.netloc)):',
        after='if realm.scheme not in ("https", "http"):',
        tests=("tests/unit/cloud/test_oci.py",),
    ),
    Fault(
        name="login-follows-a-redirection",
        breaks="A registry's login goes to the storage host that it sends us on to.",
        file="plugins/module_utils/cloud/oci.py",
        before='request.add_unredirected_header("Authorization", authorization)',
        after='request.add_header("Authorization", authorization)',
        tests=("tests/unit/cloud/test_oci.py",),
    ),
    Fault(
        name="any-text-is-a-digest",
        breaks="Whatever a registry names as a digest is taken for one.",
        file="plugins/module_utils/cloud/oci.py",
        before="if status != 200 or not DIGEST.fullmatch(digest):",
        after="if status != 200 or not digest:",
        tests=("tests/unit/cloud/test_oci.py",),
    ),
    Fault(
        name="half-an-inventory",
        breaks="A region that cannot be read is left out while another one can.",
        file="plugins/module_utils/cloud/parallel.py",
        before="    if findings:\n        raise Failed(*findings)\n",
        after="    if findings and len(findings) == len(answers):\n        raise Failed(*findings)\n",
        tests=("tests/unit/inventory/test_fleet.py",),
    ),
    Fault(
        name="metadata-without-a-token",
        breaks="New machines give out their role's credentials without a token.",
        file="plugins/module_utils/cloud/aws_machines.py",
        before='"HttpTokens": "required", "HttpPutResponseHopLimit": 1}',
        after='"HttpTokens": "optional", "HttpPutResponseHopLimit": 1}',
        tests=("tests/unit/modules/test_aws_machines.py",),
    ),
    Fault(
        name="surplus-goes-before-the-failure-is-told",
        breaks="Surplus machines are terminated although new ones could not be launched.",
        file="plugins/module_utils/cloud/aws_machines.py",
        before=(
            "        if findings:\n"
            "            raise Failed(*findings)\n"
            "        self.terminate(changes.terminate)\n"
            "        return launched"
        ),
        after=(
            "        self.terminate(changes.terminate)\n"
            "        if findings:\n"
            "            raise Failed(*findings)\n"
            "        return launched"
        ),
        tests=("tests/unit/modules/test_aws_machines.py",),
    ),
    Fault(
        name="strangers-machine-is-taken-over",
        breaks="A stranger's machine that takes a slot's name meanwhile is taken for ours.",
        file="plugins/module_utils/cloud/gcp_machines.py",
        before="if found is None or not found.ours:",
        after="if found is None:",
        tests=("tests/unit/google/test_gcp_machines.py",),
    ),
    Fault(
        name="project-keys-open-machines",
        breaks="Whoever may log in to the project's other machines may log in to the fleet's.",
        file="plugins/module_utils/cloud/gcp_instance.py",
        before='"block-project-ssh-keys": "TRUE"',
        after='"block-project-ssh-keys": "FALSE"',
        tests=("tests/unit/google/test_gcp_machines.py",),
    ),
    Fault(
        name="group-that-cannot-be-asked-is-empty",
        breaks="A group of the load balancer that cannot be asked counts as empty.",
        file="plugins/module_utils/cloud/gcp_backends.py",
        before="        if failures:\n            raise Failed(*failures)\n        return {target: state",
        after="        return {target: state",
        tests=("tests/unit/google/test_gcp_lb_target.py",),
    ),
    Fault(
        name="somebody-elses-resource-is-changed",
        breaks="A resource of our name that somebody else made is changed.",
        file="plugins/module_utils/cloud/gcp_resources.py",
        before="if not wanted.owns(resource):",
        after='if resource.get("description") is None:',
        tests=("tests/unit/google/test_gcp_resource.py",),
    ),
    Fault(
        name="added-source-goes-unseen",
        breaks="A network that somebody added to a firewall rule is no difference.",
        file="plugins/module_utils/cloud/gcp_compare.py",
        before="    if len(current) != len(wanted):\n",
        after="    if len(current) < len(wanted):\n",
        tests=("tests/unit/google/test_gcp_resource.py",),
    ),
    Fault(
        name="google-quotes-the-seed",
        breaks="Google's refusal of a seed is shown with the text that it quotes.",
        file="plugins/module_utils/cloud/gcp_errors.py",
        before='message if quotable else ""',
        after="message",
        tests=("tests/unit/google/test_gcp_client.py", "tests/unit/google/test_leaks.py"),
    ),
    Fault(
        name="machines-get-a-broad-token",
        breaks="Machines get an access token that is good for all of the cloud.",
        file="plugins/module_utils/cloud/gcp_credentials.py",
        before='return found.with_scopes([scope]) if hasattr(found, "with_scopes") else found',
        after="return found",
        tests=("tests/unit/google/test_registry.py",),
    ),
    Fault(
        name="unreached-zone-is-empty",
        breaks="A zone that Google could not reach counts as one without machines.",
        file="plugins/module_utils/cloud/gcp_zones.py",
        before='    said += [(scope, {"code": "UNREACHABLE"}) for scope in page.get("unreachables") or ()]\n',
        after="",
        tests=("tests/unit/inventory/test_fleet_gcp.py",),
    ),
    Fault(
        name="stopped-machines-are-members",
        breaks="A stopped machine is a member of the fleet.",
        file="plugins/module_utils/cloud/aws_members.py",
        before='"Values": ["pending", "running"]',
        after='"Values": ["pending", "running", "stopped"]',
        tests=("tests/unit/inventory/test_fleet.py",),
    ),
)
