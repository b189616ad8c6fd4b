# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states, against a stand-in engine: predictions, what is written, what is refused."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.limits import read_limits
from ansible_collections.praxis.cloud.plugins.module_utils.host import (
    agent_api,
    capacity,
    deploy,
    files,
    mounts,
    ports,
    registrations,
    socket_group,
)
from ansible_collections.praxis.cloud.plugins.module_utils.host import observation as observing
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import from_options
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import IMAGE, PEER, FakeEngine, framed, release

SECRET = "the-marker-of-this-test"
SEED = base64.b64encode(bytes(range(32))).decode()
PEERS = {"revision": "p1", "multiaddrs": ["/ip4/10.0.1.12/tcp/4001/p2p/12D3KooWBeta"]}


def run(paths: Paths, state: str, check: bool = False, **more: Any) -> dict[str, Any]:
    options = {
        "state": state,
        "release": release("r1"),
        "peers": PEERS,
        "secrets": {"OPENAI_API_KEY": SECRET},
        "seed": SEED,
        "gate": {"peer_id": PEER, "deadline": 0.01},
        **more,
    }
    return deploy.run(from_options(options), paths, check, lock_deadline=0)


@pytest.fixture
def host(paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any]) -> Paths:
    """A host with an engine, the release prepared."""
    assert run(paths, "prepared")["outcome"] == "prepared"
    return paths


def network(project: str, *containers: str) -> dict[str, Any]:
    """One of Compose's, and who is in it."""
    labels = {"com.docker.compose.project": project}
    return {"Id": "0e7", "Labels": labels, "Containers": dict.fromkeys(containers, {})}


def tree(paths: Paths) -> dict[str, Any]:
    """Every file of the host with its content, mode and date."""
    found = {}
    for top in (paths.root, paths.run):
        for folder, folders, names in os.walk(top):
            for name in folders + names:
                path = os.path.join(folder, name)
                state = os.lstat(path)
                data = Path(path).read_bytes() if os.path.isfile(path) else b""
                found[path] = (state.st_mode, state.st_mtime_ns, state.st_ino, data)
    return found


