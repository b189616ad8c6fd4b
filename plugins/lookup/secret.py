# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: Values of secrets, by reference
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Fetches the secrets that references point at, from AWS Secrets Manager and Google Secret Manager, all terms of one
    call in as few requests as possible.
  - Each value is data and never a template, whatever it holds.
  - A value is printed nowhere by this plugin; set C(no_log) on the task that uses it.
  - For users' own tasks. A deployment fetches its secrets by itself, once.
extends_documentation_fragment:
  - praxis.cloud.aws.plugins
  - praxis.cloud.gcp.plugins
  - praxis.cloud.gcp.secrets
options:
  _terms:
    description:
      - References to secrets, such as V(aws-sm://prod/llm#openai_api_key) or
        V(gcp-sm://my-project/llm#openai_api_key?version=3).
      - A key is one key of the secret's JSON object, taken literally, dots included. Its value comes as text; anything
        but a string comes as it stands in the JSON (V(true), V(12), an object's text).
    type: list
    elements: str
    required: true
  encoding:
    description:
      - V(utf-8) returns text, and refuses a binary secret. In Google Cloud, where all are bytes, it is one that is no
        UTF-8.
      - V(base64) returns every value in base64, binary secrets too.
    type: str
    choices: [utf-8, base64]
    default: utf-8
seealso:
  - module: praxis.cloud.secret_info
"""

EXAMPLES = r"""
- name: Use two secrets, fetched together
  ansible.builtin.template:
    src: app.conf.j2
    dest: /etc/app.conf
    mode: "0600"
  vars:
    app_secrets: >-
      {{ query('praxis.cloud.secret', 'aws-sm://prod/llm#openai_api_key', 'aws-sm://prod/db#password',
      region='eu-central-1') }}
  no_log: true
"""

RETURN = r"""
_raw:
  description: One value for each term, in their order.
  type: list
  elements: str
"""

import base64
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import GCP_ARGUMENTS
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Secret, fetch_all
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse_all
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.stores import stores_by_options

OPTIONS = (*AWS_ARGUMENTS, *GCP_ARGUMENTS)


class LookupModule(LookupBase):
    """Values by reference."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return self._values(self._flatten(terms))
        except Failed as failed:
            message = str(failed)
        raise AnsibleLookupError(message)

    def _values(self, terms: list[Any]) -> list[str]:
        references = parse_all(terms)
        secrets = fetch_all(references, stores_by_options({name: self.get_option(name) for name in OPTIONS}))
        encoding = self.get_option("encoding")
        # New strings carry no trust tag, so the templating engine treats them as data.
        return [encoded(reference, secrets[reference], encoding) for reference in references]


def encoded(reference: Reference, secret: Secret, encoding: str) -> str:
    """The value as the caller wants it."""
    if encoding == "base64":
        raw = secret.value if isinstance(secret.value, bytes) else secret.value.encode()
        return base64.b64encode(raw).decode()
    if isinstance(secret.value, bytes):
        fix = "Ask for it with encoding='base64'."
        raise Failed(Finding("secret-binary", "The secret is binary and not text.", str(reference), fix))
    return secret.value
