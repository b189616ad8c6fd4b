#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_info
short_description: Show versions and metadata of referenced secrets, never their values
version_added: 0.1.0
description:
  - Of AWS Secrets Manager and of Google Secret Manager, in one list or by themselves.
  - Says which version each reference means at this moment, which versions there are, and what the store knows of the
    secret.
  - No secret is opened, so no permission to read values is needed, and a V(#KEY) in a reference is not looked for.
author: Praxis Cloud contributors (@praxis)
extends_documentation_fragment:
  - praxis.cloud.attributes.info
  - praxis.cloud.attributes.actiongroup_both
  - praxis.cloud.aws
  - praxis.cloud.gcp
  - praxis.cloud.gcp.secrets
options:
  references:
    description:
      - References to secrets, such as V(aws-sm://prod/llm#openai_api_key), V(gcp-sm://my-project/llm#openai_api_key) or
        V({{resolve:secretsmanager:prod/llm:SecretString:openai_api_key}}).
      - The last form needs C(!unsafe) in YAML, because Jinja would read it as its own.
    type: list
    elements: str
    required: true
seealso:
  - plugin: praxis.cloud.secret
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: See which versions a deployment would use
  praxis.cloud.secret_info:
    region: eu-central-1
    references:
      - aws-sm://prod/llm#openai_api_key
      - !unsafe "{{resolve:secretsmanager:prod/master-key}}"
      - gcp-sm://my-project/llm#openai_api_key
  register: versions
"""

RETURN = r"""
secrets:
  description: One entry for each reference, in the order asked.
  returned: success
  type: list
  elements: dict
  contains:
    reference:
      description: The reference in its canonical form.
      type: str
      sample: aws-sm://prod/llm#openai_api_key
    store:
      description: The store that holds it.
      type: str
      sample: aws-sm
    name:
      description: The secret's name.
      type: str
      sample: prod/llm
    id:
      description: The store's own full identifier, an ARN in AWS, a path from the project on in Google Cloud.
      type: str
      sample: arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/llm-a1b2c3
    version:
      description: The version that the reference means now.
      type: str
      sample: 5f1c7f3e-7d57-4a34-8b10-0c8f2a0c9d11
    stages:
      description: Staging labels of that version; its aliases in Google Cloud.
      type: list
      elements: str
      sample: [AWSCURRENT]
    versions:
      description: Every version that can be read, and its staging labels or aliases.
      type: dict
      sample: {5f1c7f3e-7d57-4a34-8b10-0c8f2a0c9d11: [AWSCURRENT]}
    pinned:
      description: Whether the reference itself names the version.
      type: bool
    created:
      description: When the secret was made (UTC, ISO 8601).
      type: str
      sample: "2026-01-31T12:00:00Z"
    changed:
      description: When it was last changed, in Google Cloud when RV(secrets[].version) was added (UTC, ISO 8601).
      type: str
      sample: "2026-01-31T12:00:00Z"
    rotation:
      description: Whether the store rotates it by itself.
      type: bool
    encryption_key:
      description: The key that encrypts it; empty for the cloud's own.
      type: str
    tags:
      description: Its tags or labels.
      type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import GCP_ARGUMENTS
from ansible_collections.praxis.cloud.plugins.module_utils.finish import finish
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Description, describe_all
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse_all
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.stores import stores_by_options


def run(params: dict[str, Any]) -> dict[str, Any]:
    references = parse_all(params["references"])
    described = describe_all(references, stores_by_options(params))
    return {"changed": False, "secrets": [entry(reference, described[reference]) for reference in references]}


def entry(reference: Reference, description: Description) -> dict[str, Any]:
    return {
        "reference": str(reference),
        "store": reference.store,
        "name": description.name,
        "id": description.id,
        "version": description.version,
        "stages": list(description.stages),
        "versions": {version: list(stages) for version, stages in description.versions.items()},
        "pinned": reference.pinned,
        "created": description.created,
        "changed": description.changed,
        "rotation": description.rotation,
        "encryption_key": description.encryption_key,
        "tags": dict(description.tags),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "references": {"type": "list", "elements": "str", "required": True},
            **AWS_ARGUMENTS,
            **GCP_ARGUMENTS,
        },
        supports_check_mode=True,
    )
    finish(module, lambda: run(module.params))


if __name__ == "__main__":
    main()
