# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""secret_info, run as a module."""

from __future__ import annotations

from typing import Any

PLANTED = "planted-value-77aa01"


def keep(cloud: Any, name: str, value: str = PLANTED) -> str:
    version = cloud.client("secretsmanager").create_secret(Name=name, SecretString=value)["VersionId"]
    cloud.operations.clear()
    return str(version)


def test_a_missing_argument(run: Any) -> None:
    assert "references" in run("secret_info").result["msg"]


def test_versions_without_values(run: Any, cloud: Any) -> None:
    version = keep(cloud, "prod/llm", f'{{"key": "{PLANTED}"}}')
    references = ["aws-sm://prod/llm#key", f"{{{{resolve:secretsmanager:prod/llm:SecretString:no::{version}}}}}"]
    for check in (False, True):
        ran = run("secret_info", check=check, references=references)
        assert not ran.changed
        first, second = ran.result["secrets"]
        assert (first["reference"], first["version"], first["pinned"]) == ("aws-sm://prod/llm#key", version, False)
        assert (second["reference"], second["pinned"]) == (f"aws-sm://prod/llm#no?version={version}", True)
        assert first["versions"] == {version: ["AWSCURRENT"]}
        assert first["id"].startswith("arn:aws:secretsmanager:eu-central-1:")
        assert PLANTED not in ran.printed
    assert set(cloud.operations) == {"DescribeSecret"}
    # And that the search finds a value that is printed.
    assert PLANTED in run("secret_info", references=[f"aws-sm://{PLANTED}"]).printed


def test_all_failures_at_once(run: Any, cloud: Any) -> None:
    keep(cloud, "gone")
    cloud.client("secretsmanager").delete_secret(SecretId="gone")
    ran = run("secret_info", references=["aws-sm://none", "aws-sm://gone", "gcp-sm://p/n"])
    assert ran.codes == ["secret-not-found", "secret-deleted", "cloud-credentials"]
    assert "GOOGLE_APPLICATION_CREDENTIALS" in ran.result["failures"][2]["fix"]
    assert ran.result["failure"] == ran.result["failures"][0]
    ran = run("secret_info", references=["aws-sm://a b", PLANTED])
    assert ran.codes == ["reference-malformed", "reference-expected"]


def test_options_by_their_amazon_names(run: Any, cloud: Any) -> None:
    keep(cloud, "a")
    secret, token = "planted-secret-key-55d2e8", "planted-session-token-91c7f0"
    options = {"aws_access_key": "AKIAIOSFODNN7EXAMPLE", "aws_secret_key": secret, "aws_session_token": token}
    options["aws_endpoint_url"] = cloud.endpoint
    ran = run("secret_info", references=["aws-sm://a"], aws_region="eu-central-1", **options)
    assert ran.result["secrets"][0]["name"] == "a"
    assert secret not in ran.printed
    assert token not in ran.printed
    assert run("secret_info", references=["aws-sm://a"], profile="p", access_key="a").codes == ["cloud-options"]