def test_a_bare_host_needs_docker_and_is_not_touched(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for check in (True, False):
        result = run(paths, "prepared", check=check)
        assert (result["outcome"], result["changed"], result["diff"]) == ("needs-docker", False, [])
        assert len(result["reasons"]) == 2
    assert not os.path.exists(paths.root)
    assert not os.path.exists(paths.run)


def test_after_the_docker_role_a_bare_host_predicts(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    result = run(paths, "prepared", check=True, engine_made=True)
    assert result["changed"]
    assert "(known after apply)" in json.dumps(result["diff"])
    assert [item.split()[0] for item in result["changes"]] == ["image", "release", "secrets", "seed"]
    assert run(paths, "active", check=True)["changed"]
    assert not os.path.exists(paths.root)
    still = run(paths, "prepared", engine_made=True)
    assert (still["outcome"], still["changed"]) == ("needs-docker", False)


def test_prepare_writes_what_it_predicted(paths: Paths, engine: FakeEngine, docker: Path) -> None:
    predicted = run(paths, "prepared", check=True)
    assert not os.path.exists(paths.root)
    assert not os.path.exists(paths.lock)
    done = run(paths, "prepared")
    assert done["outcome"] == "prepared"
    assert {name: done[name] for name in ("changed", "changes", "diff", "activation")} == {
        name: predicted[name] for name in ("changed", "changes", "diff", "activation")
    }
    assert Path(paths.environment("r1")).read_text() == "export OPENAI_API_KEY='%s'\n" % SECRET
    assert Path(paths.node_key).read_bytes() == bytes(range(32))
    for path, mode in (
        (paths.environment("r1"), 0o400),
        (paths.node_key, 0o400),
        (paths.secrets_dir("r1"), 0o500),
        (paths.keys, 0o500),
        (paths.run, 0o700),
        (paths.release("r1"), 0o755),
        (os.path.join(paths.release("r1"), "agent.yaml"), 0o644),
    ):
        assert os.stat(path).st_mode & 0o777 == mode, path
    assert not os.path.exists(paths.peers)
    assert not os.path.exists(paths.current)
    assert not (docker / "calls").exists()


def test_a_second_prepare_changes_nothing(host: Paths, engine: FakeEngine) -> None:
    before = tree(host)
    result = run(host, "prepared")
    assert (result["outcome"], result["changed"], result["diff"]) == ("unchanged", False, [])
    assert tree(host) == before


def test_a_reboot_loses_the_secrets_and_prepare_brings_them_back(host: Paths) -> None:
    for path in (host.secrets_dir("r1"), host.keys):
        for name in os.listdir(path):
            os.unlink(os.path.join(path, name))
    result = run(host, "prepared")
    assert [item.split()[0] for item in result["changes"]] == ["secrets", "seed"]
    assert run(host, "prepared")["outcome"] == "unchanged"


@pytest.mark.parametrize("damage", ["content", "mode"])
def test_a_damaged_secret_is_written_again(host: Paths, damage: str) -> None:
    path = Path(host.environment("r1"))
    path.chmod(0o644)
    if damage == "content":
        path.write_text("export OPENAI_API_KEY='half")
        path.chmod(0o400)
    assert [item.split()[0] for item in run(host, "prepared")["changes"]] == ["secrets"]
    assert path.stat().st_mode & 0o777 == 0o400


def test_no_secret_in_any_result(host: Paths, engine: FakeEngine) -> None:
    engine.run("r1", "exited", State={"ExitCode": 1})
    engine.log = framed("key=%s and \x1b[31mred\n" % SECRET)
    results = [run(host, "active"), run(host, "prepared"), run(host, "active", check=True)]
    results += [run(host, "prepared", release=release("r2", version="2"), check=True)]
    text = json.dumps(results)
    assert SECRET not in text
    assert bytes(range(32)).decode("latin-1") not in text
    assert "key=********" in text


def test_the_log_that_a_failed_gate_quotes_shows_no_secret_of_this_deployment(host: Paths, engine: FakeEngine) -> None:
    """Nor of the release that the container runs, which may have other values."""
    engine.run("r1", "exited", State={"ExitCode": 1})
    engine.log = framed("old=%s new=another-marker\n" % SECRET)
    result = run(host, "active", secrets={"OPENAI_API_KEY": "another-marker"})
    assert result["evidence"] == ["old=******** new=********"]


def test_secrets_are_never_written_to_a_disk(
    paths: Paths, engine: FakeEngine, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "filesystem_of", lambda *_arguments: "ext4")
    result = run(paths, "prepared")
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "not-tmpfs")
    assert [name for _folder, _folders, names in os.walk(paths.run) for name in names] == []


def test_activation_does_what_it_predicted(host: Paths, engine: FakeEngine, docker: Path) -> None:
    before = tree(host)
    predicted = run(host, "active", check=True)
    assert tree(host) == before
    assert [item.split()[0] for item in predicted["changes"]] == ["peers", "config", "current", "start"]
    engine.run("r0")  # what Compose would have made of it is the engine's to say
    done = run(host, "active", gate={"peer_id": PEER, "deadline": 0.01})
    assert done["changes"][-1] == "switch container"
    engine.container = None
    engine.run("r1")
    again = run(host, "active")
    assert (again["outcome"], again["changed"], again["diff"]) == ("unchanged", False, [])
    assert os.readlink(host.current) == "releases/r1"
    config = Path(host.config("alpha")).read_text()
    assert config.endswith('  bootstrap_nodes:\n  - "%s"\n' % PEERS["multiaddrs"][0])
    call = (docker / "calls").read_text()
    assert call.startswith("compose -p praxis -f %s/compose.yaml up --detach" % host.release("r1"))
    assert "--pull never" in call
    assert SECRET not in call


def test_activation_of_what_was_not_prepared_disturbs_nothing(host: Paths, docker: Path) -> None:
    result = run(host, "active", release=release("r9"))
    assert (result["outcome"], result["failure"]["code"], result["changed"]) == ("failed", "not-prepared", False)
    os.unlink(host.environment("r1"))
    assert run(host, "active")["failure"]["code"] == "secrets-missing"
    assert not (docker / "calls").exists()
    assert not os.path.exists(host.current)


def test_a_failed_activation_says_what_was_done(host: Paths, docker: Path) -> None:
    (docker / "fail").write_text("Error response from daemon: Bind for 0.0.0.0:4001 failed: port is already allocated")
    result = run(host, "active")
    assert (result["outcome"], result["failure"]["code"], result["changed"]) == ("failed", "port-taken", True)
    assert [item.split()[0] for item in result["changes"]] == ["peers", "config", "current", "start"]


def test_a_failed_pull_changes_nothing(paths: Paths, engine: FakeEngine, docker: Path) -> None:
    engine.pulls = [{"error": "manifest unknown"}]
    result = run(paths, "prepared")
    assert (result["outcome"], result["failure"]["code"], result["changed"]) == ("failed", "image-not-found", False)
    assert not os.path.exists(paths.root)


def test_a_failed_gate_is_an_outcome_with_evidence(host: Paths, engine: FakeEngine, answering: dict[str, Any]) -> None:
    engine.run("r1")
    engine.log = framed("last words...\n")
    answering.update(peer_id="12D3KooWOther")
    result = run(host, "active", gate={"peer_id": PEER, "other_peer_id": "12D3KooWOther", "deadline": 0.01})
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "other-key-scheme")
    assert "praxis_peer_id_scheme" in result["failure"]["fix"]
    assert result["evidence"] == ["last words..."]
    assert not any(item.startswith("prune") for item in result["changes"])


