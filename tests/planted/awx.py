# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults of what is set up in AWX: surveys, and the playbook that applies the data."""

from __future__ import annotations

from tests.planted.fault import Fault

SURVEY, PLAYBOOK = "plugins/module_utils/awx/survey.py", "playbooks/awx.yml"
FAULTS = (
    Fault(
        name="secret-question-is-a-text",
        breaks="A survey shows the answer of a question for a secret.",
        file=SURVEY,
        before='return "password"',
        after='return "text"',
        tests=("tests/unit/awx/test_survey.py",),
    ),
    Fault(
        name="required-answer-may-be-empty",
        breaks="A survey takes an empty text for the answer of a required question.",
        file=SURVEY,
        before='"min": int(required)',
        after='"min": 0',
        tests=("tests/unit/awx/test_survey.py",),
    ),
    Fault(
        name="secret-has-a-default",
        breaks="A survey's question for a secret has a default, which no second run can compare.",
        file=SURVEY,
        before='    if kind == "password":',
        after='    if kind == "secret":',
        tests=("tests/unit/awx/test_survey.py",),
    ),
    Fault(
        name="webhook-is-printed",
        breaks="The address of a webhook, to which anybody may write who knows it, is in the output of a verbose run.",
        file=PLAYBOOK,
        before="      no_log: true # the addresses of such services let anybody write there\n",
        after="",
        tests=("tests/unit/awx/test_apply.py", "-k", "everything or workflow"),
        tier="test",
    ),
    Fault(
        name="approval-is-not-linked",
        breaks="Nothing follows the approval in the workflow.",
        file=PLAYBOOK,
        before='        success_nodes: "{{ item.success }}"',
        after="        success_nodes: []",
        tests=("tests/unit/awx/test_apply.py", "-k", "everything or workflow"),
        tier="test",
    ),
)
