# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in front of a fleet's API on Google Cloud, checked before anything is touched: certificate, exposure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_certificates import link_of, require_usable
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import plain
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_resources import Resources, Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import is_marked
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_listeners import Hidden
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.dns_names import (
    bad_name,
    plain_name,
    record,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.exposure import (
    GoogleExposure,
    refuse_existing,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_dns import LONGEST, remembered
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_front import Front
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import fetch_text
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.gcp_sm import GcpSecretManager

Options = Mapping[str, Any]
#: In place of a certificate of the user's, for one that Google makes.
MANAGED = "managed"


def exposure(options: Options) -> GoogleExposure:
    """What the module's options say of it."""
    return GoogleExposure(
        wanted=options["api_exposure"] or "",
        tls=bool(options["certificate"]),
        oidc={key: value for key, value in (options["oidc"] or {}).items() if value},
        accepted=options["open_api_to_world"],
    )


def front_of(client: GcpClient, options: Options, name: str, mark: str, existing: str, where: str) -> Front:
    """How the load balancer answers, when all of it can be as it is wanted.

    :param name: the name of the load balancer.
    :param mark: words by which it is known as made here.
    :param existing: the user's backend service, if there is one.
    :raises Failed: with everything that cannot.
    """
    wanted = exposure(options)
    if existing:
        refuse_existing(wanted, where, options["dns_zone"])
    known = known_front(client, name, mark)
    if existing or not options["balancer"]:
        return known
    rate = (options["access_logs"] or {}).get("sample_rate")
    findings = [*wanted.refused(where), *_bad_rate(rate, where)]
    findings += _bad_record(client, options["dns_zone"], options["dns_name"], where)
    made = options["certificate"] == MANAGED
    certificate = link_of(client, options["certificate"]) if wanted.tls and not made else ""
    if certificate:
        findings += _of_certificate(client, certificate, options["dns_name"])
    if made and not options["dns_name"]:
        what = "Google creates the certificate for a DNS name, and no name is set."
        place = "provision_certificate (praxis_certificate)"
        findings.append(Finding("bad-certificate", what, place, "Set provision_dns_name (praxis_dns_name)."))
    if findings:
        raise Failed(*findings)
    front = replace(
        known,
        certificate=certificate,
        domain=plain_name(options["dns_name"]) if made else "",
        policy=_policy(client, options["tls_policy"]),
        login=bool(wanted.oidc),
        record=record(options["dns_zone"], options["dns_name"]),
        sample_rate=rate,
    )
    return _with_client(client, front, wanted.oidc or {})


def known_front(client: GcpClient, name: str, mark: str) -> Front:
    """What was made for the front so far: the record that the address remembers, and the certificates."""
    path = f"compute/v1/projects/{client.project}/global"

    def seen(collection: str) -> list[dict[str, Any]]:
        if collection == "sslCertificates":
            return list(client.paginate("compute", f"{path}/{collection}"))
        return [dict(Resources(client).find(Wanted("address", name)) or {})]

    (address,), listed = gathered(map_parallel(seen, ("addresses", "sslCertificates")))
    ours = [each["name"] for each in listed if is_marked(each.get("description"), mark)]
    return Front(
        known_record=remembered(address.get("labels") or {}),
        known_certificates=sorted(each for each in ours if each.startswith(f"{name}-")),
    )


def _bad_record(client: GcpClient, zone: str, name: str, where: str) -> list[Finding]:
    if not zone:
        return []
    try:
        found = client.call("dns", "GET", f"dns/v1/projects/{client.project}/managedZones/{zone}")
    except NotFound:
        what = f"The project has no zone {zone!r} in Cloud DNS."
        place = f"provision_dns_zone (praxis_dns_zone), {where}"
        fix = "Correct it (gcloud dns managed-zones list), or leave it empty and create the DNS record yourself."
        return [Finding("dns-zone-not-found", what, place, fix)]
    return bad_name(zone, str(found.get("dnsName", "")), name, where, LONGEST)


def _with_client(client: GcpClient, front: Front, oidc: Mapping[str, Any]) -> Front:
    """:raises Failed: what is no reference, and what the store says."""
    if not oidc.get("client_id"):
        return front
    value, version = fetch_text(oidc["client_secret"], {"gcp-sm": GcpSecretManager(client)})
    return replace(front, client_id=oidc["client_id"], version=version, secret=Hidden(value))


def _bad_rate(rate: float | None, where: str) -> list[Finding]:
    if rate is None or 0 <= rate <= 1:
        return []
    what, place = f"sample_rate is {rate}.", f"provision_access_logs (praxis_access_logs), {where}"
    return [Finding("bad-sample-rate", what, place, "Set sample_rate to a part of the requests, from 0 (none) to 1 "
                                                    "(all).")]


def _of_certificate(client: GcpClient, link: str, host: str) -> list[Finding]:
    try:
        require_usable(client, link, host)
    except Failed as failed:
        return list(failed.findings)
    return []


def _policy(client: GcpClient, named: str) -> str:
    """The link of an SSL policy, by its name or any form of its link."""
    return plain(named if "/" in named else f"global/sslPolicies/{named}", client.project) if named else ""
