# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a shell of the sandbox knows of clouds that the sandbox has not: nothing, whatever was exported before."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from sandbox import cli
from sandbox.client import Client
from sandbox.environment import environment
from sandbox.site import PROJECT, Addresses, Site

MINE = {
    "AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "mine", "AWS_PROFILE": "mine", "AWS_REGION": "mine",
    "GOOGLE_APPLICATION_CREDENTIALS": "mine", "GOOGLE_CLOUD_PROJECT": "mine", "CLOUDSDK_COMPUTE_REGION": "mine",
    "CLOUDSDK_CORE_PROJECT": "mine", "GCP_ACCESS_TOKEN": "mine",
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / ".sandbox/aws").mkdir(parents=True)
    (tmp_path / ".sandbox/addresses.json").write_text(json.dumps(asdict(Addresses("10.1.0.0/16", 20001, 20002, 20003))))
    (tmp_path / ".sandbox/aws/controller.json").write_text(json.dumps({"access_key": "its", "secret_key": "its"}))
    return Site(tmp_path)


def variables(site: Site, *clouds: str, own: dict[str, str]) -> dict[str, str]:
    """A shell's variables after the file was read, which had these before."""
    script = f"set -eu\n{environment(site, clouds, '1.0')}\nenv -0"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True,
                          env={"PATH": os.environ["PATH"], "HOME": "/mine", **own})
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if line)


@pytest.mark.parametrize("clouds", [("aws",), ("gcp",), ("aws", "gcp")])
def test_no_account_of_the_shell_stays(site: Site, clouds: tuple[str, ...]) -> None:
    found = variables(site, *clouds, own=MINE)
    assert "mine" not in found.values()
    assert ("AWS_ACCESS_KEY_ID" in found) == ("aws" in clouds)
    assert found.get("GOOGLE_CLOUD_PROJECT") == (PROJECT if "gcp" in clouds else None)


@pytest.mark.parametrize("clouds", [("aws",), ("gcp",)])
def test_a_shell_without_accounts_is_no_error(site: Site, clouds: tuple[str, ...]) -> None:
    assert variables(site, *clouds, own={})["HOME"] == "/mine"


@pytest.mark.parametrize("up", [[], ["aws"], ["aws", "gcp"]])
def test_the_clouds_that_are_up_are_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                                            up: list[str]) -> None:
    monkeypatch.setattr(Client, "clouds", lambda _client: up)
    assert cli.main(["clouds"]) == 0
    assert capsys.readouterr().out == ",".join(up) + "\n"
