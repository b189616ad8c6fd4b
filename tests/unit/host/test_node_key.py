# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that gets another slot, or whose slot gets another seed: the agent takes its new identity with its activation,
and with no restart before."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import FakeEngine
from tests.unit.host.test_deploy import run, tree
from tests.unit.host.test_seal import host

__all__ = ["host"]
OTHER_PEER, OLD, NEW = "12D3KooWOther", bytes(range(32)), bytes(reversed(range(32)))
OTHER = {"seed": base64.b64encode(NEW).decode(), "gate": {"peer_id": OTHER_PEER, "deadline": 0.01}}


def keys(host: Paths) -> tuple[bytes, bytes]:
    """The key in memory, and the sealed one as the tests' stand-in writes it."""
    sealed = Path(host.sealed_key).read_text(encoding="utf-8").partition(":")[2]
    return Path(host.node_key).read_bytes(), bytes.fromhex(sealed)


def test_preparing_leaves_the_key_of_the_agent_that_runs(host: Paths) -> None:
    """A run may be refused after that, by the floor or the lock."""
    before = tree(host)
    predicted, done = run(host, "prepared", check=True, **OTHER), run(host, "prepared", **OTHER)
    assert (done["changed"], done["activation"]) == (False, "restart")
    assert done["activation_reason"] == predicted["activation_reason"]
    assert keys(host) == (OLD, OLD)
    assert tree(host) == before


@pytest.mark.slow
@pytest.mark.parametrize("state", ["active", "restored"])
def test_the_activation_places_it(host: Paths, answering: dict[str, Any], state: str) -> None:
    """And a rollback, of a host that was to get it in this run: the members' lists name its new identity."""
    more = {**OTHER, **({"previous": "r1"} if state == "restored" else {})}
    assert run(host, "prepared", **OTHER)["outcome"] == "unchanged"
    predicted = run(host, state, check=True, **more)
    answering.update(peer_id=OTHER_PEER)
    done = run(host, state, **more)
    assert done["failure"] is None
    assert [item.split()[0] for item in done["changes"]] == ["seed", "seal-key", "restart"]
    assert (predicted["changes"], predicted["diff"]) == (done["changes"], done["diff"])
    assert keys(host) == (NEW, NEW)
    assert run(host, "prepared", **OTHER)["activation"] == "none"
    assert run(host, state, **more)["changed"] is False


def test_it_is_activated_though_the_agent_does_not_say_who_it_is(host: Paths, answering: dict[str, Any]) -> None:
    answering.update(peer_id=None)
    assert run(host, "prepared", **OTHER)["activation"] == "restart"


def test_a_step_without_a_key_leaves_what_is_there(host: Paths) -> None:
    assert run(host, "active", seed=None)["outcome"] == "unchanged"
    assert keys(host) == (OLD, OLD)


def test_a_key_that_is_damaged_is_written_at_once(host: Paths) -> None:
    Path(host.node_key).chmod(0o600)
    Path(host.node_key).write_bytes(OLD[:9])
    done = run(host, "prepared")
    assert ([item.split()[0] for item in done["changes"]], done["activation"]) == (["seed"], "none")
    assert keys(host) == (OLD, OLD)


def test_a_host_without_a_key_gets_it_when_it_is_prepared(
    paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any]
) -> None:
    assert "seed " + paths.node_key in run(paths, "prepared")["changes"]
    engine.run("r1")
    assert run(paths, "active")["activation"] == "none"
