# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``praxis_registries``: what may stand there, whose login it becomes, and who sees it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.registries import choose, read_registries, unused
from tests.unit.cloud.wire import Answer, Request, serving
from tests.unit.google.registry import ARTIFACT
from tests.unit.plan.made import IMAGE, OPENAI, REPOSITORY, Account, fleet, only, planner, reported

SERVER = "registry.example.com"
PASSWORD = "planted-registry-password-5b1e"
LOGIN = {"username": "robot", "password": PASSWORD}
DIGEST = "sha256:" + "0123456789abcdef" * 4
ECR = REPOSITORY.partition("/")[0]

pytestmark = pytest.mark.usefixtures("_no_proxy")


@pytest.fixture
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


def read(*entries: Any) -> tuple[list[str], list[Finding]]:
    findings: list[Finding] = []
    return list(read_registries(entries, findings)), findings


class TestEntries:
    @pytest.mark.parametrize(
        ("server", "meant"),
        [
            ("registry.example.com", "registry.example.com"),
            ("Registry.Example.Com", "registry.example.com"),
            ("registry.example.com:5000", "registry.example.com:5000"),
            ("registry.example.com:443", "registry.example.com"),
            ("10.0.0.2", "10.0.0.2"),
            ("[2001:db8::1]:5000", "[2001:db8::1]:5000"),
            ("docker.io", "docker.io"),
            ("index.docker.io", "docker.io"),
            ("registry-1.docker.io", "docker.io"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("ghcr.io", "ghcr.io"),
        ],
    )
    def test_servers(self, server: str, meant: str) -> None:
        assert read({"server": server, **LOGIN}) == ([meant], [])

    @pytest.mark.parametrize(
        ("entry", "where", "what"),
        [
            ("registry.example.com", "praxis_registries, entry 1", "The entry is not a mapping."),
            ({**LOGIN}, "praxis_registries, entry 1", "The entry has no server."),
            ({"server": 5000, **LOGIN}, "praxis_registries, entry 1", "The entry's server 5000 is not a host."),
            ({"server": "https://x.example", **LOGIN}, "praxis_registries, entry 1",
             "The entry's server 'https://x.exa"),
            ({"server": "x.example/team", **LOGIN}, "praxis_registries, entry 1",
             "The entry's server 'x.example/team' is not"),
            ({"server": "x.example:99999", **LOGIN}, "praxis_registries, entry 1", "The entry's server 'x.example:999"),
            ({"server": SERVER, "user": "a", **LOGIN}, "praxis_registries, entry 1", "It has an unknown key 'user'."),
            ({"server": SERVER}, f"praxis_registries[{SERVER}]", "The entry has no username and no password."),
            ({"server": SERVER, "ca": "x", "username": "a"}, f"praxis_registries[{SERVER}]",
             "The entry has no password."),
            ({"server": SERVER, "ca": ["x"], **LOGIN}, "praxis_registries, entry 1", "ca is not text."),
            ({"server": SERVER, **LOGIN, "password": ""}, f"praxis_registries[{SERVER}]", "The entry has no password."),
            ({"server": SERVER, **LOGIN, "username": 7}, f"praxis_registries[{SERVER}].username",
             "The value is not text"),
            ({"server": SERVER, **LOGIN, "password": "${TOKEN}"}, f"praxis_registries[{SERVER}].password",
             "The value is ${"),
            ({"server": SERVER, **LOGIN, "password": "aws-sm://"}, f"praxis_registries[{SERVER}].password", "Expected"),
        ],
    )
    def test_what_is_wrong_with_one(self, entry: Any, where: str, what: str) -> None:
        servers, (finding,) = read(entry)
        assert servers == []
        assert finding.where == where
        assert finding.what.startswith(what)
        assert finding.fix
        assert PASSWORD not in repr(finding)

    @pytest.mark.parametrize(
        ("one", "other"),
        [(SERVER, SERVER), (SERVER, f"{SERVER}:443"), ("docker.io", "index.docker.io"), (SERVER, SERVER.upper())],
    )
    def test_a_server_that_is_named_twice(self, one: str, other: str) -> None:
        _servers, (finding,) = read({"server": one, **LOGIN}, {"server": other, **LOGIN})
        assert (finding.code, finding.where) == ("registry-twice", "praxis_registries, entry 2")

    @pytest.mark.parametrize(
        ("image", "server"),
        [
            ("praxis/agent:1", "docker.io"),
            ("agent", "docker.io"),
            ("index.docker.io/agent", "docker.io"),
            ("registry-1.docker.io/praxis/agent", "docker.io"),
            (f"{SERVER}/agent:1", SERVER),
            (f"{SERVER}:443/agent:1", SERVER),
            (f"{SERVER}:5000/agent:1", f"{SERVER}:5000"),
            (f"{SERVER}:5001/agent:1", None),
            ("other.example.com/agent", None),
            (f"not.{SERVER}/agent", None),
            (f"{SERVER}/No", None),
        ],
    )
    def test_whose_login_an_image_gets(self, image: str, server: str | None) -> None:
        entries = read_registries([{"server": each, **LOGIN} for each in ("docker.io", SERVER, f"{SERVER}:5000")], [])
        chosen = choose(entries, image)
        assert (chosen.server if chosen else None) == server

    def test_a_server_that_no_image_is_in(self) -> None:
        (finding,) = unused([SERVER, "docker.io"], ["praxis/agent:1", "ghcr.io/praxis/agent"])
        assert (finding.code, finding.level) == ("registry-unused", "warning")
        assert finding.where == f"praxis_registries[{SERVER}]"
        assert "Images are in: docker.io, ghcr.io." in finding.fix
        assert unused([SERVER], ["no/Image"]) == []  # which is reported, and may be in any registry

    def test_no_representation_holds_the_password(self) -> None:
        assert PASSWORD not in repr(read_registries([{"server": SERVER, **LOGIN}], []))


def registry(script: str, host: Callable[[], str]) -> Callable[[Request], Answer]:
    """A registry that one user may pull from, by a login of its own or by a token."""
    basic = "Basic " + base64.b64encode(f"robot:{PASSWORD}".encode()).decode()

    def answer(request: Request) -> Answer:
        shown = request.headers.get("Authorization")
        if request.path.startswith("/token"):
            if shown == basic:
                return Answer(body=b'{"token": "for-this-image"}')
            given = base64.b64decode((shown or "").removeprefix("Basic ")).decode()
            return Answer(401, json.dumps({"errors": [{"message": f"{given} is unknown"}]}).encode())
        if shown == (basic if script == "basic" else "Bearer for-this-image"):
            return Answer(headers={"Docker-Content-Digest": DIGEST})
        challenge = 'Basic realm="here"' if script == "basic" else f'Bearer realm="http://{host()}/token",service="here"'
        return Answer(401, headers={"WWW-Authenticate": challenge})

    return answer


@pytest.mark.parametrize("script", ["basic", "token"])
class TestPlan:
    def test_the_login_finds_the_digest_and_goes_to_the_host_alone(self, account: Account, script: str) -> None:
        account.secret("registry", json.dumps({"user": "robot", "password": PASSWORD}))
        with serving(registry(script, lambda: server.host)) as server:
            entry = {"server": server.host, "username": "aws-sm://registry#user",
                     "password": "aws-sm://registry#password"}
            made = planner(fleet(3, image=f"{server.host}/praxis:1.0", registries=[entry]))
            found = made.plan()
        assert {release.image for release in found.releases.values()} == {f"{server.host}/praxis@{DIGEST}"}
        assert {made.host_secrets()[name]["registry"]["password"] for name in found.members} == {PASSWORD}
        assert made.host_secrets()["m1"]["registry"] == {"server": server.host, **LOGIN}
        assert account.cloud.operations == ["BatchGetSecretValue"]  # with everything else, and no login of ECR's
        assert len([asked for asked in server.requests if "manifests" in asked.path]) == 2  # once for all members
        assert made.warnings == []
        shown = repr([found, found.to_plain(), found.describe(), *map(found.host_slice, found.members), made.members])
        assert PASSWORD not in shown

    @pytest.mark.parametrize("given", [None, "wrong-password"])
    def test_a_login_that_is_missing_or_wrong(self, account: Account, script: str, given: str | None) -> None:
        with serving(registry(script, lambda: server.host)) as server:
            entry = {"server": server.host, "username": "robot", "password": given}
            entries = {"registries": [entry]} if given else {}
            made = planner(fleet(3, image=f"{server.host}/praxis:1.0", **entries))
            with pytest.raises(Failed) as caught:
                made.plan()
        finding = only(caught.value)
        assert (finding.code, finding.where) == ("registry-auth", f"{server.host}/praxis")
        assert f"{server.host} in praxis_registries" in finding.fix
        assert ("Correct username or password" in finding.fix) is (given is not None)
        assert "wrong-password" not in str(finding)

    def test_it_wins_over_the_login_that_a_cloud_gives(self, account: Account, script: str) -> None:
        """Of ECR and Google: neither is asked for one."""
        images = {1: f"{ECR}/praxis@{DIGEST}", 2: f"{ARTIFACT}/p/praxis/agent@{DIGEST}"}
        entries = [{"server": server, **LOGIN} for server in (ECR, ARTIFACT)]
        made = planner(fleet(2, {at: {"image": image} for at, image in images.items()}, registries=entries))
        made.plan()
        assert [made.host_secrets()[name]["registry"] for name in ("m1", "m2")] == [
            {"server": ECR, **LOGIN}, {"server": ARTIFACT, **LOGIN},
        ]  # fmt: skip
        assert account.cloud.operations == ["BatchGetSecretValue"]

    def test_two_members_may_log_in_as_different_users(self, account: Account, script: str) -> None:
        with serving(registry(script, lambda: server.host)) as server:
            right, wrong = ({"server": server.host, **LOGIN, **more} for more in ({}, {"password": "no-password"}))
            own = {1: {"registries": [right]}, 2: {"registries": [wrong]}}
            made = planner(fleet(2, own, image=f"{server.host}/praxis:1.0"))
            with pytest.raises(Failed) as caught:
                made.plan()
        assert only(caught.value).code == "registry-auth"


@pytest.mark.parametrize(
    ("value", "code", "where"),
    [
        ({"password": "abc"}, "short-secret", "password"),
        ({"password": f"{PASSWORD}\n"}, "secret-padding", "password"),
        ({"password": f"password: {PASSWORD}"}, "secret-padding", "password"),
        ({"password": "op://vault/registry/password"}, "foreign-reference", "password"),
        ({"password": "aws-sm://binary"}, "secret-binary", "password"),
        ({"username": "robot:x"}, "bad-variable", "username"),
        ({"username": "aws-sm://none"}, "secret-not-found", "username"),
        ({"password": "aws-sm://llm#none"}, "secret-key-not-found", "password"),
    ],
)  # fmt: skip
def test_a_value_that_is_no_login(account: Account, value: dict[str, str], code: str, where: str) -> None:
    """Reported once for all members, by its own name, without the value."""
    account.secret("binary", b"\x00\xff")
    entry = {"server": SERVER, **LOGIN, **value}
    made = planner(fleet(3, image=f"{SERVER}/praxis@{DIGEST}", registries=[entry]))
    with pytest.raises(Failed) as caught:
        made.plan()
    finding = only(caught.value)
    assert finding.code == code
    assert f"praxis_registries[{SERVER}].{where}" in finding.where
    assert PASSWORD not in str(finding)


def test_an_entry_that_no_image_is_in_is_not_fetched(account: Account) -> None:
    entry = {"server": SERVER, "username": "robot", "password": "aws-sm://none"}
    made = planner(fleet(3, registries=[entry]))
    made.plan()
    assert [finding.code for finding in made.warnings] == ["registry-unused"]


def test_everything_that_is_wrong_is_reported_with_the_rest(account: Account) -> None:
    entries = [{"server": SERVER, **LOGIN}, {"server": f"{SERVER}:443", **LOGIN}, {"server": "a b", **LOGIN}]
    with pytest.raises(Failed) as caught:
        planner(fleet(3, image="x/Y", registries=entries)).plan()
    assert sorted(reported(caught.value)) == ["bad-variable", "image-malformed", "registry-twice"]
    assert all("(all 3 members)" in item.where for item in caught.value.findings if item.code != "image-malformed")


@pytest.mark.parametrize("value", ["text", {"server": SERVER}])
def test_it_is_a_list(account: Account, value: Any) -> None:
    with pytest.raises(Failed) as caught:
        planner(fleet(1, registries=value))
    assert only(caught.value).what == "praxis_registries is not a list."


def test_docker_hub_s_login_has_the_name_that_the_engine_knows_it_by(account: Account) -> None:
    for image in (f"praxis/agent@{DIGEST}", f"index.docker.io/praxis/agent@{DIGEST}",
                  f"registry-1.docker.io/praxis/agent@{DIGEST}"):
        made = planner(fleet(1, image=image, registries=[{"server": "docker.io", **LOGIN}]))
        made.plan()
        assert made.host_secrets()["m1"]["registry"]["server"] == "https://index.docker.io/v1/"


def test_an_authority_alone_asks_without_a_login(account: Account) -> None:
    entry = {"server": SERVER, "ca": "/nonexistent/ca.pem"}
    with pytest.raises(Failed) as caught:
        planner(fleet(1, image=f"{SERVER}/praxis:1", registries=[entry])).plan()
    assert only(caught.value).code == "registry-tls"
    assert "/nonexistent/ca.pem" in only(caught.value).what
    made = planner(fleet(1, image=f"{SERVER}/praxis@{DIGEST}", registries=[entry]))
    made.plan()
    assert made.host_secrets()["m1"]["registry"] is None


def test_secrets_of_agents_are_not_mixed_up_with_logins(account: Account) -> None:
    entry = {"server": ECR, "username": "robot", "password": "aws-sm://llm#other"}
    made = planner(fleet(1, image=IMAGE.replace(":1.0", f"@{DIGEST}"), registries=[entry]))
    made.plan()
    assert made.host_secrets()["m1"]["secrets"] == {"OPENAI_API_KEY": OPENAI}
    assert "planted-other-91d2" not in str(made.host_secrets()["m1"]["secrets"])
