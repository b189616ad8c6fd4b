# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's deprecation warnings are errors: in a run's output, and in the tests' own process."""

from __future__ import annotations

import re
from typing import Any

from ansible.utils.display import Display

#: What amazon.aws's iam_role says on every call. We do not read the value that goes, and do not set the options that
#: go: to set them would fail once they are gone. The instance profile has a task of its own, as the warnings advise.
NOT_OURS = (
    # The clouds' own inventory plugins, of amazon.aws and google.cloud, which some tests use beside ours.
    "Passing `disable_lookups` to `template` is deprecated.",
    "In a release after 2026-05-01 iam_role.assume_role_policy_document_raw will no longer be returned.",
    "In a release after 2026-05-01 the 'create_instance_profile' option will be removed.",
    "In a release after 2026-05-01 the 'delete_instance_profile' option will be removed.",
)


def refuse_in(printed: str) -> None:
    """Fail when Ansible printed a deprecation warning that concerns us."""
    found = re.findall(r"^\[DEPRECATION WARNING\]: (.*)", printed, re.MULTILINE)
    assert not (ours := [line for line in found if not line.startswith(NOT_OURS)]), "\n".join(ours)


def refuse_here() -> None:
    """From now on a deprecation warning in this process is an error where it is given."""

    def deprecated(_display: Display, msg: str, *_more: Any, **_by_name: Any) -> None:
        raise AssertionError(f"[DEPRECATION WARNING] {msg}")

    Display.deprecated = deprecated
