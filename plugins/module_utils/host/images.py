# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of the releases on this host, and how they are kept from ``docker image prune``.

An image that is pulled by its digest has no tag. Once no container was made from it, the engine calls it dangling and
prunes it, and a rollback would find it gone. So each has a tag of ours. ``prune --all`` removes it all the same.
"""

from __future__ import annotations

from typing import Collection, Iterable, List, Set

from ansible_collections.praxis.cloud.plugins.module_utils.host import files, parts, services
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

#: Nobody can pull this name or push to it: names in ``.local`` are those of a link, and the tag is a whole digest.
REPOSITORY = "praxis.local/kept"


def images_of(paths: Paths, release_id: str) -> Set[str]:
    """All images that a release on this host names. A name without a digest is nothing that was pulled here."""
    manifest = services.manifest_of(paths, release_id) or {}
    return {image for image in (str(manifest.get("image", "")), *parts.images(manifest)) if _tag(image)}


def of_all(paths: Paths) -> Set[str]:
    """All images that the releases on this host name."""
    return {image for name in files.names(paths.releases) for image in images_of(paths, name)}


def hold(engine: Engine, images: Iterable[str]) -> None:
    """Tag those that the engine has."""
    for image in sorted(images):
        if engine.image(_name(image)) is None and engine.image(image) is not None:
            engine.tag(image, REPOSITORY, _tag(image))


def let_go(engine: Engine, images: Collection[str], kept: Collection[str] = ()) -> None:
    """Take the tags off; the same content may have its tag for another image's name, which is kept."""
    for name in sorted({_name(image) for image in images} - {_name(image) for image in kept}):
        engine.remove_image(name)


def remove(engine: Engine, images: Collection[str], kept: Collection[str]) -> None:
    """Remove images with their tags, but for what is kept or still has a container."""
    gone: List[str] = sorted(set(images).difference(kept))
    let_go(engine, gone, kept)
    for image in gone:
        engine.remove_image(image)


def _name(image: str) -> str:
    return "%s:%s" % (REPOSITORY, _tag(image))


def _tag(image: str) -> str:
    return image.partition("@sha256:")[2]
