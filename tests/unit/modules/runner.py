# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules as the controller does: arguments in, one JSON document out, a process for each run.

The process is forked from one that has the SDK loaded already, and its models of the services that modules call:
reading them is most of a module's time. As a script this file is that process: a line of JSON in (module, arguments,
environment), a line of JSON out (rc, stdout, stderr).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.parameters import PASS_VARS

PACKAGE = "ansible_collections.praxis.cloud.plugins.modules."
#: A result shows the module's arguments, which ansible-core 2.21 does only when it is asked to.
INVOCATION = {"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {}
SERVICES = ("ec2", "elbv2", "secretsmanager")


@dataclass(frozen=True)
class Ran:
    """One run of a module: its result, and all it printed."""

    result: dict[str, Any]
    printed: str

    @property
    def changed(self) -> bool:
        return bool(self.result["changed"])

    @property
    def codes(self) -> list[str]:
        """The codes of its failures; none when it succeeded."""
        return [finding["code"] for finding in self.result.get("failures", [])]


class Runner:
    """The process that modules are forked from, and what every run gets."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        command = [sys.executable, __file__]
        self._parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(
        self,
        module: str,
        *,
        check: bool = False,
        diff: bool = True,
        shell: dict[str, str] | None = None,
        **arguments: Any,
    ) -> Ran:
        """Run one module at the highest verbosity.

        :param shell: what this run's environment has besides.
        """
        assert self._parent.stdin
        assert self._parent.stdout
        settings = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_verbosity": 5, **INVOCATION}
        environment = {**self._environment, **(shell or {})}
        order = {"module": module, "arguments": {**arguments, **settings}, "environment": environment}
        self._parent.stdin.write(json.dumps(order) + "\n")
        self._parent.stdin.flush()
        answer = json.loads(self._parent.stdout.readline())
        printed = answer["stdout"] + answer["stderr"]
        try:
            result = json.loads(answer["stdout"])
        except ValueError:
            raise AssertionError(f"{module} did not answer in JSON:\n{printed}") from None
        assert bool(result.get("failed")) == bool(answer["rc"]), printed
        assert "deprecations" not in result, printed
        return Ran(result, printed)

    def close(self) -> None:
        assert self._parent.stdin
        self._parent.stdin.close()
        self._parent.wait(10)
        assert self._parent.stdout
        self._parent.stdout.close()


def _serve() -> None:
    from ansible.module_utils import basic

    _load_models()
    importlib.import_module("google.auth.transport.requests")
    importlib.import_module("google.oauth2.service_account")
    importlib.import_module("ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities_aws")
    gc.freeze()  # what is here already is no child's garbage
    for line in sys.stdin:
        order = json.loads(line)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            child = os.fork()
            if child == 0:
                _child(basic, order, out.fileno(), err.fileno())
            _pid, status = os.waitpid(child, 0)
            out.seek(0)
            err.seek(0)
            answer = {"rc": os.waitstatus_to_exitcode(status), "stdout": out.read(), "stderr": err.read()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _load_models() -> None:
    """The SDK reads a service's model at its first client, and keeps it for that session: here it is kept for all."""
    import botocore.loaders
    import botocore.session

    loader = botocore.loaders.Loader()
    botocore.session.create_loader = lambda search_path_string=None: loader
    session = importlib.import_module("boto3").Session("key", "secret", region_name="eu-central-1")
    for service in SERVICES:
        session.client(service)


def _child(basic: Any, order: dict[str, Any], out: int, err: int) -> None:
    code = 1
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.environ.clear()
        os.environ.update(order["environment"])
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": order["arguments"]}).encode()
        basic._ANSIBLE_PROFILE = "legacy"
        importlib.import_module(PACKAGE + order["module"]).main()
        code = 0
    except SystemExit as left:
        code = int(left.code or 0)
    except BaseException:  # noqa: BLE001 - whatever it is, it must reach the test and not this loop
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
