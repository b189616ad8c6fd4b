#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: aws_infrastructure
short_description: Everything that a Praxis fleet has in AWS, as one plan
version_added: 0.2.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Works out the list of resources that a fleet should have (VPC, subnets, internet gateway, route table, security
    groups, key pair, role, instance profile, machines, target group, load balancer, listener), observes all of them at
    once, and makes the difference, in the order in which they refer to each other.
  - A resource is the fleet's by the tags C(praxis_fleet), C(praxis_managed_by) and C(Name). What is not the fleet's is
    never adopted, changed or removed. A field that was edited by hand is named, and restored.
  - EC2 makes a second VPC or gateway when a creation is sent twice, so one whose answer was lost is never sent again
    before it has been observed that it did not happen. Machines are launched with a client token.
  - When it must stop in the middle, the failure names what was made; the next run goes on from there.
extends_documentation_fragment:
  - praxis.cloud.attributes
  - praxis.cloud.attributes.actiongroup_aws
  - praxis.cloud.aws
  - praxis.cloud.infrastructure
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - What changes, by resource; what is to be made reads "(known after apply)" where an id or an address would be.
  idempotent:
    support: full
options:
  parts:
    description:
      - What to keep. The other parts are left as they are.
      - C(access) is the machines' role and instance profile. The role has no permission; those that you give it stay.
      - C(cluster) is the EKS cluster that O(cluster) describes, with its roles and its node group.
    type: list
    elements: str
    choices: [network, firewall, access, key, machines, balancer, cluster]
    default: [network, firewall, access, key, machines, balancer]
  name:
    description: The beginning of all names; by default C(praxis-FLEET). A role's has the region in it.
    type: str
    default: ""
  labels:
    description: >-
      Tags of your own on everything that is made. Keys of the scheme's own (C(Name), C(praxis_…)) are refused.
    type: dict
    default: {}
  tags:
    description: >-
      Tags in place of O(labels) and the fleet's mark, C(Name) excepted. With O(state=absent), the tags by which what is
      to be removed is found.
    type: dict
  vpc:
    description: A VPC of your own, by id or tags. With O(subnets) it need not be named.
    type: raw
  subnets:
    description: Subnets of your own, by ids or tags, in two zones at least when a load balancer is made.
    type: raw
  security_groups:
    description: Security groups of your own for the members, by ids or tags.
    type: raw
  load_balancer:
    description: A load balancer of your own, by name, ARN or tags. Needs O(target_group).
    type: raw
  target_group:
    description: A target group of your own, by name, ARN or tags, that a listener of a load balancer points at.
    type: raw
  key_name:
    description: A key pair of your own, by name or tags.
    type: raw
  instance_profile:
    description: An instance profile of your own, by name.
    type: raw
  vpc_cidr:
    description: Network of the VPC, of which each subnet gets a sixteenth.
    type: str
    default: ""
  groups:
    description: >-
      Which security groups to keep. By default V(member) unless O(security_groups) names yours, and V(balancer) unless
      O(load_balancer) does.
    type: list
    elements: str
    choices: [member, balancer]
    default: []
  inside_cidr:
    description: Network that may reach SSH and the load balancer. By default the VPC's.
    type: str
    default: ""
  listener_ports:
    description: TCP ports that the load balancer's security group opens. With O(certificate) it opens 80 and 443.
    type: list
    elements: int
    default: [80]
  api_from_groups:
    description: Ids of more security groups that may reach the members' API.
    type: list
    elements: str
    default: []
  p2p_from:
    description: Networks of members that are not in the members' group.
    type: list
    elements: str
    default: []
  public_key:
    description: A line of an OpenSSH public key, imported as a key pair. Not needed with O(key_name).
    type: str
    default: ""
  instance_type:
    description: Type of new machines.
    type: str
    default: t3.small
  image_id:
    description: AMI of new machines.
    type: str
    default: ""
  image_owner:
    description: Without O(image_id), the account that owns the AMI.
    type: str
    default: "136693071363"
  image_name:
    description: Without O(image_id), the AMI's name, the newest of those that match.
    type: str
    default: debian-13-amd64-*
  balancer_scheme:
    description: From where it is reached. Another value than it was made with replaces it, and its address.
    type: str
    choices: [internet-facing, internal]
    default: internet-facing
  balancer_idle_timeout:
    description: Seconds for which a connection through it may be silent.
    type: int
    default: 3600
  certificate:
    description:
      - ARN of a certificate of yours in AWS Certificate Manager, in this region and account. Given, the load balancer
        answers by HTTPS on port 443, and redirects port 80 there. Empty for plain HTTP.
      - One that has expired, is not issued, lies elsewhere, or is not for O(dns_name) is refused before anything is
        touched.
      - V(managed) for one that ACM makes and renews for O(dns_name), which it validates by a record in O(dns_zone).
        Until it is issued, some minutes as a rule, the run waits for as long as O(deadline) says.
    type: str
    default: ""
  tls_policy:
    description: >-
      Security policy of the HTTPS listener, by its name in AWS. Empty for the one that AWS recommends
      (C(ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09), TLS 1.2 and 1.3).
    type: str
    default: ""
  dns_name:
    description: The name by which clients reach the load balancer, which O(certificate) must be for. Empty for any.
    type: str
    default: ""
  dns_zone:
    description: >-
      A public hosted zone of Route 53 in this account, by its id or its domain, in which a record leads O(dns_name) to
      the load balancer. Empty: the record is yours to make. A record of that name that was not made here is never
      changed. With O(state=absent) a record that is marked as the fleet's is found by it and O(dns_name) when somebody
      removed the load balancer, whose tag names it.
    type: str
    default: ""
  api_exposure:
    description:
      - From where the agents' API may be reached through the load balancer. Empty for what O(balancer_scheme) and
        O(balancer_from) say.
      - V(internal) makes it with the scheme V(internal). For one that exists with public addresses that is a
        replacement, and its address is lost.
      - V(public) demands O(certificate) and O(oidc), for the API has no authentication, unless O(open_api_to_world)
        accepts the risk. With both, O(balancer_from) may name the whole internet.
    type: str
    choices: ["", internal, public]
    default: ""
  oidc:
    description: >-
      A provider of OpenID Connect with which everybody has to log in before the load balancer lets a request pass.
      Needs O(certificate).
    type: dict
    suboptions:
      issuer:
        description: The provider's issuer, as it names itself.
        type: str
      authorization_endpoint:
        description: URL of its authorization endpoint.
        type: str
      token_endpoint:
        description: URL of its token endpoint.
        type: str
      user_info_endpoint:
        description: URL of its user info endpoint.
        type: str
      client_id:
        description: The client's id there.
        type: str
      client_secret:
        description: >-
          Reference to the client's secret in AWS Secrets Manager (C(aws-sm://ID#KEY)). A newer version of it is set by
          the next run.
        type: str
  access_logs:
    description: >-
      Where the load balancer writes its access logs. Without it they are left as they are.
    type: dict
    suboptions:
      bucket:
        description: >-
          Name of an S3 bucket in this region, whose policy lets the region's load balancers write. An empty name turns
          the logs off.
        type: str
        default: ""
      prefix:
        description: Beginning of the logs' names in the bucket.
        type: str
        default: ""
  cluster:
    description: >-
      An EKS cluster with one managed node group, for the part C(cluster). Who creates it may log in to it, by an access
      entry that EKS makes (authentication mode API). With O(state=absent), only its name counts.
    type: dict
    suboptions:
      name:
        description: Its name, and its node group's; by default O(name).
        type: str
      version:
        description: Version of Kubernetes at creation; EKS's default without it. An existing cluster is not upgraded.
        type: str
      public_from:
        description: >-
          Networks from which its API server may be reached through the internet. Without any, only from the VPC.
        type: list
        elements: str
      logging:
        description: What the control plane writes to CloudWatch Logs. Nothing without it.
        type: list
        elements: str
        choices: [api, audit, authenticator, controllerManager, scheduler]
      instance_type:
        description: Type of the nodes at creation; C(t3.medium) without it.
        type: str
      min:
        description: The fewest nodes; 1 without it.
        type: int
      desired:
        description: >-
          Nodes at creation; 2 without it. Afterwards the number is left alone between O(cluster.min) and
          O(cluster.max).
        type: int
      max:
        description: The most nodes; 3 without it.
        type: int
      addons:
        description: >-
          Add-ons of EKS's that the cluster has. One that the fleet put on and does not name any more is taken out of
          EKS's care, and what runs in the cluster stays. One that somebody else put on is left as it is. Without this
          option C(vpc-cni), C(kube-proxy), C(coredns), C(metrics-server), and with O(cluster.pod_identity) also
          C(eks-pod-identity-agent).
        type: list
        elements: dict
        suboptions:
          name:
            description: Its name.
            type: str
            required: true
          version:
            description: Its version, which is kept. Without it, EKS's default at creation.
            type: str
          configuration:
            description: Values of the add-on's own schema, which are kept. Without it they are left alone. No secrets.
            type: dict
          pod_identity:
            description: >-
              Roles of the add-on's own pods by EKS Pod Identity, which are kept. Without it they are left alone.
            type: list
            elements: dict
            suboptions:
              service_account:
                description: Name of the service account that the add-on has.
                type: str
                required: true
              role:
                description: ARN of a role of yours that C(pods.eks.amazonaws.com) may assume and tag.
                type: str
                required: true
      access:
        description: >-
          Who else may log in to the cluster. Each principal has exactly the access policies and groups that are named
          here, and none any more when it is not named. Entries that somebody else made stay.
        type: list
        elements: dict
        suboptions:
          principal:
            description: ARN of a role or a user of IAM.
            type: str
            required: true
          policy:
            description: Name of an access policy of EKS's, such as C(AmazonEKSEditPolicy). Needed without groups.
            type: str
          namespaces:
            description: Where the policy holds. The whole cluster without it.
            type: list
            elements: str
          groups:
            description:
              - Groups of Kubernetes that the principal is in. What they may do is said by role bindings in the cluster,
                which are yours. None begins with C(system:).
            type: list
            elements: str
      oidc:
        description: >-
          Whether IAM has an OIDC provider of the cluster's issuer, so that roles can trust its service accounts (IRSA).
          False without it.
        type: bool
      pod_identity:
        description: >-
          Roles of pods by EKS Pod Identity, by their service account. Associations that somebody else made stay.
        type: list
        elements: dict
        suboptions:
          service_account:
            description: Name of the service account.
            type: str
            required: true
          namespace:
            description: Its namespace; C(praxis) without it.
            type: str
          role:
            description: ARN of a role of yours that C(pods.eks.amazonaws.com) may assume and tag.
            type: str
            required: true
  deregistration_delay:
    description: Seconds for which a member that leaves may finish its requests.
    type: int
    default: 60
  deadline:
    description: Seconds to wait for machines to run, for a load balancer to be active, for each resource to be gone.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Show what a fleet of three would need
  praxis.cloud.aws_infrastructure:
    region: eu-central-1
    fleet: demo
    hosts: 3
    vpc_cidr: 10.42.0.0/16
    public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"
  check_mode: true
  register: shown

