# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of a fleet's machines: what is said of a login, and of whom it is not known."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.machine_table import lines

MACHINES = [
    {"name": "alpha-aws-1", "slot": "aws-1", "instance_id": "i-1", "zone": "eu-west-1a", "private_ip": "10.0.0.1",
     "public_ip": "203.0.113.1"},
    {"name": "alpha-aws-22", "slot": "aws-22", "instance_id": "i-2", "zone": "eu-west-1b", "private_ip": "10.0.0.2",
     "public_ip": ""},
]  # fmt: skip


def test_the_columns_are_as_wide_as_what_is_in_them() -> None:
    assert lines(MACHINES, ["alpha-aws-1", "alpha-aws-22"]) == [
        "MACHINE       SLOT    INSTANCE  ZONE        PRIVATE   PUBLIC       LOGIN",
        "alpha-aws-1   aws-1   i-1       eu-west-1a  10.0.0.1  203.0.113.1  ok",
        "alpha-aws-22  aws-22  i-2       eu-west-1b  10.0.0.2  -            ok",
    ]


@pytest.mark.parametrize(
    ("answered", "silent", "unlisted", "words"),
    [
        (["alpha-aws-1", "alpha-aws-22"], ["alpha-aws-22"], [], ["ok", "no"]),
        (["alpha-aws-1"], [], ["alpha-aws-22"], ["ok", "unlisted"]),
        (["alpha-aws-1"], [], [], ["ok", "-"]),
        ([], [], [], ["-", "-"]),
    ],
)
def test_a_machine_that_nobody_tried_to_log_in_to_is_not_called_ok(
    answered: list[str], silent: list[str], unlisted: list[str], words: list[str]
) -> None:
    """As in check mode, or outside of --limit."""
    assert [line.split()[-1] for line in lines(MACHINES, answered, silent, unlisted)[1:]] == words


def test_no_machines_are_the_headings_alone() -> None:
    (heading,) = lines([])
    assert heading.split()[0] == "MACHINE"


def test_what_a_cloud_says_steers_no_terminal() -> None:
    assert "\x1b" not in "".join(lines([{**MACHINES[0], "zone": "\x1b[2J"}]))