def test_peers_of_a_running_release_change_in_place(host: Paths, engine: FakeEngine, docker: Path) -> None:
    engine.run("r1")
    run(host, "active")
    calls = (docker / "calls").read_text() if (docker / "calls").exists() else ""
    more = {"revision": "p2", "multiaddrs": [*PEERS["multiaddrs"], "/ip4/10.0.1.13/tcp/4001/p2p/12D3KooWGamma"]}
    predicted = run(host, "prepared", peers=more, check=True)
    done = run(host, "prepared", peers=more)
    assert done["changed"]
    assert done["changes"] == predicted["changes"] == ["peers " + host.peers, "config " + host.config("alpha")]
    assert done["activation"] == "none"
    assert "12D3KooWGamma" in done["diff"][0]["after"]
    assert "12D3KooWGamma" not in done["diff"][0]["before"]
    assert ((docker / "calls").read_text() if (docker / "calls").exists() else "") == calls
    assert run(host, "prepared", peers=more)["outcome"] == "unchanged"


def behind(group: str) -> dict[str, Any]:
    """A load balancer as a deployment names it."""
    return {"module": "praxis.cloud.aws_lb_target", "options": {"target_group": group}, "target": {"id": "i-1"}}


def test_a_host_remembers_the_load_balancers_that_it_was_put_behind(host: Paths) -> None:
    """The newest last, each once, and not without end; check mode predicts it."""
    for group in ("one", "two", "one"):
        predicted = run(host, "prepared", balancers=[behind(group)], check=True)
        done = run(host, "prepared", balancers=[behind(group)])
        assert done["changes"] == predicted["changes"] == ["balancers " + host.balancers]
    assert done["observation"]["balancers"] == [behind("two"), behind("one")]
    assert run(host, "prepared", balancers=[behind("one")])["outcome"] == "unchanged"
    assert run(host, "prepared")["outcome"] == "unchanged"
    for number in range(registrations.LONGEST):
        done = run(host, "prepared", balancers=[behind(f"more-{number}")])
    assert behind("one") not in done["observation"]["balancers"]
    assert len(done["observation"]["balancers"]) == registrations.LONGEST


def test_peers_wait_for_the_switch_when_another_release_runs(host: Paths, engine: FakeEngine) -> None:
    engine.run("r0")
    assert run(host, "prepared", peers={"revision": "p9", "multiaddrs": []})["outcome"] == "unchanged"


def test_a_first_deployment_that_failed_leaves_no_agent(host: Paths, engine: FakeEngine, docker: Path) -> None:
    engine.run("r1", "exited", State={"ExitCode": 1})
    assert run(host, "active")["previous"] is None
    predicted = run(host, "restored", previous=None, check=True)
    done = run(host, "restored", previous=None)
    assert (done["outcome"], done["changes"]) == ("restored", predicted["changes"])
    assert done["changes"][0] == "down container"
    assert "down --remove-orphans" in (docker / "calls").read_text()
    assert not os.path.lexists(host.current)
    assert not os.path.exists(host.peers)
    assert os.path.isdir(host.release("r1"))


def test_restoring_what_is_not_there_is_a_failure(host: Paths) -> None:
    assert run(host, "restored", previous="r7")["failure"]["code"] == "release-missing"


def test_restoring_brings_back_settings_and_link(host: Paths, engine: FakeEngine) -> None:
    engine.run("r1")
    run(host, "active")
    two = release("r2", level="DEBUG")
    run(host, "prepared", release=two)
    engine.run("r2")
    assert run(host, "active", release=two)["previous"] == "r1"
    assert "DEBUG" in Path(host.config("alpha")).read_text()
    engine.run("r1")
    result = run(host, "restored", release=two, previous="r1")
    assert result["outcome"] == "restored"
    assert os.readlink(host.current) == "releases/r1"
    assert "DEBUG" not in Path(host.config("alpha")).read_text()


