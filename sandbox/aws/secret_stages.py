# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets: what a get without version or stage returns is always the version that carries AWSCURRENT, and a secret that
has no version with the stage asked for says so, in a batch as in a call of its own."""

from __future__ import annotations

from typing import Any

from moto.secretsmanager.exceptions import SecretHasNoValueException
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

from sandbox.aws.cloud import Cloud


def install(cloud: Cloud) -> None:
    """Keep moto's default version in step with the stage."""
    move = SecretsManagerBackend.update_secret_version_stage
    get = SecretsManagerBackend.get_secret_value
    batch = SecretsManagerBackend.batch_get_secret_value

    def update_secret_version_stage(self: Any, secret_id: str, *args: Any, **kwargs: Any) -> Any:
        answer = move(self, secret_id, *args, **kwargs)
        secret = self.secrets[secret_id]
        for version, content in secret.versions.items():
            if "AWSCURRENT" in content["version_stages"]:
                secret.set_default_version_id(version)
        return answer

    def get_secret_value(self: Any, secret_id: str, version_id: str, version_stage: str) -> Any:
        stage = version_stage or ("" if version_id else "AWSCURRENT")
        held = self.secrets.get(secret_id)
        if held and stage and not held.is_deleted():
            stages = [name for content in held.versions.values() for name in content["version_stages"]]
            if stage not in stages:
                raise SecretHasNoValueException(stage)
        return get(self, secret_id, version_id, stage)

    def batch_get_secret_value(self: Any, secret_id_list: list[str] | None = None, *args: Any, **kwargs: Any) -> Any:
        if not secret_id_list:
            return batch(self, secret_id_list, *args, **kwargs)
        values: list[Any] = []
        errors: list[Any] = []
        for ident in secret_id_list:
            try:
                some, refused, _token = batch(self, [ident], *args, **kwargs)
            except SecretHasNoValueException as error:
                some, refused = [], [{"SecretId": ident, "ErrorCode": error.error_type, "Message": error.message}]
            values += some
            errors += refused
        return values, errors, None

    def reset_default_version(self: Any, secret_version: dict[str, Any], version_id: str) -> None:
        # A new current version takes AWSCURRENT and AWSPREVIOUS from the others and leaves them their own labels.
        moved = {"AWSPREVIOUS", *secret_version["version_stages"]}
        for content in self.versions.values():
            content["version_stages"] = [stage for stage in content["version_stages"] if stage not in moved]
        if self.default_version_id in self.versions:
            self.versions[self.default_version_id]["version_stages"].append("AWSPREVIOUS")
        self.versions[version_id] = secret_version
        self.set_default_version_id(version_id)

    FakeSecret.reset_default_version = reset_default_version
    SecretsManagerBackend.update_secret_version_stage = update_secret_version_stage
    SecretsManagerBackend.get_secret_value = get_secret_value
    SecretsManagerBackend.batch_get_secret_value = batch_get_secret_value
