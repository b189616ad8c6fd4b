# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A listener: one port of the load balancer, all of which goes to the target group or is redirected."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import Answer, Kind
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tag_list, tags_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

SERVICE = "elbv2"


@dataclass(frozen=True)
class Listener(Kind):
    """A listener. It has tags where the list gives it some."""

    by_creation: ClassVar[Collection[str]] = (
        "load_balancer", "protocol", "certificate", "tls_policy", "target_group", "redirect",
    )  # fmt: skip
    found_by: ClassVar[Collection[str]] = ("load_balancer",)

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        arn, port = desired.fields["load_balancer"], desired.made_with["port"]
        for each in client.paginate(SERVICE, "describe_listeners", LoadBalancerArn=arn):
            if each["Port"] == port:
                id_ = str(each["ListenerArn"])
                tags = _tags(client, id_) if desired.tags else {}
                return Observed(self.name, desired.name, id_, _observed(arn, each), tags)
        return None

    def create(self, client: AwsClient, desired: Resource) -> str:
        tags = {"Tags": tag_list(desired.tags)} if desired.tags else {}
        made = client.call(SERVICE, "create_listener", LoadBalancerArn=desired.fields["load_balancer"],
                           Port=desired.made_with["port"], **_listening(desired), **tags)  # fmt: skip
        return str(made["Listeners"][0]["ListenerArn"])

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        client.call(SERVICE, "modify_listener", idempotent=True, ListenerArn=id_, **_listening(desired))

    def tag(self, client: AwsClient, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        client.call(SERVICE, "add_tags", idempotent=True, ResourceArns=[id_], Tags=tag_list(tags))

    def owned(self, client: AwsClient, tags: Mapping[str, str], name: str) -> list[Observed]:
        return []  # goes with its load balancer

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call(SERVICE, "delete_listener", idempotent=True, ListenerArn=id_)


def _tags(client: AwsClient, arn: str) -> dict[str, str]:
    (described,) = client.call(SERVICE, "describe_tags", ResourceArns=[arn])["TagDescriptions"]
    return tags_of(described)


def _observed(balancer: str, listener: Answer) -> dict[str, Any]:
    actions = listener["DefaultActions"]
    certificates = sorted(each["CertificateArn"] for each in listener.get("Certificates", ()))
    return {
        "load_balancer": balancer,
        "protocol": listener["Protocol"],
        "certificate": ", ".join(certificates),
        "tls_policy": listener.get("SslPolicy", ""),
        "target_group": _goes_to(actions),
        "redirect": _redirects_to(actions),
    }


def _listening(desired: Resource) -> Answer:
    wanted = desired.fields
    request: Answer = {"Protocol": wanted["protocol"], "DefaultActions": [_action(wanted)]}
    if wanted["protocol"] == "HTTPS":
        request |= {"Certificates": [{"CertificateArn": wanted["certificate"]}], "SslPolicy": wanted["tls_policy"]}
    return request


def _action(wanted: Mapping[str, Any]) -> Answer:
    if "redirect" not in wanted:
        return {"Type": "forward", "TargetGroupArn": wanted["target_group"]}
    url, code = wanted["redirect"].split(" ")
    protocol, _slashes, rest = url.partition("://")
    place, _slash, path = rest.partition("/")
    host, _colon, port = place.rpartition(":")
    path, _mark, query = path.partition("?")
    config = {"Protocol": protocol, "Host": host, "Port": port, "Path": f"/{path}", "Query": query, "StatusCode": code}
    return {"Type": "redirect", "RedirectConfig": config}


def _goes_to(actions: list[Answer]) -> str:
    """The one target group that everything is forwarded to; else words for what happens in its place."""
    if len(actions) == 1 and actions[0]["Type"] == "forward":
        groups = actions[0].get("ForwardConfig", {}).get("TargetGroups", [])
        arns = {each["TargetGroupArn"] for each in groups} | {actions[0].get("TargetGroupArn", "")} - {""}
        return ", ".join(sorted(arns))
    return ", ".join(str(each["Type"]) for each in actions)


def _redirects_to(actions: list[Answer]) -> str:
    """Where everything is redirected to, in the words of the list; else what happens in its place."""
    if len(actions) != 1 or actions[0]["Type"] != "redirect":
        return _goes_to(actions)
    found = {"Protocol": "#{protocol}", "Host": "#{host}", "Port": "#{port}", "Path": "/#{path}", "Query": "#{query}",
             **actions[0]["RedirectConfig"]}  # fmt: skip
    return "{Protocol}://{Host}:{Port}{Path}?{Query} {StatusCode}".format(**found)


LISTENER = Listener("listener", "listener")
