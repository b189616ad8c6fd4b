# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making and changing a resource: defaults, references, fingerprints. Pure, given the resources around it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.gcp.compute.kinds import Kind, Place
from sandbox.gcp.compute.resources import Resource, fingerprint, link, now
from sandbox.gcp.refused import Refused, invalid

KEPT = ("id", "kind", "name", "creationTimestamp", "selfLink", "zone", "region", "fingerprint", "labelFingerprint")
"""What no patch and no update changes."""


def pruned(value: Any) -> Any:
    """A value without its nulls: in an insert they say nothing."""
    if isinstance(value, Mapping):
        return {name: pruned(inner) for name, inner in value.items() if inner is not None}
    return [pruned(item) for item in value] if isinstance(value, list) else value


def merged(old: Any, new: Any) -> Any:
    """A JSON merge patch (RFC 7396): objects are merged, a null removes, everything else replaces."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return pruned(new)
    kept = {name: value for name, value in old.items() if name not in new}
    return kept | {name: merged(old.get(name), value) for name, value in new.items() if value is not None}


def made(body: Mapping[str, Any], kind: Kind, place: Place) -> Resource:
    """The resource that an insert makes.

    :raises Refused: a field is missing, or refers to nothing.
    """
    resource: Resource = pruned({name: value for name, value in body.items() if name not in kind.output})
    for name in ("name", *kind.required):
        if name not in resource:
            raise Refused(400, "required", f"Required field 'resource.{name}' not specified")
    _complete(resource, kind, place)
    resource |= {"id": place.resources.number(), "kind": f"compute#{kind.singular}", "creationTimestamp": now(),
                 "selfLink": link(place.path)}
    words = place.path.split("/")
    if words[2] in ("zones", "regions"):
        resource[words[2].removesuffix("s")] = link("/".join(words[:4]))
    if kind.labelled:
        resource["labelFingerprint"] = fingerprint(resource.get("labels", {}))
    if kind.guarded:
        resource["fingerprint"] = fingerprint(_own(resource))
    return resource


def changed(old: Resource, body: Mapping[str, Any], kind: Kind, place: Place, *, whole: bool) -> Resource:
    """The resource that a patch (or, when ``whole``, an update) makes of another.

    :raises Refused: the fingerprint is missing or stale, or a field refers to nothing.
    """
    if kind.guarded:
        check_fingerprint(body.get("fingerprint"), old.get("fingerprint"))
    fixed = (*KEPT, *kind.output)
    body = {name: value for name, value in body.items() if name not in fixed}
    hidden = {name: value for name, value in old.items() if name.startswith("_")}
    kept = {name: old[name] for name in fixed if name in old}
    given = {name: value for name, value in old.items() if name not in kept and name not in hidden}
    resource: Resource = copy.deepcopy(pruned(body) if whole else merged(given, body))
    resource["name"] = old["name"]
    _complete(resource, kind, place)
    resource |= kept | hidden
    if kind.guarded:
        resource["fingerprint"] = fingerprint(_own(resource))
    return resource


def check_fingerprint(given: Any, current: Any) -> None:
    """Raise Refused unless a change was made from what is there now."""
    if given != current:
        raise Refused(412, "conditionNotMet", "Invalid fingerprint." if given else
                      "A fingerprint must be given: that of the resource as it was read.")


def _own(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if name not in KEPT}


def _complete(resource: Resource, kind: Kind, place: Place) -> None:
    for name, value in (kind.defaults or {}).items():
        if isinstance(value, Mapping):
            resource[name] = {**value, **resource.get(name, {})}
        else:
            resource.setdefault(name, value)
    for field in kind.references:
        _each(resource, field, _to_link(field, place))
    kind.fill(resource, place)


def _to_link(field: str, place: Place) -> Callable[[str], str]:
    return lambda text: link(place.resources.referenced(text, place.project, field))


def _each(value: Any, field: str, rewrite: Callable[[str], str]) -> None:
    """Rewrite the texts that a dotted field leads to, in place; lists on the way are entered."""
    name, _other, below = field.partition(".")
    if isinstance(value, list):
        for item in value:
            _each(item, field, rewrite)
    elif isinstance(value, dict) and name in value:
        if below:
            _each(value[name], below, rewrite)
        elif isinstance(value[name], list):
            value[name] = [rewrite(text) for text in value[name]]
        elif not isinstance(value[name], str):
            raise invalid(f"resource.{field}", value[name], "It must be a link.")
        else:
            value[name] = rewrite(value[name])
