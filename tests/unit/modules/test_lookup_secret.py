# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup, as the templating engine calls it, and the leak hunt in a real run at the highest verbosity."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, is_trusted_as_template, trust_as_template

from tests.unit.conftest import KEYS, REGION, environment

PLANTED = "planted-value-c0ffee11"
TEMPLATE = "{{ 6 * 7 }}"


@pytest.fixture
def template(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """``template(text, **variables)`` with the SDK pointed at the test's cloud."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": cloud.endpoint, "AWS_REGION": REGION}.items():
        monkeypatch.setenv(name, value)

    def render(text: str, **variables: Any) -> Any:
        return Templar(loader=DataLoader(), variables=variables).template(trust_as_template(text))

    return render


def keep(cloud: Any, name: str, value: str | bytes) -> None:
    kind = "SecretBinary" if isinstance(value, bytes) else "SecretString"
    cloud.client("secretsmanager").create_secret(Name=name, **{kind: value})
    cloud.operations.clear()


def test_several_terms_in_one_request(cloud: Any, template: Any) -> None:
    keep(cloud, "a", '{"x": "1", "n": 1.50, "o": {"k": [true, null]}}')
    keep(cloud, "b", "two")
    text = "{{ query('praxis.cloud.secret', 'aws-sm://a#x', 'aws-sm://b', ['aws-sm://a#n', 'aws-sm://a#o']) }}"
    assert template(text) == ["1", "two", "1.50", '{"k":[true,null]}']
    assert cloud.operations == ["BatchGetSecretValue"]


@pytest.mark.parametrize("region", [{"AWS_REGION": REGION, "AWS_DEFAULT_REGION": "us-east-1"},
                                    {"AWS_REGION": "", "AWS_DEFAULT_REGION": REGION}])  # fmt: skip
def test_the_region_is_that_of_modules(
    region: dict[str, str], cloud: Any, template: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS_REGION before AWS_DEFAULT_REGION, unless it is empty."""
    keep(cloud, "a", "here")
    for name, value in region.items():
        monkeypatch.setenv(name, value)
    assert template("{{ lookup('praxis.cloud.secret', 'aws-sm://a') }}") == "here"


def test_a_value_is_never_a_template(cloud: Any, template: Any) -> None:
    keep(cloud, "a", TEMPLATE)
    value = template("{{ lookup('praxis.cloud.secret', 'aws-sm://a') }}")
    assert value == TEMPLATE
    assert not is_trusted_as_template(value)
    # Not even on the way through another variable, or when the term itself was trusted.
    nested = trust_as_template("{{ lookup('praxis.cloud.secret', term) }}")
    assert template("<{{ inner }}>", inner=nested, term=trust_as_template("aws-sm://a")) == f"<{TEMPLATE}>"
    # And that a trusted one would be.
    assert template("{{ inner }}", inner=trust_as_template(TEMPLATE)) == 42


def test_binary(cloud: Any, template: Any) -> None:
    keep(cloud, "seed", bytes(range(32)))
    keep(cloud, "text", "ü")
    text = "{{ query('praxis.cloud.secret', 'aws-sm://seed', 'aws-sm://text', encoding='base64') }}"
    assert template(text) == [base64.b64encode(bytes(range(32))).decode(), base64.b64encode("ü".encode()).decode()]
    with pytest.raises(AnsibleError, match="binary and not text"):
        template("{{ lookup('praxis.cloud.secret', 'aws-sm://seed') }}")


def test_failures_are_reported_together_and_hide_values(cloud: Any, template: Any) -> None:
    keep(cloud, "a", f'{{"password": "{PLANTED}"}}')
    with pytest.raises(AnsibleError) as caught:
        template("{{ query('praxis.cloud.secret', 'aws-sm://a#pasword', 'aws-sm://none') }}")
    assert "Did you mean 'password'?" in str(caught.value)
    assert "There is no such secret" in str(caught.value)
    assert PLANTED not in str(caught.value)
    with pytest.raises(AnsibleError, match=r"Entry 2 of the list is not a reference") as caught:
        template("{{ query('praxis.cloud.secret', 'aws-sm://a', value) }}", value=PLANTED)
    assert PLANTED not in str(caught.value)


def test_options(cloud: Any, template: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(cloud, "a", "1")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.delenv("AWS_REGION")
    text = "{{ lookup('praxis.cloud.secret', 'aws-sm://a', region='%s', aws_endpoint_url='%s') }}"
    assert template(text % (REGION, cloud.endpoint)) == "1"
    monkeypatch.setenv("AWS_URL", cloud.endpoint)
    monkeypatch.setenv("AWS_REGION", REGION)
    assert template("{{ lookup('praxis.cloud.secret', 'aws-sm://a') }}") == "1"


WHOLE = "{{ lookup('praxis.cloud.secret', 'aws-sm://a') }}"
LENGTH = "{{ lookup('praxis.cloud.secret', 'aws-sm://a#password') | length }}"
QUIET: list[dict[str, Any]] = [
    {"praxis.cloud.secret_info": {"references": ["aws-sm://a#password"]}},
    {"praxis.cloud.p2p_identity": {"fleet": "demo", "slots": ["kept", "new"]}, "register": "identity"},
    {"praxis.cloud.p2p_identity_info": {"fleet": "demo", "slots": ["kept", "new"]}},
    {"ansible.builtin.set_fact": {"length": LENGTH}},
    {"ansible.builtin.command": {"argv": ["cat"], "stdin": WHOLE}, "no_log": True},
    {"ansible.builtin.debug": {"msg": "length {{ length }}, changed {{ identity is changed }}"}},
    {"ansible.builtin.debug": {"msg": "{{ lookup('praxis.cloud.secret', 'aws-sm://a#pasword') }}"}},
]
LOUD = [{"ansible.builtin.debug": {"msg": WHOLE}}]


@pytest.mark.slow
def test_a_real_run_at_the_highest_verbosity_shows_no_value(cloud: Any, tmp_path: Path) -> None:
    seed = b"planted-seed-of-the-right-length"
    keep(cloud, "a", json.dumps({"password": PLANTED}))
    keep(cloud, "praxis/demo/identity/kept", seed)
    places = {"ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp"), "ANSIBLE_LOG_PATH": str(tmp_path / "log"),
              "ANSIBLE_INJECT_INVOCATION": "1"}

    def play(tasks: list[dict[str, Any]]) -> tuple[int, str]:
        variables = {"ansible_python_interpreter": sys.executable}
        book = [{"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}]
        (tmp_path / "play.json").write_text(json.dumps(book))
        command = [Path(sys.executable).with_name("ansible-playbook"), "-vvvvv", "--diff", "play.json"]
        shell = {**environment(cloud), **places}
        done = subprocess.run(
            command, cwd=tmp_path, env=shell, capture_output=True, text=True, timeout=120, check=False
        )
        return done.returncode, done.stdout + done.stderr + (tmp_path / "log").read_text()

    observations = [PLANTED, KEYS["AWS_SECRET_ACCESS_KEY"], seed.hex(), base64.b64encode(seed).decode(), seed.decode()]
    code, printed = play(QUIET)
    assert code == 2, printed
    assert f"length {len(PLANTED)}, changed True" in printed
    assert "Did you mean 'password'?" in printed
    assert [observation for observation in observations if observation in printed] == []
    # And that the search finds a value that a task prints.
    code, printed = play(LOUD)
    assert code == 0, printed
    assert PLANTED in printed
