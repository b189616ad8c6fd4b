# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the imitation of EKS keeps of one cluster, and what it asks of each request. The records belong to moto's
cluster, and go with it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.model import Shape, StructureShape
from botocore.session import get_session
from botocore.validate import ParamValidator
from moto.core.utils import utcnow
from moto.eks.exceptions import (
    InvalidParameterException,
    ResourceInUseException,
    ResourceNotFoundException,
)

Record = dict[str, Any]


@dataclass
class Contents:
    """What one cluster has.

    :param mode: how callers log in.
    :param moving: by add-on, how many more descriptions show it in passing, and its state then; None: it is gone then.
    """

    mode: str = "CONFIG_MAP"
    addons: dict[str, Record] = field(default_factory=dict)
    entries: dict[str, Record] = field(default_factory=dict)
    policies: dict[str, dict[str, Record]] = field(default_factory=dict)
    associations: dict[str, Record] = field(default_factory=dict)
    moving: dict[str, tuple[int, str | None]] = field(default_factory=dict)


def contents(cluster: Any) -> Contents:
    """Those of a cluster of moto's."""
    found: Contents = vars(cluster).setdefault("contents", Contents())
    return found


def refused(kind: type[Any], message: str) -> Any:
    """One of EKS's errors."""
    return kind(message=message)


@functools.cache
def _model() -> Any:
    return get_session().get_service_model("eks")


def checked(response: Any) -> Record:
    """The request's parameters, as botocore's model allows them."""
    operation = _model().operation_model(response._get_action())
    response.parse_parameters(response.normalized_request)
    params, shape = dict(response.params), operation.input_shape
    assert shape, "Each of these operations takes something."
    report = ParamValidator().validate(params, shape)
    wrong = report.generate_report() if report.has_errors() else _unlisted(params, shape)
    if wrong:
        raise refused(InvalidParameterException, wrong)
    return params


def _unlisted(value: Any, shape: Shape) -> str:
    """What is none of the words that the model lists, which the SDK does not check."""
    if isinstance(shape, StructureShape):
        return "".join(_unlisted(value[name], each) for name, each in shape.members.items() if name in value)
    listed = getattr(shape, "enum", None) or [value]
    return "" if value in listed else f"{value!r} is none of {', '.join(listed)}. "


def cluster_of(response: Any, params: Mapping[str, Any]) -> Any:
    """moto's cluster that the request names. Raises ResourceNotFoundException."""
    return response.eks_backend.describe_cluster(params["clusterName"])


def arn_of(cluster: Any, kind: str, *parts: str) -> str:
    """The ARN of what is in a cluster."""
    return "/".join((f"{cluster.arn.rpartition(':')[0]}:{kind}", cluster.name, *parts))


def held(records: Mapping[str, Record], name: str, what: str) -> Record:
    """One of the records. Raises ResourceNotFoundException."""
    if name not in records:
        raise refused(ResourceNotFoundException, f"No {what} found: {name}.")
    return records[name]


def free(records: Mapping[str, Record], name: str, what: str) -> None:
    """Raises ResourceInUseException for a name that is taken."""
    if name in records:
        raise refused(ResourceInUseException, f"The specified {what} {name} is already in use on this cluster.")


def new(params: Mapping[str, Any], arn: str, arn_name: str, *names: str) -> Record:
    """A record of these parameters."""
    now = utcnow()
    kept = {name: params[name] for name in ("clusterName", *names) if name in params}
    return {**kept, arn_name: arn, "tags": dict(params.get("tags") or {}), "createdAt": now, "modifiedAt": now}
