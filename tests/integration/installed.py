# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user who has the built archive and a Python environment, and nothing of the checkout: another account than root,
who may write into the project's directory alone, and logs in with a key that an agent holds."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.awx.injected import inject
from tests.unit.test_tarball import build

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHONS = (sys.executable, "/usr/bin/python3", "/usr/bin/python3.11", "/usr/bin/python3.13")
#: Types of credentials, each with what is filled in for its fields.
Injecting = Sequence[tuple[Mapping[str, Any], Mapping[str, str]]]
#: Whom nothing belongs to.
NOBODY = "nobody"
#: What of the sandbox's environment is the cloud's, and what any shell has.
KEPT = re.compile(r"AWS_\w+|PRAXIS_(VPC_CIDR|IMAGE)|(NO_PROXY|no_proxy|LC_ALL|PATH|PIP_\w+|TERM)")


@dataclass(frozen=True)
class Done:
    """A finished command."""

    rc: int
    output: str

    @property
    def summary(self) -> dict[str, Any]:
        """``praxis_summary``, as ``ANSIBLE_SHOW_CUSTOM_STATS`` prints it."""
        printed = self.output.partition("CUSTOM STATS:")[2].partition("RUN: ")[2]
        assert printed, f"no summary:\n{self.output[-6000:]}"
        return dict(json.JSONDecoder().raw_decode(printed)[0]["praxis_summary"])


@dataclass(frozen=True)
class Job(Done):
    """A finished job, and what came back of it."""

    back: Path

    @property
    def artifacts(self) -> dict[str, Any]:
        """What AWX keeps as the job's artifacts, and hands to the next jobs of a workflow."""
        events = [json.loads(path.read_text(encoding="utf-8")) for path in self.back.rglob("job_events/*.json")]
        (last,) = [event for event in events if event["event"] == "playbook_on_stats"]
        return dict(last["event_data"]["artifact_data"])

    @property
    def shown(self) -> str:
        """All that the job shows: its output, its events and its hosts' facts."""
        found = [path for name in ("stdout", "job_events/*.json", "fact_cache/*") for path in self.back.rglob(name)]
        return "\n".join(path.read_text(encoding="utf-8") for path in found)


