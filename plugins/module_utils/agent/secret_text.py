# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text in the place of a secret that is not it: another tool's pointer, a placeholder, or the value with an addition.

No answer holds a part of the text: it may be secret. Pure.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Optional, Tuple

_AWS = "Write aws-sm://NAME-OR-ARN#KEY?version=ID&stage=LABEL; all after the name is optional."
_GCP = "Write gcp-sm://PROJECT/NAME#KEY?version=NUMBER; all after the name is optional."
_REGIONAL = "Regional secrets are not supported: store it as a global secret, and write gcp-sm://PROJECT/NAME#KEY."
_LOOKUP = "Let Ansible read it: \"{{ lookup('PLUGIN', …) }}\" in a variable, with the lookup plugin of that store."
_DECRYPT = "Decrypt it, and give the value itself: in Ansible Vault, or as a reference to a secret store."
_PARAMETER = (
    "Parameters are not read. Keep the value in AWS Secrets Manager (aws-sm://NAME#KEY), "
    "or write \"{{ lookup('amazon.aws.ssm_parameter', 'NAME') }}\" in a variable."
)
_OBJECT = "Keep the value in a secret store, and write a reference to it: aws-sm://NAME#KEY, or gcp-sm://PROJECT/NAME#KEY."
_COMMAND = "Write \"{{ lookup('ansible.builtin.pipe', 'COMMAND') }}\" in a variable, to run it on the controller."
_VARIABLE = "Write \"{{ lookup('ansible.builtin.env', 'NAME') }}\" in a variable, or the value."
_PLACEHOLDER = "Write the secret itself, or a reference to it: this text is a placeholder."
_TEMPLATE = "A template is filled in only in a variable without !unsafe. Write the value, or a reference."
_FILE = "Write \"{{ lookup('ansible.builtin.file', 'PATH') }}\" in a variable, for a file of the controller."
_VAULT = "Put the tag !vault before it, outside of quotes, or decrypt it."
_QUOTED_TAG = "Write the tag before the value, outside of quotes."
_RESOURCE = r"(https?:)?(//secretmanager[a-z0-9.-]*\.com/(v1/)?)?projects/[^/\s]+/"

