# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules say about themselves."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Predicts what it would change, and changes nothing, when run in check mode.
  diff_mode:
    description: Shows what it changed, or in check mode would change, when run in diff mode.
  idempotent:
    description: Run again with the same options, it changes nothing.
"""

    # For modules that only observe.
    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Predicts what it would change, and changes nothing, when run in check mode.
    support: full
    details:
      - This module only observes, in check mode as ever.
  diff_mode:
    description: Shows what it changed, or in check mode would change, when run in diff mode.
    support: N/A
    details:
      - This module only observes.
  idempotent:
    description: Run again with the same options, it changes nothing.
    support: full
    details:
      - This module only observes.
"""

    # For members of the action group praxis.cloud.aws.
    ACTIONGROUP_AWS = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/praxis.cloud.aws) in C(module_defaults) to set the options shared by these modules.
    support: full
    membership:
      - praxis.cloud.aws
"""

    # For members of the action group praxis.cloud.gcp.
    ACTIONGROUP_GCP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/praxis.cloud.gcp) in C(module_defaults) to set the options shared by these modules.
    support: full
    membership:
      - praxis.cloud.gcp
"""

    # For members of both action groups.
    ACTIONGROUP_BOTH = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/praxis.cloud.aws) and C(group/praxis.cloud.gcp) in C(module_defaults) to set the options shared by
        these modules.
    support: full
    membership:
      - praxis.cloud.aws
      - praxis.cloud.gcp
"""
