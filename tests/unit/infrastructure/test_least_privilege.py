# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each verb needs on AWS, by an operator who has exactly that: it suffices, and nothing is left over."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from moto.iam.responses import IamResponse
from moto.servicequotas.models import ServiceQuotasBackend

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_backups import AwsBackups
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_credentials import AwsCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_members import describe
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_permissions import check
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_repository_kind import REPOSITORIES, repository
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_target_group import TargetGroup
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_volumes import AwsDisks, volume
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.oci import INDEX_TYPES
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.platforms import platforms_ecr
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import (
    ecr_credentials,
    parse_image,
    resolve_digest_ecr,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.selector import selector
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.slot_disks import put_in_place
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import eks_contents
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import PARTS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_policies import VERBS, Place, policies
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_rules import OVER_QUOTA
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import RESTORING
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import CLUSTER
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.aws_sm import AwsSecretsManager
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Secret
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse_all
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities import diff
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities_aws import AwsIdentities
from sandbox.aws import quotas, simulation
from sandbox.aws.need import Need
from tests.unit.conftest import REGION, Cloud

from . import more_edits
from .account import CLUSTER as IN_IT
from .account import FLEET, HOST, POD_ROLE, Account, another_first_run, rows, zone
from .enforcement import Operator, left_over
from .test_eks_contents import DISKS, DRIVER, DRIVERS
from .test_kinds import EDITS
from .test_policies import REFERENCE, taken
from .test_repository import NAME as REPOSITORY
from .test_repository import mutable, unlimited, unscanned
from .test_volumes import instances, volumes

ACCOUNT = "123456789012"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:1.0"
DATA = {"size": 4}
DOMAIN, NAME = "example.org", f"praxis-{FLEET}"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPES[0], "manifests": []})
OF_A_CLUSTER = ("cluster_role", "eks_cluster", "node_group", *eks_contents.LOST)


SECRET = "praxis/alpha/agent"
#: What a registry asks for, and no operation of AWS's API.
ELSEWHERE = {
    *(f"ecr:{each}" for each in (
        "BatchCheckLayerAvailability", "CompleteLayerUpload", "GetDownloadUrlForLayer", "InitiateLayerUpload",
        "PutImage", "UploadLayerPart")),
}  # fmt: skip


#: A session's role is asked for without its path when it may not be read: single sign-on's alone may.
HANDLED = {"iam:GetRole"}


def place(**more: Any) -> Place:
    return Place(FLEET, REGION, ACCOUNT, [SECRET], [IMAGE], pod_roles=[POD_ROLE],
                 **{"zone": DOMAIN, "host": HOST, **more})  # fmt: skip


def fleet(cloud: Cloud, **options: Any) -> Account:
    """An account with a zone, a secret and an image, and a fleet's settings that leave nothing out."""
    zone(cloud, DOMAIN)
    cloud.client("secretsmanager").create_secret(Name=SECRET, SecretString='{"key": "planted"}')
    cloud.client("ecr").create_repository(repositoryName=REPOSITORY)
    cloud.client("ecr").put_image(repositoryName=REPOSITORY, imageManifest=MANIFEST, imageTag="1.0")
    named = {"certificate": "managed", "dns_zone": DOMAIN, "dns_name": HOST}
    return Account(cloud, options={**named, "data": DATA, **options})


def provision(cloud: Cloud, operator: Operator) -> None:
    account = fleet(cloud)
    document = policies(place())["provision"]
    of_cloudfront(account)
    with operator.only(document):
        with another_first_run(account, hosts=2), pytest.raises(Failed):
            account.present(hosts=2)
        without = {"certificate": "", "dns_name": "", "dns_zone": "", "allow_shrink": True}
        account.present(hosts=2, **without)
        account.present(hosts=2, balancer=False, **without)
        account.present(hosts=2)
        over_quota(account)
    for kind, (edit, _field) in EDITS.items():
        if kind not in OF_A_CLUSTER:
            edit(cloud.client)
    for edit_more in more_edits.ALL:
        edit_more(cloud)
    kept = volumes(cloud)["aws-1"]["VolumeId"]
    snapshot = cloud.client("ec2").create_snapshot(VolumeId=kept)["SnapshotId"]
    cloud.client("ec2").stop_instances(InstanceIds=[instances(cloud)["aws-2"]["InstanceId"]])
    larger: dict[str, Any] = {"hosts": 3, "data": {"size": 6, "snapshot": {"aws-3": snapshot}}}
    with operator.only(document):
        account.present(**larger)
    more_edits.without_profile(cloud)
    with operator.only(document):
        account.present(**larger)
        assert rows(account.present(**larger)) == []
    for which in (0, -1):
        served(account, "present", which)
    with operator.only(document):
        account.present(**{**larger, "hosts": 2, "allow_shrink": True})


