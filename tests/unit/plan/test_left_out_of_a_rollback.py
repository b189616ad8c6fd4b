# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rollback.yml over hosts whose Python only pretends, one of which cannot be rolled back: the other one is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.plan.made import Account, fleet, planner
from tests.unit.plan.test_actions import Site
from tests.unit.plan.test_summary import AS_JSON, Fleet

pytestmark = pytest.mark.slow
NEWEST = ("-e", "praxis_to=newest")


@pytest.fixture
def two(tmp_path: Path, account: Account) -> Fleet:
    """m1 has the newest good release, and m2 is a new machine on which nothing runs."""
    found = Fleet(Site(tmp_path, account))
    plan = planner(fleet(2)).plan()
    here, release = found.releases["m1"], plan.host_slice("m1")["release"]
    told = {"run": "c", "owner": "ann@desk", "reason": "deploy", "fence": 3, "at": 1.0, "release": here}
    kept = {"kept": {here: {"files": release["files"], "secrets": True}}, "history": [told], "peers": []}
    _answer(found, "m1", good=here, more=kept)
    bare = {"kept": {}, "history": [], "peers": []}
    _answer(found, "m2", running=None, current=None, good=None, more=bare)
    return found


def _answer(
    fleet_: Fleet, name: str, more: dict[str, Any], engine: dict[str, Any] | None = None, **release: Any
) -> None:
    path = fleet_.site.folder / f"python-{name}"
    head, text = path.read_text().split("echo '", 1)
    answer = json.loads(text.rsplit("'", 1)[0].replace("'$(date +%s)'", '"CLOCK"'))
    answer["observation"]["release"] |= release
    answer["observation"] |= {"engine": engine} if engine else {}
    if release.get("running", "") is None:
        answer["observation"] |= {"container": None, "edges": [], "api": {"health": None, "peer_id": None}}
    text = json.dumps({**answer, **more}).replace("\\", "\\\\").replace("'", "'\\''")  # the shell's echo reads them
    text = text.replace('"CLOCK"', "'$(date +%s)'")
    path.write_text(f"{head}echo '{text}'\n")


def found_by(run: Any) -> tuple[int, str, list[tuple[str, str, str]]]:
    said = json.loads(run.stdout)
    findings = said.get("findings") or said["failures"]
    named = [(item["where"], item["code"], item.get("level", "error")) for item in findings]
    return run.returncode, said.get("verdict", ""), named


def test_a_new_machine_is_named_and_left_as_it_is(two: Fleet) -> None:
    code, verdict, named = found_by(two.run(AS_JSON, *NEWEST, playbook="rollback.yml"))
    assert (code, verdict) == (0, "good")
    assert ("m2", "no-good-release", "warning") in named and not [one for one in named if one[2] == "error"]
    assert b"agent_info" in (two.site.folder / "sent-m2").read_bytes()
    assert b"agent_release" not in (two.site.folder / "sent-m2").read_bytes()
    assert b"agent_release" in (two.site.folder / "sent-m1").read_bytes()


def test_a_rollback_reads_no_variable_of_what_the_agents_are_to_run(two: Fleet) -> None:
    """PRAXIS_IMAGE is not set in this shell, the secret store's lookup fails, and a colleague has written a mistake."""
    for hostvars in two.hostvars.values():
        hostvars |= {"praxis_image": "", "praxis_agent_secrets": "{{ lookup('ansible.builtin.file', '/nowhere') }}",
                     "praxis_docker_daemon": {"hosts": "nothing"}, "praxis_agent_config": {"llm": {"timeot": 7}}}
    two.site.inventory(two.hostvars)
    code, verdict, named = found_by(two.run(AS_JSON, *NEWEST, playbook="rollback.yml"))
    assert (code, verdict) == (0, "good"), named


def test_a_dead_host_is_named_and_the_others_are_rolled_back_where_that_is_allowed(two: Fleet) -> None:
    two.lose("m2")
    code, _verdict, named = found_by(two.run(AS_JSON, *NEWEST, playbook="rollback.yml"))
    assert (code, named) == (2, [("m2", "host-unreachable", "error")])
    assert b"agent_release" not in (two.site.folder / "sent-m1").read_bytes()
    done = two.run(AS_JSON, *NEWEST, "-e", "praxis_max_unreachable=1", playbook="rollback.yml")
    assert found_by(done) == (0, "good", [("m2", "host-unreachable", "warning")])
    assert "left out" in done.stdout and b"agent_release" in (two.site.folder / "sent-m1").read_bytes()


def test_a_host_whose_python_is_broken_is_named_and_the_run_ends_there(two: Fleet) -> None:
    two.site.host("m2", "echo 'No module named json' >&2; exit 3")
    done = two.run(AS_JSON, *NEWEST, playbook="rollback.yml")
    code, _verdict, named = found_by(done)
    assert (code, named) == (2, [("m2", "python-broken", "error")])
    assert "praxis_verdict" not in done.stdout + done.stderr
    assert b"agent_release" not in (two.site.folder / "sent-m1").read_bytes()


def test_a_host_without_an_engine_is_named_and_the_others_are_rolled_back_where_that_is_allowed(two: Fleet) -> None:
    stopped = {"running": False, "version": None, "compose": "2.30", "daemon": None}
    _answer(two, "m2", more={"kept": {}, "history": [], "peers": []}, engine=stopped)
    code, _verdict, named = found_by(two.run(AS_JSON, *NEWEST, playbook="rollback.yml"))
    assert (code, named) == (2, [("m2", "no-engine", "error")])
    done = two.run(AS_JSON, *NEWEST, "-e", "praxis_max_unreachable=1", playbook="rollback.yml")
    assert found_by(done) == (0, "good", [("m2", "no-engine", "warning")])
    assert b"agent_release" not in (two.site.folder / "sent-m2").read_bytes()
    assert b"agent_release" in (two.site.folder / "sent-m1").read_bytes()
