# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_image. Documentation: plugins/modules/fleet_image.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import Image, parse_image
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_secrets import clients
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import plain
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_provenance import Provenance
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_publication import Publication, Registries
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_secrets import doubts
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_source import read_source
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_tools import Recipe
from ansible_collections.praxis.cloud.plugins.plugin_utils.registries import read_registries

_TEXT: Dict[str, Any] = {"type": "str", "default": ""}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Builds or copies an image, on the controller."""

    TRANSFERS_FILES = False
    argument_spec: Dict[str, Any] = {
        "name": {"type": "str", "required": True},
        "source": _TEXT,
        "copy_from": _TEXT,
        "file": _TEXT,
        "stage": _TEXT,
        "build_arguments": {"type": "dict", "default": {}},
        "platforms": {"type": "list", "elements": "str", "default": []},
        "move": {"type": "bool", "default": False},
        "sbom": _TEXT,
        "sign": _TEXT,
        "keep_untagged": {"type": "int", "default": 20},
        "registries": {"type": "list", "elements": "raw", "default": []},
        "region": _TEXT,
        "project": _TEXT,
    }

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        result: Dict[str, Any] = super().run(tmp, task_vars or {})
        _valid, args = self.validate_argument_spec(argument_spec=self.argument_spec)
        try:
            publication = _publication(args)
            source, arguments = publication.source, publication.recipe.arguments
            told = doubts(source, publication.recipe.file, arguments) if source else []
            done = publication.run(self._task.check_mode)
            return {**result, **done, "warnings": [str(each) for each in told]}
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}


def _publication(args: Mapping[str, Any]) -> Publication:
    """What the options ask for.

    :raises Failed: with everything that is wrong in them.
    """
    target = _target(args["name"])
    if bool(args["source"]) == bool(args["copy_from"]):
        what = "praxis_image_source and praxis_image_from are both set, or neither is."
        fix = "Set praxis_image_source (make image SOURCE=) to build, or praxis_image_from (make image FROM=) to copy."
        raise Failed(Finding("image-source", what, args["name"], fix))
    findings: List[Finding] = []
    entries = read_registries(plain(args["registries"]), findings)
    if findings:
        raise Failed(*findings)
    registries = Registries(*clients(args["region"], args["project"], Playbook()), entries)
    wanted = {
        "registries": registries, "target": target, "kept": args["keep_untagged"], "move": args["move"],
        "provenance": Provenance.given(args["sbom"], args["sign"]),
    }  # fmt: skip
    if args["copy_from"]:
        origin = parse_image(args["copy_from"])
        registries.log_in([origin, target])
        return Publication(**wanted, origin=_found(registries, origin))
    source = read_source(args["source"])
    registries.log_in([target])
    recipe = Recipe(
        args["file"], args["stage"], {str(name): str(value) for name, value in args["build_arguments"].items()},
        args["platforms"],
    )  # fmt: skip
    return Publication(**wanted, source=source, recipe=recipe)


def _target(name: str) -> Image:
    """:raises Failed: ``image-malformed``; a digest follows from the content and is not chosen."""
    target = parse_image(name)
    if target.digest:
        fix = "Set praxis_image to HOST/REPOSITORY:TAG; the digest is the result."
        raise Failed(Finding("image-malformed", "praxis_image has a digest, and the image does not exist "
                                                "yet.", name, fix))
    return target


def _found(registries: Registries, origin: Image) -> Image:
    digest = registries.digest(origin)
    if not digest:
        fix = "Correct the name or the tag of the source image (praxis_image_from)."
        raise Failed(Finding("image-source", "The registry does not have this image.", str(origin), fix))
    return replace(origin, digest=digest)
