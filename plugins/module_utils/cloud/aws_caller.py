# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose credentials these are, and in which account."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient


@dataclass(frozen=True)
class Caller:
    """A user, a session of a role, or an account's owner.

    :param account: twelve digits.
    """

    arn: str
    account: str

    @property
    def partition(self) -> str:
        """``aws``, ``aws-cn``, ``aws-us-gov``."""
        return self.arn.split(":")[1]


def caller(client: AwsClient) -> Caller:
    """Who asks. It needs no permission.

    :raises CloudError: nobody could say it: there are no credentials, or they are no good.
    """
    answer = client.call("sts", "get_caller_identity")
    return Caller(str(answer["Arn"]), str(answer["Account"]))
