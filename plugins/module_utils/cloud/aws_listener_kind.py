# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A listener: one port of the load balancer, all of which goes to the target group or is redirected."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import Answer, AwsKind
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tag_list, tags_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_listeners import NO_LOGIN, SECRET_TAG
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

SERVICE = "elbv2"
#: Fields of a login, by the API's names.
_OIDC = {
    "issuer": "Issuer", "authorization_endpoint": "AuthorizationEndpoint", "token_endpoint": "TokenEndpoint",
    "user_info_endpoint": "UserInfoEndpoint", "client_id": "ClientId", "unauthenticated": "OnUnauthenticatedRequest",
}  # fmt: skip


@dataclass(frozen=True)
class Listener(AwsKind):
    """A listener. It has tags where the list gives it some."""

    by_creation: ClassVar[Collection[str]] = (
        "load_balancer", "protocol", "certificate", "tls_policy", "target_group", "redirect", "login",
    )  # fmt: skip
    found_by: ClassVar[Collection[str]] = ("load_balancer",)

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        arn, port = desired.fields["load_balancer"], desired.made_with["port"]
        for each in client.paginate(SERVICE, "describe_listeners", LoadBalancerArn=arn):
            if each["Port"] == port:
                id_ = str(each["ListenerArn"])
                tags = _tags(client, id_) if desired.tags else {}
                return Observed(self.name, desired.name, id_, _observed(arn, each, tags), tags)
        return None

    def create(self, client: AwsClient, desired: Resource) -> str:
        named = {**desired.tags, **_version(desired)}
        tags: Answer = {"Tags": tag_list(named)} if named else {}
        made = client.call(SERVICE, "create_listener", quotable=not _has_secret(desired),
                           LoadBalancerArn=desired.fields["load_balancer"], Port=desired.made_with["port"],
                           **_listening(desired), **tags)  # fmt: skip
        return str(made["Listeners"][0]["ListenerArn"])

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        client.call(SERVICE, "modify_listener", idempotent=True, quotable=not _has_secret(desired), ListenerArn=id_,
                    **_listening(desired))  # fmt: skip
        if version := _version(desired):
            # After it: a version that is not there yet is set again by the next run.
            self.tag(client, desired, id_, version)

    def tag(self, client: AwsClient, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        client.call(SERVICE, "add_tags", idempotent=True, ResourceArns=[id_], Tags=tag_list(tags))

    def owned(self, client: AwsClient, tags: Mapping[str, str], name: str) -> list[Observed]:
        return []  # goes with its load balancer

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call(SERVICE, "delete_listener", idempotent=True, ListenerArn=id_)


def _tags(client: AwsClient, arn: str) -> dict[str, str]:
    (described,) = client.call(SERVICE, "describe_tags", ResourceArns=[arn])["TagDescriptions"]
    return tags_of(described)


def _has_secret(desired: Resource) -> bool:
    return "client_secret" in desired.made_with


def _version(desired: Resource) -> dict[str, str]:
    """The tag that tells which secret AWS was given. It stands beside the tags of the list, which are set first."""
    return {SECRET_TAG: desired.fields["login"]["client_secret"]} if _has_secret(desired) else {}


def _observed(balancer: str, listener: Answer, tags: Mapping[str, str]) -> dict[str, Any]:
    actions = sorted(listener["DefaultActions"], key=lambda each: int(each.get("Order", 0)))
    logins = [each for each in actions if each["Type"] == "authenticate-oidc"]
    if listener["Protocol"] == "HTTPS" and actions[:1] == logins:
        actions = actions[1:]
    certificates = sorted(each["CertificateArn"] for each in listener.get("Certificates", ()))
    return {
        "load_balancer": balancer,
        "protocol": listener["Protocol"],
        "certificate": ", ".join(certificates),
        "tls_policy": listener.get("SslPolicy", ""),
        "target_group": _goes_to(actions),
        "redirect": _redirects_to(actions),
        "login": _login(logins[0]["AuthenticateOidcConfig"], tags) if logins else NO_LOGIN,
    }


def _listening(desired: Resource) -> Answer:
    wanted = desired.fields
    request: Answer = {"Protocol": wanted["protocol"], "DefaultActions": [_action(wanted)]}
    if _has_secret(desired):
        login = {"Type": "authenticate-oidc", "AuthenticateOidcConfig": _oidc(desired)}
        request["DefaultActions"] = [{**login, "Order": 1}, {**_action(wanted), "Order": 2}]
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


def _oidc(desired: Resource) -> Answer:
    wanted = desired.fields["login"]
    settings = {key: wanted[name] for name, key in _OIDC.items()}
    return {**settings, "ClientSecret": desired.made_with["client_secret"].value}


def _login(config: Answer, tags: Mapping[str, str]) -> dict[str, str]:
    """The same as it is observed. AWS shows nobody the secret: its version is a tag."""
    config = {"OnUnauthenticatedRequest": "authenticate", **config}
    settings = {name: str(config.get(key, "")) for name, key in _OIDC.items()}
    return {**settings, "client_secret": tags.get(SECRET_TAG, "")}


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