#: A pattern for the beginning of the text, what it is, and how it is written here. The first that fits is reported.
_POINTERS: Tuple[Tuple[str, str, str], ...] = (
    (r"(resolve:)?arn:aws[a-z-]*:secretsmanager:", "an ARN of AWS Secrets Manager, as ECS takes it", _AWS),
    (r"arn:aws[a-z-]*:ssm:", "an ARN of a parameter in AWS Systems Manager", _PARAMETER),
    (r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:.", "an ARN, the name of something in AWS", _AWS),
    (r"(s3|gs)://[a-z0-9][a-z0-9._-]+/\S+\Z", "the place of an object in a bucket, not what it holds", _OBJECT),
    (r"/?aws/reference/secretsmanager/", "a pointer to AWS Secrets Manager, as Parameter Store has it", _AWS),
    (r"(\$\{)?(aws[_-]?|resolve:)?ssm(-secure)?:|aws-?ssm://|aws-?parameter|parameter-?store:",
     "a pointer to a parameter", _PARAMETER),
    (r"(\$\{)?(resolve:|aws[:_-]?)?secrets-?manager[:/]|(aws-?)?asm://|aws[:_-]?sm:|aws_?sm://"
     r"|aws[_-]?secrets?([_-]?manager)?:",
     "a pointer to AWS Secrets Manager in another form", _AWS),
    (_RESOURCE + "locations/", "the name of a regional secret of Google Secret Manager", _REGIONAL),
    (_RESOURCE + "secrets/", "a resource name of Google Secret Manager", _GCP),
    (r"(resolve:|gcp[:_-]?|google[:_-]?)?secret-?manager[:/]|(\$\{)?sm(://|@)|gsm://|(gcp|google)[_-]?sm://"
     r"|(gcp|google)[:_-]?secrets?([_-]?manager)?:",
     "a pointer to Google Secret Manager in another form", _GCP),
    (r"ref\+[a-z0-9]+://|secretref\+", "a pointer of vals", _LOOKUP),
    (r"vault:v[0-9]+:", "a text that Vault's transit engine encrypted", _DECRYPT),
    (r"(>>)?((hashi|hcp)?-?vault|(open)?bao):(//|\S*[/#])|hvac://|<(path|vault):|\$\{vault:",
     "a pointer to HashiCorp Vault", _LOOKUP),
    (r"(op|1password|onepassword)://", "a pointer to 1Password", _LOOKUP),
    (r"(bws?|bitwarden|doppler|infisical|keeper|lastpass|conjur|akeyless|dashlane|dl|pass|chamber|berglas|keyring"
     r"|keychain|keepass|kdbx|cyberark|tss|passbolt)://|(gopass|lpass|bitwarden|infisical|passbolt):",
     "a pointer to a password manager", _LOOKUP),
    (r"@Microsoft\.KeyVault\(|(akv|azure-?kv|(az(ure)?[:-]?)?key-?vault(-?ref)?):|https://[a-z0-9-]+\.vault\.azure\.net/",
     "a pointer to Azure Key Vault", _LOOKUP),
    (r"(k8s|kubernetes|secret)://|secret[rR]ef:|k8s:|(secretKeyRef|valueFrom)\b",
     "a pointer to a Kubernetes secret", _LOOKUP),
    (r"/((var/)?run|etc|vault)/secrets/\S+\Z|/mnt/secrets-store/\S+\Z|\$?\{?file:/|(~|@|\.\.?)/\S+\Z"
     r"|[A-Za-z]:\\[^\\/:*?\"<>|]+\\\S+\Z",
     "the path of a file, not what the file holds", _FILE),
    (r"env://|\$?\{?env:[A-Za-z_]\w*\}?\Z|\$[A-Z][A-Z0-9]*_[A-Z0-9_]+\Z|\$\{\w+\}\Z|%[A-Z][A-Z0-9]*_[A-Z0-9_]+%\Z"
     r"|\$\([A-Za-z_][A-Za-z0-9_.-]*\)\Z|(process\.env|env|secrets|vars)\.[A-Z][A-Z0-9]*_[A-Z0-9_]+\Z"
     r"|(os\.environ|process\.env|ENV)\[.+\]\Z|(os\.getenv|os\.environ\.get|getenv)\(.+\)\Z",
     "the name of a variable", _VARIABLE),
    (r"\$\(\S+\s.*\)\Z", "a command", _COMMAND),
    (r"(\*{4,}|VALUE_SPECIFIED_IN_NO_LOG_PARAMETER|None|null|undefined|<[A-Z][A-Z0-9_ -]*>"
     r"|<[A-Za-z]+( [A-Za-z]+)+>|(@@|__)[A-Z][A-Z0-9_]*(@@|__)|#\{[^{}]+\}#?|TODO|FIXME|TBD"
     r"|(?i:change[-_ ]?(me|this|it)|replace[-_ ]?(me|this)|sk-(x{4,}|\.{3}|\u2026|(your|my)[-_].+)"
     r"|[\[<(](redacted|masked|hidden|secure|sensitive( value)?)[\])>]"
     r"|<?your[-_ ]([a-z]+[-_ ])*(key|secret|token|password)([-_ ]here)?>?))\Z",
     "a placeholder", _PLACEHOLDER),
    (r"\$ANSIBLE_VAULT;", "a text that Ansible Vault encrypted", _VAULT),
    (r"!(vault|unsafe|Ref|Sub|GetAtt|ImportValue|reference|secret)\b", "a YAML tag within quotes", _QUOTED_TAG),
    (r"EJ\[[0-9]+:", "a text that ejson encrypted", _DECRYPT),
    (r"ENC\[[A-Za-z0-9_]+,", "a text that sops or eyaml encrypted", _DECRYPT),
    (r"ENC\(.+\)\Z", "a text that Jasypt encrypted", _DECRYPT),
    (r"\{cipher\}\S", "a text that Spring Cloud Config encrypted", _DECRYPT),
    (r"A[QY]IC[A-Za-z0-9+/]{100,}=*\Z", "a text that AWS KMS encrypted", _DECRYPT),
    (r"-----BEGIN (PGP MESSAGE|AGE ENCRYPTED FILE)-----|age-encryption\.org/", "an encrypted file", _DECRYPT),
    (r"\$?\{\{.*\}\}\Z|[$%]\{[^{}]+\}\Z|<%.*%>\Z", "a template", _TEMPLATE),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern, re.DOTALL), kind, fix) for pattern, kind, fix in _POINTERS)

