# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's discovery documents: which methods an API has, and what a request to each may look like.

The documents come with google-api-python-client. What they say of a request is "well-formed for Google", which is less
than "accepted by Google": fields that an insert cannot do without, what cannot be changed later, permissions and quota
are not in them.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from sandbox.gcp.refused import Refused, invalid

EVERYWHERE = frozenset({"$alt", "alt", "$.xgafv", "key", "prettyPrint", "quotaUser", "access_token", "oauth_token"})
"""Query parameters that any method takes, and that change nothing here."""

RANGES = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1), "int64": (-(2**63), 2**63 - 1),
          "uint64": (0, 2**64 - 1)}


@dataclass(frozen=True)
class Method:
    """One method of an API.

    :param collection: dotted for nested ones, ``projects.secrets.versions``.
    """

    collection: str
    name: str
    verb: str
    path: re.Pattern[str]
    variables: int
    spec: Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """A request that keeps to the document.

    :param where: the path's variables, ``{"project": …, "zone": …}``.
    """

    method: Method
    path: str
    where: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any]


def unanswered(service: str, method: Method) -> Refused:
    """A method that is in the document, and that the sandbox has no answer for."""
    name = f"{service}.{method.collection}.{method.name}"
    return Refused(501, "notImplemented", f"{name} is Google's, but this sandbox does not do it")


class Api:
    """One API, from its document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.name = str(document["name"])
        self.prefix = "/" + str(document["servicePath"])
        self.schemas: Mapping[str, Any] = document["schemas"]
        self._parameters = document.get("parameters", {})
        self._methods: dict[tuple[str, int], list[Method]] = {}
        for method in self._walk(document["resources"], ""):
            self._methods.setdefault((method.verb, method.spec["flatPath"].count("/")), []).append(method)
        for methods in self._methods.values():
            methods.sort(key=lambda method: method.variables)  # a literal segment wins over a variable one

    def _walk(self, found: Mapping[str, Any], above: str) -> Iterator[Method]:
        for name, below in found.items():
            collection = f"{above}.{name}" if above else name
            for method, spec in below.get("methods", {}).items():
                pattern, variables = _pattern(spec["flatPath"])
                yield Method(collection, method, spec["httpMethod"], pattern, variables, spec)
            yield from self._walk(below.get("resources", {}), collection)

    def call(self, verb: str, path: str, query: list[tuple[str, str]], body: bytes) -> Call:
        """The method that a request asks for, with everything in it checked against the document.

        :param path: with the API's prefix, without the query.
        :raises Refused: no such method, an unknown parameter or field, a value of another type.
        """
        inner = path.removeprefix(self.prefix)
        for method in self._methods.get((verb, inner.count("/")), []):
            if found := method.path.fullmatch(inner):
                where = found.groupdict()
                return Call(method, inner, where, self._query(method, where, query), self._body(method, body))
        raise Refused(404, "notFound", f"The discovery document of {self.name} has no {verb} {path}")

    def _query(self, method: Method, where: Mapping[str, str], query: list[tuple[str, str]]) -> dict[str, str]:
        known = method.spec.get("parameters", {})
        for name, value in where.items():
            if name in known:
                self._scalar(value, known[name], name)
        for name, value in query:
            if name == "fields":
                raise Refused(501, "notImplemented", "This sandbox answers whole resources: leave `fields` out")
            spec = known.get(name) or self._parameters.get(name)
            if not spec and name not in EVERYWHERE:
                raise Refused(400, "invalidParameter", f'Unknown name "{name}": Cannot bind query parameter.')
            if spec and name != "filter":
                self._scalar(value, spec, name)
        given = dict(query)
        for name, spec in known.items():
            if spec.get("required") and spec["location"] == "query" and name not in given:
                raise Refused(400, "required", f"Required parameter: {name}")
        return given

    def _scalar(self, text: str, spec: Mapping[str, Any], where: str) -> None:
        """Everything in a path or a query is text; the type says which texts will do."""
        kind = spec.get("type")
        if kind == "boolean" and text not in ("true", "false"):
            raise invalid(where, text, "It must be true or false.")
        if kind == "integer":
            self.check(text, spec, where)
        if kind == "string":
            self.check(text, spec, where)

    def _body(self, method: Method, text: bytes) -> dict[str, Any]:
        if "request" not in method.spec:
            return {}
        try:
            body = json.loads(text or b"{}")
        except ValueError:
            raise Refused(400, "parseError", "Parse Error") from None
        self.check(body, method.spec["request"], "resource")
        kept: dict[str, Any] = self.without_read_only(body, method.spec["request"])
        return kept

    def resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema itself, if it is a reference."""
        return {**self.schemas[schema["$ref"]], "type": "object"} if "$ref" in schema else schema

    def check(self, value: Any, schema: Mapping[str, Any], where: str) -> None:
        """Raise Refused unless a value is of this schema."""
        schema = self.resolve(schema)
        kind = schema.get("type")
        if kind == "object":
            self._check_object(value, schema, where)
        elif kind == "array":
            if not isinstance(value, list):
                raise invalid(where, value, "It must be a list.")
            for index, item in enumerate(value):
                self.check(item, schema["items"], f"{where}[{index}]")
        elif kind == "boolean":
            if not isinstance(value, bool):
                raise invalid(where, value, "It must be true or false.")
        elif kind in ("integer", "number"):
            _check_number(value, schema, where)
        elif kind == "string":
            _check_text(value, schema, where)

    def _check_object(self, value: Any, schema: Mapping[str, Any], where: str) -> None:
        if not isinstance(value, dict):
            raise invalid(where, value, "It must be an object.")
        for name, inner in value.items():
            known = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
            if not known:
                raise Refused(400, "invalid", f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': "
                                              "Cannot find field.")
            if inner is not None:
                self.check(inner, known, f"{where}.{name}")

    def without_read_only(self, value: Any, schema: Mapping[str, Any]) -> Any:
        """What of a value a client can set at all; Google ignores the rest. A null stays: in a patch it removes."""
        schema = self.resolve(schema)
        if isinstance(value, dict) and "properties" in schema:
            known = schema["properties"]
            return {name: self.without_read_only(inner, known[name]) for name, inner in value.items()
                    if not known[name].get("readOnly")}
        if isinstance(value, list):
            return [self.without_read_only(item, schema["items"]) for item in value]
        return value


