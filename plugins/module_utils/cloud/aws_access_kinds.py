# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups, key pairs, and the role of the machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import (
    Answer,
    AwsKind,
    Ec2Kind,
    unless_gone,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Conflict, NotFound, QuotaExceeded
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import tagged
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tag_list, tags_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_rules import Rule, overlap
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

ADD, TAKE = "authorize_security_group_ingress", "revoke_security_group_ingress"


@dataclass(frozen=True)
class SecurityGroup(Ec2Kind):
    """A security group, known by its name in the VPC. It has exactly the rules that are desired."""

    found_by: ClassVar[Collection[str]] = ("vpc",)

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        for each in self.described(client, vpc_id=[desired.made_with["vpc"]], group_name=[desired.name]):
            fields = {"rules": sorted(rules_of(each), key=str)}
            return Observed(self.name, desired.name, each["GroupId"], fields, tags_of(each))
        return None

    def create(self, client: AwsClient, desired: Resource) -> str:
        what = {"VpcId": desired.made_with["vpc"], "Description": desired.made_with["description"]}
        tags = self.specification(desired)
        made = client.call("ec2", "create_security_group", GroupName=desired.name, TagSpecifications=tags, **what)
        return str(made["GroupId"])

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        """Rules that are missing first, so that who is admitted before and after is admitted all the time."""
        (group,) = self.described(client, group_id=[id_])
        there = {_known(rule): rule for rule in rules_of(group)}
        wanted = {_known(rule): rule for rule in desired.fields["rules"]}
        missing = [rule for key, rule in wanted.items() if key not in there]
        renamed = [rule for key, rule in wanted.items() if key in there and there[key].why != rule.why]
        surplus = [rule for key, rule in there.items() if key not in wanted]
        edit = partial(_edit, client, id_)
        try:
            edit(ADD, missing)
        except QuotaExceeded:
            _exchange(edit, missing, surplus)
            surplus = []
        edit("update_security_group_rule_descriptions_ingress", renamed)
        edit(TAKE, surplus)

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call("ec2", "delete_security_group", idempotent=True, GroupId=id_)


Edit = Callable[[str, Sequence[Rule]], None]


def _edit(client: AwsClient, id_: str, operation: str, rules: Sequence[Rule]) -> None:
    if rules:
        permissions = [_permission(rule) for rule in rules]
        client.call("ec2", operation, idempotent=True, GroupId=id_, IpPermissions=permissions)


def _exchange(edit: Edit, missing: Sequence[Rule], surplus: Sequence[Rule]) -> None:
    """Put the missing rules into the place of the surplus ones, in a group that has no room for both.

    Those go first that admit nobody who is admitted afterwards. Then one missing rule after the other takes the place
    of those that admit the same, who for that moment are not admitted.
    """
    left = [rule for rule in surplus if any(overlap(rule, new) for new in missing)]
    edit(TAKE, [rule for rule in surplus if rule not in left])
    instead = [rule for rule in missing if any(overlap(rule, old) for old in left)]
    for new in instead:
        try:
            edit(ADD, [new])
        except QuotaExceeded:
            gone = [old for old in left if overlap(new, old)] or left
            edit(TAKE, gone)
            left = [old for old in left if old not in gone]
            edit(ADD, [new])
    edit(TAKE, left)
    edit(ADD, [rule for rule in missing if rule not in instead])


def _known(rule: Rule) -> tuple[Any, ...]:
    return rule.protocol, rule.port, rule.last, rule.source


def rules_of(group: Answer) -> Iterator[Rule]:
    """The inbound rules in EC2's description of a group."""
    for each in group["IpPermissions"]:
        first, last, protocol = each.get("FromPort", -1), each.get("ToPort", -1), each["IpProtocol"]
        last = -1 if last == first else last
        for list_, key in _SOURCES:
            for source in each.get(list_, ()):
                yield Rule(first, source[key], source.get("Description", ""), last, protocol)


_V4, _V6 = ("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6")
_GROUP, _PREFIX_LIST = ("UserIdGroupPairs", "GroupId"), ("PrefixListIds", "PrefixListId")
_SOURCES = (_V4, _V6, _GROUP, _PREFIX_LIST)


def _permission(rule: Rule) -> Answer:
    source = str(rule.source)
    if rule.is_network:
        list_, key = _V6 if ":" in source else _V4
    else:
        list_, key = _PREFIX_LIST if source.startswith("pl-") else _GROUP
    why = {"Description": rule.why} if rule.why else {}
    permission: Answer = {"IpProtocol": rule.protocol, list_: [{key: source, **why}]}
    if rule.port != -1 or rule.last != -1:
        permission |= {"FromPort": rule.port, "ToPort": rule.port if rule.last == -1 else rule.last}
    return permission


