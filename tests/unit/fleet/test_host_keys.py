# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public host keys: what is one, how SSH is reported, and what the clouds publish."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import host_keys, known_hosts, step_failure

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMZZxTslduuZN5OjgI5PI49Qgw/WScMcwkMe9r9i2OqR"
ECDSA = ("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBC1zzrYiCRJaI34X40QpELtIH4TP"
         "odQD3eCKLFGLc/oNEeFK8hxQe/CCKJ64mekEq4f2p8v956dWmm7jllsp2m0=")  # fmt: skip
CONSOLE = f"""[   12.1] Reached target
<14>cloud-init: -----BEGIN SSH HOST KEY FINGERPRINTS-----
<14>cloud-init: 256 SHA256:abc root@host (ED25519)
<14>cloud-init: -----END SSH HOST KEY FINGERPRINTS-----
-----BEGIN SSH HOST KEY KEYS-----\r
{ECDSA} root@host\r
{ED25519} root@host\r
-----END SSH HOST KEY KEYS-----\r
login:"""


@pytest.mark.parametrize("text", [ED25519, f"{ED25519} root@host", f"  {ED25519}\n", ECDSA])
def test_a_public_key_is_its_type_and_its_key(text: str) -> None:
    assert host_keys.public_key(text) == " ".join(text.split()[:2])


@pytest.mark.parametrize("text", [
    "", "ssh-ed25519", "ssh-ed25519 !!", ED25519.replace("ssh-ed25519", "ssh-rsa"), "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
    f"{ED25519}\n* {ED25519}", "-----BEGIN OPENSSH PRIVATE KEY-----", None, 7, f"praxis-aws-1 {ED25519}",
])  # fmt: skip
def test_what_is_no_public_key(text: str) -> None:
    assert host_keys.public_key(text) is None


@pytest.mark.parametrize(("given", "where"), [
    ({"a": [ED25519]}, []),
    ({"a": [ED25519, "x"], "b": ED25519, "c": []}, ["of a", "of b", "of c"]),
    ({"*": [ED25519]}, ["of *"]),
    ([ED25519], ["praxis_host_keys"]),
])  # fmt: skip
def test_all_that_is_wrong_is_reported(given: object, where: list[str]) -> None:
    found = host_keys.check(given)
    assert [finding.code for finding in found] == ["bad-host-keys"] * len(where)
    assert all(finding.where.endswith(end) for finding, end in zip(found, where))


def test_a_file_of_keys_is_read_as_it_was_written() -> None:
    keys = {"praxis-aws-2": [ED25519], "praxis-aws-1": [ED25519 + " root@host", ECDSA]}
    text = host_keys.known_hosts(keys)
    assert text.splitlines() == [f"praxis-aws-1 {ED25519}", f"praxis-aws-1 {ECDSA}", f"praxis-aws-2 {ED25519}"]
    again = known_hosts.keys_of("# ours\n|1|hash= " + ED25519 + "\n" + text, [*keys, "another"])
    assert again == {"praxis-aws-1": [ED25519, ECDSA], "praxis-aws-2": [ED25519]}


def test_keys_that_are_given_are_all_that_counts() -> None:
    words = shlex.split(host_keys.options("/a b/100%/file", strict=True, alias="praxis-aws-1"))
    assert words[0::2] == ["-o"] * 5
    assert words[1::2] == ['UserKnownHostsFile="/a b/100%%/file"', "StrictHostKeyChecking=yes",
                           "GlobalKnownHostsFile=none", "UpdateHostKeys=no", "HostKeyAlias=praxis-aws-1"]  # fmt: skip
    assert host_keys.learnt_in(" ".join(map(shlex.quote, words))) == []


@pytest.mark.parametrize(("arguments", "files"), [
    (host_keys.options("/a b/100%/file", strict=False), ["/a b/100%/file"]),
    (host_keys.options('/it\'s "mine" \\ yours/file', strict=False), ['/it\'s "mine" \\ yours/file']),
    ("-o 'UserKnownHostsFile=/a\"b' -o StrictHostKeyChecking=no", []),
    ("-o UserKnownHostsFile=~/.ssh/x -o StrictHostKeyChecking=accept-new -o HostKeyAlias=i-1", ["~/.ssh/x"]),
    ("-C -oStrictHostKeyChecking=no -o 'UserKnownHostsFile /y /z'", ["/y"]),
    ("-o StrictHostKeyChecking=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/y", []),
    ("-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null", []),
    ("-o StrictHostKeyChecking=accept-new", []),
    ("-o UserKnownHostsFile=/y", []),
    ("-o 'unbalanced", []),
    ("", []),
])  # fmt: skip
def test_where_keys_are_learnt(arguments: str, files: list[str]) -> None:
    assert host_keys.learnt_in(arguments) == files


@pytest.mark.parametrize(("console", "keys"), [
    (CONSOLE, [ECDSA, ED25519]),
    (CONSOLE.replace(ED25519, "lost in the middle") + CONSOLE.replace(ECDSA, ""), [ED25519]),
    (CONSOLE.partition("-----END SSH HOST KEY KEYS")[0], []),
    ("", []),
])  # fmt: skip
def test_keys_on_a_console(console: str, keys: list[str]) -> None:
    assert host_keys.from_console(console) == keys


def test_keys_among_guest_attributes() -> None:
    items = [{"namespace": "hostkeys", "key": "ssh-ed25519", "value": ED25519.split()[1]},
             {"namespace": "hostkeys", "key": "ssh-rsa", "value": "none"}, {}]  # fmt: skip
    assert host_keys.from_guest_attributes(items) == [ED25519]


@pytest.mark.parametrize(("said", "code"), [
    ("No ED25519 host key is known for praxis-aws-1 and you have requested strict checking.\r\nHost key verification "
     "failed.", "host-key-unknown"),
    ("@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@ Host key verification failed.", "host-key-changed"),
])  # fmt: skip
def test_what_ssh_says_of_host_keys(said: str, code: str) -> None:
    found = step_failure.unreachable("praxis-aws-1", said)
    assert found.code == code
    assert "praxis.cloud.host_keys" in found.fix


def test_the_key_of_the_tests_is_one_that_ssh_takes(tmp_path: Path) -> None:
    """Whoever wrote the two keys above may be wrong; ssh-keygen is not."""
    (tmp_path / "known").write_text(host_keys.known_hosts({"a": [ED25519, ECDSA]}), encoding="utf-8")
    command = ["ssh-keygen", "-l", "-f", str(tmp_path / "known")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(shown.stdout.splitlines()) == 2
