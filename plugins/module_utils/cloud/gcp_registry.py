# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's registries, Artifact Registry and the older Container Registry: their login, and the digest a tag has there.

Both are asked over the OCI protocol, with an access token for a password.
"""

from __future__ import annotations

import re

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.oci import resolve_digest_http
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import Image, RegistryCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Failed, Finding

USER = "oauth2accesstoken"
#: All that a pull needs. The token goes to the machines, so it must not be good for the rest of the cloud.
PULL_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
#: Artifact Registry takes a push with no narrower one. Such a token stays on the controller.
PUSH_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_HOST = re.compile(r"[a-z0-9-]+-docker\.pkg\.dev|(?:(?:us|eu|asia)\.)?gcr\.io")


def is_google_registry(host: str) -> bool:
    """Whether a registry takes Google's access tokens."""
    return _HOST.fullmatch(host) is not None


def google_credentials(client: GcpClient, server: str, scope: str = PULL_SCOPE) -> RegistryCredentials:
    """A login for one of Google's registries; it lasts an hour at most.

    :param server: the registry's host, as images name it.
    :param scope: what it is good for, where the credentials can be narrowed.
    :raises CloudError: there are no credentials, or no token could be had.
    """
    token, expires = client.token(scope)
    return RegistryCredentials(server, USER, token, expires)


def broad_login(hosts: list[str]) -> Finding:
    """That machines get a login that is good for more than pulling."""
    return Finding(
        "registry-login-broad",
        "These credentials cannot be restricted, so the login that machines get for their pull can do everything that "
        "you can do in Google Cloud, for up to an hour.",
        ", ".join(hosts),
        "Run this as a service account (a key file, impersonation, workload identity): its login can be restricted.",
        level=WARNING,
    )


def resolve_digest_google(image: Image, credentials: RegistryCredentials | None, retry: Retry | None = None) -> str:
    """The digest that the registry holds for the image's tag, or the image's own digest if it holds it.

    :param credentials: None asks for what is open to everybody.
    :raises Failed: as :func:`resolve_digest_http`, a refusal with the role to grant.
    """
    try:
        return resolve_digest_http(image, credentials, retry=retry)
    except errors.Denied as error:
        refused = error.finding
    fix = (
        "Grant roles/artifactregistry.reader on the repository to the identity that runs this. Google says the same of "
        "a repository that does not exist: check location, project and name."
    )
    raise errors.Denied(refused.what, refused.where, fix, code=refused.code)


def no_login(failed: Failed) -> bool:
    """Whether there is nobody to log in as, so that only what is open to everybody can be had."""
    return isinstance(failed, errors.Expired) or failed.findings[0].code == "sdk-missing"
