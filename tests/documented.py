# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command that the documentation shows, and the row that says how a test runs it.

A command is a line of a fenced block (without a language, or ``sh``, ``bash``, ``console``) or a piece of inline code,
that begins with a program: two words at least, or a script's path. ``make``'s variables (``ARGS="…"``) count as well.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/*.md", "roles/*/README.md", "inventories/**/README.md", "sandbox/README.md")
COMMENTED = (".env.example", "inventories/**/*.yml")
SHELLS = ("sh", "bash", "shell", "console")
PROGRAMS = (
    r"make|ansible(-\w+)?|antsibull-\w+|python3?|pip|pytest|cp|mv|mkdir|rm|cat|export|source|\.|\$EDITOR|git|docker|ssh|aws|gcloud|terraform|"
    r"curl|jq|watch|sudo|apt-get|molecule"
)
COMMAND = re.compile(rf"([A-Z_]+=\S+ +)*(({PROGRAMS}) +\S.*|(\./)?(scripts|\.venv/bin)/\S+.*)")
MAKE_VARIABLE = re.compile(r"(ARGS|CLOUD|HOSTS|JSON|SCENARIO|WATCH)=.+")


@dataclass(frozen=True)
class Row:
    """How a test runs a command. Rows are run in their order, in one copy of the checkout, by ``bash``.

    :param command: as the documentation has it, white space and comments apart.
    :param run: what is run in its place; the command itself when empty. What two rows share is run once.
    :param why: why something else is run; not empty when ``run`` is not.
    :param code: the return code.
    :param prints: a regular expression for the output.
    :param until: run it on a terminal, and interrupt it once it has written this.
    :param repeats: shows once more what another row or another file's test shows: a repetition, for make test-all.
    :param shell: whether it is typed into a shell with ``. .sandbox/env``; ``make`` needs none. In that shell
        ``on_machine COMMAND`` runs a command on the fleet's first machine.
    """

    command: str
    run: str = ""
    why: str = ""
    code: int = 0
    prints: str = ""
    until: str = ""
    repeats: bool = False
    shell: bool = True

    @property
    def typed(self) -> str:
        return self.run or self.command


def commands() -> dict[str, list[str]]:
    """Every documented command, and the files it stands in."""
    found: dict[str, list[str]] = {}
    for path in _files(PAGES):
        for command in in_markdown(path.read_text(encoding="utf-8")):
            found.setdefault(command, []).append(str(path.relative_to(CHECKOUT)))
    for path in _files(COMMENTED):
        lines = path.read_text(encoding="utf-8").splitlines()
        for command in in_prose("\n".join(line.partition("#")[2] for line in lines)):
            found.setdefault(command, []).append(str(path.relative_to(CHECKOUT)))
    for target in targets():
        found.setdefault(f"make {target}", []).append("Makefile")
    return found


