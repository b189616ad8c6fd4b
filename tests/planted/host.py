# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults of what runs on a machine."""

from __future__ import annotations

from tests.planted.fault import Fault

FAULTS = (
    Fault(
        name="lock-is-not-taken",
        breaks="Two deployments work on one host at the same time.",
        file="plugins/module_utils/host/deploy.py",
        before=(
            "        with locked(paths.lock, holder_of(desired), lock_deadline):\n"
            "            if desired.deployment is None:\n"
        ),
        after="        if True:\n            if desired.deployment is None:\n",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="check-mode-acts",
        breaks="Check mode makes the changes.",
        file="plugins/module_utils/host/deploy.py",
        before="    if check_mode:\n        return dict(result, **predicted(todo))\n",
        after="",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="gate-is-not-heeded",
        breaks="A release that fails its gate counts as activated.",
        file="plugins/module_utils/host/deploy.py",
        before="if finding is not None:\n                return _failed(",
        after="if finding is not None and not now:\n                return _failed(",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="pruned-before-the-gate",
        breaks="Old releases are removed before the new one has passed its gate.",
        file="plugins/module_utils/host/changes.py",
        before=(
            "    return changes + socket_changes(current, paths) + container_changes(current, desired)\n"
            "\n\ndef socket_changes("
        ),
        after=(
            '    old = [name for name in current.observation["release"]["kept"] if name != release.id]\n'
            '    changes += [Change("prune", paths.release(name), "", "") for name in old]\n'
            "    return changes + socket_changes(current, paths) + container_changes(current, desired)\n"
            "\n\ndef socket_changes("
        ),
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="what-does-not-run-is-called-good",
        breaks="A release is called good though another one runs.",
        file="plugins/module_utils/host/plans.py",
        before='    if (found["current"], found["running"]) != (release.id, release.id):\n',
        after="    if False:\n",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="good-release-is-pruned",
        breaks="The release that a rollback goes to is removed.",
        file="plugins/module_utils/host/changes.py",
        before="superfluous(kept, release.id, good, desired.keep_releases)",
        after="superfluous(sorted(kept), release.id, None, desired.keep_releases)",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="asked-at-the-port-to-come",
        breaks="A running agent is asked at the port of the release to come, and counts as down.",
        file="plugins/module_utils/host/observation.py",
        before='    return int(((manifest or {}).get("ports") or {}).get(kind) or port)\n',
        after="    return port\n",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="agent-is-stopped-for-what-cannot-start",
        breaks="The running agent is stopped for a release that is not on the host.",
        file="plugins/module_utils/host/deploy.py",
        before="            require_prepared(paths, started)\n",
        after="            pass\n",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="log-shows-secrets",
        breaks="The log that a failed gate quotes holds secrets.",
        file="plugins/module_utils/host/deploy.py",
        before='return mask("\\n".join(lines), (desired.secrets or {}).values()).splitlines()',
        after="return list(lines)",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="group-reads-secrets",
        breaks="A secret's file may be read by its group.",
        file="plugins/module_utils/host/apply.py",
        before="SECRET_MODE = 0o400",
        after="SECRET_MODE = 0o440",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="secrets-on-a-disk",
        breaks="Secrets are written to a directory that is on a disk.",
        file="plugins/module_utils/host/apply.py",
        before="        files.require_tmpfs(self._paths.run)\n",
        after="",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="image-of-a-kept-release-goes",
        breaks="Pruning removes an image that a kept release has too.",
        file="plugins/module_utils/host/apply.py",
        before="if image and image not in kept:",
        after="if image:",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="one-crash-is-forgiven",
        breaks="An agent that crashed once within its gate passes.",
        file="plugins/module_utils/host/gate.py",
        before='container["restarts"] > restarts:',
        after='container["restarts"] > restarts + 1:',
        tests=("tests/unit/host/test_gate.py",),
    ),
    Fault(
        name="anybody-passes-the-gate",
        breaks="An agent that runs under another identity passes its gate.",
        file="plugins/module_utils/host/gate.py",
        before='if gate.peer_id is not None and api["peer_id"] != gate.peer_id:',
        after='if gate.peer_id is None and api["peer_id"] != gate.peer_id:',
        tests=("tests/unit/host/test_gate.py",),
    ),
    Fault(
        name="gate-counts-a-stuck-edge",
        breaks="An edge that is retransmitting counts for the gate.",
        file="plugins/module_utils/host/gate.py",
        before='any(edge["retransmits"] == 0 for edge in edges)',
        after='any(edge["retransmits"] >= 0 for edge in edges)',
        tests=("tests/unit/host/test_gate.py",),
    ),
    Fault(
        name="gate-waits-twice-as-long",
        breaks="The gate's deadline is ignored.",
        file="plugins/module_utils/host/gate.py",
        before="if clock() >= until:",
        after="if clock() >= until + deadline:",
        tests=("tests/unit/host/test_gate.py",),
    ),
    Fault(
        name="half-a-file-stays",
        breaks="A write that fails leaves its staged file behind.",
        file="plugins/module_utils/host/files.py",
        before=(
            "        os.rename(staged, path)\n"
            "    except OSError:\n"
            "        os.unlink(staged)\n"
            "        raise\n"
            "    sync_directory(os.path.dirname(path))"
        ),
        after=(
            "        os.rename(staged, path)\n"
            "    except OSError:\n"
            "        raise\n"
            "    sync_directory(os.path.dirname(path))"
        ),
        tests=("tests/unit/host/test_files.py",),
    ),
    Fault(
        name="mode-is-not-compared",
        breaks="A secret's file that everybody may read is found right.",
        file="plugins/module_utils/host/files.py",
        before=" or stat.S_IMODE(found.st_mode) != mode or",
        after=" or",
        tests=("tests/unit/host/test_files.py",),
    ),
    Fault(
        name="short-values-are-masked-first",
        breaks="A value that holds another one is masked in part, and its rest is shown.",
        file="plugins/module_utils/host/secret_file.py",
        before="for form in sorted(_forms(values), key=len, reverse=True):",
        after="for form in sorted(_forms(values), key=len):",
        tests=("tests/unit/host/test_secret_file.py",),
    ),
    Fault(
        name="lock-is-shared",
        breaks="The host's lock is one that many may hold.",
        file="plugins/module_utils/host/lock.py",
        before="fcntl.LOCK_EX | fcntl.LOCK_NB",
        after="fcntl.LOCK_SH | fcntl.LOCK_NB",
        tests=("tests/unit/host/test_lock.py",),
    ),
    Fault(
        name="observation-shows-secrets",
        breaks="The log lines of an observation hold secrets.",
        file="plugins/module_utils/host/observation.py",
        before='return mask(text, parse(stored or "").values()).splitlines()[-LOG_LINES:]',
        after="return text.splitlines()[-LOG_LINES:]",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="closed-connections-count",
        breaks="A connection that is being closed counts as an edge.",
        file="plugins/module_utils/host/tcp.py",
        before="if len(fields) < 7 or fields[3] not in states:",
        after="if len(fields) < 7:",
        tests=("tests/unit/host/test_tcp.py",),
    ),
    Fault(
        name="pull-without-an-end",
        breaks="A pull goes on beyond its deadline.",
        file="plugins/module_utils/host/pull.py",
        before="if clock() > until:",
        after="if clock() > until + deadline:",
        tests=("tests/unit/host/test_engine.py",),
    ),
    Fault(
        name="refused-image-stays",
        breaks="An image of another architecture stays on the host, and is taken for good the next time.",
        file="plugins/module_utils/host/pull.py",
        before=(
            "        engine.remove_image(name)  # or the next deployment would find it here and take it for good\n"
        ),
        after="",
        tests=("tests/unit/host/test_engine.py",),
    ),
    Fault(
        name="release-to-go-back-to-is-pruned",
        breaks="With keep_releases=1 the release to go back to is removed.",
        file="plugins/module_utils/host/changes.py",
        before="return others[max(2, keep) - len(safe) :]",
        after="return [name for name in kept if name != wanted][keep - 1 :]",
        tests=("tests/unit/host/test_changes.py",),
    ),
    Fault(
        name="agent-stands-in-its-own-way",
        breaks="The running agent's own ports are taken for a stranger's.",
        file="plugins/module_utils/host/ports.py",
        before="for port in sorted(set(wanted) - set(own)):",
        after="for port in sorted(set(wanted)):",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="reboot-leaves-the-agent-down",
        breaks="Nothing unseals the secrets before Docker starts.",
        file="plugins/module_utils/host/changes.py",
        before="    if not current.unit_right:\n",
        after="    if False:\n",
        tests=("tests/unit/host/test_seal.py",),
    ),
    Fault(
        name="sealed-file-is-plain",
        breaks="Secrets lie on the disk as they are.",
        file="plugins/module_utils/host/seal.py",
        before="    files.write_file(path, done.stdout, SEALED_MODE)\n",
        after='    files.write_file(path, data, SEALED_MODE)\n',
        tests=("tests/unit/host/test_seal.py",),
    ),
    Fault(
        name="sealed-file-is-everybody-s",
        breaks="Every user of a machine may read the sealed files.",
        file="plugins/module_utils/host/seal.py",
        before="SEALED_MODE = 0o600\n",
        after="SEALED_MODE = 0o644\n",
        tests=("tests/unit/host/test_seal.py",),
    ),
    Fault(
        name="old-secret-comes-back",
        breaks="A rotated secret is not sealed, and a reboot brings back the old one.",
        file="plugins/module_utils/host/seal.py",
        before="    return done.returncode == 0 and done.stdout == data\n",
        after="    return done.returncode == 0\n",
        tests=("tests/unit/host/test_seal.py",),
    ),
    Fault(
        name="sealed-secrets-stay-for-ever",
        breaks="A release that is removed leaves its sealed secrets.",
        file="plugins/module_utils/host/apply.py",
        before="        files.remove_file(self._paths.sealed_environment(old))\n",
        after="",
        tests=("tests/unit/host/test_seal.py",),
    ),
    Fault(
        name="nobody-arms-the-switch",
        breaks="A host whose controller dies stays with a release that nobody has called good.",
        file="plugins/module_utils/host/deploy.py",
        before="            _arm(desired, paths, result[\"observation\"])\n",
        after="            pass\n",
        tests=("tests/unit/host/test_switch.py",),
    ),
    Fault(
        name="good-release-is-rolled-back-later",
        breaks="Calling a release good leaves the timer that rolls it back.",
        file="plugins/module_utils/host/deploy.py",
        before='if desired.state in ("confirmed", "restored", "absent"):\n            switch.disarm',
        after='if desired.state in ("restored", "absent"):\n            switch.disarm',
        tests=("tests/unit/host/test_switch.py",),
    ),
    Fault(
        name="switch-goes-off-under-a-second-run",
        breaks="A run that comes back does not wind up the timers of the one before it.",
        file="plugins/module_utils/host/switch.py",
        before="if armed is not None and _left(armed) < within:\n",
        after="if armed is None and _left(armed) < within:\n",
        tests=("tests/unit/host/test_switch.py",),
    ),
    Fault(
        name="switch-goes-off-by-the-clock",
        breaks="A host whose clock is set ahead in the middle of a release rolls itself back at once.",
        file="plugins/module_utils/host/switch.py",
        before="%(armed)s)\" ] || exit 0\n",
        after="%(armed)s)\" ] || true\n",
        tests=("tests/unit/host/test_switch.py",),
    ),
    Fault(
        name="a-soak-by-the-clock",
        breaks="An agent's soak takes an hour more when its machine's clock is set back in it.",
        file="plugins/module_utils/host/observation.py",
        before='    if container["age"] is not None:\n        return float(container["age"])\n',
        after="",
        tests=("tests/unit/host/test_uptime.py",),
    ),
    Fault(
        name="switch-forgets-a-reboot",
        breaks="A host that is off when its timer goes off keeps the release that nobody has called good.",
        file="plugins/module_utils/host/switch.py",
        before="Persistent=true\n",
        after="",
        tests=("tests/unit/host/test_switch.py",),
    ),
    Fault(
        name="switch-goes-back-after-the-confirmation",
        breaks="A timer that goes off while the release is being called good rolls it back all the same.",
        file="plugins/module_utils/host/switch.py",
        before="[ -e %(armed)s ] || exit 0 #",
        after="[ -e %(armed)s ] || true #",
        tests=("tests/unit/host/test_switch.py",),
    ),
    Fault(
        name="switch-leaves-the-new-secrets",
        breaks="A host that goes back by itself starts its old release with the secrets of the new one.",
        file="plugins/module_utils/host/switch.py",
        before="[ ! -e %(unseal)s ] || sh %(unseal)s %(back)s\n",
        after="",
        tests=("tests/unit/host/test_switch.py",),
    ),
    Fault(
        name="drain-takes-a-pause-for-the-end",
        breaks="A drain ends at the first moment without a connection, while the balancer still sends requests.",
        file="plugins/module_utils/host/drain.py",
        before="QUIET = 10.0\n",
        after="QUIET = 0.0\n",
        tests=("tests/unit/host/test_drain.py",),
    ),
    Fault(
        name="drain-never-ends-early",
        breaks="The container's own health check counts as a client, and every drain takes its whole time.",
        file="plugins/module_utils/host/drain.py",
        before="item.local_port == port and not _own(item.remote_address)",
        after="item.local_port == port",
        tests=("tests/unit/host/test_drain.py",),
    ),
    Fault(
        name="answer-on-its-way-is-cut",
        breaks="A connection that the agent has closed, its answer not yet delivered, is taken for gone.",
        file="plugins/module_utils/host/tcp.py",
        before='IN_USE = (ESTABLISHED, "03", "04", "08", "09", "0B")\n',
        after="IN_USE = (ESTABLISHED,)\n",
        tests=("tests/unit/host/test_drain.py",),
    ),
    Fault(
        name="agent-is-stopped-while-it-drains",
        breaks="The agent is stopped as soon as its balancer has been reported, whatever its connections.",
        file="plugins/module_utils/host/deploy.py",
        before="        if desired.drain > 0:\n",
        after="        if desired.drain > 86400:\n",
        tests=("tests/unit/host/test_drain.py",),
    ),
    Fault(
        name="an-engine-that-remaps-users-is-taken",
        breaks="An engine in whose containers the agent cannot read its files passes prepare.",
        file="plugins/module_utils/host/mounts.py",
        before='if "userns" in security or',
        after="if",
        tests=("tests/unit/host/test_deploy.py",),
    ),
    Fault(
        name="an-engine-whose-machine-forwards-nothing-is-taken",
        breaks="An agent whose container reaches nobody is started, and its batch with it.",
        file="plugins/module_utils/host/container_network.py",
        before='    return (read_text(FORWARDING) or "").strip() != "0"\n',
        after="    return True\n",
        tests=("tests/unit/host/test_container_network.py",),
    ),
    Fault(
        name="the-socket-s-group-is-written-and-not-used",
        breaks="The Docker socket has come to belong to another group, and the agent goes on with the former one.",
        file="plugins/module_utils/host/changes.py",
        before="    if current.socket_group != current.socket_group_stored:\n",
        after="    if False:\n",
        tests=("tests/unit/host/test_deploy.py",),
    ),
)
