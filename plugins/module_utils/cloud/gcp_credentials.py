# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who we are to Google: what the user gave, and google-auth's credentials of it.

Google's libraries are imported when they are needed, and may not log: at DEBUG they show requests whole, at ERROR an
answer that they do not understand, tokens and values included. What goes wrong is reported by our typed errors.
"""

from __future__ import annotations

import datetime
import importlib
import json
import logging
import os
import sys
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_errors import CREDENTIALS_FIX

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_SILENT = logging.CRITICAL + 1
AWS_TOKEN = "urn:ietf:params:aws:token-type:aws4_request"
#: By a credentials file's ``type``: google-auth's module, and the way to make its Credentials.
_LOADERS = {
    "service_account": ("google.oauth2.service_account", "from_service_account_info"),
    "authorized_user": ("google.oauth2.credentials", "from_authorized_user_info"),
    "external_account": ("google.auth.identity_pool", "from_info"),
    "aws": ("google.auth.aws", "from_info"),
}


@dataclass(frozen=True)
class GcpCredentials:
    """What the user gave; every part is optional.

    :param credentials_file: a service account's key, or the configuration of workload identity federation.
    :param access_token: a token somebody else fetched; it is not renewed.
    :param impersonate: the email of a service account to act as, with the others' right to do so.
    """

    credentials_file: str | None = None
    access_token: str | None = None
    impersonate: str | None = None

    def __repr__(self) -> str:
        given = "given" if self.access_token else "not given"
        file, account = self.credentials_file, self.impersonate
        return f"GcpCredentials(credentials_file={file!r}, impersonate={account!r}, access_token={given})"


def library(name: str, package: str) -> Any:
    """A module of Google's libraries, with its loggers silent.

    :raises Invalid: ``sdk-missing``.
    """
    try:
        found = importlib.import_module(name)
    except ImportError as error:
        raise errors.Invalid(
            f"The Python library {package} cannot be imported ({error}).",
            f"Python interpreter {sys.executable}",
            f"Install it for this interpreter (pip install {package}), or run the task with the controller's: "
            "set ansible_python_interpreter to {{ ansible_playbook_python }} for localhost. Given by -e it is that of "
            "all hosts, the controller's too: set it in the inventory, for machines.",
            code="sdk-missing",
        ) from None
    logging.getLogger("google").setLevel(_SILENT)
    # Those that GOOGLE_SDK_PYTHON_LOGGING_SCOPE has set by name, too.
    for each in [each for each in logging.root.manager.loggerDict if each.startswith("google.")]:
        if logging.getLogger(each).level:
            logging.getLogger(each).setLevel(_SILENT)
    return found


def find(given: GcpCredentials) -> tuple[Any, str | None]:
    """google-auth's credentials, and the project that they name.

    :raises Expired: a file that cannot be used.
    :raises Exception: google-auth's own, when there are none.
    """
    auth = library("google.auth", "google-auth")
    project = None
    if given.access_token:
        found = library("google.oauth2.credentials", "google-auth").Credentials(given.access_token)
    elif given.credentials_file:
        found, project = _from_file(given.credentials_file)
    else:
        found, project = _default(auth)
    if given.impersonate:
        found = library("google.auth.impersonated_credentials", "google-auth").Credentials(
            source_credentials=found, target_principal=given.impersonate, target_scopes=[SCOPE]
        )
    return found, project


def _default(auth: Any) -> tuple[Any, str | None]:
    """Application default credentials, and the project that they name."""
    try:
        found: tuple[Any, str | None] = auth.default(scopes=[SCOPE])
        return found
    except (KeyError, AttributeError, TypeError) as error:  # a file that is JSON, and of another shape
        what = f"The application default credentials cannot be used ({type(error).__name__}: {error})."
    except OSError as error:  # a directory, or a file of somebody else's
        what = f"The application default credentials cannot be used ({error.strerror})."
    path = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS") or "application default credentials"
    raise errors.Expired(what, path, CREDENTIALS_FIX)


def narrowed(found: Any, *scopes: str) -> Any:
    """Credentials of the same identity for some scopes, where they can be narrowed.

    A person's own, and a token that was given, cannot.
    """
    return found.with_scopes([*scopes]) if hasattr(found, "with_scopes") else found


def expiry(found: Any) -> datetime.datetime | None:
    """When the token in hand ends (UTC), or None when nobody knows."""
    ends = found.expiry
    return ends.replace(tzinfo=datetime.UTC) if isinstance(ends, datetime.datetime) else None


def _from_file(path: str) -> tuple[Any, str | None]:
    """Credentials of a file of a known type, and the project it names. One that runs a program is refused."""
    try:
        with open(path, encoding="utf-8") as file:
            info = json.load(file)
        kind = str(info.get("type"))
        if kind == "external_account" and info.get("subject_token_type") == AWS_TOKEN:
            kind = "aws"
        if kind not in _LOADERS:
            raise ValueError(f"its type is {kind!r}")
        module, method = _LOADERS[kind]
        return getattr(library(module, "google-auth").Credentials, method)(info, scopes=[SCOPE]), info.get("project_id")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        refused = errors.Expired(f"The credentials file cannot be used ({said}).", path, CREDENTIALS_FIX)
    # Raised outside the handler: the exception may hold the file's text, and must not travel as context.
    raise refused