def of_cloudfront(account: Account) -> None:
    """A certificate that may be renewed by the record of the fleet's."""
    far = account.client().in_region("us-east-1")
    far.call("acm", "request_certificate", DomainName="cdn.example.org", ValidationMethod="DNS")


def over_quota(account: Account) -> None:
    """More rules than AWS's defaults allow: the account is asked for its own quotas."""
    far = [f"198.51.{number}.{4 * number}" for number in range(60)]
    with pytest.raises(Failed) as refused:
        account.present(check=True, p2p_from=far)
    assert refused.value.findings[0].code in OVER_QUOTA


def deploy(cloud: Cloud, operator: Operator) -> None:
    account = fleet(cloud)
    account.present()
    with operator.only(policies(place())["deploy"]):
        observe(account)
        identities(account, "present")
        served(account, "present")
        served(account, "absent")
    identities(account, "absent")
    with operator.only(policies(place())["deploy"]):
        identities(account, "present")


def doctor(cloud: Cloud, operator: Operator) -> None:
    account = fleet(cloud)
    with operator.only(policies(place())["doctor"]):
        account.present(check=True)  # everything is to be made, so every quota is asked for
    account.present()
    identities(account, "present")
    with operator.only(policies(place())["doctor"]):
        observe(account)
        account.present(check=True, hosts=2)
        AwsIdentities(account.client(), FLEET).read(["aws-1"])
        observe_balancer(account).observe()
        over_quota(account)
    asks_permissions(account, operator)


