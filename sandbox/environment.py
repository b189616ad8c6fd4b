# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell that is a controller of the sandbox: .sandbox/env."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import certifi

from sandbox.client import Client
from sandbox.problem import Problem
from sandbox.site import CHECKOUT, CLOUDS, GOOGLE_REGION, PROJECT, REGION, ROOT_VARIABLE, Site, write

SYSTEM_TRUST = "/etc/ssl/certs/ca-certificates.crt"
#: Of a cloud that is up: what would win over the sandbox's own variables.
FOREIGN = {
    "aws": "AWS_PROFILE AWS_SESSION_TOKEN AWS_SECURITY_TOKEN",
    "gcp": "GCP_PROJECT GCP_ACCESS_TOKEN GCP_SERVICE_ACCOUNT_FILE GCP_AUTH_KIND CLOUDSDK_CORE_PROJECT",
}
#: How the names of a cloud's variables begin, for sed.
PREFIXES = {"aws": "AWS_", "gcp": r"\(GOOGLE\|CLOUDSDK\|GCP\)_"}


def environment(site: Site, clouds: Sequence[str], version: str) -> str:
    """Shell lines that make a terminal one of the sandbox's controllers.

    :param version: the agent image's tag.
    """
    near = f"127.0.0.1,localhost,{site.addresses.network}"
    registry = site.registry_name if "aws" in clouds else site.google_registry_name
    values = {
        **(_aws(site) if "aws" in clouds else {}),
        **(_google(site) if "gcp" in clouds else {}),
        "LC_ALL": "C.UTF-8",  # Ansible wants UTF-8, and a bare machine may have set none
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "ANSIBLE_PRIVATE_KEY_FILE": str(site.home / "ssh" / "id_ed25519"),
        "PRAXIS_IMAGE": f"{registry}/praxis-agent:{version}",
        "NO_PROXY": near,
        "no_proxy": near,
    }
    if len(clouds) > 1:
        # One fleet over both is what such a sandbox is for, and between its networks lies no internet.
        values["PRAXIS_P2P_PLAINTEXT_ACROSS"] = "true"
    if site.root != CHECKOUT:
        values[ROOT_VARIABLE] = str(site.root)
    programs = shlex.quote(str(Path(sys.executable).parent))
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    lines += [f"case \":$PATH:\" in *:{programs}:*) ;; *) export PATH={programs}:\"$PATH\" ;; esac"]
    lines += [f"unset {FOREIGN[cloud]}" if cloud in clouds else _without(cloud) for cloud in CLOUDS]
    return "# A controller's environment for this checkout's sandbox:  . .sandbox/env\n" + "\n".join(lines) + "\n"


def _without(cloud: str) -> str:
    """The shell line by which a cloud that is not up loses all its variables: they name a real account.

    One name is always given, because not every shell's unset takes none.
    """
    names = rf"env | sed -n 's/^\({PREFIXES[cloud]}[A-Za-z0-9_]*\)=.*/\1/p'"
    return f"unset {FOREIGN[cloud].split()[0]} $({names})"


def _aws(site: Site) -> dict[str, str]:
    keys = Client(site).credentials()
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{site.addresses.api_port}",
        "AWS_ACCESS_KEY_ID": keys["access_key"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_key"],
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PRAXIS_VPC_CIDR": site.addresses.network,
    }


def _google(site: Site) -> dict[str, str]:
    proxy, trust = f"http://127.0.0.1:{site.addresses.google_port}", str(site.home / "gcp" / "trust.pem")
    return {
        "GOOGLE_APPLICATION_CREDENTIALS": str(site.home / "gcp" / "controller.json"),
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "CLOUDSDK_COMPUTE_REGION": GOOGLE_REGION,
        # A shell of the sandbox speaks to the sandbox's Google, and by mistake to no other.
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "REQUESTS_CA_BUNDLE": trust,
        "SSL_CERT_FILE": trust,
        "NO_GCE_CHECK": "true",
        "PRAXIS_GCP_CIDR": str(site.addresses.google_cidr),
    }


def write_trust(site: Site) -> None:
    """The authorities that this machine trusts, and the sandbox's own, in .sandbox/gcp/trust.pem."""
    ours = site.home / "gcp" / "trust.pem"
    known = [Path(name) for name in (os.environ.get("SSL_CERT_FILE"), SYSTEM_TRUST, certifi.where()) if name]
    found = next((path for path in known if path.exists() and path != ours), None)
    if found is None:
        raise Problem("no file with this machine's authorities was found", ", ".join(map(str, known)),
                      "apt-get install ca-certificates")
    write(ours, found.read_text().rstrip("\n") + "\n" + (site.home / "tls" / "ca.crt").read_text())
