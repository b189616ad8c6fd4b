# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apt says when an engine cannot be installed, and what is advised."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import engine_advice

ROLE = "docker is missing; the docker role failed: Install: "
SAID = [
    ("Failed to update apt cache after 5 retries: . apt-get update says: Err:1 http://deb.debian.org/debian bookworm "
     "InRelease Temporary failure resolving 'deb.debian.org'", "packages-unreachable", "NAT"),
    ("Failed to update apt cache after 5 retries: ", "packages-unreachable", "praxis_http_proxy"),
    ("E: Failed to fetch http://deb.debian.org/x.deb Could not connect to deb.debian.org:80 (10.0.0.1), connection "
     "timed out", "packages-unreachable", "mirror"),
    ("W: GPG error: http://mirror InRelease: The following signatures couldn't be verified: NO_PUBKEY 0E98404D386FA1D9 "
     "W: Failed to fetch http://mirror", "packages-untrusted", "clock"),
    ("E: Release file for http://mirror/InRelease is not valid yet (invalid for another 3h)", "packages-untrusted",
     "timedatectl"),
    ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)",
     "packages-locked", "unattended-upgrades"),
    ("Hold the packages: non-zero return code dpkg: error: dpkg frontend lock was locked by another process with pid 9",
     "packages-locked", "unattended-upgrades"),
    ("Wait for cloud-init to end: non-zero return code", "packages-locked", "cloud-init"),
    ("No package matching 'docker-compose' is available", "packages-missing", "sources.list"),
    ("Err:1 http://deb.debian.org/debian trixie InRelease 407 Proxy Authentication Required", "packages-unreachable",
     "praxis_http_proxy"),
    ("E: The repository 'http://mirror trixie Release' does not have a Release file.", "packages-missing",
     "sources.list"),
    ("Err:1 https://mirror Certificate verification failed: The certificate is NOT trusted.", "packages-untrusted",
     "ca-certificates"),
    ("E: Failed to fetch http://mirror Clearsigned file isn't valid, got 'NOSPLIT' (does the network require "
     "authentication?)", "packages-untrusted", "in place of the mirror"),
    ("E: Failed to fetch http://mirror/x.deb Hash Sum mismatch", "packages-untrusted", "in place of the mirror"),
    ("E: You don't have enough free space in /var/cache/apt/archives/.", "disk-full", "df -h"),
    ("E: Failed to fetch http://mirror/x.deb write (28: No space left on device)", "disk-full", "df -h"),
    ("E: Unmet dependencies. Try 'apt --fix-broken install'", "packages-missing", "sources.list"),
    ("E: Could not open lock file /var/lib/dpkg/lock-frontend - open (30: Read-only file system)", "no-engine",
     "journalctl"),
    ("Failed to download metadata for repo 'praxis-docker': Cannot download repomd.xml", "packages-unreachable",
     "praxis_https_proxy"),
    ("Fetch the key of the repository: Request failed: <urlopen error timed out>", "packages-unreachable", "NAT"),
    ("Depsolve Error occurred: package containerd.io conflicts with runc", "packages-missing", "docker_source"),
    ("No package docker available.", "packages-missing", "yum.repos.d"),
    ("GPG check FAILED", "packages-untrusted", "clock"),
    ("Refuse the settings: The engine did not start with its new settings. It says: failed to start daemon: "
     "unknown log opt 'max-size' for journald log driver. The engine has its old settings again, and runs.",
     "engine-settings-refused", "praxis_docker_daemon"),
    ("Unable to start service docker: Job failed.", "no-engine", "journalctl -u docker"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "code", "advice"), SAID)
def test_advice_is_about_what_apt_said(said: str, code: str, advice: str) -> None:
    found = engine_advice.explain("m1", ROLE + said)
    assert (found.code, found.where) == (code, "m1")
    assert said.strip().rstrip(".") in found.what
    assert advice in found.fix


def test_of_a_long_story_the_end_is_reported() -> None:
    found = engine_advice.explain("m1", "word " * 1000 + "E: Failed to fetch http://mirror")
    assert found.what.endswith("http://mirror") and len(found.what) < 1100
