# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the SDK, and Python, raise before there is a request: reading the user's files, and fetching credentials."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_errors import typed

# What a profile's program or token file that is missing, or that says something else, ends in: the SDK lets it pass.
_OF_A_PROFILE = (
    OSError, ValueError, LookupError, AttributeError, TypeError, RuntimeError, subprocess.TimeoutExpired,
)  # fmt: skip
#: Seconds for which a profile's program may think: the SDK has no limit of its own. AWS's SDK for Go has this one.
PROGRAM_DEADLINE = 60.0
#: For what a profile of the user's own names.
PROFILE_FIX = (
    "Correct what the profile in ~/.aws/config names: its program (credential_process), its token file "
    "(web_identity_token_file) or its numbers; or use another profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
)


class Program(subprocess.Popen[bytes]):
    """A profile's program (``credential_process``) as the SDK starts it, which is stopped when it does not end."""

    def communicate(self, input: bytes | None = None, timeout: float | None = None) -> tuple[bytes, bytes]:
        """As the standard library's.

        :raises subprocess.TimeoutExpired: after :data:`PROGRAM_DEADLINE`, unless ``timeout`` says otherwise.
        """
        try:
            return super().communicate(input, PROGRAM_DEADLINE if timeout is None else timeout)
        except subprocess.TimeoutExpired:
            self.kill()  # what it started itself may go on, and hold its output: that is not waited for
            raise


def bound_programs(chain: Any) -> None:
    """Let the SDK's chain of credential providers start every profile's program as a :class:`Program`."""
    chain.get_provider("custom-process")._popen = Program
    # A role's source profile has a provider of its own.
    sources = chain.get_provider("assume-role")._profile_provider_builder
    make = sources._create_process_provider

    def bound(*given: Any, **named: Any) -> Any:
        provider = make(*given, **named)
        provider._popen = Program
        return provider

    sources._create_process_provider = bound


@contextlib.contextmanager
def sdk_errors_typed() -> Iterator[None]:
    """What the SDK raises before there is a request: while it reads the user's files, and fetches credentials.

    :raises CloudError: in place of the SDK's own.
    """
    try:
        yield
    except errors.CloudError:
        raise
    except Exception as error:
        mapped = typed(error, "AWS credentials", "", True)
        if mapped is None:
            raise
        raise mapped from None


def of_a_profile(read: Callable[[], Any]) -> Any:
    """What the SDK gives where it runs a profile's program, or reads its token file and its numbers.

    :raises CloudError: in place of the SDK's own, and of Python's.
    """
    answer, refused = _answered(read)
    # Raised outside the handler: the exception may hold what a program printed, and must not travel as context.
    if refused:
        raise refused
    return answer


def _answered(read: Callable[[], Any]) -> tuple[Any, errors.CloudError | None]:
    try:
        with sdk_errors_typed():
            return read(), None
    except _OF_A_PROFILE as error:
        what = f"The credentials cannot be read ({type(error).__name__}: {error})."
        return None, errors.Expired(what, "AWS credentials", PROFILE_FIX)