@dataclass(frozen=True)
class KeyPair(Ec2Kind):
    """A key pair. Its name carries the key's digest, so one of this name needs no comparing."""

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        for each in self.described(client, key_name=[desired.name]):
            return Observed(self.name, desired.name, each["KeyName"], {}, tags_of(each))
        return None

    def tag(self, client: AwsClient, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        """It is created and removed by its name, and tagged by its id."""
        for each in self.described(client, key_name=[id_]):
            super().tag(client, desired, each["KeyPairId"], tags)

    def described(self, client: AwsClient, **filters: Iterable[str]) -> list[Answer]:
        """There are no pages of key pairs."""
        listed = [{"Name": name.replace("_", "-") if ":" not in name else name, "Values": list(values)}
                  for name, values in filters.items()]  # fmt: skip
        return list(client.call("ec2", self.operation, Filters=listed)["KeyPairs"])

    def create(self, client: AwsClient, desired: Resource) -> str:
        key, tags = desired.made_with["public_key"].encode(), self.specification(desired)
        client.call("ec2", "import_key_pair", KeyName=desired.name, PublicKeyMaterial=key, TagSpecifications=tags)
        return desired.name

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call("ec2", "delete_key_pair", idempotent=True, KeyName=id_)


class NamedKind(AwsKind):
    """A kind whose name is its id, and which is looked up by that alone, as all of IAM's."""

    def owned(self, client: AwsClient, tags: Mapping[str, str], name: str) -> list[Observed]:
        found = self.find(client, Resource(self.name, name))
        return [found] if found and tagged(found.tags, tags) else []


def role_arn(client: AwsClient, name: str) -> str:
    """A role's ARN, with its path."""
    return str(client.call("iam", "get_role", RoleName=name)["Role"]["Arn"])


@dataclass(frozen=True)
class Role(NamedKind):
    """The role of the machines. Permissions that somebody gives it stay."""

    by_creation: ClassVar[Collection[str]] = ("trust", "description")

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        try:
            role = client.call("iam", "get_role", RoleName=desired.name)["Role"]
        except NotFound:
            return None
        fields = {"trust": role["AssumeRolePolicyDocument"], "description": role.get("Description", "")}
        return Observed(self.name, desired.name, role["RoleName"], fields, tags_of(role))

    def create(self, client: AwsClient, desired: Resource) -> str:
        trust, description = _json(desired.fields["trust"]), desired.fields["description"]
        client.call("iam", "create_role", RoleName=desired.name, Tags=tag_list(desired.tags),
                    AssumeRolePolicyDocument=trust, Description=description)  # fmt: skip
        return desired.name

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        if "trust" in names:
            trust = _json(desired.fields["trust"])
            client.call("iam", "update_assume_role_policy", idempotent=True, RoleName=id_, PolicyDocument=trust)
        if "description" in names:
            description = desired.fields["description"]
            client.call("iam", "update_role", idempotent=True, RoleName=id_, Description=description)

    def tag(self, client: AwsClient, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        client.call("iam", "tag_role", idempotent=True, RoleName=id_, Tags=tag_list(tags))

    def remove(self, client: AwsClient, id_: str) -> None:
        for policy in client.paginate("iam", "list_role_policies", RoleName=id_):
            unless_gone(client, "iam", "delete_role_policy", RoleName=id_, PolicyName=policy)
        for attached in client.paginate("iam", "list_attached_role_policies", RoleName=id_):
            arn = attached["PolicyArn"]
            unless_gone(client, "iam", "detach_role_policy", RoleName=id_, PolicyArn=arn)
        client.call("iam", "delete_role", idempotent=True, RoleName=id_)


@dataclass(frozen=True)
class InstanceProfile(NamedKind):
    """The role as EC2 takes it."""

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        try:
            profile = client.call("iam", "get_instance_profile", InstanceProfileName=desired.name)["InstanceProfile"]
        except NotFound:
            return None
        roles = [role["RoleName"] for role in profile["Roles"]]
        fields = {"role": roles[0] if roles else ""}
        return Observed(self.name, desired.name, desired.name, fields, tags_of(profile))

    def create(self, client: AwsClient, desired: Resource) -> str:
        client.call("iam", "create_instance_profile", InstanceProfileName=desired.name, Tags=tag_list(desired.tags))
        return desired.name

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        """A profile holds one role. One that holds this role already answers with its limit."""
        wanted = desired.fields["role"]
        self._empty(client, id_, wanted)
        try:
            both = {"InstanceProfileName": id_, "RoleName": wanted}
            client.call("iam", "add_role_to_instance_profile", idempotent=True, **both)
        except QuotaExceeded as error:
            raise Conflict(error.finding.what, error.finding.where, error.finding.fix, reason=error.reason) from None

    def tag(self, client: AwsClient, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        client.call("iam", "tag_instance_profile", idempotent=True, InstanceProfileName=id_, Tags=tag_list(tags))

    def remove(self, client: AwsClient, id_: str) -> None:
        self._empty(client, id_)
        client.call("iam", "delete_instance_profile", idempotent=True, InstanceProfileName=id_)

    def _empty(self, client: AwsClient, id_: str, keep: str = "") -> None:
        profile = client.call("iam", "get_instance_profile", InstanceProfileName=id_)["InstanceProfile"]
        for role in profile["Roles"]:
            if role["RoleName"] != keep:
                name = role["RoleName"]
                unless_gone(client, "iam", "remove_role_from_instance_profile", InstanceProfileName=id_, RoleName=name)


def _json(document: Any) -> str:
    return json.dumps(document)


SECURITY_GROUP = SecurityGroup(
    "security_group", "security group", "describe_security_groups", "GroupId", "security-group"
)
KEY_PAIR = KeyPair("key_pair", "key pair", "describe_key_pairs", "KeyName", "key-pair")
ROLE = Role("role", "role")
INSTANCE_PROFILE = InstanceProfile("instance_profile", "instance profile")