# Blanks, and what no eye sees and str.strip() leaves in its place.
_UNSEEN = r"[\s\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u2069\u00ad\x7f\ufe00-\ufe0f]+"
_AROUND = re.compile(r"\A%s|%s\Z" % (_UNSEEN, _UNSEEN))
_NAMES = {
    "\n": "a line break",
    "\r": "a carriage return",
    "\t": "a tab",
    " ": "a space",
    "\ufeff": "a byte order mark",
}
#: An assignment to the variable, as a shell, a Dockerfile or PowerShell has it, or a line of YAML.
_ASSIGNMENT = r"(export\s+|setx?\s+|env\s+|declare\s+-x\s+|environment=|\$env:)?%s(\s*[=:]|\s)"
_QUOTES = ('""', "''", "``", "\u201c\u201d", "\u2018\u2019", "\u00ab\u00bb", "\u201e\u201c")
#: What stays of a line of a script, of JSON or of a table, when a key is copied out of it.
_EDGES = "\"'`,;\\<>()"
#: Variables whose value the agent sends as an HTTP header.
_HEADERS = frozenset(("OPENAI_API_KEY",))


def pointer(value: str) -> Optional[Tuple[str, str]]:
    """What pointer or wrapping of another tool a text is, and how to write it here; None for any other text.

    Our own references are asked for before: they are no other tool's.
    """
    text = _trimmed(value)
    for pattern, kind, fix in _COMPILED:
        if pattern.match(text):
            return kind, fix
    return None


def carried(name: str, value: str) -> str:
    """What a value carries that is no part of a secret, as the end of a sentence; empty when it carries nothing.

    A document (several lines, or a JSON object) may begin and end as it likes: whoever parses it skips that.
    """
    text = _trimmed(value)
    if not text:
        return "holds nothing but blanks"
    if value.startswith("\ufeff"):
        return "begins with a byte order mark"
    if not _is_document(text):
        for word, edge, kept in (("begins with", value[0], text[0]), ("ends in", value[-1], text[-1])):
            if edge != kept:
                return "%s %s" % (word, _called(edge))
        if any(_quoted(text, pair) for pair in _QUOTES):
            return "has quotes around it"
    if re.match(_ASSIGNMENT % re.escape(name), text, re.IGNORECASE):
        return "begins with the variable's own name"
    if name in _keys(text):
        return "is a JSON object with the variable's name among its keys: name the key"
    return _printed(text) or (_unfit_for_header(text) if name in _HEADERS else "")


def _quoted(text: str, pair: str) -> bool:
    """Whether the quotes, once or several times, are around a text and not in it."""
    return len(text) > 1 and text[0] + text[-1] == pair and not set(pair) & set(text.strip(pair))


def _printed(text: str) -> str:
    """What a program added that printed the value for a person."""
    if "\x1b" in text:
        return "holds an escape sequence of a terminal"
    if re.search(r"\\n\Z", text):
        return "ends in a line break that is written as two characters"
    return "is bytes as Python prints them" if re.match(r"b(['\"]).*\1\Z", text) else ""


def _keys(text: str) -> Tuple[str, ...]:
    """The keys of a JSON object; none for any other text."""
    try:
        found = json.loads(text) if text[0] == "{" else None
    except (ValueError, RecursionError):
        return ()
    return tuple(found) if isinstance(found, dict) else ()


def _unfit_for_header(text: str) -> str:
    if re.match(r"(authorization:\s*)?bearer ", text, re.IGNORECASE):
        return "begins with the word Bearer, which the agent's HTTP client adds"
    if _keys(text):
        return "is a JSON object and no key: name one of its keys after #"
    unfit = [char for char in text if not " " <= char <= "~"]
    if unfit:
        return "holds %s, which an HTTP header cannot hold" % _called(unfit[0])
    if re.search(r" (#|//|;)", text):
        return "holds a comment"
    if text[0] in _EDGES or text[-1] in _EDGES:
        return "begins with or ends in a mark that is not part of a key"
    return "is in base64, as in a Kubernetes manifest" if _decoded(text).startswith("sk-") else ""


def _decoded(text: str) -> str:
    """What a text is in base64; empty when it is none."""
    try:
        return base64.b64decode(text, validate=True).decode("ascii")
    except ValueError:
        return ""


def _trimmed(value: str) -> str:
    return _AROUND.sub("", value)


def _is_document(text: str) -> bool:
    return len(text.splitlines()) > 1 or text[0] + text[-1] in ("{}", "[]")


def _called(char: str) -> str:
    """An unseen character by its name. Of a letter only that it is one: it is part of the value."""
    if char in _NAMES:
        return _NAMES[char]
    return "the character U+%04X" % ord(char) if not char.isprintable() or char.isspace() else "a letter beyond ASCII"