def _pattern(path: str) -> tuple[re.Pattern[str], int]:
    """A flat path as a pattern, and how many variables it has."""
    parts = re.split(r"\{(\w+)\}", path)
    text = "".join(f"(?P<{part}>[^/:]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile(text), len(parts) // 2


def _check_number(value: Any, schema: Mapping[str, Any], where: str) -> None:
    text = str(value)
    shape = r"-?\d+" if schema["type"] == "integer" else r"-?\d+(\.\d+)?([eE][-+]?\d+)?"
    if isinstance(value, bool) or not re.fullmatch(shape, text):
        raise invalid(where, value, "It must be a number.")
    low, high = RANGES.get(schema.get("format", ""), (None, None))
    if low is not None and high is not None and not low <= int(text) <= high:
        raise invalid(where, value, f"It must be between {low} and {high}.")


def _check_text(value: Any, schema: Mapping[str, Any], where: str) -> None:
    form = schema.get("format")
    if form in RANGES and not isinstance(value, bool):  # 64-bit numbers travel as text; a JSON number will do
        _check_number(value, {"type": "integer", "format": form}, where)
        return
    if not isinstance(value, str):
        raise invalid(where, value, "It must be text.")
    if schema.get("enum") and value not in schema["enum"]:
        raise invalid(where, value, f"It must be one of: {', '.join(schema['enum'])}.")
    if schema.get("pattern") and value and not re.fullmatch(schema["pattern"], value):
        raise invalid(where, value, f"Must be a match of regex '{schema['pattern']}'")
    if form == "byte":
        try:
            base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
        except (binascii.Error, ValueError):
            raise invalid(where, "", "Base64 decoding failed.") from None


@functools.cache
def load(name: str) -> Api:
    """An API by the name of its document, ``compute.v1``."""
    package = resources.files("googleapiclient.discovery_cache.documents")
    return Api(json.loads((package / f"{name}.json").read_text(encoding="utf-8")))