- name: Make exactly that
  praxis.cloud.aws_infrastructure:
    region: eu-central-1
    fleet: demo
    hosts: 3
    vpc_cidr: 10.42.0.0/16
    public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"
    plan_id: "{{ shown.plan.id }}"

- name: Make a cluster that deployers may use, and whose agents have a role
  praxis.cloud.aws_infrastructure:
    region: eu-central-1
    fleet: demo
    parts: [network, cluster]
    vpc_cidr: 10.42.0.0/16
    cluster:
      access:
        - principal: arn:aws:iam::123456789012:role/deployers
          policy: AmazonEKSEditPolicy
          namespaces: [praxis]
      pod_identity:
        - service_account: agent
          role: arn:aws:iam::123456789012:role/praxis-agents

- name: Remove it
  praxis.cloud.aws_infrastructure:
    region: eu-central-1
    fleet: demo
    state: absent
"""

RETURN = r"""
plan:
  description: What was done, in check mode what would be; of a run that is refused, as far as it could be planned.
  returned: success, and when quotas or what would be lost stand in the way
  type: dict
  contains:
    id: {description: By which O(plan_id) knows this plan., type: str}
    counts: {description: "How many to C(create), C(change), C(replace), C(remove).", type: dict}
    there: {description: "With O(state=present), how many of the fleet's resources and machines there are.", type: int}
    rows:
      description: >-
        One a resource that changes: C(action), C(kind), C(name), C(id), C(fields) with their C(before) and C(after),
        and what is C(lost).
      type: list
      elements: dict
