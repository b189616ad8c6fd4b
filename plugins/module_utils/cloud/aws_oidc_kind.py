# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An EKS cluster's issuer of tokens as IAM knows it: roles may then trust the cluster's service accounts (IRSA)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import AwsKind
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import tagged
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tag_list, tags_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

#: The one client of the tokens that pods have for AWS.
_CLIENT = "sts.amazonaws.com"
_SCHEME = "https://"


@dataclass(frozen=True)
class OidcProvider(AwsKind):
    """An OIDC provider; its id is its ARN, which is made of the issuer's address."""

    found_by: ClassVar[Collection[str]] = ("cluster",)

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        try:
            issuer = _issuer(client, desired.made_with["cluster"])
        except errors.NotFound:
            return None
        return next(self._found(client, desired.name, issuer.removeprefix(_SCHEME)), None)

    def owned(self, client: AwsClient, tags: Mapping[str, str], name: str) -> list[Observed]:
        """Those of the region's clusters that carry these tags, also when their cluster is gone."""
        region = f"oidc.eks.{client.region}."
        return [each for each in self._found(client, name, region) if tagged(each.tags, tags)]

    def create(self, client: AwsClient, desired: Resource) -> str:
        made = client.call(
            "iam",
            "create_open_id_connect_provider",
            Url=_issuer(client, desired.made_with["cluster"]),
            ClientIDList=[_CLIENT],
            Tags=tag_list(desired.tags),
        )
        return str(made["OpenIDConnectProviderArn"])

    def tag(self, client: AwsClient, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        client.call(
            "iam",
            "tag_open_id_connect_provider",
            idempotent=True,
            OpenIDConnectProviderArn=id_,
            Tags=tag_list(tags),
        )

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call("iam", "delete_open_id_connect_provider", idempotent=True, OpenIDConnectProviderArn=id_)

    def _found(self, client: AwsClient, name: str, issuer: str) -> Iterator[Observed]:
        """Those of the account whose issuer's address begins so, each under this name: it has none of its own."""
        listed = client.call("iam", "list_open_id_connect_providers")["OpenIDConnectProviderList"]
        for arn in sorted(each["Arn"] for each in listed if f":oidc-provider/{issuer}" in each["Arn"]):
            try:
                found = client.call("iam", "get_open_id_connect_provider", OpenIDConnectProviderArn=arn)
            except errors.NotFound:
                continue
            yield Observed(self.name, name, arn, {}, tags_of(found))


def _issuer(client: AwsClient, cluster: str) -> str:
    found = client.call("eks", "describe_cluster", name=cluster)["cluster"]
    return str(found["identity"]["oidc"]["issuer"])


OIDC_PROVIDER = OidcProvider("oidc_provider", "OIDC provider")
