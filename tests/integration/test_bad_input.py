# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a user can get wrong, through the real playbooks: each is one clear finding, and nothing is touched.

The fleet of these tests has machines and no identities yet, so that one made too early would be seen. A row never
changes anything in the account nor on a machine: the log of API operations is read after each, the machines once at the
end. That a row's secrets are not printed is looked for in each row, too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests import tiers

from . import hunting, seen
from .conftest import CHECKOUT, Cloud, OwnRegistry, Run

FLEET = "unmade"
ONE, TWO = "praxis-aws-1", "praxis-aws-2"
KEY = f"aws-sm://praxis/{FLEET}/agent#OPENAI_API_KEY"
MARKERS = {name: f"planted-{name}-5e1f70aa" for name in ("key", "master", "text", "twice", "gone", "vaulted", "denied")}
VERSION = "0" * 32
TWIN = hashlib.sha256(b"planted twin").digest()
#: Stored for these tests, by name below ``praxis/unmade/``.
STORED: dict[str, str | bytes | None] = {
    "agent": json.dumps({"OPENAI_API_KEY": MARKERS["key"], "PRAXIS_MASTER_KEY": MARKERS["master"], "pin": 12}),
    "text": MARKERS["text"],
    "binary": b"\x00" + MARKERS["text"].encode(),
    "bare": None,
    "twice": json.dumps({"A": MARKERS["twice"]})[:-1] + f', "A": "{MARKERS["twice"]}"}}',
    "gone": MARKERS["gone"],
    "identity/short": bytes(31),
    "identity/long": bytes(33),
    "identity/bare": None,
    "identity/text": "0" * 64,
    "identity/twin-1": TWIN,
    "identity/twin-2": TWIN,
    "identity/good-1": hashlib.sha256(b"planted 1").digest(),
    "identity/good-2": hashlib.sha256(b"planted 2").digest(),
}
DENIED = "forbidden/by-policy"


class Account:
    """The account past the product, as its owner sees it."""

    def __init__(self, cloud: Cloud) -> None:
        self.secrets, self.ec2 = (boto3.client(name, **cloud.administrator) for name in ("secretsmanager", "ec2"))
        self.versions: dict[str, str] = {}

    def store(self) -> None:
        for name, value in [*((f"praxis/{FLEET}/{name}", value) for name, value in STORED.items()),
                            (DENIED, MARKERS["denied"])]:
            kind = {} if value is None else {"SecretBinary" if isinstance(value, bytes) else "SecretString": value}
            self.versions[name] = self.secrets.create_secret(Name=name, **kind).get("VersionId", "")
        self.secrets.delete_secret(SecretId=f"praxis/{FLEET}/gone")

    def clear(self) -> None:
        for name in [*(f"praxis/{FLEET}/{name}" for name in STORED), DENIED]:
            self.secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    def name(self, machine: str) -> str:
        """The instance that bears a name."""
        wanted = [{"Name": "tag:Name", "Values": [machine]}, {"Name": "instance-state-name", "Values": ["running"]}]
        (reservation,) = self.ec2.describe_instances(Filters=wanted)["Reservations"]
        return str(reservation["Instances"][0]["InstanceId"])

    def rename(self, instance: str, name: str) -> None:
        self.ec2.create_tags(Resources=[instance], Tags=[{"Key": "Name", "Value": name}])


class Refusals:
    """A sandbox with two machines at least, and the way a row is run in it."""

    def __init__(self, cloud: Cloud, account: Account, folder: Path) -> None:
        self.cloud, self.account, self.folder = cloud, account, folder

    def run(self, *arguments: str, own: dict[str, dict[str, Any]] | None = None, playbook: str = "deploy.yml",
            variables: dict[str, Any] | None = None, environment: dict[str, str] | None = None) -> Run:
        """Run a playbook that has to refuse, with ``own`` variables of hosts over those of the inventory."""
        if own:
            path = self.folder / "own.json"
            path.write_text(json.dumps({"praxis": {"hosts": own}}), encoding="utf-8")
            arguments = ("-i", str(path), *arguments)
        mark = self.cloud.mark()
        run = self.cloud.run(playbook, *arguments, expect=None, environment=environment,
                             variables={"praxis_fleet": FLEET, **(variables or {})})
        assert run.rc not in (0, None), run.output
        assert changes(self.cloud, mark) == []
        assert run.changed == {}, run.changed_tasks
        leaked = [name for name, marker in MARKERS.items() if marker in run.output]
        assert leaked == []
        return run


