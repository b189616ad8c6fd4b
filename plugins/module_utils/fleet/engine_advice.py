# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a machine could not be given a Docker Engine, by what helps: what apt or dnf and the docker role said. Pure."""

from __future__ import annotations

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import step_failure

#: Of what apt said, so much is quoted.
LONGEST = 900

#: pattern, code, what, fix. The first that matches is taken.
REASONS = (
    (
        r"No space left on device|enough free space",
        "disk-full",
        "The machine's disk has no space for the packages.",
        "Free some space (df -h shows which disk is full) and deploy again.",
    ),
    (
        r"The engine did not start with its new settings",
        "engine-settings-refused",
        "The machine's Docker Engine does not start with its new settings.",
        "Correct praxis_docker_daemon, or /etc/docker/daemon.json on the machine, as the engine's message says, and "
        "deploy again.",
    ),
    (
        r"NO_PUBKEY|is not signed|not valid yet|Release file .* expired|invalid signature"
        r"|[Cc]ertificate verification failed|Clearsigned file isn't valid|Hash Sum mismatch"
        r"|GPG check FAILED|Failed to validate GPG signature|CERTIFICATE_VERIFY_FAILED",
        "packages-untrusted",
        "The machine does not trust the data from its package mirror.",
        "Check the machine's clock (timedatectl), the packages debian-archive-keyring and ca-certificates, and "
        "whether a proxy or a login page answers in place of the mirror.",
    ),
    (
        r"Could not get lock|Unable to acquire the dpkg|Unable to lock|Failed to lock|lock was locked by"
        r"|dpkg was interrupted|Wait for cloud-init to end|lockfile is held",
        "packages-locked",
        "Another program is changing the machine's packages, or was interrupted while it did.",
        "Wait until it ends (unattended-upgrades, cloud-init) and deploy again. After an interruption, on the "
        "machine: dpkg --configure -a.",
    ),
    (
        r"Unable to locate package|No package matching|has no installation candidate|[Uu]nmet dependencies|held broken"
        r"|does not have a Release file|Unable to find a match|No package \S+ available|nothing provides"
        r"|conflicts with",
        "packages-missing",
        "The machine's package sources lack packages that Docker Engine needs.",
        "Check /etc/apt/sources.list.d and sources.list (/etc/yum.repos.d): a mirror must have the component main of "
        "this release, and on Ubuntu universe. docker_source and docker_repository set where the engine comes from.",
    ),
    (
        r"Failed to fetch|Failed to update apt cache|Temporary failure resolving|Could not connect to \S+:\d+ \("
        r"|Proxy Authentication Required|Failed to download metadata|Cannot download|All mirrors were tried"
        r"|Fetch the key of the repository",
        "packages-unreachable",
        "The machine cannot get packages from its mirror.",
        "Run `apt-get update` on the machine and make it work: a route to the mirror (a NAT gateway or public "
        "address, and egress to ports 80 and 443), a proxy (praxis_http_proxy and praxis_https_proxy), or another "
        "mirror in its sources. Or use a machine image that has Docker Engine and Compose already.",
    ),
)


def explain(name: str, reasons: str) -> Finding:
    """The finding of a host without a fitting engine.

    :param reasons: what its engine lacks, and what the role that should fix it said.
    """
    return step_failure.known(REASONS, name, reasons, LONGEST) or Finding(
        code="no-engine",
        what="The machine's Docker is not usable for the agent: "
             "%s." % step_failure.short(reasons, LONGEST).rstrip("."),
        where=name,
        fix="On the machine, see why (systemctl status docker; journalctl -u docker), fix it and deploy again.",
    )