def targets() -> list[str]:
    """The targets that ``make help`` lists."""
    return re.findall(r"^([a-z-]+):.*## ", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def in_markdown(text: str) -> list[str]:
    """The commands of a page."""
    fence = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
    found = [command for language, block in fence.findall(text) for command in _in_block(language, block)]
    return found + in_prose(fence.sub("", text))


def in_prose(text: str) -> list[str]:
    """The commands in inline code, which may be broken over two lines."""
    pieces = (" ".join(piece.split()) for piece in re.findall(r"`([^`]+)`", text))
    return [piece for piece in pieces if COMMAND.fullmatch(piece) or MAKE_VARIABLE.fullmatch(piece)]


def _in_block(language: str, block: str) -> list[str]:
    if language and language not in SHELLS:
        return []
    joined = re.sub(r"\\\n\s*", " ", block)
    lines = (" ".join(re.sub(r"(^|\s+)#\s.*", "", line).removeprefix("$ ").split()) for line in joined.splitlines())
    return [line for line in lines if line and (language or COMMAND.fullmatch(line))]


def _files(patterns: tuple[str, ...]) -> list[Path]:
    return sorted({path for pattern in patterns for path in CHECKOUT.glob(pattern)})


#: What has a command's form and is none.
NO_COMMANDS = {
    "export NAME='value'": "the form of the lines in a file",
}

_TESTS = "it runs this very test, or what that is a part of: only shown to be whole, by make -n"
_OF_ITS_OWN = "the main job on Google Cloud has its own tests"
_BOTH = "one fleet over both has its own tests"
_OWN = "it finds nothing without a project of yours; tests/integration/test_own.py writes one into it, and deploys"
_BACKUPS = "the fleet has no disks for data; tests/integration/test_data.py backs up one that has"
_SAME = "a variable of make, on a verb that takes it"
_THERE_AND_BACK = """all='-e praxis_batch=3 -e praxis_canary=3 -e praxis_soak=1'
make deploy ARGS="$all -e '{praxis_agent_environment: {ANOTHER: release}}'" && make rollback ARGS="$all"
"""
_AGREED = 'make deploy ARGS="-e praxis_plan_id=$(make plan | sed -n \'s/.* -e praxis_plan_id=//p\')"'
_MOLECULE = "test_molecule runs the scenarios; this shows that Molecule, which the tests' environment has, finds them"
_ITS = f'PATH="{Path(sys.executable).parent}:$PATH" molecule'
_DOWN = 'make down ARGS="-e praxis_confirm_down=praxis"'
_RENDER = (
    """make render TARGET=kubernetes ARGS="-e '{praxis_kubernetes: {autoscaler: {min: 1, max: 1}, """
    "secrets: {stores: {aws-sm: praxis}}, identities: {stores: {aws-sm: praxis}}, "
    """peer_ids: [12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN]}}'\""""
)
_IMAGE = r"""registry=$(sed -n 's/.*"push": "\([^"]*\)".*/\1/p' .sandbox/state.json | head -n 1)
make image FROM=$registry/praxis-agent:1.0 ARGS="-e praxis_image=$registry/copied/praxis-agent:1.0"
"""
_ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
_CLUSTER = "it needs a cluster: make test-kubernetes has one"
_MIXED = "it needs a cluster and an inventory of one's own: make test-kubernetes has both"
_ECS = (
    "TARGET=ecs PRAXIS_BOOTSTRAP=/ip4/10.255.255.1/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN "
    "PRAXIS_SUBNETS=$(python -c 'import boto3; print(boto3.client(\"ec2\").describe_subnets()[\"Subnets\"][0]"
    """[\"SubnetId\"])') ARGS="-e '{praxis_ecs_kind: {security_groups: [sg-0123456789abcdef0]}}'\""""
)
_NO_SUBNETS = "it needs a subnet and a member; tests/integration/test_ecs.py deploys"
_SEEDS = "the sandbox has no seeds for the slots of pods"
_BUILT = "there is no Galaxy to build from; test_execution_environment builds with files in its place"
_COPY_ARCHIVE = """ansible-galaxy collection build --force --output-path build/release
mkdir -p build/ee/collections && cp build/release/praxis-cloud-*.tar.gz build/ee/collections/praxis-cloud.tar.gz"""
_CONTEXT = (
    f"{Path(sys.executable).with_name('ansible-builder')} create --context build/ee/context "
    "--output-filename Dockerfile"
)
_STATIC = "ansible-playbook deploy.yml -i inventories/static --syntax-check"
_ON_A_MACHINE = (
    ("apt-get install python3", ""), ("python3 -c 'import json, ssl'", ""), ("docker system df", ""),
    ("docker image prune", " --force"), ("docker logs praxis-agent-1", ""), ("docker events", " --until 0s"),
    ("docker inspect -f '{{json .State.Health}}' praxis-agent-1", ""),
)
_INSTALLED = "tests/integration/test_installed.py installs all of it"
_ARCHIVE = """ansible-galaxy collection build --force --output-path build
ansible-galaxy collection install --offline --no-deps --force build/praxis-cloud-*.tar.gz -p build/collections"""
_PROJECT = "ansible-playbook praxis.cloud.init -e dest=build/project-$RANDOM"
_HOST_KEYS = """mkdir -p build
ansible-playbook praxis.cloud.host_keys -i inventories/aws -e praxis_host_keys_file=build/host_keys"""
_GOOD = r"fleet praxis: good; .*3 members, 3 of 3 edges live"

#: In the order in which they are run: a stranger's way from a fresh checkout to a fleet, and back to nothing. A command
#: that is new in the documentation is one line here, most often after the comment "with the fleet deployed".
ROWS = (
    Row("make help", prints=r"make up +\S"),
    Row("make setup", prints=r"setup: ready \(sandbox\)"),
    Row("cp .env.example .env"),
    *(Row(f"$EDITOR inventories/{cloud}/group_vars/praxis_{cloud}.yml", why="no person is there to edit",
          run=f"EDITOR=true; $EDITOR inventories/{cloud}/group_vars/praxis_{cloud}.yml") for cloud in ("aws", "gcp")),
    *(Row(f"make {verb}", run=f"make -n {verb}", why=_TESTS, prints="scripts/setup")
      for verb in ("test", "test-all", "test-fast", "test-newest", "test-ee", "test-kubernetes", "lint", "sanity",
                   "release", "docs", "bench", "planted")),
    *(Row(f"make molecule{more}", run=f"make -n molecule{more}", why=_TESTS, prints="molecule test --scenario-name")
      for more in ("", " SCENARIO=docker")),
    Row("SCENARIO=default", run="make -n molecule SCENARIO=default", why=_SAME, prints="--scenario-name default"),
    Row(". .venv/bin/activate"),
    Row("molecule test -s default", run=f"{_ITS} matrix -s default test", why=_MOLECULE, prints="idempotence"),
    *(Row(f"molecule {step} -s agent", run=f"{_ITS} matrix -s agent {step}", why=_MOLECULE, prints=f"{step}.yml")
      for step in ("converge", "verify", "destroy")),
    Row("molecule login -s agent --host one", run=f"{_ITS} list -s agent", why=_MOLECULE, prints="one +"),
    Row("make up", prints=_GOOD),
    # with the fleet deployed
    Row(". .sandbox/env"),
    Row("antsibull-changelog release", run=f"{Path(sys.executable).with_name('antsibull-changelog')} lint",
        why="it would use up the fragments; make release runs it in a copy"),
    Row("ansible-galaxy collection build", run="make -n release", why="make release runs it", prints="scripts/release"),
    Row("ansible-galaxy collection publish", run="ansible-galaxy collection publish --help", why="nothing is published",
        prints="usage: ansible-galaxy collection publish"),
    Row("mkdir -p build/ee/collections"),
    Row("cp build/release/praxis-cloud-*.tar.gz build/ee/collections/praxis-cloud.tar.gz", run=_COPY_ARCHIVE,
        why=_BUILT),
    Row(".venv/bin/ansible-builder build --container-runtime docker --tag praxis-ee", run=_CONTEXT, why=_BUILT,
        prints="Complete! The build context can be found at"),
    Row("make sandbox", run="make up", why="it is what make up begins with"),
    Row("python -m sandbox up --cloud aws", repeats=True, prints=r"\.sandbox/env"),
    Row("make provision deploy", repeats=True, prints=_GOOD),
    Row('make provision ARGS="--check --diff"', repeats=True, prints="not observed in check mode"),
    Row("make provision", repeats=True, run="make provision deploy", why="the two were run together"),
    Row("make deploy", repeats=True, run="make provision deploy", why="the two were run together"),
    Row("make plan", prints=r"Plan [0-9a-f-]{35}"),
    Row('ARGS="-e praxis_plan_id=ID"', run=_AGREED, why="ID is what make plan prints", prints=_GOOD),
    Row('make deploy ARGS="--check --diff"', repeats=True, prints=_GOOD),
    Row("ansible-playbook deploy.yml -i inventories/aws --check --diff", repeats=True, prints=_GOOD),
    Row("CLOUD=aws", repeats=True, run="make plan CLOUD=aws HOSTS=3", why=_SAME, prints=r"Plan [0-9a-f-]{35}"),
    Row("HOSTS=3", repeats=True, run="make plan CLOUD=aws HOSTS=3", why=_SAME, prints=r"Plan [0-9a-f-]{35}"),
    Row("make status", repeats=True, prints=_GOOD),
    Row("make status JSON=1", run="make status JSON=1 | python3 -m json.tool", why="to see that it is JSON and no more",
        prints=r'"verdict": "good"'),
    Row("JSON=1", run="make status JSON=1 | python3 -m json.tool", why=_SAME, prints=r'"verdict": "good"'),
    Row("make status WATCH=5", until="fleet praxis: .*good.*; 3 members"),
    Row("WATCH=5", run="make status WATCH=5", why=_SAME, until="fleet praxis: .*good.*; 3 members"),
    Row("scripts/status", repeats=True, prints=_GOOD),
    Row("scripts/status --json --limit praxis-aws-1", prints=r'"verdict": "good"'),
    Row("ansible-playbook praxis.cloud.status -i INVENTORY",
        run="ansible-playbook praxis.cloud.status -i inventories/aws", why="an inventory", repeats=True, prints=_GOOD),
    Row("make verify", repeats=True, prints=_GOOD),
    *(Row(command, run=_RENDER, why=_SEEDS, prints="13 files") for command in
      ("make render", "make render TARGET=kubernetes",
       "ansible-playbook praxis.cloud.render -i inventories/kubernetes")),
    *(Row(command, run=_IMAGE, repeats=True, why="an image of a registry on this machine; test_image runs both ways",
          prints=r"is sha256:[0-9a-f]{64}") for command in (
      "make image", f'make image SOURCE=../praxis ARGS="-e praxis_image={_ECR}/praxis-agent:1.2.0"',
      "make image SOURCE=https://git.example.org/praxis.git#v1.2.0:agent",
      "make image FROM=registry.example.org/praxis-agent:1.2.0",
      "ansible-playbook praxis.cloud.image -i inventories/aws -e praxis_image_source=../praxis")),
    Row("docker buildx create --use", run="docker version", why="no Docker here has buildx", prints="Version"),
    *(Row(f"make {verb} TARGET=kubernetes", run=f"make -n {verb} TARGET=kubernetes", why=_CLUSTER,
          prints=f"scripts/play {verb}.yml kubernetes") for verb in ("plan", "deploy")),
    *(Row(f"ansible-playbook playbooks/{half}deploy.yml -i inventories/mixed", why=_MIXED,
          run=f"ansible-playbook playbooks/{half}deploy.yml -i inventories/kubernetes --syntax-check",
          prints="playbook: ") for half in ("", "kubernetes/")),
    Row("ansible-playbook praxis.cloud.kubernetes.deploy -i inventories/kubernetes", why=_CLUSTER,
        run="ansible-playbook praxis.cloud.kubernetes.deploy -i inventories/kubernetes --syntax-check",
        prints="playbook: "),
    *(Row(f"ansible-playbook provision.yml -i inventories/{kind}", why="its cluster would stay, without an API server",
          run=f"ansible-playbook provision.yml -i inventories/{kind} --syntax-check", prints="playbook: provision")
      for kind in ("eks", "gke")),
    *(Row(f"ansible-playbook playbooks/down.yml -i inventories/{kind} -e praxis_confirm_down=FLEET",
          run=f"ansible-playbook playbooks/down.yml -i inventories/{kind} --syntax-check", why="there is none",
          prints="playbook: ")
      for kind in ("eks", "gke")),
    Row("export PRAXIS_BOOTSTRAP=/ip4/10.0.16.5/tcp/4001/p2p/12D3Koo… PRAXIS_SUBNETS=subnet-0a1b2c3d,subnet-4e5f6a7b"),
    *(Row(command, run=f". .sandbox/env; make render {_ECS}", why=_NO_SUBNETS, prints="6 files") for command in
      ("make render TARGET=ecs", "aws ecs register-task-definition --cli-input-json")),
    *(Row(command, run=f". .sandbox/env; make plan {_ECS}", why=_NO_SUBNETS, prints="create") for command in
      ("make plan TARGET=ecs", "make deploy TARGET=ecs", "make history TARGET=ecs", "make down TARGET=ecs",
       "ansible-playbook deploy.yml -i inventories/ecs")),
    Row("ansible-playbook playbooks/ecs/deploy.yml -i inventories/aws -i inventories/ecs",
        run="ansible-playbook playbooks/ecs/deploy.yml -i inventories/ecs --syntax-check", prints="playbook: ",
        why="it needs subnets and members; tests/integration/test_ecs_members.py deploys"),
    Row("make policies", prints=r'"Sid": "ReadSecrets"'),
    Row("make doctor", repeats=True, prints=r"fleet praxis: sound"),
    Row("make doctor ARGS='-e praxis_doctor_fix=engine-down,secret-exposed'", repeats=True,
        prints=r"fleet praxis: sound"),
    Row("ansible-playbook praxis.cloud.doctor -i INVENTORY", why="an inventory", repeats=True,
        run="ansible-playbook praxis.cloud.doctor -i inventories/aws", prints=r"fleet praxis: sound"),
    Row("make history", repeats=True, prints="DEPLOYMENT"),
    Row("ansible-galaxy collection install praxis.cloud", run=_ARCHIVE, why=_INSTALLED, repeats=True,
        prints="praxis.cloud:.* was installed"),
    *(Row(f"ansible-playbook praxis.cloud.init -e dest={dest}", run=_PROJECT, why="a directory that is no other row's",
          repeats=True, prints="0 existing files differ") for dest in ("fleet && cd fleet", "DIRECTORY")),
    Row("pip install -r requirements.txt", run="pip --version", why=_INSTALLED, prints="pip"),
    *(Row(f"ansible-playbook praxis.cloud.{verb} -i inventories/aws", run="make provision deploy",
          why="the same playbooks", repeats=True, prints=_GOOD) for verb in ("provision", "deploy")),
    *(Row(f"ansible-playbook praxis.cloud.host_keys -i {inventory}", run=_HOST_KEYS, prints="keys of 3 of 3 members",
          why="into a file that the checkout's runs do not find") for inventory in ("INVENTORY", "inventories/aws")),
    Row("export CONTROLLER_HOST=https://awx.example.org CONTROLLER_OAUTH_TOKEN=TOKEN"),
    Row("ansible-playbook praxis.cloud.awx -e @controller.yml", run="ansible-playbook awx.yml --syntax-check",
        why="there is no AWX; tests/unit/awx applies it to a fake", prints="playbook: awx.yml"),
    Row("make lock", prints="The fleet is locked until"),
    Row("make unlock", prints="The fleet is unlocked"),
    *(Row(command, run=f"make -n {command[5:]}", why=_BACKUPS, prints="scripts/play")
      for command in ("make backup", *(f"make restore{which}" for which in ("", " BACKUP=NAME", " BACKUP=newest")))),
    Row("make deploy ARGS=\"-e '{praxis_agent_environment: {ANOTHER: release}}'\"", run=_THERE_AND_BACK, repeats=True,
        prints=_GOOD, why="with its rollback, all at once"),
    Row("make rollback", run=_THERE_AND_BACK, repeats=True, prints=_GOOD,
        why="there has been one deployment only, and all at once is quicker"),
    Row("ansible-doc praxis.cloud.MODULE", run="ansible-doc praxis.cloud.fleet_plan", why="a module",
        prints=r"MODULE .*praxis\.cloud\.fleet_plan"),
    Row("ansible-doc praxis.cloud.agent_info", repeats=True, prints=r"MODULE .*praxis\.cloud\.agent_info"),
    Row("ansible-doc -t callback praxis.cloud.summary", repeats=True, prints=r"CALLBACK .*praxis\.cloud\.summary"),
    Row("ansible-doc -t callback praxis.cloud.live", repeats=True, prints=r"CALLBACK .*praxis\.cloud\.live"),
    Row("ansible-doc -t inventory praxis.cloud.fleet", prints=r"INVENTORY .*praxis\.cloud\.fleet"),
    Row("docker inspect", run="on_machine docker inspect praxis-agent-1", why="on a machine, of its agent",
        prints='"RestartCount": 0'),
    Row("ansible-playbook plan.yml -i inventories/aws_ec2", repeats=True, prints=r"Plan [0-9a-f-]{35}"),
    Row("ansible-playbook deploy.yml -i inventories/aws_ec2", repeats=True, prints=_GOOD),
    *(Row(f"ansible-playbook deploy.yml -i inventories/static{more}", run=_STATIC, why="its hosts are examples")
      for more in ("", " --ask-become-pass", " --become-password-file FILE")),
    *(Row(command, run=f"on_machine {command}{more}", why="on a machine") for command, more in _ON_A_MACHINE),
    Row("docker swarm leave", run="on_machine docker swarm leave --help", why="no machine here is in a swarm"),
    Row("docker pull", run="on_machine docker pull --help", why="a login comes with a deployment, and goes"),
    Row("ansible-playbook deploy.yml -i inventories/gcp_compute", run="make -n plan CLOUD=gcp", why=_OWN,
        prints="scripts/play plan.yml gcp"),
    Row("CLOUD=gcp", run="make -n plan CLOUD=gcp", why=_OF_ITS_OWN,
        prints="scripts/play plan.yml gcp"),
    Row("CLOUD=aws,gcp", run="make -n plan CLOUD=aws,gcp", why=_BOTH,
        prints="scripts/play plan.yml aws,gcp"),
    *(Row(f"make {verb} CLOUD=gcp{more}", run=f"make -n {verb} CLOUD=gcp{more}", why=_OF_ITS_OWN,
          prints="(scripts/(play|down)|--cloud) .*gcp")
      for verb, more in (("provision", ' ARGS="--check --diff"'), ("provision", ""), ("doctor", ""), ("plan", ""),
                         ("deploy", ""), ("policies", ""), ("up", ""),
                         ("down", ' ARGS="-e praxis_confirm_down=FLEET"'))),
    Row("make up CLOUD=aws,gcp HOSTS=4", run="make -n up CLOUD=aws,gcp HOSTS=4", why=_BOTH, prints="--cloud aws,gcp"),
    Row("ansible-playbook deploy.yml -i inventories/aws -i inventories/gcp", run="make -n deploy CLOUD=aws,gcp",
        why=_BOTH, prints="scripts/play deploy.yml aws,gcp"),
    # and away with it
    Row("make down", run=_DOWN, why="with what it wants outside the sandbox, too", prints="removed: fleet praxis"),
    *(Row(command, run=_DOWN, why="a fleet", prints="removed: fleet praxis")
      for command in ('make down ARGS="-e praxis_confirm_down=FLEET"', 'ARGS="-e praxis_confirm_down=FLEET"')),
    Row("make sandbox-down", prints="No sandbox is up"),
    Row("make clean"),
)
