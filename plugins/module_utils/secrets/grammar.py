# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grammar of references: what a user writes to point at a secret.

Four forms, one value::

    aws-sm://ID#KEY?version=VERSION&stage=STAGE
    gcp-sm://PROJECT/NAME#KEY?version=VERSION
    {{resolve:secretsmanager:ID:SecretString:KEY:STAGE:VERSION}}
    {{resolve:secretmanager:projects/PROJECT/secrets/NAME/versions/VERSION#KEY}}

ID is a secret's name or its ARN. KEY is one key of a JSON object, taken literally: dots and slashes are part of it, and
there are no paths into nested values (the value of a key that holds an object is that object's JSON text). In the first
two forms ``%``, ``?``, ``#`` and ``&`` inside KEY, STAGE and VERSION are percent-encoded. All after the ID is optional.
A reference is a whole value; text that merely contains one is an error, because nothing would resolve it. Pure.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from urllib.parse import unquote

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.cursor import Cursor, ReferenceError, fault
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import ARN, AWS, GCP, Reference

# What the store serves when nothing is asked for; naming it means the same and is dropped.
_DEFAULT_STAGE = "AWSCURRENT"
_DEFAULT_VERSION = "latest"

_MARKER = re.compile(r"\s*(aws-sm|gcp-sm|\{\{\s*resolve)\s*:", re.IGNORECASE)
_INSIDE = re.compile(r"(?:aws-sm|gcp-sm)://|\{\{\s*resolve:")
# With the exclamation mark: names of secrets that a service of AWS's made have one (rds!cluster-…).
_AWS_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
# A version's id is the token of the request that made it: any text of this length.
_AWS_VERSION = re.compile(r"[^\s\x00-\x1f\x7f]{32,64}")
_GCP_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*")
_GCP_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
# Google's resource names of secrets, and what stands for one after our own prefix; a location makes it regional.
_GCP_RESOURCE = re.compile(
    r"(?:gcp-sm://|\{\{resolve:secretmanager:)(?P<long>projects/)?(?P<project>[^/#?}]+)/(?P<regional>locations/)?"
    r"(?:(?P<location>[a-z]+(?:-[a-z]+)+[0-9]+)/)?(?:secrets/)?(?P<name>[A-Za-z0-9_-]+)"
)
_GCP_VERSION = re.compile(r"[A-Za-z0-9_-]{1,63}")


def parse(text: str) -> Reference | None:
    """The reference that a text is, or None when it is an ordinary value.

    :raises ReferenceError: the text is meant as a reference and is malformed; a caret stands under the fault.
    """
    marker = _MARKER.match(text)
    if marker is None:
        inside = _INSIDE.search(text)
        if inside:
            # What stands around it may be secret and is not shown.
            raise fault(
                inside[0],
                0,
                "A reference must be the whole value; inside other text it is not resolved.",
                "Store the complete text as one secret and refer to that.",
            )
        return None
    for prefix, read in _FORMS:
        if text.startswith(prefix):
            return read(text)
    if re.match(r"\{\{\s*resolve:ssm(-secure)?:", text):
        what = "Parameters of AWS Systems Manager are not supported."
        raise fault(text, 0, what, f"Store the value in AWS Secrets Manager. {_AWS_SHAPE}")
    begin = f"Begin with one of {', '.join(prefix for prefix, _read in _FORMS)}"
    raise fault(text, 0, "The beginning of the reference is malformed.", begin)


def of_store(texts: Iterable[object], store: str) -> list[Reference]:
    """The references among these texts that lead to one store; ordinary values and other stores' are left out.

    :raises ReferenceError: a text is meant as a reference and is malformed.
    """
    found = [parse(str(text)) for text in texts]
    return [each for each in found if each and each.store == store]


def parse_all(texts: Iterable[str]) -> list[Reference]:
    """The references that these texts are, for places where nothing else may stand.

    :raises Failed: for every text that is none. An ordinary value is named by its position: it may be a secret itself.
    """
    references: list[Reference] = []
    findings: list[Finding] = []
    for number, text in enumerate(texts, 1):
        try:
            reference = parse(str(text))
        except ReferenceError as error:
            findings.extend(error.findings)
            continue
        if reference is None:
            fix = f"Begin each entry with one of {', '.join(prefix for prefix, _read in _FORMS)}."
            what = f"Entry {number} of the list is not a reference."
            findings.append(Finding("reference-expected", what, "secret references", fix))
        else:
            references.append(reference)
    if findings:
        raise Failed(*findings)
    return references


_AWS_SHAPE = "Write aws-sm://NAME-OR-ARN#KEY?version=ID&stage=LABEL; all after the name is optional."
_GCP_SHAPE = "Write gcp-sm://PROJECT/NAME#KEY?version=NUMBER; all after the name is optional."
_AWS_RESOLVE_SHAPE = (
    "Write {{resolve:secretsmanager:NAME-OR-ARN:SecretString:KEY:STAGE:VERSION}}; all after the name is optional."
)
_GCP_RESOLVE_SHAPE = "Write {{resolve:secretmanager:projects/PROJECT/secrets/NAME/versions/VERSION#KEY}}."


def _aws_uri(text: str) -> Reference:
    cursor = Cursor(text, len("aws-sm://"), len(text))
    name = _aws_id(cursor, _AWS_SHAPE)
    key = _uri_key(cursor, _AWS_SHAPE)
    query = _uri_query(cursor, ("version", "stage"), _AWS_SHAPE)
    return _aws(name, key, query.get("version", ""), query.get("stage", ""))


def _check_resource(text: str) -> None:
    """:raises ReferenceError: it is Google's name of a regional secret, or of a secret after our own prefix."""
    found = _GCP_RESOURCE.match(text)
    if found is None:
        return
    ours = f"gcp-sm://{found['project']}/{found['name']}"
    if found["location"]:
        what = f"This is a regional secret of Google Secret Manager, in {found['location']}; those are not supported."
        fix = f"Store it as a global secret (it may be replicated to that region only), and write {ours}."
        raise ReferenceError(Finding("regional-secret-unsupported", what, "secret reference", fix))
    if found["long"] and text.startswith("gcp-sm://"):
        what = "Expected at ^: the project's id, not Google's resource name."
        raise fault(text, len("gcp-sm://"), what, f"Write {ours}; {_GCP_SHAPE[6:]}")


def _gcp_uri(text: str) -> Reference:
    _check_resource(text)
    cursor = Cursor(text, len("gcp-sm://"), len(text))
    project = cursor.match(_GCP_PROJECT, "a project id", _GCP_SHAPE)
    if not cursor.skip("/"):
        raise fault(text, cursor.at, "Expected at ^: '/' and the secret's name.", _GCP_SHAPE)
    name = cursor.match(_GCP_NAME, "a secret's name", _GCP_SHAPE)
    key = _uri_key(cursor, _GCP_SHAPE)
    query = _uri_query(cursor, ("version",), _GCP_SHAPE)
    return _gcp(project, name, key, query.get("version", ""))


def _aws_resolve(text: str) -> Reference:
    cursor = _resolve_body(text, "{{resolve:secretsmanager:", _AWS_RESOLVE_SHAPE)
    name = _aws_id(cursor, _AWS_RESOLVE_SHAPE)
    parts: list[str] = []
    while len(parts) < 4 and cursor.skip(":"):
        start = cursor.at
        part = cursor.take(":")
        if not parts and part not in ("", "SecretString"):
            raise fault(text, start, "The part after the name can only be SecretString.", _AWS_RESOLVE_SHAPE)
        if len(parts) == 3 and part:
            _check_version(text, start, part)
        parts.append(part)
    cursor.done(_AWS_RESOLVE_SHAPE)
    parts += [""] * (4 - len(parts))
    return _aws(name, parts[1], parts[3], parts[2])


def _gcp_resolve(text: str) -> Reference:
    cursor = _resolve_body(text, "{{resolve:secretmanager:", _GCP_RESOLVE_SHAPE)
    _check_resource(text)
    cursor.match(re.compile("projects/"), "'projects/'", _GCP_RESOLVE_SHAPE)
    project = cursor.match(_GCP_PROJECT, "a project id", _GCP_RESOLVE_SHAPE)
    cursor.match(re.compile("/secrets/"), "'/secrets/'", _GCP_RESOLVE_SHAPE)
    name = cursor.match(_GCP_NAME, "a secret's name", _GCP_RESOLVE_SHAPE)
    version = cursor.match(_GCP_VERSION, "a version", _GCP_RESOLVE_SHAPE) if cursor.skip("/versions/") else ""
    key = ""
    if cursor.skip("#"):
        start = cursor.at
        key = cursor.take("")
        if not key:
            raise fault(text, start, "Expected at ^: a key.", _GCP_RESOLVE_SHAPE)
    cursor.done(_GCP_RESOLVE_SHAPE)
    return _gcp(project, name, key, version)


_FORMS = (
    ("aws-sm://", _aws_uri),
    ("gcp-sm://", _gcp_uri),
    ("{{resolve:secretsmanager:", _aws_resolve),
    ("{{resolve:secretmanager:", _gcp_resolve),
)


def _resolve_body(text: str, prefix: str, shape: str) -> Cursor:
    close = text.find("}}")
    if close < 0:
        raise fault(text, len(text), "Expected at ^: '}}'.", shape)
    if close + 2 != len(text):
        raise fault(text, close + 2, "A reference must be the whole value.", "Store the complete text as one secret.")
    return Cursor(text, len(prefix), close)


def _aws_id(cursor: Cursor, shape: str) -> str:
    if cursor.text.startswith("arn:", cursor.at):
        fix = "An ARN is arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX."
        return cursor.match(ARN, "a secret's full ARN", fix)
    return cursor.match(_AWS_NAME, "a secret's name (letters, digits and /_+=.@!-) or ARN", shape)


def _uri_key(cursor: Cursor, shape: str) -> str:
    if not cursor.skip("#"):
        return ""
    start = cursor.at
    key = cursor.take("?#&")
    if not key:
        raise fault(cursor.text, start, "Expected at ^: a key.", shape)
    return _unquote(cursor.text, start, key)


def _uri_query(cursor: Cursor, allowed: tuple[str, ...], shape: str) -> dict[str, str]:
    query: dict[str, str] = {}
    mark = "?"
    while cursor.skip(mark):
        mark = "&"
        start = cursor.at
        word = cursor.take("=&")
        if word not in allowed or word in query:
            near = [] if word in query else difflib.get_close_matches(word, allowed, 1)
            hint = f"Did you mean {near[0]}?" if near else f"Use each of {', '.join(allowed)} at most once."
            raise fault(cursor.text, start, f"The word {word!r} is not allowed at ^.", hint)
        cursor.skip("=")
        start = cursor.at
        value = cursor.take("&?#")
        if not value:
            raise fault(cursor.text, start, f"Expected at ^: a {word}.", shape)
        query[word] = _unquote(cursor.text, start, value)
        if word == "version" and "stage" in allowed:
            _check_version(cursor.text, start, query[word])
        if word == "version" and "stage" not in allowed and not _GCP_VERSION.fullmatch(query[word]):
            raise fault(cursor.text, start, "This is not a version.", "A version is a number, an alias, or latest.")
    cursor.done(shape)
    return query


def _check_version(text: str, at: int, version: str) -> None:
    if not _AWS_VERSION.fullmatch(version):
        label = " AWSCURRENT and the like are stages." if version.startswith("AWS") else ""
        raise fault(text, at, "This is not a version id (32 to 64 characters)." + label, _AWS_SHAPE)


def _aws(name: str, key: str, version: str, stage: str) -> Reference:
    current = stage == _DEFAULT_STAGE and not version
    return Reference(AWS, name, key, version, "" if current else stage)


def _gcp(project: str, name: str, key: str, version: str) -> Reference:
    return Reference(GCP, name, key, "" if version == _DEFAULT_VERSION else version, "", project)


def _unquote(text: str, at: int, part: str) -> str:
    loose = re.search(r"%(?![0-9A-Fa-f]{2})", part)
    if loose:
        what = "A percent sign must be followed by two hexadecimal digits."
        raise fault(text, at + loose.start(), what, "Write %25 for it.")
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise fault(text, at, "The percent-encoded bytes are not UTF-8.", "Encode it as UTF-8.") from None
