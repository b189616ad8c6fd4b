# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One image brought into a registry under a tag: what is there, what is to be done, and the doing of it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import registry
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_repository_kind import REPOSITORIES, repository
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_registry import PUSH_SCOPE
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_repository_kind import (
    GOOGLE_REPOSITORIES,
    google_repository,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.oci import resolve_digest_http
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import Change
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Secret, fetch_each
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.stores import stores_of
from ansible_collections.praxis.cloud.plugins.plugin_utils.command import require
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_provenance import Provenance
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_source import Source
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_tools import Recipe, build, copy
from ansible_collections.praxis.cloud.plugins.plugin_utils.images import cloud_login
from ansible_collections.praxis.cloud.plugins.plugin_utils.registries import (
    OwnLogin,
    RegistryEntry,
    choose,
    own_login,
)

WORDS = {
    **{name: kind.words for name, kind in REPOSITORIES.items()},
    **{name: kind.words for name, kind in GOOGLE_REPOSITORIES.items()},
}
#: What a registry says of an image that it does not have.
_ABSENT = ("image-tag-not-found", "image-digest-not-found", "image-repository-not-found")


class Registries:
    """The registries of some images: their logins, and what digest a tag has there."""

    def __init__(self, aws: AwsClient, gcp: GcpClient, entries: Mapping[str, RegistryEntry]) -> None:
        self._aws, self._gcp, self._entries = aws, gcp, entries
        self.logins: Dict[str, Optional[OwnLogin]] = {}

    def log_in(self, images: Iterable[registry.Image]) -> None:
        """Get the login of each image's registry.

        :raises Failed: with everything that stands in the way.
        """
        findings: List[Finding] = []
        for image in images:
            if image.host in self.logins:
                continue
            try:
                self.logins[image.host] = self._login(image, findings)
            except Failed as error:
                findings += error.findings
        if findings:
            raise Failed(*findings)

    def _login(self, image: registry.Image, findings: List[Finding]) -> Optional[OwnLogin]:
        entry = choose(self._entries, str(image))
        if not entry:
            found = cloud_login(self._aws, self._gcp, image.host, PUSH_SCOPE)
            return OwnLogin(found) if found else None
        entry = entry.looked_up_in(self._aws.region)
        wanted = [source for source in entry.sources().values() if isinstance(source, Reference)]
        got = fetch_each(wanted, stores_of(self._aws, self._gcp))
        findings += [outcome for outcome in got.values() if isinstance(outcome, Finding)]
        values = {reference: outcome for reference, outcome in got.items() if isinstance(outcome, Secret)}
        return own_login(entry, str(image), values, findings)

    def digest(self, image: registry.Image) -> str:
        """The digest that its registry has for the image's tag; empty when it has none.

        :raises Failed: the registry cannot be asked.
        """
        own = self.logins[image.host]
        try:
            if self._ecr(image):
                return registry.resolve_digest_ecr(self._aws, image)
            return resolve_digest_http(image, own.credentials if own else None, (own.ca or None) if own else None)
        except Failed as error:
            if error.findings[0].code in _ABSENT:
                return ""
            raise

    def _ecr(self, image: registry.Image) -> Optional[Tuple[str, str]]:
        """Account and region of an image in ECR that is reached with AWS's credentials."""
        return None if choose(self._entries, str(image)) else registry.aws_registry_of(image.host)

    def repository(self, image: registry.Image, kept: int) -> Optional[Tuple[Engine[Any], List[Change]]]:
        """The repository of an image in its cloud, and what is to be done about it; None where there is nothing of ours
        to keep.

        A repository of the user's own is used as it is. Other registries have none to be made, or are not asked.
        """
        engine = self._engine(image, kept)
        if engine is None:
            return None
        try:
            return engine, engine.observe()
        except Failed as error:
            if error.findings[0].code == "not-managed":
                return None
            raise

    def _engine(self, image: registry.Image, kept: int) -> Optional[Engine[Any]]:
        where = "registry %s" % image.host
        found = self._ecr(image)
        if found:
            ours = repository(image.repository, kept)
            return Engine(self._aws.in_region(found[1]), [ours], REPOSITORIES, [ours.kind], where)
        google = None if choose(self._entries, str(image)) else google_repository(image.host, image.repository, kept)
        if google:
            return Engine(self._gcp, [google], GOOGLE_REPOSITORIES, [google.kind], where)
        return None


@dataclass
class Publication:
    """An image that is to be in a registry under a tag.

    :param target: with that tag.
    :param source: what it is built from; None for a copy.
    :param origin: the image that is copied, by digest; None for a build.
    :param kept: images without a tag that a repository made here keeps.
    :param move: whether the tag may be taken from another image.
    :param provenance: what goes with it.
    """

    registries: Registries
    target: registry.Image
    source: Optional[Source] = None
    recipe: Recipe = field(default_factory=Recipe)
    origin: Optional[registry.Image] = None
    kept: int = 0
    move: bool = False
    provenance: Provenance = field(default_factory=Provenance)

    def run(self, check_mode: bool) -> Dict[str, Any]:
        """Plan; and unless in check mode, carry out.

        :raises Failed: what stands in the way, before anything is built.
        """
        self.provenance.require()
        kept = self.registries.repository(self.target, self.kept)
        changes = kept[1] if kept else []
        there = self.registries.digest(self.target)
        built = self._built()
        self._refuse_taken(there, built)
        result: Dict[str, Any] = {
            "tag": self.target.tag,
            "repository": [each.row(WORDS).as_dict() for each in changes],
            "built": self.source is not None and not built,
            "changed": bool(changes) or not there or there != built,
        }
        if there != built or not there:
            require([*([] if built else ["docker"]), "skopeo"])
        if not check_mode and result["changed"]:
            if kept:
                kept[0].apply(changes)
            built = self._bring(built, there)
        added = self._add_provenance(built, check_mode)
        return {
            **result,
            "changed": result["changed"] or bool(added),
            "added": added,
            # Empty for what is still to be built, though its tag may be another image until then.
            "digest": built,
            "image": self.target.by_digest(built) if built else "",
            "diff": {"before": _line(self.target, there), "after": _line(self.target, built or "(known after apply)")},
        }

    def _add_provenance(self, digest: str, check_mode: bool) -> List[str]:
        """What was added to the image, or would be: all of it to one that is still to be built."""
        wanted = self.provenance.wanted
        if not wanted or not digest:
            return wanted
        image, logins = self.target.by_digest(digest), self.registries.logins
        absent = self.provenance.absent(image, logins)
        if absent and not check_mode:
            self.provenance.add(absent, image, logins)
        return absent

    def _content(self, source: Source) -> registry.Image:
        """The image by the tag that stands for its content."""
        return replace(self.target, tag=source.tag(self.recipe.as_dict()))

    def _built(self) -> str:
        """The digest of what the tag should be, as far as it exists; empty for what is still to be built."""
        if self.source:
            return self.registries.digest(self._content(self.source))
        return self.origin.digest if self.origin else ""

    def _bring(self, built: str, there: str) -> str:
        with tempfile.TemporaryDirectory(prefix="praxis-image-") as scratch:
            logins, origin = self.registries.logins, self.origin or self.target
            if self.source and not built:
                content = self._content(self.source)
                archive = build(self.source.context(scratch), self.recipe, content, scratch)
                built = copy(archive, content, logins, scratch)
            return built if there == built else copy(origin.by_digest(built), self.target, logins, scratch)

    def _refuse_taken(self, there: str, built: str) -> None:
        if there and there != built and not self.move:
            what = "The tag %s already belongs to another image (%s)." % (self.target.tag, there)
            fix = "Use another tag. Where the registry lets tags move: praxis_image_move=true (the module's move)."
            raise Failed(Finding("image-tag-taken", what, self.target.name, fix))


def _line(target: registry.Image, digest: str) -> str:
    return "%s:%s is %s\n" % (target.name, target.tag, digest) if digest else ""
