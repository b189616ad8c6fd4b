# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who we are to AWS: what the user gave, and the SDK's session of it.

Needs boto3 on the controller; it is imported when the first session is opened. Credentials that are not given come from
the SDK's own chain (environment, shared files, roles).
"""

from __future__ import annotations

import functools
import importlib
import logging
import sys
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_errors import refuse_to_ask
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_profile import (
    bound_programs,
    of_a_profile,
    sdk_errors_typed,
)


@dataclass(frozen=True)
class AwsCredentials:
    """What the user gave; every part is optional, and the SDK's own chain fills the rest."""

    access_key: str | None = None
    secret_key: str | None = None
    session_token: str | None = None
    profile: str | None = None

    def __repr__(self) -> str:
        return f"AwsCredentials(profile={self.profile!r}, access_key={'given' if self.access_key else 'not given'})"


def open_session(given: AwsCredentials) -> Any:
    """A session of the SDK that asks nobody anything, and waits for no profile's program for ever.

    :raises CloudError: ``sdk-missing``, or what is wrong with the user's files.
    """
    boto3 = _boto3()
    with sdk_errors_typed():
        found = boto3.Session(
            botocore_session=_sdk_sharing_models(),
            aws_access_key_id=given.access_key,
            aws_secret_access_key=given.secret_key,
            aws_session_token=given.session_token,
            profile_name=given.profile,
        )
    chain = of_a_profile(lambda: found._session.get_component("credential_provider"))
    chain.get_provider("assume-role")._prompter = refuse_to_ask
    bound_programs(chain)
    return found


def keys_of(session: Any) -> Any:
    """A session's credentials, to be compared. They are fetched, or fetched anew, when it is time to.

    :raises CloudError: there are none that can be used.
    """

    def read() -> Any:
        found = session.get_credentials()
        if found is None:
            raise importlib.import_module("botocore.exceptions").NoCredentialsError()
        return found.get_frozen_credentials()

    return of_a_profile(read)


@functools.lru_cache(maxsize=1)
def _boto3() -> Any:
    """The SDK, loaded once."""
    try:
        boto3 = importlib.import_module("boto3")
    except ImportError as error:
        raise errors.Invalid(
            f"The Python library boto3 cannot be imported ({error}).",
            f"Python interpreter {sys.executable}",
            "Install it for this interpreter (pip install boto3), or run the task with the controller's: "
            "set ansible_python_interpreter to {{ ansible_playbook_python }} for localhost. Given by -e it is that of "
            "all hosts, the controller's too: set it in the inventory, for machines.",
            code="sdk-missing",
        ) from None
    # At DEBUG the SDK logs whole requests and responses, secret values included.
    logging.getLogger("botocore").setLevel(logging.INFO)
    return boto3


@functools.lru_cache
def _models(data_path: str | None) -> Any:
    """What reads the SDK's models of services, and keeps them: EC2's alone costs a fifth of a second."""
    return importlib.import_module("botocore.session").create_loader(data_path)


def _sdk_sharing_models() -> Any:
    """A session of the SDK, still without credentials, whose models are those of all others in this process."""
    sdk = importlib.import_module("botocore.session").Session()
    sdk.lazy_register_component("data_loader", lambda: _models(sdk.get_config_variable("data_path")))
    return sdk
