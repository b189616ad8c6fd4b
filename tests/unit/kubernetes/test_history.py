# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deployments that a cluster keeps: how many, what of them, and which runs are none."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import deployments
from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.made import IMAGE
from tests.unit.kubernetes.verbs import BAD, PULL, STATEFUL, codes, image, of, run

FIRST, SECOND, THIRD = (IMAGE.replace("5" * 64, digit * 64) for digit in "123")


def past(api: FakeApi) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run(api, "history")["deployments"]
    return found


def releases(api: FakeApi) -> list[str]:
    """The ConfigMaps of the releases that are there."""
    return [path for path in api.objects if "/configmaps/agent-" in path and not path.endswith("-peers")]


@pytest.mark.slow
def test_the_same_again_is_nothing_to_do_when_more_were_deployed_than_are_kept(api: FakeApi) -> None:
    for each in (FIRST, SECOND, THIRD):
        assert run(api, "deployed", keep=2, kinds=of(each))["ok"]
    kept = past(api)
    assert [row["number"] for row in kept] == [3, 2] and len(releases(api)) == 2
    result = run(api, "deployed", keep=2, kinds=of(THIRD))
    assert (result["changed"], result["changes"], api.written) == (False, [], []) and past(api) == kept
    assert run(api, "rolled_back", keep=2, kinds=of(THIRD))["ok"] and image(api) == SECOND


@pytest.mark.slow
def test_of_one_that_is_kept_nothing_of_the_one_before_stays(api: FakeApi) -> None:
    for each in (FIRST, SECOND):
        run(api, "deployed", keep=1, kinds=of(each))
    assert len(past(api)) == len(releases(api)) == 1
    assert run(api, "deployed", keep=1, kinds=of(SECOND))["changed"] is False


@pytest.mark.slow
def test_a_repair_of_the_newest_deployment_is_no_deployment_of_its_own(api: FakeApi) -> None:
    for each in (FIRST, SECOND):
        run(api, "deployed", keep=2, kinds=of(each))
    kept = past(api)
    api.objects[STATEFUL]["spec"]["template"]["spec"]["containers"][0]["image"] = FIRST
    result = run(api, "deployed", keep=2, kinds=of(SECOND))
    assert result["ok"] and result["changed"] and image(api) == SECOND and past(api) == kept
    assert run(api, "rolled_back", keep=2, kinds=of(SECOND))["ok"] and image(api) == FIRST


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage",
    [
        {"binaryData": {"objects.json.gz": "AAAA"}},
        {"binaryData": None},
        {"data": {"deployment.json": "{"}},
        {"data": {"deployment.json": '{"run": "x"}'}},
    ],
)
def test_a_record_that_cannot_be_read_ends_nothing(api: FakeApi, damage: dict[str, Any]) -> None:
    """Somebody has restored it, or copied its labels: it is none, and a removal takes it all the same."""
    for each in (FIRST, SECOND, THIRD):
        run(api, "deployed", kinds=of(each))
    (record,) = [path for path, item in api.objects.items() if '"number": 2' in item.get("data", {}).get(
        "deployment.json", "")]  # fmt: skip
    api.objects[record].update(damage)
    for state in ("status", "history"):
        result = run(api, state, kinds=of(THIRD))
        assert result["ok"] and codes(result)[0] == "record-unreadable"
        assert record.rpartition("/")[2] in result["findings"][0]["what"]
    with pytest.raises(Failed, match="record-unreadable|cannot be read"):
        run(api, "rolled_back", kinds=of(THIRD))  # to the one before, which may be that one
    assert api.written == [] and image(api) == THIRD
    first = run(api, "history")["deployments"][-1]["run"]
    assert run(api, "rolled_back", kinds=of(THIRD), to=first)["ok"] and image(api) == FIRST
    run(api, "absent")
    assert record not in api.objects


def test_a_deployment_whose_record_would_not_fit_is_refused_before_anything_is_written(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found out at its end, it would be in all pods by then, never good, and nothing to go back to."""
    monkeypatch.setattr(deployments, "LARGEST_CONFIG", 64 * 1024 + 1000)
    for state in ("plan", "deployed"):
        with pytest.raises(Failed) as refused:
            run(api, state)
        assert [item.code for item in refused.value.findings] == ["record-too-large"] and api.written == []


@pytest.mark.parametrize(("size", "fits"), [(0.85, True), (1.0, False)])
def test_what_fits_into_a_record_fits_into_a_config_map(size: float, fits: bool) -> None:
    """Compressed, and without the objects' own size: peer ids are random, and everything around them is not."""
    noise = base64.b85encode(random.Random(1).randbytes(int(size * 1024 * 1024))).decode()
    objects = [{"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"noise": noise, "same": "a" * 3_000_000}}]
    assert (deployments.check_size(objects, "demo") == []) is fits
    past = deployments.Past("run", 1, "ann", "deployment", 0.0, "good", "id", {}, objects)
    record = deployments.written(past, "demo", "praxis")
    held = sum(map(len, record["data"].values())) + sum(map(len, map(base64.b64decode, record["binaryData"].values())))
    assert (held <= 1024 * 1024) is fits


@pytest.mark.slow
def test_a_bad_deployment_takes_nothing_from_the_history(api: FakeApi) -> None:
    for each in (FIRST, SECOND):
        run(api, "deployed", keep=2, kinds=of(each))
    there, kept = releases(api), past(api)
    api.bad_images[BAD] = PULL
    result = run(api, "deployed", keep=2, kinds=of(BAD))
    assert codes(result)[-1] == "rolled-back" and releases(api) == there and past(api)[1:] == kept
    assert run(api, "deployed", keep=2, kinds=of(SECOND))["changed"] is False


@pytest.mark.slow
def test_fewer_that_are_kept_are_forgotten_at_the_next_run_and_then_there_is_nothing_to_do(api: FakeApi) -> None:
    for each in (FIRST, SECOND, THIRD):
        run(api, "deployed", kinds=of(each))
    assert len(releases(api)) == 3
    assert run(api, "deployed", keep=2, kinds=of(THIRD))["ok"]
    assert [row["number"] for row in past(api)] == [3, 2] and len(releases(api)) == 2
    assert run(api, "deployed", keep=2, kinds=of(THIRD))["changed"] is False


@pytest.mark.slow
def test_another_secret_that_exists_is_another_deployment(api: FakeApi) -> None:
    for name in ("one", "two"):
        run(api, "deployed", kinds=of(IMAGE, kubernetes=existing(name)))
    assert [row["number"] for row in past(api)] == [2, 1]


def existing(name: str) -> dict[str, Any]:
    """The settings with the agent's secrets in a Secret that is there."""
    settings: dict[str, Any] = of(IMAGE)["agent"]["praxis_kubernetes"]
    return {**settings, "secrets": {"existing": name}}