table:
  description: The same for people, line by line.
  returned: success
  type: list
  elements: str
vpc:
  description: The VPC's id, "(known after apply)" before it is there.
  returned: with O(state=present)
  type: str
subnets:
  description: Ids of the subnets.
  returned: with O(state=present)
  type: list
  elements: str
member_group_id:
  description: Id of the members' security group, empty when there is none of ours.
  returned: with O(state=present)
  type: str
balancer_group_id:
  description: Id of the load balancer's security group, empty when there is none of ours.
  returned: with O(state=present)
  type: str
balancer:
  description: Address (DNS name) of the load balancer, "(known after apply)" before it is there, empty without one.
  returned: with O(state=present)
  type: str
target_group:
  description: Name or ARN of the target group, empty without one.
  returned: with O(state=present)
  type: str
machines:
  description: The running machines, in the slots' order. Empty in check mode and with O(state=absent).
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: The tag C(Name)., type: str}
    slot: {description: The slot., type: str}
    instance_id: {description: The instance's id., type: str}
    zone: {description: Availability zone., type: str}
    private_ip: {description: Private address., type: str}
    public_ip: {description: Public address or an empty string., type: str}
launched:
  description: Slots for which a machine is launched.
  returned: success
  type: list
  elements: str
terminated:
  description: Ids of the instances that are terminated.
  returned: success
  type: list
  elements: str
quotas:
  description:
    - Of what would be made, the quotas that could not be looked at, each with C(code), C(what), C(where), C(fix) and
      C(level). What does not fit into a quota is an error, before anything is made.
  returned: with O(state=present)
  type: list
  elements: dict
data_volumes:
  description: The slots' disks that stay.
  returned: with O(state=absent)
  type: list
  elements: dict
  contains:
    id: {description: The volume's id., type: str}
    slot: {description: Whose data it holds., type: str}
    zone: {description: Availability zone., type: str}
    size: {description: GiB., type: int}
replaced_volumes:
  description:
    - Disks that stay and are no slot's, because a restored backup took their place, or a restoration came to no end.
  returned: with O(state=absent)
  type: list
  elements: dict
  contains:
    id: {description: As in RV(data_volumes)., type: str}
    slot: {description: Whose data it holds., type: str}
    zone: {description: As in RV(data_volumes)., type: str}
    size: {description: GiB., type: int}
backups:
  description: The names of backups that stay.
  returned: with O(state=absent)
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_infrastructure import OPTIONS
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS, aws_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_provision import Provision
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_removal import Removal
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.infrastructure_options import INFRASTRUCTURE_ARGUMENTS
from ansible_collections.praxis.cloud.plugins.module_utils.finish import finish
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import check_fleet, check_labels
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_cluster import LOGS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import PARTS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.exposure import INTERNAL, OIDC, PUBLIC
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import CLUSTER
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook

GROUPS = ["member", "balancer"]
LISTS = ("api_from_groups", "p2p_from")
CONTENT_OPTIONS: dict[str, dict[str, Any]] = {
    "addons": {
        "name": {"type": "str", "required": True},
        "version": {"type": "str"},
        "configuration": {"type": "dict"},
        "pod_identity": {
            "type": "list",
            "elements": "dict",
            "options": {name: {"type": "str", "required": True} for name in ("service_account", "role")},
        },
    },
    "access": {
        "principal": {"type": "str", "required": True},
        "policy": {"type": "str"},
        **{name: {"type": "list", "elements": "str"} for name in ("namespaces", "groups")},
    },
    "pod_identity": {
        **{name: {"type": "str", "required": True} for name in ("service_account", "role")},
        "namespace": {"type": "str"},
    },
}
CLUSTER_OPTIONS: dict[str, dict[str, Any]] = {
    **{name: {"type": "str"} for name in ("name", "version", "instance_type")},
    "public_from": {"type": "list", "elements": "str"},
    "logging": {"type": "list", "elements": "str", "choices": [*LOGS]},
    **{name: {"type": "int"} for name in ("min", "desired", "max")},
    "oidc": {"type": "bool"},
    **{name: {"type": "list", "elements": "dict", "options": options} for name, options in CONTENT_OPTIONS.items()},
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    **INFRASTRUCTURE_ARGUMENTS,
    "parts": {"type": "list", "elements": "str", "choices": [*PARTS, CLUSTER], "default": [*PARTS]},
    "name": {"type": "str", "default": ""},
    "labels": {"type": "dict", "default": {}},
    "tags": {"type": "dict"},
    # The name of a key pair is no secret.
    **{option: {"type": "raw", **({"no_log": False} if option == "key_name" else {})} for option in OPTIONS},
    "vpc_cidr": {"type": "str", "default": ""},
    "groups": {"type": "list", "elements": "str", "choices": GROUPS, "default": []},
    "inside_cidr": {"type": "str", "default": ""},
    "listener_ports": {"type": "list", "elements": "int", "default": [80]},
    **{name: {"type": "list", "elements": "str", "default": []} for name in LISTS},
    "public_key": {"type": "str", "default": "", "no_log": False},
    "instance_type": {"type": "str", "default": "t3.small"},
    "image_id": {"type": "str", "default": ""},
    "image_owner": {"type": "str", "default": "136693071363"},
    "image_name": {"type": "str", "default": "debian-13-amd64-*"},
    "balancer_scheme": {"type": "str", "choices": ["internet-facing", "internal"], "default": "internet-facing"},
    "balancer_idle_timeout": {"type": "int", "default": 3600},
    **{name: {"type": "str", "default": ""} for name in ("certificate", "tls_policy", "dns_name", "dns_zone")},
    "api_exposure": {"type": "str", "choices": ["", INTERNAL, PUBLIC], "default": ""},
    # A reference, which is no secret, but a plain value may be given by mistake.
    "oidc": {"type": "dict", "options": {each: {"type": "str", "no_log": each == "client_secret"} for each in OIDC}},
    "access_logs": {"type": "dict", "options": {each: {"type": "str", "default": ""} for each in ("bucket", "prefix")}},
    "cluster": {"type": "dict", "options": CLUSTER_OPTIONS},
    "deregistration_delay": {"type": "int", "default": 60},
    "deadline": {"type": "int", "default": 600},
}
SPEC = {**AWS_ARGUMENTS, **ARGUMENTS}


def run(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    check_fleet(options["fleet"])
    check_labels(options["labels"])
    client = aws_client(options, Playbook())
    if options["state"] == "absent":
        return Removal(client, options).absent(check_mode)
    return Provision(client, options).present(check_mode)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    finish(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
