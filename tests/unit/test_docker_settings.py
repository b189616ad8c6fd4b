# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the docker role writes into daemon.json, and that no engine stays down over it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import tiers
from tests.unit.test_docker_role import play, program
from tests.unit.test_docker_systems import GOOD, VARS, rendered

pytestmark = pytest.mark.slow
DEFAULTS = yaml.safe_load((VARS.parent / "defaults" / "main.yml").read_text())["docker_daemon_defaults"]
LOGS = {name: value for name, value in DEFAULTS.items() if name.startswith("log-")}
AWSLOGS = {"log-driver": "awslogs", "log-opts": {"awslogs-group": "team"}}
JOURNALD = {"log-driver": "journald"}
#: case -> what the machine has, what the fleet wants, and what is written of logs.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "nobody says": ({"mtu": 1400}, {}, LOGS),
    "the fleet wants another driver": ({}, JOURNALD, JOURNALD),
    "the fleet wants another driver than before": (DEFAULTS, JOURNALD, JOURNALD),
    "the fleet wants options of the same driver": (
        {}, {"log-opts": {"max-file": "9"}}, {**LOGS, "log-opts": {**LOGS["log-opts"], "max-file": "9"}}
    ),
    "the fleet wants our driver in the place of another": (AWSLOGS, {"log-driver": "json-file"}, LOGS),
    "the machine has a driver": (AWSLOGS, {}, AWSLOGS),
    "the machine has a driver without options": (JOURNALD, {}, JOURNALD),
    "the machine has options": ({"log-opts": {"tag": "x"}}, {}, {"log-opts": {"tag": "x"}}),
    "the fleet adds options to the machine's driver": (
        AWSLOGS, {"log-opts": {"tag": "x"}}, {**AWSLOGS, "log-opts": {"awslogs-group": "team", "tag": "x"}}
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    cases = {
        name: {"system": "Debian-13", "engine": {**GOOD, "daemon": there}, "docker_daemon": wanted}
        for name, (there, wanted, _logs) in CASES.items()
    }
    return rendered(tmp_path_factory.mktemp("rendered"), cases)


@pytest.mark.parametrize("case", CASES)
def test_log_options_are_never_those_of_another_driver(written: dict[str, dict[str, Any]], case: str) -> None:
    """dockerd does not start with them."""
    found = written[case]["wanted_daemon"]
    assert {name: value for name, value in found.items() if name.startswith("log-")} == CASES[case][2]
    assert found["live-restore"] is True
    assert found.get("mtu") == CASES[case][0].get("mtu")


OLD, NEW = '{"mtu": 1400}', '{"bad": true}'
#: systemctl of a machine whose engine starts with no settings that have the word bad in them.
SYSTEMCTL = """
case "$*" in
  *show*) printf 'LoadState=loaded\\nActiveState=active\\nSubState=running\\n' ;;
  *is-system-running*) echo running ;;
  *restart*) if grep -qs bad %(folder)s/%(word)s; then exit 1; fi ;;
esac
"""


def settings(folder: Path, old: str | None, word: str = "daemon.json") -> tuple[int, str, list[str]]:
    """Take up settings that replaced these old ones: how the play ended, what it printed, and what systemctl got."""
    file, backup = folder / "daemon.json", folder / "daemon.json.1~"
    file.write_text(NEW)
    if old is not None:
        backup.write_text(old)
    (folder / "systemctl").write_text(
        f'#!/bin/sh\necho "$*" >> {folder}/asked\n' + SYSTEMCTL % {"folder": folder, "word": word}
    )
    (folder / "systemctl").chmod(0o755)
    program(folder, "journalctl", "echo 'level=info msg=\"Starting up\"'; echo 'failed to start daemon: no option bad'")
    (folder / "pending").touch()
    copied = {"changed": True, **({"backup_file": str(backup)} if old is not None else {})}
    rc, printed = play(folder, "take_up", __docker_daemon_json=str(file), __docker_settings=copied,
                       __docker_pending_file=str(folder / "pending"), __docker_predicted=False,
                       ansible_facts={"service_mgr": "systemd"})  # fmt: skip
    asked = (folder / "asked").read_text().splitlines()
    return rc, " ".join(printed.split()), [line for line in asked if "restart" in line or "reset-failed" in line]


@pytest.mark.parametrize("old", tiers.first([OLD, None]))
def test_settings_with_which_the_engine_does_not_start_are_taken_back(tmp_path: Path, old: str | None) -> None:
    rc, printed, asked = settings(tmp_path, old)
    assert rc == 2, printed
    file = tmp_path / "daemon.json"
    assert (file.read_text() if file.exists() else None) == old
    assert "The engine did not start with its new settings. It says: failed to start daemon: no option bad" in printed
    assert "The engine has its old settings again, and runs." in printed
    assert not (tmp_path / "pending").exists()
    assert [line.split()[0] for line in asked] == ["restart", "reset-failed", "restart"]


@pytest.mark.repetition
def test_an_engine_that_does_not_start_with_its_old_settings_either_is_reported(tmp_path: Path) -> None:
    rc, printed, _asked = settings(tmp_path, '{"bad": 1}')
    assert rc == 2
    assert "no option bad. The engine does not start with its old settings either" in printed


@pytest.mark.repetition
def test_settings_that_the_engine_starts_with_stay(tmp_path: Path) -> None:
    rc, printed, asked = settings(tmp_path, OLD, word="nothing")
    assert rc == 0, printed
    assert (tmp_path / "daemon.json").read_text() == NEW
    assert [line.split()[0] for line in asked] == ["restart"]


WANTED = {"mtu": 1400}
#: What is asked of systemd, and whether the settings still wait to be taken up by then.
WAITING = """
case "$*" in
  *reload*|*restart*) ls %(folder)s/pending >/dev/null && echo "$* waiting" >>%(folder)s/asked ;;
esac
"""


@pytest.mark.parametrize(
    ("there", "pending", "asked"),
    [({}, False, ["reload", "restart"]), (WANTED, True, ["reload", "restart"]), (WANTED, False, [])],
    ids=["new settings", "a run was cut off", "nothing new"],
)
def test_settings_that_a_run_has_written_and_not_taken_up_are_taken_up_by_the_next(
    tmp_path: Path, there: dict[str, Any], pending: bool, asked: list[str]
) -> None:
    """A file says so until then; it is none that a boot would leave."""
    file = tmp_path / "daemon.json"
    file.write_text(json.dumps(there, indent=4) + "\n")
    program(tmp_path, "dockerd", "echo ' --validate'")
    (tmp_path / "systemctl").write_text("#!/bin/sh\n" + (WAITING + SYSTEMCTL) % {"folder": tmp_path, "word": "nothing"})
    (tmp_path / "systemctl").chmod(0o755)
    rc, printed = play(
        tmp_path, "configure", __docker_daemon_json=str(file), __docker_pending_file=str(tmp_path / "pending"),
        __docker_proxies_file=str(tmp_path / "proxies"), __docker_wanted_daemon=WANTED, __docker_predicted=False,
        __docker_engine={"pending": pending}, docker_min_compose="999",
        ansible_facts={"service_mgr": "systemd", "python": {"executable": "python3"}},
    )  # fmt: skip
    assert rc == 2 and "Refuse an engine that is not usable" in printed, printed
    told = (tmp_path / "asked").read_text().splitlines() if (tmp_path / "asked").exists() else []
    assert [line.split()[0] for line in told if line.endswith(" docker waiting")] == asked, (told, printed)
    assert json.loads(file.read_text()) == WANTED and not (tmp_path / "pending").exists()
