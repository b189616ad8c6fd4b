# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How registries ask for a login: their headers, of several makes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.challenge import (
    Challenge,
    best_challenge,
    read_challenges,
)

HUB = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull"'


@pytest.mark.parametrize(
    ("headers", "scheme", "parameters"),
    [
        ([HUB], "bearer", {"realm": "https://auth.docker.io/token", "service": "registry.docker.io",
                           "scope": "repository:a/b:pull"}),
        (['Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull"'], "bearer",
         {"realm": "https://ghcr.io/token", "service": "ghcr.io", "scope": "repository:user/image:pull"}),
        (['Bearer realm="https://gitlab.example.com/jwt/auth",service="container_registry",'
          'scope="repository:g/p:pull",error="invalid_token"'], "bearer",
         {"realm": "https://gitlab.example.com/jwt/auth", "service": "container_registry",
          "scope": "repository:g/p:pull", "error": "invalid_token"}),
        (['Bearer realm="https://harbor.example.com/service/token",service="harbor-registry"'], "bearer",
         {"realm": "https://harbor.example.com/service/token", "service": "harbor-registry"}),
        (['Basic realm="Registry Realm"'], "basic", {"realm": "Registry Realm"}),
        (["Basic"], "basic", {}),
        (["BASIC realm=plain"], "basic", {"realm": "plain"}),
        (["bearer realm=https://x.example/t, service=a b"], "bearer", {"realm": "https://x.example/t", "service": "a"}),
        (['Bearer realm="https://x.example/t" , Service = "a,b"'], "bearer",
         {"realm": "https://x.example/t", "service": "a,b"}),
        (['Basic realm="a \\"quoted\\" one"'], "basic", {"realm": 'a "quoted" one'}),
        # Several ways at once, in one header or in several: a token is preferred, and none has another's realm.
        (['Bearer realm="https://x.example/t",service="s", Basic realm="here"'], "bearer",
         {"realm": "https://x.example/t", "service": "s"}),
        (['Basic realm="here"', 'Bearer realm="https://x.example/t"'], "bearer", {"realm": "https://x.example/t"}),
        (['Negotiate', 'Basic realm="here"'], "basic", {"realm": "here"}),
    ],
)  # fmt: skip
def test_headers(headers: list[str], scheme: str, parameters: dict[str, str]) -> None:
    assert best_challenge(headers) == Challenge(scheme, parameters)


@pytest.mark.parametrize("headers", [[], [""], ["Negotiate abc=="], ['Digest realm="x"'], ['realm="x"'], [",,,"]])
def test_nothing_that_is_known(headers: list[str]) -> None:
    assert best_challenge(headers) is None


@given(st.lists(st.text()))
def test_any_text_is_read(headers: list[str]) -> None:
    for challenge in read_challenges(headers):
        assert challenge.scheme == challenge.scheme.lower()
