# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults of the controller's side: plugin_utils, modules, action, inventory, lookup, callback."""

from __future__ import annotations

from tests.planted.fault import Fault

FAULTS = (
    Fault(
        name="short-secrets-are-taken",
        breaks="Secrets of three characters are delivered, and mask ordinary text in every message.",
        file="plugins/plugin_utils/planner.py",
        before="if len(value) < MIN_SECRET:",
        after="if len(value) < MIN_SECRET - 1:",
        tests=("tests/unit/plan/test_planner.py",),
    ),
    Fault(
        name="errors-do-not-stop-the-plan",
        breaks="A plan is made although settings or secrets are wrong.",
        file="plugins/plugin_utils/planner.py",
        before=(
            "        if errors:\n"
            "            raise Failed(*dict.fromkeys(errors))\n"
        ),
        after=(
            "        if errors and not members:\n"
            "            raise Failed(*dict.fromkeys(errors))\n"
        ),
        tests=("tests/unit/plan/test_planner.py",),
    ),
    Fault(
        name="version-tells-the-value",
        breaks="The version of a plain value is a hash of it that everybody can try values against.",
        file="plugins/plugin_utils/planner.py",
        before="hmac.new(key, value.encode(), hashlib.sha256)",
        after="hmac.new(b\"praxis\", value.encode(), hashlib.sha256)",
        tests=("tests/unit/plan/test_planner.py",),
    ),
    Fault(
        name="missing-identity-is-no-error",
        breaks="A real run plans around an identity that is not there.",
        file="plugins/plugin_utils/fleet_secrets.py",
        before=(
            "            if not self._allow_missing:\n"
            "                self.findings.append(_no_identity(slot, found.state))\n"
        ),
        after="",
        tests=("tests/unit/plan/test_planner.py",),
    ),
    Fault(
        name="secrets-in-the-runs-directory",
        breaks="The run's directory holds the secrets in clear.",
        file="plugins/plugin_utils/sealed.py",
        before="sealed: bytes = _BOX.encrypt(json.dumps(value).encode())",
        after="sealed: bytes = json.dumps(value).encode()",
        tests=("tests/unit/plan/test_run_directory.py", "tests/unit/plan/test_sealed.py"),
    ),
    Fault(
        name="reader-sees-half-a-file",
        breaks="A file of the run's directory is written in place.",
        file="plugins/plugin_utils/run_directory.py",
        before="staged = self._of(name) + \".new\"",
        after="staged = self._of(name)",
        tests=("tests/unit/plan/test_run_directory.py",),
    ),
    Fault(
        name="first-words-last",
        breaks="What went wrong last at a place is forgotten for what was told first.",
        file="plugins/plugin_utils/run_directory.py",
        before=(
            "kept = {**{_key(item): item for item in self.recorded()}, **{_key(item): item for item in findings}}"
        ),
        after=(
            "kept = {**{_key(item): item for item in findings}, **{_key(item): item for item in self.recorded()}}"
        ),
        tests=("tests/unit/plan/test_run_directory.py",),
    ),
    Fault(
        name="group-beats-host",
        breaks="A group's settings win over a host's.",
        file="plugins/plugin_utils/fleet_variables.py",
        before=(
            "CONFIG_LAYERS = (\"praxis_agent_config\", \"praxis_agent_config_group\", \"praxis_agent_config_host\")"
        ),
        after=(
            "CONFIG_LAYERS = (\"praxis_agent_config\", \"praxis_agent_config_host\", \"praxis_agent_config_group\")"
        ),
        tests=("tests/unit/plan/test_variables.py",),
    ),
    Fault(
        name="placeholder-is-a-secret",
        breaks="A variable that nothing fills in is delivered as a secret.",
        file="plugins/plugin_utils/drafts.py",
        before="if placeholder(value) == value:",
        after="if placeholder(value) == \"\":",
        tests=("tests/unit/plan/test_planner.py",),
    ),
    Fault(
        name="image-by-its-tag",
        breaks="A release names its image by a tag, which may be another image tomorrow.",
        file="plugins/plugin_utils/images.py",
        before="return image.by_digest(registry.resolve_digest_ecr(self._aws, image))",
        after="return str(image)",
        tests=("tests/unit/plan/test_planner.py",),
    ),
    Fault(
        name="login-of-another-registry",
        breaks="Each image's machines get the login of whatever registry comes first.",
        file="plugins/plugin_utils/images.py",
        before="text: by_host[image.host] for text, image in parsed.items()",
        after="text: by_host[hosts[0]] for text, image in parsed.items()",
        tests=("tests/unit/plan/test_planner.py", "tests/unit/plan/test_both_clouds.py", "tests/unit/google/test_registry.py"),
    ),
    Fault(
        name="agents-secrets-in-the-log",
        breaks="agent_release shows the agent's secrets among its arguments.",
        file="plugins/modules/agent_release.py",
        before="\"secrets\": {\"type\": \"dict\", \"no_log\": True},",
        after="\"secrets\": {\"type\": \"dict\"},",
        tests=("tests/unit/modules",),
    ),
    Fault(
        name="seed-in-the-log",
        breaks="agent_release shows the slot's seed among its arguments.",
        file="plugins/modules/agent_release.py",
        before="\"seed\": {\"type\": \"str\", \"no_log\": True},",
        after="\"seed\": {\"type\": \"str\", \"no_log\": False},",
        tests=("tests/unit/modules",),
    ),
    Fault(
        name="registry-password-in-the-log",
        breaks="agent_release shows the registry's password among its arguments.",
        file="plugins/modules/agent_release.py",
        before="\"password\": {\"type\": \"str\", \"required\": True, \"no_log\": True},",
        after="\"password\": {\"type\": \"str\", \"required\": True, \"no_log\": False},",
        tests=("tests/unit/modules",),
    ),
    Fault(
        name="secret-key-in-the-log",
        breaks="Modules show the secret key of AWS among their arguments.",
        file="plugins/module_utils/cloud/aws_options.py",
        before="[\"aws_secret_access_key\", \"aws_secret_key\"], \"no_log\": True}",
        after="[\"aws_secret_access_key\", \"aws_secret_key\"], \"no_log\": False}",
        tests=("tests/unit/modules",),
    ),
    Fault(
        name="check-mode-launches",
        breaks="Check mode launches machines.",
        file="plugins/modules/aws_machines.py",
        before=(
            "    if check_mode:\n"
            "        return result\n"
        ),
        after=(
            "    if check_mode and not changes:\n"
            "        return result\n"
        ),
        tests=("tests/unit/modules/test_aws_machines.py",),
    ),
    Fault(
        name="check-mode-makes-seeds",
        breaks="Check mode makes identities.",
        file="plugins/modules/p2p_identity.py",
        before="done, failed = ({}, []) if check_mode else store.apply(changes)",
        after="done, failed = store.apply(changes)",
        tests=("tests/unit/modules/test_p2p_identity.py",),
    ),
    Fault(
        name="check-mode-removes-resources",
        breaks="Check mode removes a resource of Google's.",
        file="plugins/modules/gcp_resource.py",
        before=(
            "        if not check_mode:\n"
            "            resources.remove(wanted)\n"
        ),
        after="        resources.remove(wanted)\n",
        tests=("tests/unit/google/test_gcp_resource.py",),
    ),
    Fault(
        name="check-mode-makes-a-network",
        breaks="Check mode makes the network.",
        file="plugins/modules/aws_network.py",
        before=(
            "    if not check_mode:\n"
            "        network.apply(changes)\n"
        ),
        after="    network.apply(changes)\n",
        tests=("tests/unit/modules/test_aws_network.py",),
    ),
    Fault(
        name="drain-is-not-waited-for",
        breaks="A drain is told as done while the last requests are being served.",
        file="plugins/modules/aws_lb_target.py",
        before="    if not changed and reached(seen, targets, state):",
        after="    if state == \"absent\" or not changed and reached(seen, targets, state):",
        tests=("tests/unit/modules/test_aws_lb_target.py",),
    ),
    Fault(
        name="failed-source-hides-an-earlier-one",
        breaks="Of two inventory sources that failed only the last one is told.",
        file="plugins/inventory/fleet.py",
        before="\"praxis_inventory_errors\", known + failures)",
        after="\"praxis_inventory_errors\", failures)",
        tests=("tests/unit/inventory",),
    ),
    Fault(
        name="failed-source-is-a-warning",
        breaks="An inventory source that cannot be read is an empty one, with a warning.",
        file="plugins/inventory/fleet.py",
        before=(
            "        raise AnsibleParserError(f\"{path}: \" + \" \".join(str(finding) for finding in find"
            "ings)) from cause"
        ),
        after=(
            "        self.display.warning(f\"{path}: \" + \" \".join(str(finding) for finding in findings))"
        ),
        tests=("tests/unit/inventory/test_fleet.py",),
    ),
    Fault(
        name="cache-of-another-fleet",
        breaks="The inventory's cache gives one fleet another one's members.",
        file="plugins/inventory/fleet.py",
        before="key = f\"{self.get_cache_key(path)}_{digest}\"",
        after="key = self.get_cache_key(path)",
        tests=("tests/unit/inventory/test_fleet.py",),
    ),
    Fault(
        name="name-in-two-sources",
        breaks="A machine takes the name of one that another source has.",
        file="plugins/inventory/fleet.py",
        before=(
            "findings = check_members(members, self.get_option(\"ssh_address\")) + self._strangers(members)"
        ),
        after="findings = check_members(members, self.get_option(\"ssh_address\"))",
        tests=("tests/unit/inventory/test_fleet.py",),
    ),
    Fault(
        name="binary-secret-as-text",
        breaks="The lookup gives a binary secret as the text of its bytes.",
        file="plugins/lookup/secret.py",
        before=(
            "        raise Failed(Finding(\"secret-binary\", \"The secret is binary and no text.\", str(r"
            "eference), fix))\n"
            "    return secret.value"
        ),
        after=(
            "        return str(secret.value)\n"
            "    return secret.value"
        ),
        tests=("tests/unit/modules/test_lookup_secret.py",),
    ),
    Fault(
        name="secrets-without-pipelining",
        breaks="Secrets go to a host without pipelining, and so to a file on its disk.",
        file="plugins/action/agent_release.py",
        before="if not self._connection.is_pipelining_enabled():",
        after="if self._connection.is_pipelining_enabled() is None:",
        tests=("tests/unit/plan/test_actions.py",),
        tier="test",
    ),
    Fault(
        name="touched-host-is-not-remembered",
        breaks="A host that was disturbed is not put back.",
        file="plugins/action/agent_release.py",
        before="            run.touch(name, (look.get(\"release\") or {}).get(\"current\"))\n",
        after="            look.get(\"release\")\n",
        tests=("tests/unit/plan/test_actions.py",),
        tier="test",
    ),
    Fault(
        name="crash-takes-a-host-out-of-the-run",
        breaks="A module that crashes leaves its host out of the plays that put things back.",
        file="plugins/plugin_utils/host_action.py",
        before="outcome = {**outcome, **_as_data(name, outcome), \"failed\": False}",
        after="outcome = {**outcome, **_as_data(name, outcome)}",
        tests=("tests/unit/plan/test_actions.py",),
        tier="test",
    ),
    Fault(
        name="half-an-inventory-is-deployed",
        breaks="A plan is made although a source of the inventory could not be read.",
        file="plugins/action/fleet_plan.py",
        before="            _require_whole(task_vars)\n",
        after="",
        tests=("tests/unit/plan/test_actions.py",),
        tier="test",
    ),
    Fault(
        name="verdict-forgets-what-was-put-back",
        breaks="A run that put every host back well counts as good.",
        file="plugins/action/fleet_verify.py",
        before="        ok = not any(finding.level == \"error\" for finding in findings)",
        after="        ok = seen.ok",
        tests=("tests/integration/test_deploy.py", "-k", "bad_release"),
        tier="test",
    ),
    Fault(
        name="balancers-refusal-is-swallowed",
        breaks="A load balancer that refuses counts as one that has done as asked.",
        file="plugins/action/fleet_balancer.py",
        before=(
            "        if failures:\n"
            "            message"
        ),
        after=(
            "        if failures and not result[\"targets\"]:\n"
            "            message"
        ),
        tests=("tests/unit/plan/test_actions.py",),
        tier="test",
    ),
    Fault(
        name="ignored-failure-stops-the-json",
        breaks="A failure that a playbook ignores is told as what stopped it.",
        file="plugins/callback/summary.py",
        before="if not ignore_errors:",
        after="if not ignore_errors or True:",
        tests=("tests/unit/plan/test_summary.py",),
        tier="test",
    ),
    Fault(
        name="findings-on-standard-output",
        breaks="What stopped a run is printed to standard output, in the middle of a program's JSON.",
        file="plugins/callback/summary.py",
        before="screen.show(self._display, lines, _width(), stderr=True)",
        after="screen.show(self._display, lines, _width())",
        tests=("tests/unit/plan/test_summary.py",),
        tier="test",
    ),
)
