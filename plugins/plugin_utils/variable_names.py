# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of all ``praxis_*`` variables: Ansible ignores a misspelt one without a word, and the default applies."""

from __future__ import annotations

import difflib
from typing import Iterable, List

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding

PREFIX = "praxis_"
#: What users set, without the prefix.
SETTABLE = frozenset(
    """
    access_logs account activate address agent agent_config agent_config_group agent_config_host agent_environment
    agent_proxy agent_secrets allow_shrink allowed_from api_exposure api_from api_port architecture awx_clouds
    awx_collection awx_credentials awx_dir awx_execution_environment awx_notify awx_organization awx_prefix
    awx_project_branch awx_project_credential awx_project_url awx_schedules awx_unasked awx_update_secrets
    awx_webhook_url backup balancer balancer_from balancer_idle_timeout balancer_scheme batch canary certificate cluster
    cluster_deadline config_dir confirm_deadline confirm_down container data data_remove departed deregistration_delay
    dns_name dns_zone docker_daemon docker_socket doctor_fix doctor_verbs ecs ecs_kind eks environment fleet force
    gate_deadline gke hooks host_keys host_keys_file hosts http_proxy https_proxy identity_store image
    image_build_arguments image_file image_from image_id image_move image_platforms image_sbom image_sign image_source
    instance_profile instance_type join_timeout keep_releases key_name known_hosts kube_context kubeconfig kubernetes
    kubernetes_kind lease load_balancer lock_for lock_reason lock_wait max_unreachable min_available min_edges network
    no_proxy oidc oidc_secret open_api_to_world open_p2p_to_world p2p_from p2p_plaintext_across p2p_port peer_id_scheme
    plan_id private_ip project provision_plan_id public_address public_ip pull_deadline record region registries
    remove_identities render_dest role root_volume_gb security_groups services slot slots soak ssh_address ssh_deadline
    ssh_from ssh_public_key_file strict subnets take_over target target_group tls_policy to unfinished vpc vpc_cidr zone
    zones
    """.split()
)
#: What inventories say of a machine, groups, and what playbooks keep for themselves, without the prefix.
OWN = frozenset(
    """
    accounts aws backed_up backup_state backups chosen cloud data_volume dns_record docker_failure doctor
    doctor_failures doctor_judged doctor_permissions doctor_plan doctor_refused doctor_runs gcp history holds hook
    image_made image_stage instance_id inventory_errors inventory_stopped kept kind labels lock_keepers login machine_id
    managed_by named needs no_login order outcome plan run sdk settle summary verdict
    """.split()
)
#: How like a known name an unknown one has to be. A user's own variable may begin with ``praxis_``, too.
_ALIKE = 0.75


def misspelt(variables: Iterable[str]) -> List[Finding]:
    """A warning for every unknown name that is nearly one of SETTABLE, in the names' order."""
    ours = sorted(str(name)[len(PREFIX) :] for name in variables if str(name).startswith(PREFIX))
    found = []
    for name in (name for name in ours if name not in SETTABLE and name not in OWN):
        near = difflib.get_close_matches(name, SETTABLE, n=1, cutoff=_ALIKE)
        if near:
            what = "%s%s is set, but no variable of this name exists." % (PREFIX, name)
            fix = "Did you mean %s%s? If it is your own variable, name it without praxis_." % (PREFIX, near[0])
            found.append(Finding("misspelt-variable", what, "variables", fix, WARNING))
    return found
