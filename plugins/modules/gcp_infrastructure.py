#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: gcp_infrastructure
short_description: Everything that a Praxis fleet has in Google Cloud, as one plan
version_added: 0.2.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Works out the list of resources that a fleet should have (network, subnetwork, firewall rules, service account,
    instance groups, health check, security policy, backend service, URL map, target proxy, address, forwarding rule,
    machines), observes all of them at once, and makes the difference, in the order in which they refer to each other.
  - A resource is the fleet's by its name and by the words C(praxis_fleet=FLEET praxis_managed_by=provision) in its
    description. What is not the fleet's is never adopted, changed or removed. A field that was edited by hand is
    named, and restored.
  - Every request has an id by which Google knows a repeated one. When it must stop in the middle, the failure names
    what was made; the next run goes on from there.
extends_documentation_fragment:
  - praxis.cloud.attributes
  - praxis.cloud.attributes.actiongroup_gcp
  - praxis.cloud.gcp
  - praxis.cloud.infrastructure
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - What changes, by resource; what is to be made reads "(known after apply)" where a link or an address would be.
  idempotent:
    support: full
options:
  region:
    description: Region of the subnetwork and the machines. Only the part C(firewall) needs none.
    type: str
    default: ""
  parts:
    description:
      - What to keep. The other parts are left as they are.
      - C(access) is the machines' service account. It has no role; those that you give it stay.
      - C(cluster) is the GKE cluster that O(cluster) describes, with its nodes' service account, the roles of that
        account, and a router with Cloud NAT where nodes are private and the network is the fleet's own.
    type: list
    elements: str
    choices: [network, firewall, access, machines, balancer, cluster]
    default: [network, firewall, access, machines, balancer]
  name:
    description: The name of all resources; firewall rules' names begin with it. By default C(praxis-FLEET).
    type: str
    default: ""
  labels:
    description: Labels of your own on what has labels. Keys of the scheme's own (C(praxis_…)) are refused.
    type: dict
    default: {}
  mark:
    description: Words for the description of what is made, in place of the fleet's mark; O(labels) are then all labels.
    type: str
    default: ""
  network:
    description: A network of your own, by name or link. With O(subnetwork) it need not be named.
    type: raw
  subnetwork:
    description: A subnetwork of your own in O(region), by name or link.
    type: raw
  network_tags:
    description: Network tags of the machines for which firewall rules of your own exist. Then no rule is made for them.
    type: list
    elements: str
    default: []
  service_account:
    description: A service account of your own, by name or email.
    type: raw
  backend_service:
    description: A backend service of your own with a group in each of the zones, by name or link.
    type: raw
  cidr:
    description: Addresses of the subnetwork.
    type: str
    default: ""
  groups:
    description: >-
      Who is protected. By default V(member) unless O(network_tags) are yours, and V(balancer) when one is made.
    type: list
    elements: str
    choices: [member, balancer]
  network_tag:
    description: Network tag by which firewall rules know the machines. By default O(name).
    type: str
    default: ""
  inside_cidr:
    description: Network that may reach SSH. By default the subnetwork's.
    type: str
    default: ""
  api_from_google:
    description: >-
      Whether Google's load balancers and health checks may reach the members' API. By default when there is a backend
      service.
    type: bool
  p2p_from:
    description: Networks of members that do not carry the network tag.
    type: list
    elements: str
    default: []
  machine_type:
    description: Type of new machines.
    type: str
    default: e2-small
  image:
    description: Image of new machines, by name or link. Empty takes the newest of O(image_family).
    type: str
    default: ""
  image_family:
    description: Image family of new machines.
    type: str
    default: debian-13
  image_project:
    description: Project of O(image_family).
    type: str
    default: debian-cloud
  ssh_user:
    description: Account that O(ssh_public_key) admits.
    type: str
    default: praxis
  ssh_public_key:
    description: Public key that the machines admit, and the only one. Needed for the part C(machines).
    type: str
    default: ""
  public_address:
    description: Whether new machines have an address that the internet knows.
    type: bool
    default: true
  balancer_timeout:
    description: Seconds for which a request or a WebSocket through it may last.
    type: int
    default: 3600
  certificate:
    description:
      - An SSL certificate of yours in Compute Engine, by name or link, global and in this project. Given, the load
        balancer answers by HTTPS on port 443, and redirects port 80 there. Empty for plain HTTP.
      - One that has expired, will never be issued, lies elsewhere, or is not for O(dns_name) is refused before
        anything is touched.
      - V(managed) for one that Google makes for O(dns_name), when that name leads to the load balancer. That takes up
        to an hour, and is not waited for; port 443 answers only then.
    type: str
    default: ""
  tls_policy:
    description: >-
      SSL policy of yours, by name or link. Empty for one that is made, with the profile V(MODERN) and TLS 1.2 and 1.3.
    type: str
    default: ""
  dns_name:
    description: The name by which clients reach the load balancer, which O(certificate) must be for. Empty for any.
    type: str
    default: ""
  dns_zone:
    description: >-
      A managed zone of Cloud DNS in this project, by its name, in which a record leads O(dns_name) to the load
      balancer. Empty for none. With O(state=absent) a record that is marked as the fleet's is found by it and
      O(dns_name) when somebody removed the load balancer's address, whose labels name it, unless it leads to another
      global address of the project.
    type: str
    default: ""
  api_exposure:
    description:
      - From where the agents' API may be reached through the load balancer. Empty for what O(balancer_from) says.
      - V(public) demands O(certificate) and O(oidc), for the API has no authentication, unless O(open_api_to_world)
        accepts the risk. With both, O(balancer_from) may name the whole internet.
      - V(internal) is refused, no internal load balancer is made here.
    type: str
    choices: ["", internal, public]
    default: ""
  oidc:
    description:
      - The login that everybody has to pass before the load balancer lets a request pass, Google's Identity-Aware Proxy
        (IAP). Needs O(certificate).
      - With nothing but the issuer, IAP uses a client of its own, for the people of the project's organisation.
        Who may pass is what you grant in IAP.
    type: dict
    suboptions:
      issuer:
        description: V(https://accounts.google.com), the only issuer of this login.
        type: str
      authorization_endpoint:
        description: Not on Google Cloud.
        type: str
      token_endpoint:
        description: Not on Google Cloud.
        type: str
      user_info_endpoint:
        description: Not on Google Cloud.
        type: str
      client_id:
        description: Id of an OAuth client of yours.
        type: str
      client_secret:
        description: >-
          Reference to the client's secret in Secret Manager (C(gcp-sm://PROJECT/NAME#KEY)). A newer version of it is
          set by the next run.
        type: str
  access_logs:
    description: >-
      Whether the load balancer's requests are logged, in Cloud Logging. Without it the logs are left as they are.
    type: dict
    suboptions:
      sample_rate:
        description: Which part of the requests, from 0 (none, which turns the logs off) to 1 (all).
        type: float
        default: 1.0
  cluster:
    description:
      - A GKE cluster, for the part C(cluster). With O(state=absent), only its name and location count.
      - A subnetwork of your own must have secondary ranges named C(pods) and C(services).
    type: dict
    suboptions:
      name:
        description: Its name, and its node pool's; by default O(name).
        type: str
      location:
        description: A region, or a zone for a cluster without Autopilot. By default O(region).
        type: str
      autopilot:
        description: Whether Google keeps the nodes, at creation; true without it. Else the cluster has one node pool.
        type: bool
      channel:
        description: By which Google upgrades it, at creation; C(regular) without it.
        type: str
        choices: [rapid, regular, stable, extended]
      version:
        description: >-
          Version of Kubernetes at creation; the channel's default without it. An existing cluster is not upgraded by
          this module.
        type: str
      public_from:
        description: >-
          Networks (IPv4) from which its API server may be reached through the internet. Without any, only from the
          network.
        type: list
        elements: str
      private_nodes:
        description: Whether nodes have no public addresses, at creation; true without it.
        type: bool
      pods_cidr:
        description: Addresses of the pods, a secondary range of the subnetwork; C(10.44.0.0/16) without it.
        type: str
      services_cidr:
        description: Addresses of the services, a secondary range of the subnetwork; C(10.45.0.0/20) without it.
        type: str
      instance_type:
        description: Type of the node pool's machines at creation; C(e2-standard-2) without it.
        type: str
      min:
        description: The fewest nodes of the node pool, in all zones together; 1 without it.
        type: int
      max:
        description: The most nodes of the node pool, in all zones together; 3 without it.
        type: int
  draining_timeout:
    description: Seconds for which a member that leaves may finish its requests.
    type: int
    default: 60
  deadline:
    description: >-
      Seconds that each operation may take, that all machines or a cluster may take to run, and each resource to be
      gone.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Show what a fleet of three would need
  praxis.cloud.gcp_infrastructure:
    project: my-project
    region: europe-west1
    fleet: demo
    hosts: 3
    cidr: 10.42.0.0/16
    ssh_public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"
  check_mode: true
  register: shown

- name: Make exactly that
  praxis.cloud.gcp_infrastructure:
    project: my-project
    region: europe-west1
    fleet: demo
    hosts: 3
    cidr: 10.42.0.0/16
    ssh_public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"
    plan_id: "{{ shown.plan.id }}"

- name: Remove it
  praxis.cloud.gcp_infrastructure:
    project: my-project
    region: europe-west1
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
project:
  description: The project.
  returned: success
  type: str
network:
  description: The network, C(PROJECT/NETWORK).
  returned: with O(state=present)
  type: str
subnetwork:
  description: The subnetwork's link, "(known after apply)" before it is there.
  returned: with O(state=present)
  type: str
balancer:
  description: The load balancer's address, "(known after apply)" before it is there, empty without one.
  returned: with O(state=present)
  type: str
certificate_status:
  description: >-
    With O(certificate=managed), Google's word for the certificate, V(PROVISIONING) until it is V(ACTIVE); "(known after
    apply)" before it is there.
  returned: with O(state=present)
  type: str