@pytest.mark.slow
def test_a_host_that_is_renamed_goes_back_with_the_file_that_its_release_of_then_reads(
    host: Paths, engine: FakeEngine
) -> None:
    """Its Compose file names the settings file by the host's name of then."""
    engine.run("r1")
    run(host, "active")
    two = release("r2", level="DEBUG", name="beta")
    two["files"]["release.json"] = two["files"]["release.json"].replace("alpha", "beta")
    run(host, "prepared", release=two)
    engine.run("r2")
    run(host, "active", release=two)
    assert "DEBUG" in Path(host.config("beta")).read_text(encoding="utf-8")
    back, others = release("r1", name="beta"), {"revision": "p2", "multiaddrs": ["/ip4/10.0.1.13/tcp/4001/p2p/12D3Koo"]}
    engine.run("r1")
    for state in ("prepared", "active", "confirmed"):
        assert run(host, state, release=back, peers=others)["failure"] is None
        assert not [item for item in run(host, state, True, release=back, peers=others)["changes"] if "beta" in item]
    text = Path(host.config("alpha")).read_text(encoding="utf-8")
    assert "INFO" in text and others["multiaddrs"][0] in text
    assert "DEBUG" in Path(host.config("beta")).read_text(encoding="utf-8")


@pytest.mark.slow
def test_releases_are_pruned_with_their_secrets_the_never_good_first(host: Paths, engine: FakeEngine) -> None:
    for name in ("r3", "r1", "r2"):
        engine.run(name)
        run(host, "prepared", release=release(name))
        assert run(host, "active", release=release(name))["outcome"] == "activated"
        assert run(host, "confirmed", release=release(name), keep_releases=5)["outcome"] == "confirmed"
    run(host, "prepared", release=release("worse"))
    predicted = run(host, "confirmed", release=release("r2"), keep_releases=2, check=True)
    done = run(host, "confirmed", release=release("r2"), keep_releases=2)
    assert done["changes"] == predicted["changes"]
    assert done["observation"]["release"]["kept"] == ["r2", "r1"]
    assert sorted(os.listdir(host.run)) == ["keys", "r1", "r2"]
    assert IMAGE in engine.images


def test_nothing_is_pruned_for_a_release_that_fails_its_gate(
    host: Paths, engine: FakeEngine, answering: dict[str, Any]
) -> None:
    for name in ("r1", "r2"):
        engine.run(name)
        run(host, "prepared", release=release(name))
        assert run(host, "active", release=release(name))["outcome"] == "activated"
    run(host, "prepared", release=release("r3"))
    engine.run("r3")
    answering.update(peer_id="12D3KooWOther")
    assert run(host, "active", release=release("r3"), keep_releases=2)["failure"]["code"] == "wrong-peer-id"
    assert sorted(os.listdir(host.releases)) == ["r1", "r2", "r3"]


def test_an_image_goes_with_its_last_release(host: Paths, engine: FakeEngine) -> None:
    first, *newer = of_two_images()
    for item in (first, *newer):
        become(host, engine, item)
        assert run(host, "confirmed", release=item, keep_releases=2)["outcome"] == "confirmed"
    assert list(engine.images) == [newer[0]["image"]]


def test_an_image_that_could_not_be_removed_is_removed_by_the_next_run(host: Paths, engine: FakeEngine) -> None:
    """Only its release's directory says which it is, so that goes last."""
    first, *newer = of_two_images()
    for item in (first, *newer):
        become(host, engine, item)
        engine.keeps_images = item is newer[-1]
        done = run(host, "confirmed", release=item, keep_releases=2)
    assert (done["outcome"], done["failure"]["code"]) == ("failed", "engine-failed")
    engine.keeps_images = False
    done = run(host, "confirmed", release=newer[-1], keep_releases=2)
    assert done["changes"] == ["prune %s" % host.release("r1")]
    assert list(engine.images) == [newer[0]["image"]]
    assert sorted(os.listdir(host.releases)) == ["r2", "r3"]


def of_two_images() -> list[dict[str, Any]]:
    """Three releases, the first of an image of its own."""
    other = IMAGE.replace("0123", "3210")
    new = release("r2", image=other)
    new["files"]["release.json"] = new["files"]["release.json"].replace(IMAGE, other)
    return [release("r1"), new, {**new, "id": "r3"}]


def become(host: Paths, engine: FakeEngine, item: dict[str, Any]) -> None:
    engine.run(item["id"])
    run(host, "prepared", release=item)
    assert run(host, "active", release=item)["outcome"] == "activated"


def test_a_release_is_good_only_when_it_was_confirmed(host: Paths, engine: FakeEngine) -> None:
    engine.run("r1")
    active = run(host, "active")
    assert active["observation"]["release"]["good"] is None
    predicted, done = run(host, "confirmed", check=True), run(host, "confirmed")
    assert (done["outcome"], done["changes"]) == ("confirmed", ["good " + host.good])
    assert done["diff"] == predicted["diff"]
    assert done["observation"]["release"]["good"] == "r1"
    assert done["observation"]["release"]["good_p2p_port"] == 4001
    assert run(host, "confirmed")["changed"] is False
    # Another release in its place, active and not confirmed: the good one is where a rollback goes.
    run(host, "prepared", release=release("r2"))
    engine.run("r2")
    assert run(host, "active", release=release("r2"))["observation"]["release"]["good"] == "r1"