def changes(cloud: Cloud, mark: int) -> list[str]:
    """The changes that were asked of the account since a mark."""
    return ["%(service)s:%(operation)s" % item for item in cloud.operations(mark) if item["mutating"]]


@pytest.fixture(scope="module")
def refusals(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refusals]:
    if len(cloud.machines()) < 2:
        cloud.run("provision.yml", environment={"PRAXIS_HOSTS": "2"})
    account = Account(cloud)
    account.clear()  # what a run that was ended from outside left behind
    account.store()
    try:
        yield Refusals(cloud, account, tmp_path_factory.mktemp("bad"))
    finally:
        account.clear()


@pytest.fixture(scope="module", autouse=True)
def untouched(refusals: Refusals) -> dict[str, str]:
    """The machines before the first row."""
    return hunting.fingerprints(refusals.cloud)


@dataclass(frozen=True)
class Row:
    """One thing that is wrong, and what the finding about it must hold."""

    code: str
    where: str
    what: str
    fix: str
    variables: dict[str, Any] = field(default_factory=dict)
    own: dict[str, dict[str, Any]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    check: bool = False


def setting(code: str, what: str, fix: str, config: dict[str, Any], **more: Any) -> Row:
    return Row(code, "praxis_agent_config (", what, fix, {"praxis_agent_config": config}, **more)


def secret(code: str, what: str, fix: str, value: Any, where: str = "", **more: Any) -> Row:
    """One secret that is wrong beside one that is right."""
    secrets = {"praxis_agent_secrets": {"OPENAI_API_KEY": KEY, "A": value}}
    return Row(code, where or str(value), what, fix, secrets, **more)


def malformed(text: str, fault: str, fix: str) -> Row:
    """A reference, and the caret under its fault."""
    at = text.index(fault) if fault else len(text)
    return secret("reference-malformed", f"\n  {text}\n  {' ' * at}^\n", fix, text, "A (")


def stored(name: str) -> str:
    return f"aws-sm://praxis/{FLEET}/{name}"


def seeds(code: str, what: str, fix: str, one: str, two: str, where: str) -> Row:
    return Row(code, where, what, fix, own={ONE: {"praxis_slot": one}, TWO: {"praxis_slot": two}})


ROWS: dict[str, Row] = {
    # Settings.
    "misspelt key": setting("unknown-setting", "llm.timeot", "Did you mean llm.timeout?", {"llm": {"timeot": 7}}),
    "misspelt key of one host": Row(
        "unknown-setting", f"praxis_agent_config_host ({TWO})", "lgging", "Did you mean logging?",
        own={TWO: {"praxis_agent_config_host": {"lgging": {"level": "INFO"}}}}, check=True),
    "wrong type": setting("wrong-type", "llm.max_retries", "whole number", {"llm": {"max_retries": "many"}}),
    "not a mapping": Row("bad-variable", "variables (", "praxis_agent_config is no mapping", "Write `name: value`",
                         {"praxis_agent_config": "llm: {}"}),
    "port of a setting": setting("out-of-range", "p2p.port is 70000", "65535", {"p2p": {"port": 70000}}),
    "port of a variable": Row("bad-variable", "variables (", "praxis_api_port is 70000", "from 1 to 65535",
                              {"praxis_api_port": 70000}),
    "two ports equal": Row("ports-equal", "praxis_p2p_port (", "both 8000", "different", {"praxis_p2p_port": 8000}),
    "contradicting port": setting("port-contradiction", "8080", "praxis_api_port", {"http": {"port": 8080}}),
    "no such environment": Row("no-settings-file", "agent_prodution.yaml", "does not exist", "agent_production.yaml",
                               {"praxis_environment": "prodution"}),
    # What would break the agent.
    "P2P off": setting("p2p-disabled", "p2p.enabled is false", "Leave it out", {"p2p": {"enabled": False}}),
    "log format": setting("logging-format-json", "the word json", "json_logs", {"logging": {"format": "json"}}),
    "Host filter": Row("host-filter", "praxis_agent_config (", "400 to every request", "Remove this setting",
                       {"praxis_agent_config": {"environment": "production"}}),
    "left literal": setting("placeholder", "nothing replaces", "praxis_agent_secrets", {"llm": {"model": "${MODEL}"}}),
    "no OpenAI key": Row("openai-key-missing", "praxis_agent_secrets (", "not given", "Give OPENAI_API_KEY",
                         {"praxis_agent_secrets": {}}),
    "empty OpenAI key": Row("openai-key-missing", "praxis_agent_secrets (", "is empty", "Give OPENAI_API_KEY",
                            {"praxis_agent_secrets": {}, "praxis_agent_environment": {"OPENAI_API_KEY": ""}}),
    # References.
    "no name": malformed("aws-sm://", "", "NAME-OR-ARN"),
    "misspelt part": malformed("aws-sm://llm#openai?versoin=1", "versoin", "Did you mean version?"),
    "unescaped percent": malformed("aws-sm://llm#100%", "%", "%25"),
    "inside other text": secret("reference-malformed", "must be the whole value", "complete text",
                                f"{MARKERS['text']} aws-sm://llm#{MARKERS['text']}", "A ("),
    "Jinja takes it": Row(
        "unreadable-variable", "variables (", "praxis_agent_secrets", "!unsafe",
        {"praxis_agent_secrets": {"OPENAI_API_KEY": f"{{{{resolve:secretsmanager:praxis/{FLEET}/agent}}}}"}}),
    "among plain values": Row("misplaced-reference", "praxis_agent_environment (", "not resolved in plain",
                              "praxis_agent_secrets", {"praxis_agent_environment": {"PRAXIS_METRICS__JOB_NAME": KEY}}),
    # Secrets.
    "unknown secret": secret("secret-not-found", "no such secret", "Check the secret", stored("none")),
    "denied secret": secret("secret-denied", "not allowed", "Grant secretsmanager:GetSecretValue",
                            f"aws-sm://{DENIED}"),
    "deleted secret": secret("secret-deleted", "scheduled for deletion", "restore-secret", stored("gone")),
    "key that is not there": secret("secret-key-not-found", "no key 'OPENAI_KEY'", "Did you mean 'OPENAI_API_KEY'?",
                                    stored("agent#OPENAI_KEY")),
    "key of plain text": secret("secret-not-json", "no keys", "remove #KEY", stored("text#A")),
    "key that stands twice": secret("secret-key-ambiguous", "2 times", "Remove all but", stored("twice#A")),
    "version that is not there": secret("secret-version-not-found", "no such version", "secret_info",
                                        stored(f"agent?version={VERSION}")),
    "stage that is not there": secret("secret-version-not-found", "no such version", "secret_info",
                                      stored("agent?stage=mine")),
    "no value": secret("secret-empty", "holds no value", "Store a value", stored("bare")),
    "binary secret": secret("secret-binary", "is binary", "as text", stored("binary"), "A ("),
    "short secret": secret("short-secret", "under 4 characters", "longer value", stored("agent#pin"), "A ("),
    "null": secret("bad-secret-value", "not text", "in quotes", None, "A ("),
    "other cloud's secret": secret("cloud-credentials", "no usable credentials", "GOOGLE_APPLICATION_CREDENTIALS",
                                   "gcp-sm://project/name", "Google Cloud credentials",
                                   environment={"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/key.json"}),
    # Images.
    "malformed image": Row("image-malformed", "image 'x/Y'", "not a repository", "lower-case", {"praxis_image": "x/Y"}),
    # Identities.
    "seed of 31 bytes": seeds("identity-seed", "'short' has 31 bytes; it must be 32", "SecretBinary", "short", "good-2",
                              stored("identity/short")),
    "seed of 33 bytes": seeds("identity-seed", "'long' has 33 bytes; it must be 32", "SecretBinary", "good-1", "long",
                              stored("identity/long")),
    "empty seed": seeds("identity-seed", "'bare' has no bytes", "SecretBinary", "bare", "other",
                        stored("identity/bare")),
    "seed stored as text": seeds("identity-seed", "'text' is stored as text", "SecretBinary", "text", "other",
                                 stored("identity/text")),
    "one seed in two slots": seeds("shared-peer-id", f"{ONE} and {TWO} have the same peer id", "twin-1 and twin-2",
                                   "twin-1", "twin-2", "inventory"),
    "one slot on two hosts": seeds("shared-slot", f"{ONE} and {TWO} have the same slot, new", "slot of its own",
                                   "new", "new", "inventory"),
    "no slot": Row("missing-variable", f"variables ({TWO})", "praxis_slot is not set", "Tag",
                   own={TWO: {"praxis_slot": ""}}),
    # Members.
    "empty fleet": Row("empty-fleet", "inventory", "no member", "provision.yml",
                       environment={"PRAXIS_FLEET": "nobody"}),
}
#: Rows of every stage, in check mode too.
CHECKED = ("misspelt key of one host", "port of a variable", "unknown secret", "malformed image", "seed of 31 bytes",
           "one seed in two slots", "one slot on two hosts", "empty fleet")


def expect(run: Run, row: Row) -> None:
    """The row's finding, and no other, in the task's result, in the summary and on the screen."""
    (failure,) = run.failed[0]["failures"]
    assert run.failed[0]["failure"] == failure
    assert failure["code"] == row.code, failure
    for part in ("where", "what", "fix"):
        assert getattr(row, part) in failure[part], failure
    assert {key: run.summary["findings"][0][key] for key in failure} == failure
    assert not run.summary["ok"]
    for line in [*failure["what"].splitlines(), failure["where"], failure["fix"]]:
        assert line.strip() in run.output
    assert run.recap.get(TWO, {"unreachable": 0})["unreachable"] == 0


@pytest.mark.parametrize(
    ("name", "check"),
    [*tiers.only([(name, False) for name in ROWS], lambda row: row[0] in CHECKED[:4]),
     *tiers.first([(name, True) for name in CHECKED])])
def test_it_is_refused_with_one_clear_finding(refusals: Refusals, name: str, check: bool) -> None:
    row = ROWS[name]
    run = refusals.run(*(["--check", "--diff"] if check else []), own=row.own, variables=row.variables,
                       environment=row.environment)
    assert run.rc == 2
    expect(run, row)


IMAGES = {
    "no such tag": ("{name}/praxis-agent:1.o", "image-tag-not-found", "no tag '1.o'", "Nearest tags: 1."),
    "no such tag, listed by the registry": (
        "{push}/praxis-agent:1.o", "image-tag-not-found", "no tag '1.o'", "Nearest tags: 1."),
    "no such repository": ("{name}/praxis-agnet:1.0", "image-repository-not-found", "no repository", "Create it"),
}


@pytest.mark.parametrize("name", tiers.first(IMAGES))
def test_an_image_that_does_not_exist(refusals: Refusals, name: str) -> None:
    text, code, what, fix = IMAGES[name]
    image = text.format(**refusals.cloud.state["registry"])
    run = refusals.run(variables={"praxis_image": image})
    expect(run, Row(code, image.partition("/")[0], what, fix))


def test_a_login_that_a_registry_refuses(refusals: Refusals) -> None:
    own = OwnRegistry(refusals.cloud)
    run = refusals.run(variables=own.variables(MARKERS["text"]))
    expect(run, Row("registry-auth", own.server, "answered 401", f"password of {own.server} in praxis_registries"))


def test_everything_is_reported_at_once_and_no_value_even_at_vvvvv(refusals: Refusals, tmp_path: Path) -> None:
    """Settings, variables, secrets, an image and two seeds, in one run."""
    wrong = ["none", "gone", "twice#A", "text#A", "agent#OPENAI_KEY", f"agent?version={VERSION}", "bare", "binary",
             "agent#pin"]
    secrets = {"OPENAI_API_KEY": KEY, "PLAIN": MARKERS["text"], "DENIED": f"aws-sm://{DENIED}",
               **{f"A{at}": stored(name) for at, name in enumerate(wrong)}}
    # In the inventory: at this verbosity Ansible itself prints its command line.
    both = {"praxis_agent_secrets": secrets, "praxis_agent_config": {"llm": {"timeot": 7}}, "praxis_image": "x/Y"}
    own = {ONE: {**both, "praxis_slot": "short"}, TWO: {**both, "praxis_slot": "text", "praxis_p2p_port": 8000}}
    run = refusals.run("-vvvvv", "--diff", own=own, environment={"ANSIBLE_LOG_PATH": str(tmp_path / "log")})
    reported = [(finding["code"], finding["where"].split(" ")[0]) for finding in run.failed[0]["failures"]]
    assert sorted(reported) == sorted([
        ("unknown-setting", "praxis_agent_config"), ("ports-equal", "praxis_p2p_port"), ("image-malformed", "image"),
        ("identity-seed", stored("identity/short")), ("identity-seed", stored("identity/text")),
        ("secret-denied", f"aws-sm://{DENIED}"), ("secret-not-found", stored("none")),
        ("secret-deleted", stored("gone")), ("secret-key-ambiguous", stored("twice#A")),
        ("secret-not-json", stored("text#A")), ("secret-key-not-found", stored("agent#OPENAI_KEY")),
        ("secret-version-not-found", stored(f"agent?version={VERSION}")), ("secret-empty", stored("bare")),
        ("secret-binary", "A7"), ("short-secret", "A8"),
    ])
    assert [finding["code"] for finding in run.summary["findings"]] == [code for code, _where in reported]
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert stored("gone") in log and [name for name, marker in MARKERS.items() if marker in log] == []


def test_the_lookup_and_the_module_say_the_same(refusals: Refusals, tmp_path: Path) -> None:
    """One core: the same codes and words in a deployment, in secret_info and in the lookup, all that failed in each."""
    wrong = [stored("none"), stored("gone"), f"aws-sm://{DENIED}", stored(f"agent?version={VERSION}"), stored("bare")]
    deploy = refusals.run(variables={"praxis_agent_secrets": {
        "OPENAI_API_KEY": KEY, **{f"A{at}": text for at, text in enumerate(wrong)}}})
    expected = {finding["where"].partition(" for ")[0]: finding for finding in deploy.failed[0]["failures"]}
    assert len(expected) == len(wrong)
    region = {"region": refusals.cloud.environment["AWS_REGION"]}
    tasks = [
        {"praxis.cloud.secret_info": {"references": [KEY, *wrong], **region}},
        {"ansible.builtin.set_fact": {"values": "{{ query('praxis.cloud.secret', *wrong, region=region) | length }}"},
         "vars": {"wrong": [KEY, *wrong], **region}},
    ]
    rescue = [{"ansible.builtin.debug": {"msg": "refused"}}]
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    book = [{"hosts": "localhost", "gather_facts": False, "vars": local,
             "tasks": [{"block": [task], "rescue": rescue} for task in tasks]}]
    (tmp_path / "play.json").write_text(json.dumps(book), encoding="utf-8")
    run = refusals.cloud.run(str(tmp_path / "play.json"), "-vvvvv")
    info, lookup = run.failed
    for found in info["failures"]:
        same = expected[found["where"]]
        assert (found["code"], found["what"]) == (same["code"], same["what"])
        assert found["fix"].replace("DescribeSecret", "GetSecretValue") == same["fix"]
    assert {found["where"] for found in info["failures"]} == set(expected)
    for where, finding in expected.items():
        assert f"{where}: {finding['what']} {finding['fix']}" in lookup["msg"]
    assert [name for name, marker in MARKERS.items() if marker in run.output] == []


@dataclass(frozen=True)
class Vaulted:
    """An inventory beside the fleet's own whose group_vars hold a vaulted value, and the file of its password."""

    inventory: Path
    password: Path


@pytest.fixture(scope="module")
def vaulted(tmp_path_factory: pytest.TempPathFactory) -> Vaulted:
    folder = tmp_path_factory.mktemp("vaulted")
    password = folder / "password"
    password.write_text("planted vault password", encoding="utf-8")
    tool = str(Path(sys.executable).with_name("ansible-vault"))
    block = subprocess.run([tool, "encrypt_string", "--vault-password-file", str(password), "--stdin-name", "PLAIN"],
                           input=MARKERS["vaulted"], capture_output=True, text=True, check=True).stdout
    lines = "".join(f"  {line}\n" for line in block.splitlines())
    inert = f"{{{{resolve:secretsmanager:praxis/{FLEET}/agent:SecretString:OPENAI_API_KEY::}}}}"
    inventory = folder / "inventory"
    (inventory / "group_vars").mkdir(parents=True)
    (inventory / "group_vars" / "praxis_aws.yml").write_text(
        f'praxis_agent_secrets:\n  OPENAI_API_KEY: !unsafe "{inert}"\n{lines}', encoding="utf-8")
    slots = {ONE: {"praxis_slot": "good-1"}, TWO: {"praxis_slot": "good-2"}}
    hosts = {"praxis_aws": {"hosts": slots}}
    (inventory / "hosts.json").write_text(json.dumps(hosts), encoding="utf-8")
    return Vaulted(inventory, password)


def test_a_vaulted_value_and_an_unsafe_reference(refusals: Refusals, vaulted: Vaulted, tmp_path: Path) -> None:
    """What was vaulted arrives as it was, and the reference as AWS writes it is resolved. Check mode, so that the
    machines stay as they are; the plan's versions tell."""
    arguments = ["-vvvvv", "-i", str(vaulted.inventory), "--vault-password-file", str(vaulted.password)]
    known = f"-o UserKnownHostsFile={tmp_path}/known_hosts -o StrictHostKeyChecking=accept-new"
    mark = refusals.cloud.mark()
    run = refusals.cloud.run("plan.yml", *arguments,
                             variables={"praxis_fleet": FLEET, "ansible_ssh_common_args": known})
    assert changes(refusals.cloud, mark) == []
    assert refusals.account.versions[f"praxis/{FLEET}/agent"] in run.output
    for slot in ("good-1", "good-2"):
        seed = STORED[f"identity/{slot}"]
        assert isinstance(seed, bytes)
        key = hashlib.sha256(b"praxis secret version" + seed).digest()
        assert "keyed-" + hmac.new(key, MARKERS["vaulted"].encode(), hashlib.sha256).hexdigest()[:16] in run.output
    forms = [MARKERS["vaulted"], base64.b64encode(MARKERS["vaulted"].encode()).decode(), MARKERS["key"]]
    assert [form for form in forms if form in run.output] == []


@pytest.mark.parametrize("password", tiers.first(["wrong", "none"]))
def test_a_vault_that_cannot_be_opened(refusals: Refusals, vaulted: Vaulted, tmp_path: Path, password: str) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("another password", encoding="utf-8")
    given = ["--vault-password-file", str(wrong)] if password == "wrong" else []
    run = refusals.run("-vvvvv", "-i", str(vaulted.inventory), *given)
    for finding in run.failed[0]["failures"]:
        assert finding["code"] == "unreadable-variable"
        assert "praxis_agent_secrets" in finding["what"]


@pytest.fixture
def region_failing(refusals: Refusals) -> Iterator[None]:
    """The first region that is asked for its machines refuses. What AWS refuses is not asked again."""
    fault = [sys.executable, "-m", "sandbox", "fault"]
    order = ["--operations", "ec2:DescribeInstances", "--code", "UnauthorizedOperation", "--status", "403",
             "--count", "1"]
    subprocess.run([*fault, "error", *order], cwd=CHECKOUT, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run([*fault, "clear"], cwd=CHECKOUT, check=True, capture_output=True)


LOOSE = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "false"}
#: Two regions in one source; a source that fails beside one that does not, and with a limit to the half that is there.
HALVES = {"one source": ([], {"PRAXIS_REGIONS": "us-east-1,eu-central-1"}, False), "two sources": ([], {}, True),
          "two sources and a limit": (["--limit", TWO], {}, True)}


@pytest.mark.parametrize(
    "case", ["one source", pytest.param("two sources", marks=pytest.mark.repetition), "two sources and a limit"])
@pytest.mark.parametrize(
    "loose", tiers.only([False, True], bool), ids=["our ansible.cfg", "any ansible.cfg"])
@pytest.mark.usefixtures("region_failing")
def test_one_region_failing_is_no_half_fleet(refusals: Refusals, case: str, loose: bool) -> None:
    arguments, environment, static = HALVES[case]
    half = {TWO: {"ansible_host": "127.0.0.1", "praxis_slot": "good-2", "praxis_private_ip": "10.0.0.2",
                  "praxis_image": "x/y:1"}}
    run = refusals.run(*arguments, own=half if static else None, environment=environment | (LOOSE if loose else {}))
    assert "DescribeInstances" in run.output and "Grant ec2:DescribeInstances" in run.output
    if not loose:  # Ansible itself stops, before any playbook.
        assert run.failed == [] and run.recap == {}
        return
    (failure,) = run.failed[0]["failures"]
    assert failure["code"] == "cloud-denied"
    assert "AWS ec2 DescribeInstances in " in failure["where"]
    assert run.summary["findings"][0]["code"] == "cloud-denied" and not run.summary["ok"]


def test_two_members_with_one_name(refusals: Refusals) -> None:
    instance = refusals.account.name(TWO)
    refusals.account.rename(instance, ONE)
    try:
        strict, loose = refusals.run(), refusals.run(environment=LOOSE)
    finally:
        refusals.account.rename(instance, TWO)
    seen.wait_for("the state file to name every machine again",
                  lambda: {ONE, TWO} <= {machine.name for machine in refusals.cloud.machines()})
    assert strict.recap == {}
    (failure,) = loose.failed[0]["failures"]
    assert failure["code"] == "duplicate-member"
    assert f"the name {ONE} is used by" in failure["what"] and instance in failure["what"]
    for part in failure["what"], failure["fix"]:
        assert part in strict.output and part in loose.output


def test_an_unreachable_host_is_named_and_nobody_is_activated(refusals: Refusals, tmp_path: Path) -> None:
    """In check mode, so that the other machine stays as it is; a real run with a dead machine is in test_deploy."""
    known = f"-o UserKnownHostsFile={tmp_path}/known_hosts -o StrictHostKeyChecking=accept-new"
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"praxis": {"hosts": {TWO: {"ansible_port": 9}}}}), encoding="utf-8")
    mark = refusals.cloud.mark()
    run = refusals.cloud.run("deploy.yml", "--check", "-i", str(own), expect=2, variables={
        "praxis_fleet": FLEET, "ansible_ssh_common_args": known, "praxis_agent_config": {"llm": {"timeout": 7}}})
    finding, *others = [found for found in run.summary["findings"] if found["level"] == "error"]
    assert (finding["code"], finding["where"]) == ("host-unreachable", TWO), run.summary
    assert TWO not in {found["where"] for found in others}
    assert "refused" in finding["what"] and f"--limit '!{TWO}'" in finding["fix"]
    assert not [task for _host, task in run.changed_tasks if task == "Activate the release"]
    assert changes(refusals.cloud, mark) == []


def test_no_machine_was_touched(refusals: Refusals, untouched: dict[str, str]) -> None:
    """After all of the above."""
    assert hunting.fingerprints(refusals.cloud) == untouched
