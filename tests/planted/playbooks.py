# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults of playbooks and roles."""

from __future__ import annotations

from tests.planted.fault import Fault

FAULTS = (
    Fault(
        name="nobody-holds-the-fleet-and-the-run-ends",
        breaks="With praxis_lock_wait a run of a fleet that nobody holds ends: Ansible delegates to nobody.",
        file="playbooks/plays/wait.yml",
        before="wait_found.ask or inventory_hostname",
        after="wait_found.ask",
        tests=("tests/unit/test_playbooks.py", "-k", "another_host_is_asked"),
    ),
    Fault(
        name="drain-is-left-out",
        breaks="Agents are stopped while the load balancer still sends them requests.",
        file="playbooks/plays/spread.yml",
        before=(
            ": drain\n        rolespec_validate: false\n      vars:\n"
            "        load_balancer_members: \"{{ ansible_play_batch }}\"\n      when: not"
        ),
        after=(
            ": join\n        rolespec_validate: false\n      vars:\n"
            "        load_balancer_members: \"{{ ansible_play_batch }}\"\n      when: not"
        ),
        tests=("tests/unit/test_playbooks.py",),
    ),
    Fault(
        name="rejoin-without-a-verdict",
        breaks="A batch with a bad verdict goes back behind the load balancer.",
        file="playbooks/plays/spread.yml",
        before=(
            "      when:\n"
            "        - praxis_plan.balanced\n"
            "        - praxis_verdict.ok\n"
        ),
        after="      when:\n        - praxis_plan.balanced\n",
        tests=("tests/unit/test_playbooks.py",),
    ),
    Fault(
        name="a-cluster-s-status-reads-where-to-go-back-to",
        breaks="The status of a fleet in a cluster ends because praxis_to, which it has no use for, cannot be read.",
        file="playbooks/plays/cluster.yml",
        before="{{ '' if _kubernetes_workload_observes else lookup(",
        after="{{ lookup(",
        tests=("tests/unit/test_unreadable_variables.py",),
    ),
    Fault(
        name="nothing-is-put-back",
        breaks="A bad release stays on the hosts that have it.",
        file="playbooks/plays/spread.yml",
        before='  hosts: "{{ praxis_verdict.roll_back.hosts if',
        after='  hosts: "{{ praxis_order.restart if',
        tests=("tests/unit/test_playbooks.py",),
    ),
    Fault(
        name="bad-batch-does-not-stop-the-run",
        breaks="The next batch gets a release that the batch before could not run.",
        file="playbooks/plays/spread.yml",
        before="praxis_verdict.ok\n\n- name: Observe\n",
        after="praxis_verdict.ok and false\n\n- name: Observe\n",
        tests=("tests/unit/test_playbooks.py",),
    ),
    Fault(
        name="unreachable-host-leaves-the-run",
        breaks="A host that is not reached while preparing is dropped, and no verdict names it.",
        file="playbooks/deploy.yml",
        before=(
            "- name: Prepare\n  hosts: praxis\n  gather_facts: false\n"
            "  strategy: ansible.builtin.linear\n  any_errors_fatal: false\n  debugger: never\n"
            "  timeout: 0\n  become: true\n  become_user: root\n  ignore_unreachable: true\n"
        ),
        after=(
            "- name: Prepare\n  hosts: praxis\n  gather_facts: false\n"
            "  strategy: ansible.builtin.linear\n  any_errors_fatal: false\n  debugger: never\n"
            "  timeout: 0\n  become: true\n  become_user: root\n"
        ),
        tests=("tests/unit/test_playbooks.py",),
    ),
    Fault(
        name="timeout-is-left-to-the-user",
        breaks="A timeout of the user's ansible.cfg ends an activation in its middle.",
        file="playbooks/plays/spread.yml",
        before='  timeout: 0\n  become: true\n  become_user: root\n  ignore_unreachable: true\n  serial: "{{ praxis_or',
        after='  become: true\n  become_user: root\n  ignore_unreachable: true\n  serial: "{{ praxis_or',
        tests=("tests/unit/test_playbooks.py",),
    ),
    Fault(
        name="pipelining-is-left-to-the-user",
        breaks="Activation has pipelining only where the user's ansible.cfg has it.",
        file="playbooks/plays/spread.yml",
        before="  vars: &run\n    ansible_pipelining: true\n    ansible_ssh_pipelining: true\n",
        after="  vars: &run\n",
        tests=("tests/unit/test_playbooks.py",),
    ),
    Fault(
        name="hosts-one-at-a-time",
        breaks="The play activates one host at a time whatever the order says.",
        file="playbooks/plays/spread.yml",
        before="praxis_order.serial if praxis_order is defined else 1 }}\"",
        after="praxis_order.serial and 1 if praxis_order is defined else 1 }}\"",
        tests=("tests/unit/test_playbooks.py",),
    ),
    Fault(
        name="bad-verdict-ends-well",
        breaks="A playbook with a bad verdict ends with return code 0.",
        file="playbooks/tasks/verdict.yml",
        before="  when: not praxis_verdict.ok\n",
        after="  when: praxis_verdict.ok\n",
        tests=("tests/unit/plan/test_summary.py::test_an_unreachable_host_is_a_row_and_a_bad_verdict",),
        tier="test",
    ),
    Fault(
        name="tags-skip-the-checks",
        breaks="A part of a playbook is run by its tags, without the checks before it.",
        file="playbooks/plays/whole.yml",
        before="ansible_run_tags | list == ['all'] and ansible_skip_tags | length == 0",
        after="ansible_run_tags | list == ['all'] or ansible_skip_tags | length == 0",
        tests=("tests/unit/plan/test_limits.py::test_no_part_of_a_playbook_is_taken_for_all_of_it",),
        tier="test",
    ),
    Fault(
        name="a-playbook-starts-in-its-middle",
        breaks="status.yml that is started at its last task calls the fleet good, out of a fact cache.",
        file="playbooks/plays/whole.yml",
        before="{{ 'localhost:all' | praxis.cloud.from_the_start }}",
        after="localhost:all",
        tests=("tests/unit/plan/test_limits.py", "-k", "middle"),
        tier="test",
    ),
    Fault(
        name="limit-leaves-the-fleet-out",
        breaks="deploy.yml with a limit that no member is in does nothing, and ends with return code 0.",
        file="playbooks/plays/whole.yml",
        before="intersect(whole_for | default(_members))",
        after="intersect(whole_for | default(ansible_play_hosts_all))",
        tests=("tests/unit/plan/test_limits.py", "-k", "no_member"),
        tier="test",
    ),
    Fault(
        name="limit-leaves-the-cloud-out",
        breaks="provision.yml with --limit does nothing, and ends with return code 0.",
        file="playbooks/provision.yml",
        before="    whole_fleet: true\n",
        after="    whole_fleet: false\n",
        tests=("tests/unit/plan/test_limits.py::test_infrastructure_has_no_limit",),
        tier="test",
    ),
    Fault(
        name="plan-changes-hosts",
        breaks="plan.yml prepares the release on the hosts.",
        file="playbooks/plan.yml",
        before="  become_user: root\n  check_mode: true\n  diff: true\n",
        after="  become_user: root\n  diff: true\n",
        tests=("tests/unit/test_playbooks.py",),
    ),
    Fault(
        name="down-without-confirmation",
        breaks="down.yml removes the fleet without being reported its name.",
        file="playbooks/down.yml",
        before="that: praxis_confirm_down | default('') == praxis_fleet",
        after="that: praxis_confirm_down | default(praxis_fleet) == praxis_fleet",
        tests=("tests/integration/test_provision.py", "-k", "down_removes_its_own"),
        tier="test",
    ),
    Fault(
        name="world-by-ipv6",
        breaks="The whole internet may reach the agents by IPv6 without being asked for by name.",
        file="plugins/module_utils/infrastructure/settings.py",
        before="for version in _WIDEST]",
        after="for version in (4,)]",
        tests=("tests/unit/infrastructure/test_list.py",),
    ),
    Fault(
        name="world-in-halves",
        breaks="The whole internet in two halves may reach the agents without being asked for by name.",
        file="plugins/module_utils/infrastructure/settings.py",
        before="one.prefixlen < _WIDEST[one.version]",
        after="one.prefixlen == 0",
        tests=("tests/unit/infrastructure/test_list.py",),
    ),
    Fault(
        name="policy-without-a-last-rule",
        breaks="Google's load balancer answers everybody whom no rule is for.",
        file="plugins/module_utils/infrastructure/google_list.py",
        before='LAST_RULE, "deny(403)", ["*"]',
        after='LAST_RULE, "allow", ["*"]',
        tests=("tests/unit/infrastructure/test_google_list.py",),
    ),
    Fault(
        name="health-checks-are-shut-out",
        breaks="Google's health checks do not reach the agents.",
        file="plugins/module_utils/infrastructure/google_list.py",
        before='FRONT_ENDS = ("35.191.0.0/16", "130.211.0.0/22")',
        after='FRONT_ENDS = ("35.191.0.0/16",)',
        tests=("tests/unit/infrastructure/test_google_list.py",),
    ),
    Fault(
        name="part-of-somebody-else-goes",
        breaks="A resource that has a name of ours is removed whoever made it.",
        file="plugins/module_utils/cloud/engine.py",
        before="return not tagged(found.tags, resource.tags)",
        after="return False",
        tests=("tests/unit/google/test_account.py",),
        tier="test",
    ),
    Fault(
        name="settings-are-not-validated",
        breaks="Settings that the engine does not know stop it.",
        file="roles/docker/tasks/configure.yml",
        before=(
            "{{ 'dockerd --validate --config-file %s' if '--validate' in __docker_help.stdout | default('')\n"
            "         else ansible_facts['python']['executable'] ~ ' -m json.tool %s' }}"
        ),
        after="{{ ansible_facts['python']['executable'] ~ ' -m json.tool %s' }}",
        tests=("tests/integration/test_host.py", "-k", "engine_does_not_know"),
        tier="test",
    ),
    Fault(
        name="a-machine-s-python-asks-the-load-balancer",
        breaks="With a localhost in the inventory a deployment ends at its first batch: no member can be drained.",
        file="roles/load_balancer/tasks/set.yml",
        before='    ansible_python_interpreter: "{{ ansible_playbook_python }}"\n',
        after="",
        tests=("tests/unit/plan/test_localhost.py",),
        tier="test",
    ),
    Fault(
        name="a-word-closes-the-port-to-the-other-network",
        breaks="With `enabled` for true a fleet over two clouds loses the rules by which its members reach each other.",
        file="playbooks/vars/provision.yml",
        before="_members if _across else []",
        after="_members if praxis_p2p_plaintext_across | default(false) | bool else []",
        tests=("tests/unit/test_boolean_variables.py",),
    ),
    Fault(
        name="another-project-than-the-one-that-is-named",
        breaks="A fleet whose project is a template of something undefined is removed in the credentials' own project.",
        file="playbooks/down.yml",
        before="lookup('ansible.builtin.vars', 'praxis_project', default='')",
        after="praxis_project | default('')",
        tests=("tests/unit/test_unreadable_variables.py",),
    ),
)