def test_confirming_brings_the_bootstrap_list_up_to_date(host: Paths, engine: FakeEngine) -> None:
    """While a release spreads, a host's list holds the ports of then."""
    engine.run("r1")
    then = {"revision": "then", "multiaddrs": [PEERS["multiaddrs"][0].replace("4001", "4000")]}
    run(host, "active", peers=then)
    predicted, done = run(host, "confirmed", check=True), run(host, "confirmed")
    assert done["diff"] == predicted["diff"]
    assert done["changes"] == ["peers " + host.peers, "config " + host.config("alpha"), "good " + host.good]
    assert done["observation"]["peers"]["revision"] == PEERS["revision"]
    assert PEERS["multiaddrs"][0] in Path(host.config("alpha")).read_text(encoding="utf-8")
    assert run(host, "confirmed")["changed"] is False


def test_what_does_not_run_is_not_called_good(host: Paths, engine: FakeEngine) -> None:
    engine.run("r1")
    run(host, "active")
    engine.run("r0")
    refused = run(host, "confirmed")
    assert (refused["outcome"], refused["failure"]["code"]) == ("failed", "not-confirmed")
    assert "The host runs release r0, not r1" in refused["failure"]["what"]
    assert not os.path.lexists(host.good)


def test_a_release_that_an_earlier_version_called_good_by_its_date_is_good(host: Paths, engine: FakeEngine) -> None:
    engine.run("r1")
    run(host, "active")
    os.utime(host.release("r1"))
    assert run(host, "prepared")["observation"]["release"]["good"] == "r1"


def test_what_runs_is_asked_at_its_own_port(
    host: Paths, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, answering: dict[str, Any]
) -> None:
    engine.run("r1")
    monkeypatch.setattr(observing, "read_api", lambda port: {**answering, "error": "asked at %d" % port})
    assert run(host, "prepared", release=release("r2", api_port=8001))["observation"]["api"]["error"] == "asked at 8000"
    assert run(host, "prepared", release=release("r2", api_port=8001))["observation"]["api"]["port"] == 8000
    assert run(host, "prepared", release=release("r2", p2p_port=4002))["observation"]["p2p_port"] == 4001


def test_absent_takes_everything_and_a_second_time_nothing(host: Paths, engine: FakeEngine, docker: Path) -> None:
    engine.run("r1")
    run(host, "active")
    predicted = run(host, "absent", check=True)
    assert os.path.exists(host.root)
    done = run(host, "absent")
    assert (done["outcome"], done["changes"]) == ("removed", predicted["changes"])
    assert not os.path.exists(host.root)
    assert not os.path.exists(host.run)
    engine.container = None
    assert run(host, "absent")["outcome"] == "unchanged"


@pytest.mark.parametrize("more", [{"state": "absent"}, {"state": "restored", "previous": None}])
def test_a_network_without_containers_is_taken_down_too(
    host: Paths, engine: FakeEngine, docker: Path, more: dict[str, Any]
) -> None:
    """Compose removes the containers first, and may fail at their network."""
    engine.networks = [network("praxis")]
    (docker / "fail").write_text("error while removing network")
    assert run(host, **more)["failure"]["code"] == "compose-failed"
    assert os.path.exists(host.root)
    (docker / "fail").unlink()
    predicted, done = run(host, **more, check=True), run(host, **more)
    assert done["changes"] == predicted["changes"]
    assert done["changes"][0] == "down network"
    assert (docker / "calls").read_text().count("down --remove-orphans") == 2
    engine.networks = []
    assert run(host, **more)["outcome"] == "unchanged"


@pytest.mark.parametrize("other", [network("web"), network("praxis", "somebody's")])
def test_a_network_that_compose_would_leave_is_nothing_to_take_down(
    host: Paths, engine: FakeEngine, docker: Path, other: dict[str, Any]
) -> None:
    """Another project's, and one that somebody has put a container into."""
    engine.networks = [other]
    assert run(host, "absent")["changes"][0].startswith("remove ")
    assert run(host, "absent")["outcome"] == "unchanged"


def test_absent_refuses_when_it_cannot_see_the_containers(host: Paths, engine: FakeEngine) -> None:
    os.unlink(host.engine_socket)
    result = run(host, "absent")
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "engine-down")
    assert os.path.exists(host.root)


