# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between us and a cloud, as types.

Callers decide by type (``except NotFound``); people read the finding. No client library's exception leaves this layer.
"""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding


class CloudError(Failed):
    """A cloud refused or did not answer. Exactly one finding.

    :param what: what happened, with the cloud's own words where they are safe to show.
    :param where: service, operation and region, or the host asked.
    :param fix: what to do about it.
    :param code: the finding's code; each class has its own default.
    :param reason: the cloud's own error code (``ThrottlingException``), empty when there was no answer.
    :param retry_after: seconds the cloud asked us to wait, or None.
    :param untouched: True when the request certainly had no effect, so that even a change may be sent again.
    """

    default_code: ClassVar[str] = "cloud-error"
    transient: ClassVar[bool] = False

    def __init__(
        self,
        what: str,
        where: str,
        fix: str,
        *,
        code: str = "",
        reason: str = "",
        retry_after: float | None = None,
        untouched: bool = False,
    ) -> None:
        super().__init__(Finding(code or self.default_code, what, where, fix))
        self.reason = reason
        self.retry_after = retry_after
        self.untouched = untouched

    @property
    def finding(self) -> Finding:
        """The one finding."""
        return self.findings[0]

    def may_retry(self, idempotent: bool) -> bool:
        """Whether sending the request again can help and can do no harm."""
        return self.transient and (idempotent or self.untouched)

    def after(self, attempts: int, seconds: float) -> CloudError:
        """The same error, saying how long it was tried."""
        finding = self.finding
        return type(self)(
            f"{finding.what} Tried {attempts} times in {seconds:.0f} s.",
            finding.where,
            finding.fix,
            code=finding.code,
            reason=self.reason,
            retry_after=self.retry_after,
            untouched=self.untouched,
        )


class NotFound(CloudError):
    """The thing named does not exist."""

    default_code = "cloud-not-found"


class Denied(CloudError):
    """The caller is known and not allowed."""

    default_code = "cloud-denied"


class NotPassed(Denied):
    """The caller may not hand over a role: it is not allowed to, or the role was made a moment ago, and the service
    that is to get it does not see it yet. Which one it is, AWS does not say."""


class Expired(CloudError):
    """No credentials, or credentials that the cloud does not accept (any more)."""

    default_code = "cloud-credentials"


class Throttled(CloudError):
    """Too many requests. The request was turned away before it did anything."""

    default_code = "cloud-throttled"
    transient = True


class Unavailable(CloudError):
    """No answer, or an answer that says the fault is the cloud's."""

    default_code = "cloud-unavailable"
    transient = True


class Conflict(CloudError):
    """The thing exists already, or is in a state that forbids the change."""

    default_code = "cloud-conflict"


class QuotaExceeded(CloudError):
    """An account's limit is reached. Waiting does not help."""

    default_code = "cloud-quota"


class Invalid(CloudError):
    """The request itself is wrong."""

    default_code = "cloud-invalid"
