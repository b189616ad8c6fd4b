# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options by which modules, lookups and inventories say which AWS they mean. Documented in the ``aws`` fragment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_credentials import AwsCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Invalid
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook

# Names and aliases are those of amazon.aws, so that one set of module_defaults serves both. Keys and profiles have no
# fallback here: the SDK reads the environment itself, and knows that a named profile beats keys found there.
AWS_ARGUMENTS: dict[str, dict[str, Any]] = {
    "region": {
        "type": "str",
        "aliases": ["aws_region"],
        "fallback": (env_fallback, ["AWS_REGION", "AWS_DEFAULT_REGION"]),
    },
    "access_key": {"type": "str", "aliases": ["aws_access_key_id", "aws_access_key"], "no_log": False},
    "secret_key": {"type": "str", "aliases": ["aws_secret_access_key", "aws_secret_key"], "no_log": True},
    "session_token": {"type": "str", "aliases": ["aws_session_token"], "no_log": True},
    "profile": {"type": "str", "aliases": ["aws_profile"]},
    "endpoint_url": {
        "type": "str",
        "aliases": ["aws_endpoint_url"],
        "fallback": (env_fallback, ["AWS_URL"]),
    },
}


def aws_client(options: Mapping[str, Any], playbook: Playbook | None = None) -> AwsClient:
    """The client that these options describe.

    :param playbook: of whoever changes something: when it has ended, the client sends no request any more. Nobody would
        see what is made, and the next run may have begun.

    :raises Invalid: ``cloud-options`` when a profile and keys are both given, or half a pair of keys.
    """
    keys = [options.get("access_key"), options.get("secret_key")]
    if options.get("profile") and any(keys):
        raise _refused("profile and access_key are both set.", "Set only one of the two.")
    if any(keys) and not all(keys):
        raise _refused("Only one of access_key and secret_key is set.", "Set both, or remove both.")
    return AwsClient(
        options.get("region") or None,
        endpoint_url=options.get("endpoint_url") or None,
        credentials=AwsCredentials(
            access_key=options.get("access_key"),
            secret_key=options.get("secret_key"),
            session_token=options.get("session_token"),
            profile=options.get("profile"),
        ),
        retry=Retry(may=playbook.require) if playbook else None,
    )


def _refused(what: str, fix: str) -> Invalid:
    return Invalid(what, "AWS options", fix, code="cloud-options")
