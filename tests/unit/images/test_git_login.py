# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A login in a git URL: git gets it, and nobody sees it. The server is git's own protocol over plain files."""

from __future__ import annotations

import base64
import functools
import http.server
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils.git_repository import read_repository
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_source import read_source
from tests.unit.images.test_source import git

TOKEN = "a-marked-token+/"
LOGIN = "ci:a-marked-token%2B%2F"


@dataclass
class Server:
    """A repository that only this login reads.

    :param seen: arguments of all processes of the machine while a request lasts.
    """

    address: str = ""
    seen: list[str] = field(default_factory=list)

    def url(self, login: str = LOGIN) -> str:
        return f"http://{login}@{self.address}/tree/.git"


def arguments() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_text(errors="replace"))
        except OSError:
            continue  # it has ended since
    return found


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "Dockerfile").write_text("FROM scratch\n")
    git(tree, "init", "--quiet", "--initial-branch", "main")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "--message", "one")
    git(tree, "update-server-info")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    found = Server()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            found.seen += arguments()
            wanted = base64.b64encode(f"ci:{TOKEN}".encode()).decode()
            if self.headers["Authorization"] == f"Basic {wanted}":
                super().do_GET()
                return
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_said: object) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(tmp_path))) as own:
        found.address = f"127.0.0.1:{own.server_port}"
        threading.Thread(target=own.serve_forever, args=(0.02,), daemon=True).start()
        yield found
        own.shutdown()


def test_a_login_is_seen_by_nobody(server: Server, tmp_path: Path) -> None:
    source = read_source(server.url() + "#main")
    context = Path(source.context(str(tmp_path / "scratch")))
    assert (context / "Dockerfile").read_text() == "FROM scratch\n"
    assert [path.name for path in context.iterdir()] == ["Dockerfile"]
    assert any("remote-http" in words for words in server.seen), "git was not seen at work"
    assert not [words for words in server.seen if "a-marked-token" in words]
    assert "a-marked-token" not in repr(source)
    assert source.given == f"http://{server.address}/tree/.git#main"


def test_settings_of_the_environment_stay(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = [(f"url.http://{server.address}/tree/.insteadOf", f"http://{server.address}/short/"),
                ("credential.helper", "!echo password=another; true")]  # fmt: skip
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
    for number, (name, value) in enumerate(settings):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    assert read_source(server.url().replace("/tree/", "/short/")).commit


@pytest.mark.parametrize("login", ["ci:another-marked", "another-marked", "another-marked:"])
def test_a_refusal_does_not_quote_the_login(server: Server, login: str) -> None:
    with pytest.raises(Failed, match="git says") as refused:
        read_source(server.url(login) + "#main")
    assert "marked" not in str(refused.value.findings)


def test_a_branch_that_is_missing_is_named_without_the_login(server: Server) -> None:
    with pytest.raises(Failed, match="has no branch or tag other") as refused:
        read_source(server.url() + "#other")
    assert "marked" not in str(refused.value.findings)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://git.example.org/x.git", "https://git.example.org/x.git"),
        ("https://a:b@git.example.org:8443/x.git", "https://git.example.org:8443/x.git"),
        ("https://a@[::1]:8443/x.git", "https://[::1]:8443/x.git"),
        ("ssh://git@git.example.org/x.git", "ssh://git@git.example.org/x.git"),
        ("ssh://git:b@git.example.org/x.git", "ssh://git@git.example.org/x.git"),
        ("git@git.example.org:x/y.git", "git@git.example.org:x/y.git"),
        ("file:///srv/a@b.git", "file:///srv/a@b.git"),
    ],
)
def test_an_address_is_shown_without_its_login(given: str, url: str) -> None:
    assert read_repository(given).url == url


@pytest.mark.slow
def test_the_history_of_a_repository_and_of_its_submodules_is_in_no_build(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.file.allow")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "always")
    whole = tmp_path / "whole"
    whole.mkdir()
    git(whole, "init", "--quiet", "--initial-branch", "main")
    git(whole, "submodule", "--quiet", "add", f"file://{tmp_path}/tree", "part")
    git(whole, "commit", "--quiet", "--message", "one")
    context = read_source(f"file://{whole}").context(str(tmp_path / "scratch"))
    found = {os.path.relpath(os.path.join(at, name), context) for at, _, names in os.walk(context) for name in names}
    assert found == {".gitmodules", "part/Dockerfile"}
