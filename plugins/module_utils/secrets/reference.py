# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reference: how a user points at a secret, whatever the form that it was written in (``grammar.py``). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import quote

AWS = "aws-sm"
GCP = "gcp-sm"

ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:(?P<region>[a-z0-9-]+):[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]+")


@dataclass(frozen=True)
class Reference:
    """A pointer to a secret, or to one key of it. Absent parts are empty.

    :param store: ``aws-sm`` or ``gcp-sm``.
    :param name: the secret's name, or its ARN in AWS.
    :param key: a key of the secret's JSON object; empty for the whole secret.
    :param version: a version's id; empty for the stage, or else the newest.
    :param stage: an AWS staging label; empty for AWSCURRENT.
    :param project: the Google project.
    :param home: the AWS region in which a bare name is looked up; empty for the client's. No part of the text.
    """

    store: str
    name: str
    key: str = ""
    version: str = ""
    stage: str = ""
    project: str = ""
    home: str = ""

    def __str__(self) -> str:
        name = f"{self.project}/{self.name}" if self.project else self.name
        key = f"#{_quote(self.key)}" if self.key else ""
        asked = (("version", self.version), ("stage", self.stage))
        query = [f"{word}={_quote(value)}" for word, value in asked if value]
        return f"{self.store}://{name}{key}" + (f"?{'&'.join(query)}" if query else "")

    @property
    def region(self) -> str:
        """The AWS region that an ARN names, else the one in which a bare name is looked up, or empty."""
        arn = ARN.fullmatch(self.name)
        return arn["region"] if arn else self.home

    def looked_up_in(self, region: str) -> Reference:
        """The same text as somebody in this AWS region means it."""
        bare = self.store == AWS and not ARN.fullmatch(self.name)
        return replace(self, home=region) if bare else self

    @property
    def pinned(self) -> bool:
        """Whether it names one version, whatever the store serves today."""
        return bool(self.version)

    def at(self, version: str) -> Reference:
        """The same secret, pinned to a version."""
        return replace(self, version=version, stage="")

    def whole(self) -> Reference:
        """The same secret without the key: what a store is asked for."""
        return replace(self, key="")


def _quote(text: str) -> str:
    # Only what the grammar needs: a key in any script stays readable.
    return re.sub(r"[%?#&\x00-\x20\x7f]", lambda found: quote(found[0], safe=""), text)
