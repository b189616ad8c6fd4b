# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan has to know of its images: each one's digest, and one login a registry."""

from __future__ import annotations

from typing import Dict, Iterable, List, Mapping, Optional, Tuple, Union

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import registry
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_registry import (
    PULL_SCOPE,
    broad_login,
    google_credentials,
    is_google_registry,
    no_login,
    resolve_digest_google,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.oci import resolve_digest_http
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.platforms import (
    Platforms,
    platforms_ecr,
    platforms_http,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.registries import OwnLogin

#: Seconds for which it is tried whether an image is open to everybody, when there is nobody to log in as.
OPEN = 10
#: ``server``, ``username`` and ``password``, or None for a registry that is asked without one.
Login = Optional[Mapping[str, str]]
#: An image as the user names it, and the user's own login for its registry; None for the login that the cloud gives.
Want = Tuple[str, Optional[OwnLogin]]
#: A host, whose login is asked for, or an image, whose digest is.
Job = Union[str, Tuple[Want, registry.Image]]


class Images:
    """Images by what is wanted. What could not be had is missing from the tables and among ``findings``.

    :param digests: want -> name by digest.
    :param logins: want -> login of its registry.
    """

    def __init__(self, aws: AwsClient, gcp: GcpClient, wanted: Iterable[Want]) -> None:
        self._aws, self._gcp = aws, gcp
        self.findings: List[Finding] = []
        parsed: Dict[Want, registry.Image] = {}
        for want in dict.fromkeys(wanted):
            try:
                parsed[want] = registry.parse_image(want[0])
            except Failed as error:
                self.findings += [finding for finding in error.findings if finding not in self.findings]
        automatic = {want: image for want, image in parsed.items() if want[1] is None}
        hosts = sorted({image.host for image in automatic.values()})
        google = [want for want, image in automatic.items() if is_google_registry(image.host)]
        # Digests and logins in one go: neither needs the other, but for Google's digests, which come after.
        asked = [want for want in parsed if want not in google]
        jobs: List[Job] = [(want, parsed[want]) for want in asked]
        answers = map_parallel(self._ask, [*jobs, *hosts])
        digests, logins = dict(zip(asked, answers)), dict(zip(hosts, answers[len(asked) :]))
        later = map_parallel(lambda want: self._open_or_not(parsed[want], logins[parsed[want].host]), google)
        digests.update(zip(google, later))
        reported = [*digests.values(), *(answer for host, answer in logins.items() if not is_google_registry(host))]
        failed = [answer for answer in reported if isinstance(answer, Failed)]
        self.findings += dict.fromkeys(finding for answer in failed for finding in answer.findings)
        given = [host for host in hosts if is_google_registry(host) and not isinstance(logins[host], Failed)]
        if given and not gcp.narrows:
            self.findings.append(broad_login(given))
        self.digests: Dict[Want, str] = {want: str(digests[want]) for want in parsed}
        self.logins: Dict[Want, Login] = {
            want: _login(want[1].credentials if want[1] else logins[image.host]) for want, image in parsed.items()
        }

    def platforms(self, wanted: Iterable[Want]) -> Dict[Want, Platforms]:
        """The architectures for which images exist, as far as their index says. A registry that does not answer is
        no fault here: each machine looks for itself, before anything is disturbed."""
        asked = [want for want in dict.fromkeys(wanted) if want in self.digests]
        answers = map_parallel(self._platforms, asked)
        return {want: found for want, found in zip(asked, answers) if isinstance(found, frozenset)}

    def _platforms(self, want: Want) -> Optional[Platforms]:
        image = registry.parse_image(self.digests[want])
        own, login = want[1], self.logins[want]
        if own is None and registry.aws_registry_of(image.host):
            return platforms_ecr(self._aws, image)
        given = registry.RegistryCredentials(login["server"], login["username"], login["password"]) if login else None
        return platforms_http(image, given, (own.ca or None) if own else None, Retry(deadline=OPEN))

    def _ask(self, job: Job) -> object:
        """The login of a host, or the digest of an image."""
        if isinstance(job, str):
            return cloud_login(self._aws, self._gcp, job)
        (_text, own), image = job
        return self._digest(image, own)

    def _digest(self, image: registry.Image, own: Optional[OwnLogin]) -> str:
        if image.digest:
            return image.by_digest(image.digest)
        if own:
            return image.by_digest(resolve_digest_http(image, own.credentials, own.ca or None))
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


def cloud_login(
    aws: AwsClient, gcp: GcpClient, host: str, scope: str = PULL_SCOPE
) -> Optional[registry.RegistryCredentials]:
    """The login that a registry's cloud gives; None for a registry of no cloud.

    :param scope: what Google's token is good for.
    :raises CloudError: there are no credentials, or they do not admit to the registry.
    """
    if is_google_registry(host):
        return google_credentials(gcp, host, scope)
    ecr = registry.aws_registry_of(host)
    if not ecr:
        return None
    account, region = ecr
    return registry.ecr_credentials(aws.in_region(region), account, host)


def _login(answer: object) -> Login:
    if not isinstance(answer, registry.RegistryCredentials):
        return None
    return {"server": answer.server, "username": answer.username, "password": answer.password}