def asks_permissions(account: Account, operator: Operator) -> None:
    """As a user, and as a role: the simulator is the sandbox's."""
    iam, sts = account.cloud.client("iam"), account.cloud.client("sts")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    path, name = "/aws-reserved/sso.amazonaws.com/eu-central-1/", "AWSReservedSSO_deployer_0123456789abcdef"
    signed_on = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    role = iam.create_role(RoleName="deployer", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    sessions = [sts.assume_role(RoleArn=each, RoleSessionName="ann")["Credentials"] for each in (role, signed_on)]
    document = policies(place())["doctor"]
    for each in (key, *sessions):
        credentials = AwsCredentials(each["AccessKeyId"], each["SecretAccessKey"], each.get("SessionToken", ""))
        client = AwsClient(REGION, endpoint_url=account.cloud.endpoint, credentials=credentials)
        with operator.only(document):
            assert check(client, {"doctor": document}, True)["checked"] > 0


def backup(cloud: Cloud, operator: Operator) -> None:
    account = fleet(cloud)
    account.present()
    disk = volume(volumes(cloud)["aws-1"])
    with operator.only(policies(place())["backup"]):
        describe(account.client(), FLEET)
        disks = AwsDisks(account.client(), Wanted(FLEET, ("aws-1",)), "here")
        assert disks.read(disk.id, disk.zone) == disk
        assert disks.read("vol-0123456789abcdef0", disk.zone) is None
        backups = AwsBackups(account.client(), FLEET)
        id_ = backups.start(disk.id, disk.zone, disk.slot, "20261128t220823z", 5.0)
        backups.complete(id_)
        assert len(backups.observe()) == 1
        backups.remove(id_)


def restore(cloud: Cloud, operator: Operator) -> None:
    account = fleet(cloud)
    account.present()
    old = volume(volumes(cloud)["aws-1"])
    backups = AwsBackups(account.client(), FLEET)
    id_ = backups.start(old.id, old.zone, old.slot, "20261128t220823z", 5.0)
    backups.complete(id_)
    served(account, "present")
    with operator.only(policies(place())["restore"]):
        describe(account.client(), FLEET)
        assert len(AwsBackups(account.client(), FLEET).observe()) == 1
        served(account, "absent")
        disks = AwsDisks(account.client(), Wanted(FLEET, ("aws-1",)), "here", 5.0, account.poll())
        disks.observe()
        put_in_place(disks, old, disks.create("aws-1", old.zone, 4, id_, RESTORING), old.machine)
        served(account, "present")


def down(cloud: Cloud, operator: Operator) -> None:
    account = fleet(cloud)
    account.present()
    identities(account, "present")
    more_edits.permitted(cloud)
    of_cloudfront(account)
    with operator.only(policies(place())["down"]):
        describe(account.client(), FLEET)
        identities(account, "absent")
        account.absent(remove_data=True)
        # Nothing remembers the record's name any more, and the zone is named by its domain.
        account.absent(remove_data=True, dns_zone=DOMAIN, dns_name=HOST)
    assert account.resources() == {}


def image(cloud: Cloud, operator: Operator) -> None:
    account = Account(cloud)

    def kept() -> None:
        wanted = [repository(REPOSITORY, 20)]
        engine = Engine(account.client(), wanted, REPOSITORIES, [*REPOSITORIES], "here", poll=account.poll())
        engine.apply(engine.observe())
        assert engine.observe() == []

    with operator.only(policies(place())["image"]):
        kept()
        ecr_credentials(account.client(), ACCOUNT)
    for edit in (mutable, unscanned, unlimited, labelled):
        edit(cloud.client("ecr"))
    with operator.only(policies(place())["image"]):
        kept()
    cloud.client("ecr").put_image(repositoryName=REPOSITORY, imageManifest=MANIFEST, imageTag="1.0")
    with operator.only(policies(place())["image"]):
        image_of_registry(account)


def labelled(ecr: Any) -> None:
    (found,) = ecr.describe_repositories(repositoryNames=[REPOSITORY])["repositories"]
    ecr.tag_resource(resourceArn=found["repositoryArn"], tags=[{"Key": "Name", "Value": "somebody's"}])


def eks(cloud: Cloud, operator: Operator) -> None:
    addons = [IN_IT["addons"][0], *DISKS]
    account = fleet(cloud, parts=[*PARTS, CLUSTER], cluster={**IN_IT, "addons": addons})
    every = policies(place())
    with operator.only(every["provision"], every["eks"]):
        account.present()
    for kind in OF_A_CLUSTER:
        EDITS[kind][0](cloud.client)
    more_edits.cluster_roles(cloud)
    more_edits.groups(cloud)
    more_edits.addon_roles(cloud, DRIVER, DRIVERS)
    with operator.only(every["provision"], every["eks"]):
        account.present()
    with operator.only(every["down"], every["eks"]):
        account.absent(remove_data=True)


def observe(account: Account) -> None:
    """What a plan of a deployment reads: the members, the secrets, the image."""
    describe(account.client(), FLEET)
    store = AwsSecretsManager(account.client())
    (outcome,) = store.fetch(parse_all([f"aws-sm://{SECRET}#key"])).values()
    assert isinstance(outcome, Secret)
    store.fetch(parse_all([f"aws-sm://{SECRET}#key?version={outcome.version}"]))
    image_of_registry(account)
    ecr_credentials(account.client(), ACCOUNT)


def image_of_registry(account: Account) -> None:
    digest = resolve_digest_ecr(account.client(), parse_image(IMAGE))
    platforms_ecr(account.client(), parse_image(f"{IMAGE.rpartition(':')[0]}@{digest}"))


def identities(account: Account, state: str) -> None:
    """As p2p_identity keeps them."""
    kept = AwsIdentities(account.client(), FLEET)
    _done, failed = kept.apply(diff(kept.read(["aws-1"], unusable=state == "absent").values(), state))
    assert failed == []


def observe_balancer(account: Account) -> TargetGroup:
    """By tags, as a user may name it: that asks for most."""
    return TargetGroup(account.client(), selector("target_group", {"praxis_fleet": FLEET}), account.poll())


def served(account: Account, state: str, which: int = 0) -> None:
    """One of the fleet's machines into its load balancer, or out of it."""
    group = observe_balancer(account)
    machine = describe(account.client(), FLEET)[which]["variables"]["praxis_instance_id"]
    group.apply(group.targets([{"id": machine}], group.observe(), state), state)
    assert group.addresses() and group.deregistration_delay()


FLOWS: dict[str, Callable[[Cloud, Operator], None]] = {
    "provision": provision, "deploy": deploy, "doctor": doctor, "backup": backup, "restore": restore, "down": down,
    "image": image, "eks": eks,
}  # fmt: skip


def test_every_verb_has_a_flow() -> None:
    assert {*FLOWS, "ecs"} == set(VERBS)


def known_to_aws(need: Need) -> bool:
    """Whether the action takes such a resource, and has the condition keys that the account answers for."""
    keys = taken(need.action, need.resource) if need.action in REFERENCE else {*()}
    return keys is not None and {key.partition("/")[0] for key in need.context} <= keys


@pytest.fixture(autouse=True)
def _sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ServiceQuotasBackend, "get_service_quota", quotas.get_service_quota)
    monkeypatch.setattr(IamResponse, "simulate_principal_policy", simulation.simulate_principal_policy, raising=False)


@pytest.mark.slow
@pytest.mark.parametrize("verb", FLOWS)
def test_a_verb_s_policy_suffices_and_none_of_it_is_left_over(cloud: Cloud, verb: str) -> None:
    operator = Operator()
    FLOWS[verb](cloud, operator)
    assert {each.action for each in operator.refused} <= HANDLED
    assert [each for each in operator.asked if not known_to_aws(each)] == []
    found = left_over(policies(place())[verb], operator.asked)
    # AWS makes its own roles at the first use of a service, and asks nobody here.
    asked = [each for each in found if not each.startswith("LinkRoles: ")]
    left = [each for each in asked if each.partition(": ")[2] not in ELSEWHERE]
    assert not left, '\n'.join(left)
