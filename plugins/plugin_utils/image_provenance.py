# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes with an image by choice: a list of what is in it (an SBOM, by syft), and a signature (by cosign).

Both are programs of the user's on the controller, and are looked for before anything is built. They get the registry's
login as skopeo does, through a file in memory that has no name.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.oci import is_loopback
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.command import Done, run
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_tools import login_file, said
from ansible_collections.praxis.cloud.plugins.plugin_utils.registries import OwnLogin

Logins = Mapping[str, Optional[OwnLogin]]
SECONDS = 1800.0
SBOM, SIGNATURE = "sbom", "signature"
#: Signatures go to the registry alone: the public log would name a private image to everybody.
_NO_LOG, _WITHOUT_LOG = "--tlog-upload=false", "--insecure-ignore-tlog=true"


@dataclass(frozen=True)
class Provenance:
    """What is asked for.

    :param sbom: the file on the controller that gets the list, as SPDX in JSON; empty: none is made.
    :param key: cosign's private key, a file or the name of one in a KMS; empty: nothing is signed.
    """

    sbom: str = ""
    key: str = ""

    @classmethod
    def given(cls, sbom: str, key: str) -> Provenance:
        """What variables ask for: ``~`` is no program's of these."""
        return cls(os.path.expanduser(sbom), os.path.expanduser(key))

    @property
    def wanted(self) -> List[str]:
        """Both, one, or none."""
        return [name for name, given in ((SBOM, self.sbom), (SIGNATURE, self.key)) if given]

    def require(self) -> None:
        """:raises Failed: ``image-tool-missing`` for each program that is not there, ``image-sbom`` for no place."""
        findings = [
            _missing(program, variable)
            for program, variable, given in (
                ("syft", "praxis_image_sbom", self.sbom),
                ("cosign", "praxis_image_sign", self.key),
            )
            if given and not shutil.which(program)
        ]
        if self.sbom:
            findings += _no_place(os.path.abspath(self.sbom))
        if findings:
            raise Failed(*findings)

    def absent(self, image: str, logins: Logins) -> List[str]:
        """What of it is not there yet. Only reads.

        :param image: by digest.
        """
        with _login(image, logins) as (environment, files, scratch):
            found = [] if not self.sbom or _names(self.sbom, image) else [SBOM]
            if self.key and not self._signed(image, environment, files, scratch):
                found.append(SIGNATURE)
        return found

    def add(self, names: Sequence[str], image: str, logins: Logins) -> None:
        """Make what is absent.

        :raises Failed: ``image-sbom``, ``image-sign``.
        """
        with _login(image, logins) as (environment, files, scratch):
            if SBOM in names:
                self._list(image, environment, files, scratch, logins)
            if SIGNATURE in names:
                words = ["cosign", "sign", "--yes", _NO_LOG, *_plain(image), "--key", self.key, image]
                done = run(words, SECONDS, environment, files)
                if done.code:
                    fix = "Check that the key can be used (COSIGN_PASSWORD, or the KMS), and that the login may push."
                    raise Failed(_failed("image-sign", "cosign", done, image, logins, fix))

    def _list(
        self, image: str, environment: Mapping[str, str], files: Sequence[int], scratch: str, logins: Logins
    ) -> None:
        made = os.path.join(scratch, "sbom.json")
        words = ["syft", "scan", "registry:%s" % image, "--quiet", "--output", "spdx-json=%s" % made]
        done = run(words, SECONDS, environment, files)
        if done.code or not os.path.isfile(made):
            fix = "Run syft with this image by hand: its output says more."
            raise Failed(_failed("image-sbom", "syft", done, image, logins, fix))
        # Nobody sees it half-written.
        beside = self.sbom + ".new"
        shutil.copyfile(made, beside)
        os.replace(beside, self.sbom)

    def _signed(self, image: str, environment: Mapping[str, str], files: Sequence[int], scratch: str) -> bool:
        """Whether the registry has a signature by this key."""
        public = run(["cosign", "public-key", "--key", self.key], SECONDS, environment)
        if public.code:
            fix = "Set praxis_image_sign to a private key: a file (with its COSIGN_PASSWORD), or a key of a KMS."
            raise Failed(_failed("image-sign", "cosign", public, image, {}, fix))
        key = os.path.join(scratch, "cosign.pub")
        with open(key, "w", encoding="utf-8") as written:
            written.write(public.output)
        words = ["cosign", "verify", "--key", key, _WITHOUT_LOG, *_plain(image), image]
        return run(words, SECONDS, environment, files).code == 0


@contextlib.contextmanager
def _login(image: str, logins: Logins) -> Iterator[Tuple[Dict[str, str], List[int], str]]:
    """Environment and files by which a program finds the login, and a directory that ends with it."""
    host = image.partition("/")[0]
    own = logins.get(host)
    with tempfile.TemporaryDirectory(prefix="praxis-image-") as scratch, login_file(logins) as file:
        # The link leads whoever reads it to its own copy of the file in memory.
        os.symlink("/proc/self/fd/%d" % file, os.path.join(scratch, "config.json"))
        environment = {"DOCKER_CONFIG": scratch}
        if own and own.ca:
            environment["SSL_CERT_FILE"] = os.path.abspath(own.ca)
        if is_loopback(host):
            environment["SYFT_REGISTRY_INSECURE_USE_HTTP"] = "true"
        yield environment, [file], scratch


def _plain(image: str) -> List[str]:
    return ["--allow-http-registry"] if is_loopback(image.partition("/")[0]) else []


def _names(file: str, image: str) -> bool:
    """Whether a list is there that is of this image."""
    try:
        with open(file, encoding="utf-8") as read:
            return image.partition("@")[2] in read.read()
    except OSError:
        return False


def _no_place(file: str) -> List[Finding]:
    """Why no list can be written there."""
    folder, fix = os.path.dirname(file), "Create it, or set praxis_image_sbom to another file."
    if os.path.isdir(file):
        inside = "Set praxis_image_sbom to a file in it."
        return [Finding("image-sbom", "The file of the SBOM is a directory.", file, inside)]
    if not os.path.isdir(folder):
        return [Finding("image-sbom", "The directory of the SBOM file does not exist.", folder, fix)]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [Finding("image-sbom", "The directory of the SBOM cannot be written to.", folder, fix)]
    return []


def _missing(program: str, variable: str) -> Finding:
    what = "%s asks for %s, and the controller has no such program." % (variable, program)
    fix = "Install %s on the controller, or remove %s." % (program, variable)
    return Finding("image-tool-missing", what, program, fix)


def _failed(code: str, program: str, done: Done, image: str, logins: Logins, fix: str) -> Finding:
    return Finding(code, "%s says: %s." % (program, said(done, logins)), image, fix)
