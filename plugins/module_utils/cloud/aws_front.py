# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in front of a fleet's API, checked before anything is touched: certificate, exposure, login."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_certificates import made_for, require_usable
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_dns_kinds import remembered
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import mark
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_dns import LONGEST, MANAGED, Names
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import Settings
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_listeners import Hidden, Login
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.dns_names import bad_name, plain_name, record
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
    """The settings with names and login, when all of the front can be as it is wanted.

    :raises Failed: with everything that cannot.
    """
    wanted, how = exposure(options), settings.balancer
    if settings.existing.target_group:
        refuse_existing(wanted, where, options["dns_zone"])
    known = Names(known_record=remembered(client, settings.name), known=made_for(client, mark(settings.fleet)))
    if not settings.makes_balancer:
        return replace(settings, balancer=replace(how, names=known))
    findings = wanted.refused(where)
    names, bad = _names(client, options, known, where)
    findings += bad
    if wanted.tls and options["certificate"] != MANAGED:
        findings += _of_certificate(client, options)
    if findings:
        raise Failed(*findings)
    tls = replace(how.tls, certificate="") if names.validated else how.tls
    if wanted.oidc:
        tls = replace(tls, login=_login(client, wanted.oidc))
    return replace(settings, balancer=replace(how, tls=tls, names=names))


def _names(client: AwsClient, options: Options, known: Names, where: str) -> tuple[Names, list[Finding]]:
    """What the fleet is called, and what stands against it."""
    managed = options["certificate"] == MANAGED
    if not options["dns_zone"]:
        if managed:
            what = "ACM creates the certificate only after a validation record is in the DNS zone of its name."
            fix = (
                "Set provision_dns_zone (praxis_dns_zone) to the Route 53 zone, or provision_certificate "
                "(praxis_certificate) to an existing certificate."
            )
            return known, [Finding("bad-certificate", what, "provision_certificate (praxis_certificate)", fix)]
        return known, []
    zone, domain, findings = public_zone(client, options["dns_zone"], where)
    findings += bad_name(options["dns_zone"], domain, options["dns_name"], where, LONGEST)
    wanted = record(zone, options["dns_name"])
    return replace(known, record=wanted, validated=wanted if managed else ""), findings


def public_zone(client: AwsClient, named: str, where: str) -> tuple[str, str, list[Finding]]:
    """A public zone's id and domain, by its id or its domain; and what stands against it."""
    try:
        if "." in named:
            # Route 53 answers with the zones from this name on: one in other letters stands elsewhere in its order.
            asked = plain_name(named)
            answer = client.call("route53", "list_hosted_zones_by_name", DNSName=asked)["HostedZones"]
            zones = [each for each in answer if plain_name(each["Name"]) == asked]
        else:
            zones = [client.call("route53", "get_hosted_zone", Id=named)["HostedZone"]]
    except NotFound:
        zones = []
    public = [each for each in zones if not each.get("Config", {}).get("PrivateZone")]
    place = f"provision_dns_zone (praxis_dns_zone), {where}"
    if len(public) == 1:
        return str(public[0]["Id"]).rpartition("/")[2], str(public[0]["Name"]).rstrip("."), []
    if public:
        ids = ", ".join(sorted(str(each["Id"]).rpartition("/")[2] for each in public))
        finding = Finding("dns-zone-not-found", f"{len(public)} zones are named {named}.", place, "Set it to one of "
                                                                                                  f"these ids: {ids}.")
    else:
        what = f"The Route 53 zone {named!r} is private: clients on the internet and ACM cannot see it."
        what = what if zones else f"The account has no zone {named!r} in Route 53."
        fix = "Correct it (aws route53 list-hosted-zones), or leave it empty and create the DNS record yourself."
        finding = Finding("dns-zone-not-found", what, place, fix)
    return named, "", [finding]


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
