# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A known_hosts file of the user's own: the members' lines change, and no others. OpenSSH says what a file means."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.known_hosts import keys_of, with_keys
from ansible_collections.praxis.cloud.plugins.plugin_utils.whole_files import write_whole
from tests.unit.fleet.test_host_keys import ECDSA, ED25519

OURS = {"praxis-aws-1": [ED25519], "praxis-aws-2": [ED25519]}
OTHERS = f"""# by hand, \u2028praxis-aws-1 {ECDSA}

github.com,140.82.112.3 {ECDSA} a comment
[praxis-aws-1]:2222 {ECDSA}
*.example.org {ECDSA}\r
@cert-authority praxis-aws-1 {ECDSA}
@revoked praxis-aws-2 {ECDSA}
|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= {ECDSA}
"""


def test_lines_of_others_stay() -> None:
    ours = f"praxis-aws-1 {ED25519}\npraxis-aws-2 {ED25519}\n"
    assert with_keys(OTHERS, OURS) == OTHERS + ours
    assert with_keys(OTHERS.rstrip("\n"), OURS) == OTHERS + ours
    assert with_keys(ours + OTHERS, OURS) == ours + OTHERS
    assert with_keys("", OURS) == ours


@pytest.mark.parametrize(
    "line", ["praxis-aws-1 {} mine", "a,praxis-aws-1\t{}\r\n", "|1|bad= {0}\npraxis-aws-1 {0}\n" * 2]
)
def test_a_file_that_is_right_stays_to_the_byte(line: str) -> None:
    text = line.format(ED25519)
    assert with_keys(text, {"praxis-aws-1": [ED25519]}) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"a {ECDSA}\npraxis-aws-1 {ECDSA} old\nb {ECDSA}\n", f"a {ECDSA}\npraxis-aws-1 {ED25519}\nb {ECDSA}\n"),
        (f"praxis-aws-1 {ECDSA}\npraxis-aws-1 {ED25519}\n", f"praxis-aws-1 {ED25519}\n"),
        (f"a,praxis-aws-1,10.0.0.1 {ECDSA} note\n", f"praxis-aws-1 {ED25519}\na,10.0.0.1 {ECDSA} note\n"),
    ],
)
def test_a_key_that_is_no_more_a_member_s_goes(before: str, after: str) -> None:
    assert with_keys(before, {"praxis-aws-1": [ED25519]}) == after


def test_names_that_openssh_has_hashed_are_known(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"praxis-aws-1 {ECDSA}\nelsewhere {ECDSA}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, capture_output=True)
    hashed = path.read_text()
    assert "praxis-aws-1" not in hashed
    assert keys_of(hashed, OURS) == {"praxis-aws-1": [ECDSA]}
    path.write_text(with_keys(hashed, OURS))

    def known(name: str) -> list[str]:
        done = subprocess.run(["ssh-keygen", "-F", name, "-f", path], check=False, capture_output=True, text=True)
        return [line.split(" ", 1)[1] for line in done.stdout.splitlines() if not line.startswith("#")]

    assert (known("praxis-aws-1"), known("praxis-aws-2"), known("elsewhere")) == ([ED25519], [ED25519], [ECDSA])


def test_a_link_stays_one_and_its_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("before")
    (tmp_path / "file").chmod(0o600)
    (tmp_path / "link").symlink_to("file")
    write_whole(str(tmp_path / "link"), b"after")
    assert (tmp_path / "link").is_symlink()
    assert ((tmp_path / "file").read_text(), (tmp_path / "file").stat().st_mode & 0o777) == ("after", 0o600)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]