class User:
    """The user, and what they have.

    :param environment: that of the sandbox.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="praxis-installed-"))
        self.root.chmod(0o755)
        self.python = self.root / "venv" / "bin" / "python"
        self.project, self.home = self.root / "project", self.root / "home"
        self.account = pwd.getpwnam(NOBODY) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._agent = self._jobs = 0
        kept = {name: value for name, value in environment.items() if KEPT.fullmatch(name)}
        programs = [part for part in kept["PATH"].split(":") if not part.startswith((f"{CHECKOUT}/", "/root/"))]
        self.environment = {**kept, "PATH": ":".join([str(self.python.parent), *programs]), "HOME": str(self.home),
                            "USER": self.account.pw_name, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_SHOW_CUSTOM_STATS": "1",
                            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
                            "ANSIBLE_COLLECTIONS_PATH": str(self.root / "collections")}  # fmt: skip

    def install(self) -> None:
        """The environment with the pins of the checkout, and the collections, all of it read-only."""
        base = next(python for python in PYTHONS if self._may_run(python))
        subprocess.run([base, "-m", "venv", "--without-pip", str(self.root / "venv")], check=True)
        pins = [line for line in (CHECKOUT / "requirements.txt").read_text(encoding="utf-8").splitlines()
                if not line.startswith(("#", "ansible=="))]  # its collections are all that is wanted of it
        image = CHECKOUT / "examples" / "awx-project" / "execution-environment.yml"
        wanted = yaml.safe_load(image.read_text(encoding="utf-8"))["dependencies"]
        pins.append(wanted["ansible_runner"]["package_pip"])
        install = [sys.executable, "-m", "pip", "--python", str(self.python), "-q", "--disable-pip-version-check",
                   "install"]  # fmt: skip
        subprocess.run([*install, "-c", "constraints.txt", *pins], cwd=CHECKOUT, check=True)
        collections = self.root / "collections" / "ansible_collections"
        # Galaxy is asked for nothing: these are of the package ansible, at the pinned versions.
        theirs = Path(sysconfig.get_path("purelib")) / "ansible_collections"
        for name in ("amazon", "community"):
            shutil.copytree(theirs / name / "aws", collections / name / "aws")
        archive = build(self.root)
        galaxy = [str(self.python.with_name("ansible-galaxy")), "collection", "install", "--offline"]
        around = {**self.environment, "HOME": str(self.root), "ANSIBLE_HOME": str(self.root / "installer")}
        subprocess.run([*galaxy, str(archive), "-p", str(self.root / "collections")], check=True, env=around)
        subprocess.run(["chmod", "-R", "a+rX,a-w", str(self.root / "collections")], check=True)
        self.home.mkdir(mode=0o555)
        self.project.mkdir()
        os.chown(self.project, self.account.pw_uid, self.account.pw_gid)

    def _may_run(self, python: str) -> bool:
        tried = ["sh", "-c", f"{python} -c 'import venv'"]
        done = subprocess.run(tried, user=self.account.pw_uid, group=self.account.pw_gid, extra_groups=[], cwd="/",
                              check=False, capture_output=True)  # fmt: skip
        return done.returncode == 0

    def hold(self, key: Path) -> None:
        """Have an agent hold a private key; no file of it is left to the user."""
        said = self.type("ssh-agent", "-s").output
        found = dict(re.findall(r"(SSH_AUTH_SOCK|SSH_AGENT_PID)=([^;]+);", said))
        self._agent = int(found["SSH_AGENT_PID"])
        self.environment["SSH_AUTH_SOCK"] = found["SSH_AUTH_SOCK"]
        done = self.type("ssh-add", "-q", "-", text=key.read_text(encoding="utf-8"))
        assert done.rc == 0, done.output
        shutil.copy(key.with_name(key.name + ".pub"), self.project / "key.pub")
        (self.project / "key.pub").chmod(0o644)

    def type(self, *command: str, text: str = "", deadline: float = 600, **environment: str) -> Done:
        """Run a command in the project's directory."""
        done = subprocess.run(command, cwd=self.project, env={**self.environment, **environment}, input=text,
                              user=self.account.pw_uid, group=self.account.pw_gid, extra_groups=[], umask=0o022,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=deadline, check=False)  # fmt: skip
        return Done(done.returncode, done.stdout)

    def play(self, name: str, *arguments: str, expect: int = 0, **environment: str) -> Done:
        """``ansible-playbook praxis.cloud.NAME``."""
        done = self.type("ansible-playbook", f"praxis.cloud.{name}", *arguments, **environment)
        assert done.rc == expect, f"{name}: return code {done.rc}\n{done.output[-6000:]}"
        return done

    def job(
        self, playbook: str, variables: Mapping[str, Any], key: Path | None = None, credentials: Injecting = ()
    ) -> Job:
        """A job as AWX runs it: the inventory that was read before, credentials as AWX gives them, the project sent
        to a worker that has nothing else. What it prints comes back with the events.

        :param playbook: one of the project's.
        :param key: what an agent of the runner's holds, as with AWX's own type Machine.
        :param credentials: types of the collection's, and what is filled in for their fields.
        """
        self._jobs += 1
        place, work = self.project / ".job" / f"s{self._jobs}", self.project / ".job" / f"w{self._jobs}"
        given = {name: value for name, value in self.environment.items() if name.startswith(("AWS_", "PRAXIS_"))}
        listed = self.type("ansible-inventory", "-i", "inventories/aws", "--list", "--export")
        assert listed.rc == 0, listed.output
        shutil.copytree(self.project, place / "project", ignore=shutil.ignore_patterns(".ansible", ".job", "key*"))
        (place / "env").mkdir()
        injected = [inject(kind, inputs, place / "env", str(work / "env")) for kind, inputs in credentials]
        environment = {**given, **{name: value for each in injected for name, value in each.environment.items()}}
        extra = {**variables, **{name: value for each in injected for name, value in each.variables.items()}}
        # As AWX does: a script that prints what was read.
        script = f"#!/bin/sh\ncat <<'END'\n{listed.output}\nEND\n"
        files = {"inventory/hosts": script, "env/envvars": json.dumps(environment), "env/extravars": json.dumps(extra)}
        if key:
            files["env/ssh_key"] = key.read_text(encoding="utf-8")
        for path, text in files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text, encoding="utf-8")
        (place / "inventory" / "hosts").chmod(0o755)
        work.mkdir()
        subprocess.run(["chown", "-R", f"{self.account.pw_uid}:{self.account.pw_gid}", str(place.parent)], check=True)
        bare = " ".join(f"-u {name}" for name in [*given, "SSH_AUTH_SOCK"])
        sent, worker = place.relative_to(self.project), work.relative_to(self.project)
        piped = (f"ansible-runner transmit {sent} -p {playbook} | env {bare} ansible-runner worker"
                 f" --private-data-dir {worker} | ansible-runner process {sent}")  # fmt: skip
        done = self.type("bash", "-o", "pipefail", "-c", piped)
        return Job(done.rc, done.output, place / "artifacts")

    def leave(self) -> None:
        """Remove all of it."""
        if self._agent:
            os.kill(self._agent, 15)
        subprocess.run(["chmod", "-R", "u+w", str(self.root)], check=True)
        shutil.rmtree(self.root)
