# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which AWS is meant: the options of every module and plugin that talks to it."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  region:
    description:
      - The AWS region.
      - Without it, E(AWS_REGION) and E(AWS_DEFAULT_REGION) are tried, then the SDK's own configuration.
    type: str
    aliases: [aws_region]
  access_key:
    description:
      - AWS access key id.
      - Without it and O(profile), the SDK finds credentials by itself (environment, files, single sign-on, role).
    type: str
    aliases: [aws_access_key_id, aws_access_key]
  secret_key:
    description:
      - AWS secret access key, together with O(access_key).
    type: str
    aliases: [aws_secret_access_key, aws_secret_key]
  session_token:
    description:
      - AWS session token, for temporary keys.
    type: str
    aliases: [aws_session_token]
  profile:
    description:
      - A profile of the AWS shared configuration. Excludes O(access_key).
    type: str
    aliases: [aws_profile]
  endpoint_url:
    description:
      - An address to use instead of AWS's own.
      - Without it, E(AWS_URL) is tried; the SDK itself reads E(AWS_ENDPOINT_URL) and its forms for one service.
    type: str
    aliases: [aws_endpoint_url]
requirements:
  - boto3
notes:
  - Names and aliases are those of the modules in amazon.aws.
  - The environment and the files that the SDK reads are those of the machine the module runs on, the controller for
    C(localhost).
"""

    # For lookup and inventory plugins, which have to name the variables they read.
    PLUGINS = r"""
options:
  region:
    description:
      - The AWS region.
      - Without it, E(AWS_REGION) and E(AWS_DEFAULT_REGION) are tried, then the SDK's own configuration.
    type: str
    aliases: [aws_region]
    env:
      - name: AWS_DEFAULT_REGION
      - name: AWS_REGION
  access_key:
    description:
      - AWS access key id.
      - Without it and O(profile), the SDK finds credentials by itself (environment, files, single sign-on, role).
    type: str
    aliases: [aws_access_key_id, aws_access_key]
  secret_key:
    description:
      - AWS secret access key, together with O(access_key).
    type: str
    aliases: [aws_secret_access_key, aws_secret_key]
  session_token:
    description:
      - AWS session token, for temporary keys.
    type: str
    aliases: [aws_session_token]
  profile:
    description:
      - A profile of the AWS shared configuration. Excludes O(access_key).
    type: str
    aliases: [aws_profile]
  endpoint_url:
    description:
      - An address to use instead of AWS's own.
      - Without it, E(AWS_URL) is tried; the SDK itself reads E(AWS_ENDPOINT_URL) and its forms for one service.
    type: str
    aliases: [aws_endpoint_url]
    env:
      - name: AWS_URL
requirements:
  - boto3
notes:
  - Names and aliases are those of the modules in amazon.aws.
  - The environment and the files that the SDK reads are the controller's.
"""
