# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What provision.yml has to read of a fleet on Google Cloud, by google-auth and requests alone, a call at a time:
``describe_google.py FLEET REGION``."""

from __future__ import annotations

import sys

import google.auth
from google.auth.transport.requests import AuthorizedSession

COMPUTE = "https://compute.googleapis.com/compute/v1/projects"
IAM = "https://iam.googleapis.com/v1/projects"
FIREWALL = ("p2p", "p2p-from", "p2p-from-v6", "api", "api-v6", "ssh", "ssh-v6")
GLOBAL = ("networks", "addresses", "healthChecks", "securityPolicies", "backendServices", "urlMaps",
          "targetHttpProxies", "forwardingRules")  # fmt: skip


def main(fleet: str, region: str) -> int:
    """Read the fleet's resources, and return how many calls that took."""
    credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    session, name, here = AuthorizedSession(credentials), f"praxis-{fleet}", f"{COMPUTE}/{project}"
    zones = [f"{region}-{letter}" for letter in "ab"]
    urls = [
        f"{here}/zones",
        *(f"{here}/global/{collection}/{name}" for collection in GLOBAL),
        *(f"{here}/global/firewalls/{name}-{rule}" for rule in FIREWALL),
        f"{here}/regions/{region}/subnetworks/{name}",
        *(f"{here}/zones/{zone}/instanceGroups/{name}" for zone in zones),
        f"{here}/aggregated/instances?filter=labels.praxis_fleet%3D{fleet}",
        f"{COMPUTE}/debian-cloud/global/images/family/debian-13",
        f"{IAM}/{project}/serviceAccounts/{name}@{project}.iam.gserviceaccount.com",
    ]
    for url in urls:
        answer = session.get(url, timeout=30)
        if answer.status_code not in (200, 404):  # some rules are there only where addresses of their kind are named
            answer.raise_for_status()
    return len(urls)


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