def test_a_disk_that_is_full_is_an_outcome(paths: Paths, engine: FakeEngine, docker: Path, monkeypatch) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = run(paths, "prepared")
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "disk-full")
    assert not os.path.exists(paths.release("r1"))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("seed", "short"),
        ("seed", base64.b64encode(bytes(31)).decode()),
        ("release", release("../r1")),
        ("release", release("r1", name="a/b")),
        ("release", release("r1", image="praxis:latest")),
        ("release", release("r1", files={"compose.yaml": ""})),
        ("release", release("r1", files={**release("r1")["files"], "release.json": "[]"})),
        ("release", release("r1", files={**release("r1")["files"], "release.json": '{"name": "../a"}'})),
        ("previous", "../../etc"),
        ("secrets", {"A B": "value"}),
    ],
)
def test_a_wrong_option_is_refused(paths: Paths, option: str, value: Any) -> None:
    with pytest.raises(Failed):
        run(paths, "prepared", **{option: value})


def test_the_observation_of_a_bare_host_is_good(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    seen = observing.take(paths, 8000, 4001, [], 1.0)
    assert sorted(seen) == [
        "api", "balancers", "container", "deployment", "dials", "edges", "engine", "host", "p2p_port", "peers",
        "release", "services", "switch",
    ]  # fmt: skip
    assert seen["switch"] == {"armed": None, "rolled_back": None}
    assert seen["deployment"] is None
    assert seen["engine"] == {"version": None, "compose": None, "daemon": None, "running": False, "pending": False}
    assert seen["container"] is None
    assert seen["release"] == {"current": None, "running": None, "good": None, "good_p2p_port": None, "kept": []}
    assert seen["host"]["memory_free_mb"] > 0
    assert json.loads(json.dumps(seen)) == seen


def test_logs_are_observed_only_when_something_is_wrong(host: Paths, engine: FakeEngine) -> None:
    engine.log = framed("\x1b[32mcolour\x1b[0m\n")
    engine.run("r1")
    assert observing.take(host)["container"]["logs"] == []
    engine.run("r1", "exited", State={"ExitCode": 137, "OOMKilled": True})
    found = observing.take(host)["container"]
    assert (found["exit_code"], found["oom_killed"], found["release"]) == (137, True, "r1")
    assert found["logs"] == ["colour"]


def test_a_lock_that_cannot_be_made_is_an_outcome(host: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(deploy, "locked", full)
    result = run(host, "active")
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "disk-full")


def test_the_docker_role_s_failure_is_among_the_reasons(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    result = run(paths, "prepared", engine_made=True, engine_failure="Unit docker.service is masked.")
    assert result["outcome"] == "needs-docker"
    assert result["reasons"][-1] == "the docker role failed: Unit docker.service is masked."


def test_a_release_without_space_is_refused_and_nothing_is_written(
    paths: Paths, engine: FakeEngine, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = release("r1")
    manifest = json.loads(wanted["files"]["release.json"])
    wanted["files"]["release.json"] = json.dumps({**manifest, "limits": {"memory": "9000g"}})
    result = run(paths, "prepared", release=wanted)
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "machine-too-small")
    assert "%d MiB" % (9000 * 1024) in result["failure"]["what"]
    engine.neighbours = [{"Id": "n1", "Names": ["/web"], "Labels": {}, "Ports": [{"PublicPort": 8000}]}]
    result = run(paths, "prepared")
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "port-taken")
    assert "Port 8000 of the machine is used by the container web." in result["failure"]["what"]
    assert not os.path.exists(paths.root)
    engine.neighbours = []
    monkeypatch.setattr(ports, "listening", lambda _proc="/proc": {4001: "77"})
    assert run(paths, "prepared")["failure"]["where"] == "port 4001"
    # The running agent is no stranger on its own ports, and has no others.
    engine.run("r1")
    assert run(paths, "prepared")["outcome"] == "prepared"
    monkeypatch.setattr(ports, "listening", lambda _proc="/proc": {4001: "77", 8500: "78"})
    moved = run(paths, "prepared", release={**release("r2"), "api_port": 8500})
    assert (moved["failure"]["code"], moved["failure"]["where"]) == ("port-taken", "port 8500")


LOCKED_OUT = [
    (["name=seccomp,profile=builtin", "name=userns"], {}, "0", "userns-remap"),
    (["name=rootless", "name=cgroupns"], {}, "0", "rootless"),
    (["name=seccomp,profile=builtin", "name=selinux"], {}, "1", "SELinux"),
    # The next start of the engine would do it.
    ([], {"userns-remap": "default"}, "0", "userns-remap"),
    ([], {"selinux-enabled": True}, "1", "SELinux"),
]
LET_IN = [
    ([], {}, "1"),
    (["name=selinux"], {}, "0"),
    (["name=selinux"], {}, ""),
    ([], {"userns-remap": ""}, "0"),
    (["name=apparmor", "name=seccomp,profile=userns"], {"selinux-enabled": False}, "1"),
]


@pytest.mark.parametrize(
    ("daemon", "running", "made", "failure"),
    [
        ({"live-restore": False, "mtu": 1400}, True, False, "engine-restart"),
        ({"live-restore": True, "mtu": 1400}, True, False, None),
        ({"mtu": 1400}, True, False, None),
        ({"live-restore": False, "mtu": 1400}, False, False, None),
        ({"live-restore": False, "mtu": 1400}, True, True, None),
        ({}, True, False, None),
    ],
)
def test_an_engine_whose_agent_would_stop_with_it_is_not_restarted_with_all_others(
    host: Paths, engine: FakeEngine, daemon: dict[str, Any], running: bool, made: bool, failure: str | None
) -> None:
    """Machines are given what their engines lack before any is drained."""
    if running:
        engine.run("r1")
    found = run(host, "prepared", release=release("r2"), engine={"daemon": daemon}, engine_made=made)
    assert (found["failure"] or {}).get("code") == failure
    assert (found["outcome"] == "needs-docker") is bool(daemon and failure is None)


def constrained(paths: Paths, daemon: dict[str, Any], enforce: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the host a daemon.json, and SELinux in this state; without a text there is none."""
    Path(paths.daemon_json).write_text(json.dumps(daemon))
    state = Path(paths.daemon_json).with_name("enforce")
    if enforce:
        state.write_text(enforce)
    monkeypatch.setattr(mounts, "ENFORCE", str(state))


@pytest.mark.parametrize(("security", "daemon", "enforce", "words"), LOCKED_OUT)
@pytest.mark.parametrize("check", [False, True])
def test_an_engine_that_would_lock_the_agent_out_is_refused_and_nothing_is_written(
    paths: Paths, engine: FakeEngine, docker: Path, monkeypatch: pytest.MonkeyPatch, security: list[str],
    daemon: dict[str, Any], enforce: str, words: str, check: bool,
) -> None:  # fmt: skip
    engine.security = security
    constrained(paths, daemon, enforce, monkeypatch)
    result = run(paths, "prepared", check=check)
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "mounts-unreadable")
    assert words in result["failure"]["what"]
    assert result["failure"]["fix"]
    assert not os.path.exists(paths.root)
    assert {method for method, _path, _query, _headers in engine.requests} == {"GET"}


@pytest.mark.parametrize(("security", "daemon", "enforce"), LET_IN)
def test_an_engine_that_lets_the_agent_read_is_taken(
    paths: Paths, engine: FakeEngine, docker: Path, monkeypatch: pytest.MonkeyPatch, security: list[str],
    daemon: dict[str, Any], enforce: str,
) -> None:  # fmt: skip
    engine.security = security
    constrained(paths, daemon, enforce, monkeypatch)
    assert run(paths, "prepared")["outcome"] == "prepared"


@pytest.mark.parametrize(("root", "code"), [("/var/snap/docker/common/var-lib-docker", "mounts-unreadable"),
                                            ("/data/var/snap/docker", None), ("/var/lib/docker", None)])
def test_an_engine_that_is_a_snap_sees_nothing_of_the_agent_s_files(
    host: Paths, engine: FakeEngine, root: str, code: str | None
) -> None:
    engine.info["DockerRootDir"] = root
    found = run(host, "prepared")
    assert (found["failure"] or {}).get("code") == code
    assert code is None or "snap" in found["failure"]["what"] and "snap remove docker" in found["failure"]["fix"]


def test_an_engine_that_the_docker_role_would_turn_against_the_agent_is_refused_before(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No engine runs yet, and what it is to be like is known."""
    monkeypatch.setenv("PATH", "/nowhere")
    constrained(paths, {}, "1", monkeypatch)
    result = run(paths, "prepared", engine={"daemon": {"selinux-enabled": True}})
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "mounts-unreadable")


def with_socket(release_id: str) -> dict[str, Any]:
    """A release that has the Docker socket mounted."""
    found = release(release_id)
    manifest = json.loads(found["files"]["release.json"])
    found["files"]["release.json"] = json.dumps({**manifest, "docker_socket": True})
    return found


@pytest.mark.slow
def test_an_agent_with_the_docker_socket_is_started_with_the_socket_s_group(
    host: Paths, engine: FakeEngine, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = with_socket("r1")
    group = str(os.stat(host.engine_socket).st_gid)
    assert run(host, "prepared", release=wanted)["outcome"] == "prepared"
    assert not os.path.exists(host.socket_group)  # it is no part of what is prepared, and of no release
    predicted = run(host, "active", check=True, release=wanted)
    done = run(host, "active", release=wanted)
    assert done["changes"] == predicted["changes"]
    assert f"socket-group {host.socket_group}" in done["changes"]
    file = json.loads(Path(host.socket_group).read_text())
    assert file == {"services": {"agent": {"group_add": [group]}}}
    engine.run("r1", Health={"Status": "healthy"})
    again = run(host, "active", release=wanted)
    assert (again["changed"], again["activation"]) == (False, "none")
    # Docker was installed anew: the container has the former group.
    monkeypatch.setattr(socket_group, "of_socket", lambda _paths: "4711")
    moved = run(host, "active", check=True, release=wanted)
    assert (moved["activation"], moved["activation_reason"]) == ("switch", "the Docker socket belongs to another group")
    run(host, "active", release=wanted)
    assert json.loads(Path(host.socket_group).read_text())["services"]["agent"]["group_add"] == ["4711"]
    assert run(host, "absent")["outcome"] == "removed"
    assert not os.path.exists(host.socket_group)


@pytest.mark.parametrize(("mode", "refused"), [(0o600, True), (0o640, True), (0o660, False), (0o666, False)])
def test_a_docker_socket_that_lets_nobody_of_its_group_in_is_refused(
    paths: Paths, engine: FakeEngine, docker: Path, mode: int, refused: bool
) -> None:
    os.chmod(paths.engine_socket, mode)
    assert run(paths, "prepared", release=release("r1"))["failure"] is None
    result = run(paths, "prepared", release=with_socket("r2"))
    assert (result["failure"] or {}).get("code") == ("docker-socket-shut" if refused else None)
    assert not refused or "%04o" % mode in result["failure"]["what"]


@pytest.mark.slow
@pytest.mark.parametrize("group", [0, 998])
def test_the_socket_s_group_may_be_root_s(
    host: Paths, engine: FakeEngine, docker: Path, monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    monkeypatch.setattr(socket_group, "of_socket", lambda _paths: str(group))
    wanted = with_socket("r1")
    run(host, "prepared", release=wanted)
    run(host, "active", release=wanted)
    assert json.loads(Path(host.socket_group).read_text())["services"]["agent"]["group_add"] == [str(group)]


@pytest.mark.slow
def test_an_agent_without_the_docker_socket_gets_no_group(host: Paths) -> None:
    run(host, "active")
    assert not os.path.exists(host.socket_group)


def test_the_socket_s_group_is_predicted_before_there_is_an_engine(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    predicted = run(paths, "active", check=True, release=with_socket("r1"))
    assert f"socket-group {paths.socket_group}" in predicted["changes"]
    assert "group (known after apply)" in json.dumps(predicted["diff"])


def test_an_agent_that_was_killed_for_memory_and_started_again_is_reported(host: Paths, engine: FakeEngine) -> None:
    engine.run("r1", RestartCount=1)
    assert observing.take(host)["container"]["oom_killed"] is False
    engine.events = b'{"status": "oom", "id": "c0ffee"}\n'
    assert observing.take(host)["container"]["oom_killed"] is True
    (asked,) = [query for _method, path, query, _headers in engine.requests[-9:] if path == "/events"][-1:]
    assert json.loads(asked["filters"]) == {"container": ["c0ffee"], "event": ["oom"]}
    assert float(asked["until"]) - float(asked["since"]) == observing.OOM_SECONDS
    engine.run("r1")  # one that never restarted is not asked about
    before = len(engine.requests)
    observing.take(host)
    assert "/events" not in [path for _method, path, _query, _headers in engine.requests[before:]]


SIZES = {
    "512m": 512, "2g": 2048, "1.5g": 1536, "1073741824": 1024, "1GiB": 1024, "512 MB": 512, "2048kib": 2, "1T": 1048576,
    "": None, "much": None, "1g ": None, "g": None, "1.g": None, "1  g": None, "-1": None, "1ib": None, "1e3": None,
}  # fmt: skip


@pytest.mark.parametrize("limit", SIZES)
def test_plan_and_host_know_one_rule_of_sizes(limit: str) -> None:
    """What the plan takes for a limit and the host does not, the host would not hold against its memory."""
    assert capacity.memory_mb(limit) == SIZES[limit]
    try:
        planned = read_limits({"memory": limit}, "m1").memory
    except Failed:
        planned = None
    assert planned == (None if SIZES[limit] is None or SIZES[limit] < 6 else limit)


@pytest.mark.parametrize(
    ("body", "peer_id"),
    [(b'{"peer_id": "12D3"}', "12D3"), (b'{"peer_id": ""}', None), (b"[]", None), (b"nonsense", None), (b"{}", None)],
)
def test_the_peer_id_is_read_from_info(body: bytes, peer_id: str | None) -> None:
    assert agent_api.peer_id_of(body) == peer_id
