# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Google Cloud is meant: the options of every module and plugin that talks to it."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  project:
    description:
      - The project's id.
      - Without it, E(GCP_PROJECT) and E(GOOGLE_CLOUD_PROJECT) are tried, then the project of the credentials.
    type: str
  credentials_file:
    description:
      - A service account's key, or the configuration of workload identity federation.
      - Without it and O(access_token), application default credentials are used; E(GOOGLE_APPLICATION_CREDENTIALS) may
        name them.
    type: path
    aliases: [service_account_file]
  access_token:
    description:
      - An access token fetched by other means. It is not renewed.
      - Without it, E(GCP_ACCESS_TOKEN) is tried.
    type: str
  impersonate_service_account:
    description:
      - The email of a service account to act as; the other credentials need the role of its token creator.
    type: str
  api_endpoint:
    description:
      - Scheme, host and port to use instead of Google's own.
    type: str
requirements:
  - google-auth
  - requests
notes:
  - The environment and the files that google-auth reads are those of the machine the module runs on, the controller for
    C(localhost).
"""

    # For lookup and inventory plugins, which have to name the variables they read.
    PLUGINS = r"""
options:
  project:
    description:
      - The project's id.
      - Without it, the project of the credentials.
    type: str
    env:
      - name: GCP_PROJECT
      - name: GOOGLE_CLOUD_PROJECT
  credentials_file:
    description:
      - A service account's key, or the configuration of workload identity federation.
      - Without it and O(access_token), application default credentials are used; E(GOOGLE_APPLICATION_CREDENTIALS) may
        name them.
    type: path
    aliases: [service_account_file]
  access_token:
    description:
      - An access token fetched by other means. It is not renewed.
    type: str
    env:
      - name: GCP_ACCESS_TOKEN
  impersonate_service_account:
    description:
      - The email of a service account to act as; the other credentials need the role of its token creator.
    type: str
  api_endpoint:
    description:
      - Scheme, host and port to use instead of Google's own.
    type: str
requirements:
  - google-auth
  - requests
notes:
  - The environment and the files that google-auth reads are the controller's.
"""

    # For what may ask either cloud's secret store.
    SECRETS = r"""
options: {}
requirements:
  - google-cloud-secret-manager
notes:
  - The libraries and credentials of a cloud are needed only if something in its store is asked for.
"""
