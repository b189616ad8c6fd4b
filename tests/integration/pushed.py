# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images made by hand and pushed over the registry's own protocol: no engine has to be able to build them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import urllib.request

REPOSITORY = "praxis-agent"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def push(registry: str, architecture: str, size: int) -> str:
    """Push an image of one layer that holds ``size`` bytes which no compression makes smaller.

    :param registry: the address that takes pushes without a login.
    :return: the image's digest.
    """
    content = os.urandom(size)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("ballast")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    layer, plain = gzip.compress(packed.getvalue(), mtime=0), _digest(packed.getvalue())
    described = {"architecture": architecture, "os": "linux", "config": {},
                 "rootfs": {"type": "layers", "diff_ids": [plain]}}
    config = json.dumps(described).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", **_blob(registry, config)},
        "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", **_blob(registry, layer)}],
    }).encode()
    digest = _digest(manifest)
    _ask("PUT", f"http://{registry}/v2/{REPOSITORY}/manifests/{digest}", manifest, MANIFEST)
    return digest


def _blob(registry: str, content: bytes) -> dict[str, object]:
    place = _ask("POST", f"http://{registry}/v2/{REPOSITORY}/blobs/uploads/", b"", "application/octet-stream")
    digest = _digest(content)
    _ask("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}", content, "application/octet-stream")
    return {"digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _ask(method: str, url: str, body: bytes, kind: str) -> str:
    """The answer's ``Location``. A refusal raises."""
    request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": kind})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return str(answer.headers.get("Location") or "")
