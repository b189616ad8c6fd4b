# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in front of a fleet's API, checked before anything is touched: certificate, exposure, login."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_certificates import require_usable
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import Settings
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_listeners import Hidden, Login
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.exposure import (
    ENDPOINTS,
    Exposure,
    refuse_existing,
)
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.aws_sm import AwsSecretsManager
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import fetch_text

Options = Mapping[str, Any]


def exposure(options: Options) -> Exposure:
    """What the module's options say of it."""
    return Exposure(
        wanted=options["api_exposure"] or "",
        scheme=options["balancer_scheme"],
        tls=bool(options["certificate"]),
        oidc={key: value for key, value in (options["oidc"] or {}).items() if value},
        accepted=options["open_api_to_world"],
    )


def with_front(client: AwsClient, options: Options, settings: Settings, where: str) -> Settings:
    """The settings with the login, when all of the front can be as it is wanted.

    :raises Failed: with everything that cannot.
    """
    wanted = exposure(options)
    if settings.existing.target_group:
        refuse_existing(wanted, where)
    if not settings.makes_balancer:
        return settings
    findings = wanted.refused(where)
    if wanted.tls:
        findings += _of_certificate(client, options)
    if findings:
        raise Failed(*findings)
    if not wanted.oidc:
        return settings
    tls = replace(settings.balancer.tls, login=_login(client, wanted.oidc))
    return replace(settings, balancer=replace(settings.balancer, tls=tls))


def _of_certificate(client: AwsClient, options: Options) -> list[Finding]:
    try:
        require_usable(client, options["certificate"], options["dns_name"])
    except Failed as failed:
        return list(failed.findings)
    return []


def _login(client: AwsClient, oidc: Mapping[str, Any]) -> Login:
    """:raises Failed: what is no reference, and what the store says."""
    value, version = fetch_text(oidc["client_secret"], {"aws-sm": AwsSecretsManager(client)})
    endpoints = {name: str(oidc[name]) for name in ENDPOINTS}
    return Login(endpoints, str(oidc["client_id"]), version, Hidden(value))
