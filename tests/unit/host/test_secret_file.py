# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets survive a shell byte for byte, and nothing prints them."""

from __future__ import annotations

import base64
import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.host import secret_file
from tests import tiers

AWKWARD = "it's \"quoted\" $HOME `id` \\ {{ jinja }} !bang\nsecond line\n\n\ttab é 'end'"
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


def sourced(text: str, name: str) -> bytes:
    script = text + 'printf %%s "$%s"' % name
    return subprocess.run(["sh"], input=script.encode(), capture_output=True, check=True, timeout=10).stdout


@pytest.mark.parametrize("value", ["plain", "", "'", "''", "\n", "'\n", "\\'", AWKWARD, "$(touch /tmp/never)"])
def test_a_shell_reads_back_the_very_bytes(value: str) -> None:
    assert sourced(secret_file.render({"NAME": value}), "NAME") == value.encode()


@given(st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True), VALUES, max_size=4))
def test_what_was_written_is_read_back(secrets: dict[str, str]) -> None:
    assert secret_file.parse(secret_file.render(secrets)) == secrets


@given(VALUES)
@tiers.examples(25)
def test_any_value_survives_a_real_shell(value: str) -> None:
    assert sourced(secret_file.render({"NAME": value}), "NAME") == value.encode()


@pytest.mark.parametrize("name", ["1ABC", "A-B", "A B", "", "A;id", "A\n", "É"])
def test_a_name_that_no_shell_takes_is_refused(name: str) -> None:
    with pytest.raises(Failed) as caught:
        secret_file.render({name: "value"})
    assert caught.value.findings[0].code == "secret-name"


def test_a_nul_is_refused_and_every_fault_is_named_but_no_value() -> None:
    with pytest.raises(Failed) as caught:
        secret_file.render({"A": "secret\0value", "1B": "othersecret"})
    assert [item.code for item in caught.value.findings] == ["secret-name", "secret-nul"]
    assert "secret\0" not in str(caught.value)
    assert "othersecret" not in str(caught.value)


@pytest.mark.parametrize(
    "shown",
    [
        AWKWARD,
        json.dumps({"key": AWKWARD}),
        repr(AWKWARD),
        base64.b64encode(AWKWARD.encode()).decode(),
        "only its second line",
    ],
)
def test_masking_finds_every_form(shown: str) -> None:
    masked = secret_file.mask("before %s after" % shown, [AWKWARD])
    assert "second line" not in masked
    assert "quoted" not in masked
    assert secret_file.MASK in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


def test_short_values_are_not_masked_and_longer_ones_go_first() -> None:
    assert secret_file.mask("exit code 1, abcd abcdefgh", ["1", "abcd", "abcdefgh"]) == (
        "exit code 1, ******** ********"
    )


def test_what_a_json_secret_holds_is_masked_by_itself_too() -> None:
    endpoints = [{"url": "http://files:3002", "headers": {"Authorization": "Bearer planted-token", "N": 7}, "ok": None}]
    said = 'dialling with {"Authorization": "Bearer planted-token"}; token planted-token; Authorization of [7]'
    masked = secret_file.mask(said, [json.dumps(endpoints)])
    assert "planted" not in masked and "Authorization of [7]" in masked
    assert secret_file.mask("a [broken", ["[broken {json"]) == "a [broken"