backend_service:
  description: Name of the backend service, empty without one.
  returned: with O(state=present)
  type: str
security_policy:
  description: Link of the load balancer's security policy, empty without one.
  returned: with O(state=present)
  type: str
machines:
  description: The running machines, in the slots' order. Empty in check mode and with O(state=absent).
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: The instance's name., type: str}
    slot: {description: The slot., type: str}
    instance_id: {description: The instance's name., type: str}
    zone: {description: Zone., type: str}
    private_ip: {description: Private address., type: str}
    public_ip: {description: Public address or an empty string., type: str}
launched:
  description: Slots for which a machine is launched.
  returned: success
  type: list
  elements: str
terminated:
  description: Names of the instances that are deleted.
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
    id: {description: The disk's name., type: str}
    slot: {description: Whose data it holds., type: str}
    zone: {description: Zone., type: str}
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

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_infrastructure import EXISTING
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import GCP_ARGUMENTS, gcp_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_provision import Provision
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_removal import Removal
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.infrastructure_options import INFRASTRUCTURE_ARGUMENTS
from ansible_collections.praxis.cloud.plugins.module_utils.finish import finish
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import check_fleet, check_labels
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.exposure import OIDC
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_cluster import CHANNELS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_list import PARTS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import CLUSTER
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook

LISTS = ("network_tags", "p2p_from")
_TEXTS = ("name", "location", "version", "pods_cidr", "services_cidr", "instance_type")
CLUSTER_OPTIONS: dict[str, dict[str, Any]] = {
    **{name: {"type": "str"} for name in _TEXTS},
    **{name: {"type": "bool"} for name in ("autopilot", "private_nodes")},
    "channel": {"type": "str", "choices": [*CHANNELS]},
    "public_from": {"type": "list", "elements": "str"},
    **{name: {"type": "int"} for name in ("min", "max")},
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    **INFRASTRUCTURE_ARGUMENTS,
    "region": {"type": "str", "default": ""},
    "parts": {"type": "list", "elements": "str", "choices": [*PARTS, CLUSTER], "default": [*PARTS]},
    "name": {"type": "str", "default": ""},
    "labels": {"type": "dict", "default": {}},
    "mark": {"type": "str", "default": ""},
    **{option: {"type": "raw"} for option in EXISTING},
    **{name: {"type": "list", "elements": "str", "default": []} for name in LISTS},
    "cidr": {"type": "str", "default": ""},
    "groups": {"type": "list", "elements": "str", "choices": ["member", "balancer"]},
    "network_tag": {"type": "str", "default": ""},
    "inside_cidr": {"type": "str", "default": ""},
    "api_from_google": {"type": "bool"},
    "machine_type": {"type": "str", "default": "e2-small"},
    "image": {"type": "str", "default": ""},
    "image_family": {"type": "str", "default": "debian-13"},
    "image_project": {"type": "str", "default": "debian-cloud"},
    "ssh_user": {"type": "str", "default": "praxis"},
    "ssh_public_key": {"type": "str", "default": "", "no_log": False},
    "public_address": {"type": "bool", "default": True},
    "balancer_timeout": {"type": "int", "default": 3600},
    "certificate": {"type": "str", "default": ""},
    "tls_policy": {"type": "str", "default": ""},
    "dns_name": {"type": "str", "default": ""},
    "dns_zone": {"type": "str", "default": ""},
    "api_exposure": {"type": "str", "choices": ["", "internal", "public"], "default": ""},
    "oidc": {"type": "dict", "options": {each: {"type": "str", "no_log": each == "client_secret"} for each in OIDC}},
    "access_logs": {"type": "dict", "options": {"sample_rate": {"type": "float", "default": 1.0}}},
    "cluster": {"type": "dict", "options": CLUSTER_OPTIONS},
    "draining_timeout": {"type": "int", "default": 60},
    "deadline": {"type": "int", "default": 600},
}
SPEC = {**GCP_ARGUMENTS, **ARGUMENTS}


def run(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    check_fleet(options["fleet"])
    # In place of the fleet's mark, labels may be those of the scheme.
    if not options["mark"]:
        check_labels(options["labels"], google=True)
    client = gcp_client(options, Playbook())
    if options["state"] == "absent":
        return Removal(client, options).absent(check_mode)
    return Provision(client, options).present(check_mode)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    finish(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
