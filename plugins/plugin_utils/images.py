# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan has to know of its images: each one's digest, and one login a registry."""

from __future__ import annotations

from typing import Dict, Iterable, List, Mapping, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import registry
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_registry import (
    broad_login,
    google_credentials,
    is_google_registry,
    no_login,
    resolve_digest_google,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.oci import resolve_digest_http
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

#: Seconds for which it is tried whether an image is open to everybody, when there is nobody to log in as.
OPEN = 10
#: ``server``, ``username`` and ``password``, or None for a registry that is asked without one.
Login = Optional[Mapping[str, str]]


class Images:
    """Images by the text that names them. What could not be had is missing from the tables and among ``findings``.

    :param digests: text -> name by digest.
    :param logins: text -> login of its registry.
    """

    def __init__(self, aws: AwsClient, gcp: GcpClient, texts: Iterable[str]) -> None:
        self._aws, self._gcp = aws, gcp
        self.findings: List[Finding] = []
        parsed: Dict[str, registry.Image] = {}
        for text in sorted(set(texts)):
            try:
                parsed[text] = registry.parse_image(text)
            except Failed as error:
                self.findings += error.findings
        hosts = sorted({image.host for image in parsed.values()})
        google = [text for text, image in parsed.items() if is_google_registry(image.host)]
        # Digests and logins in one go: neither needs the other, but for Google's digests, which come after.
        jobs = [("digest", text) for text in parsed if text not in google] + [("login", host) for host in hosts]
        got = dict(zip(jobs, map_parallel(lambda job: self._do(job, parsed), jobs)))
        later = map_parallel(lambda text: self._open_or_not(parsed[text], got["login", parsed[text].host]), google)
        got.update({("digest", text): digest for text, digest in zip(google, later)})
        told = [answer for (kind, name), answer in got.items() if kind == "digest" or not is_google_registry(name)]
        failed = [answer for answer in told if isinstance(answer, Failed)]
        self.findings += dict.fromkeys(finding for answer in failed for finding in answer.findings)
        given = [host for host in hosts if is_google_registry(host) and not isinstance(got["login", host], Failed)]
        if given and not gcp.narrows:
            self.findings.append(broad_login(given))
        self.digests: Dict[str, str] = {text: str(got["digest", text]) for text in parsed}
        by_host: Dict[str, Login] = {host: _login(got["login", host]) for host in hosts}
        self.logins: Dict[str, Login] = {text: by_host[image.host] for text, image in parsed.items()}

    def _do(self, job: Tuple[str, str], parsed: Mapping[str, registry.Image]) -> object:
        kind, name = job
        return self._digest(parsed[name]) if kind == "digest" else self._credentials(name)

    def _digest(self, image: registry.Image) -> str:
        if image.digest:
            return image.by_digest(image.digest)
        if registry.aws_registry_of(image.host):
            return image.by_digest(registry.resolve_digest_ecr(self._aws, image))
        return image.by_digest(resolve_digest_http(image))

    def _open_or_not(self, image: registry.Image, login: object) -> str:
        """The digest of an image in a registry of Google's, some of whose images are open to everybody."""
        if not isinstance(login, Failed):
            credentials = login if isinstance(login, registry.RegistryCredentials) else None
            return image.by_digest(image.digest or resolve_digest_google(image, credentials))
        if not no_login(login):
            raise login
        try:
            return image.by_digest(resolve_digest_google(image, None, Retry(deadline=OPEN)))
        except CloudError:
            raise login from None

    def _credentials(self, host: str) -> Optional[registry.RegistryCredentials]:
        if is_google_registry(host):
            return google_credentials(self._gcp, host)
        ecr = registry.aws_registry_of(host)
        if not ecr:
            return None
        account, region = ecr
        return registry.ecr_credentials(self._aws.in_region(region), account, host)


def _login(answer: object) -> Login:
    if not isinstance(answer, registry.RegistryCredentials):
        return None
    return {"server": answer.server, "username": answer.username, "password": answer.password}
