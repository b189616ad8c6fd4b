# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is asking: service accounts with keys, and access tokens from every door that google-auth knocks at.

- a service account's key: a signed assertion, https://datatracker.ietf.org/doc/html/rfc7523;
- impersonation: iamcredentials ``generateAccessToken``;
- workload identity federation: sts ``token``, https://datatracker.ietf.org/doc/html/rfc8693;
- a machine's own account: the metadata server.
"""

from __future__ import annotations

import datetime
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import google.auth.jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.gcp.refused import Refused

LIFETIME = 3600.0
"""Seconds that a token is good for."""

TOKEN_URL = "https://oauth2.googleapis.com/token"
ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@dataclass
class ServiceAccount:
    """A service account, and who may act as it.

    :param impersonators: emails that may ask for its tokens.
    :param fields: what is shown of it beside its name.
    """

    email: str
    project: str
    key: rsa.RSAPrivateKey
    impersonators: set[str] = field(default_factory=set)
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def key_id(self) -> str:
        """The id of its only key."""
        return f"{self.key.public_key().public_numbers().n & (2**160 - 1):040x}"

    def key_file(self) -> str:
        """Its key in the form that Google gives it out."""
        pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()).decode()
        return json.dumps({
            "type": "service_account", "project_id": self.project, "private_key_id": self.key_id, "private_key": pem,
            "client_email": self.email, "client_id": "1", "token_uri": TOKEN_URL,
            "auth_uri": "https://accounts.google.com/o/oauth2/auth", "universe_domain": "googleapis.com"}, indent=2)

    def public_pem(self) -> str:
        """Its public key."""
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass(frozen=True)
class Token:
    """An access token that was given out."""

    email: str
    ends: float


class Identities:
    """Service accounts and tokens."""

    def __init__(self) -> None:
        self._accounts: dict[str, ServiceAccount] = {}
        self._tokens: dict[str, Token] = {}
        self._federated: dict[str, str] = {}
        self.masters: set[str] = set()
        """Who may act as any account."""
        self._lock = threading.Lock()
        self._mark = secrets.token_hex(8)

    def create(self, name: str, project: str) -> ServiceAccount:
        """A new service account ``NAME@PROJECT.iam.gserviceaccount.com``."""
        email = f"{name}@{project}.iam.gserviceaccount.com"
        account = ServiceAccount(email, project, rsa.generate_private_key(public_exponent=65537, key_size=2048))
        self._accounts[email] = account
        return account

    def known(self, email: str) -> ServiceAccount | None:
        """A service account, if there is one."""
        return self._accounts.get(email)

    def of_project(self, project: str) -> list[ServiceAccount]:
        """A project's, by email."""
        return [account for _other, account in sorted(self._accounts.items()) if account.project == project]

    def remove(self, email: str) -> None:
        """Delete an account; its tokens are good for nothing any more."""
        with self._lock:
            del self._accounts[email]
            self._tokens = {text: token for text, token in self._tokens.items() if token.email != email}

    def account(self, email: str) -> ServiceAccount:
        """A service account.

        :raises Refused: there is none.
        """
        if email not in self._accounts:
            raise Refused(404, "notFound", f"Service account {email} does not exist.")
        return self._accounts[email]

    def trust(self, subject_token: str, principal: str) -> None:
        """Workload identity federation: take this outside token for that principal."""
        self._federated[subject_token] = principal

    def issue(self, email: str, lifetime: float = LIFETIME) -> str:
        """A token for an account. All of one sandbox begin alike, and those of no other do."""
        text = f"ya29.{self._mark}{secrets.token_urlsafe(120)}"
        with self._lock:
            self._tokens[text] = Token(email, time.time() + lifetime)
        return text

    def expire(self) -> None:
        """Make every token that was given out invalid."""
        with self._lock:
            self._tokens = {text: Token(token.email, 0) for text, token in self._tokens.items()}

    def claimed(self, authorization: str) -> str:
        """The email that a request's Authorization header speaks for, or nothing when it speaks for nobody."""
        try:
            return self.who(authorization)
        except Refused:
            return ""

    def who(self, authorization: str) -> str:
        """The email that a request's Authorization header speaks for.

        :raises Refused: no token, or not a good one.
        """
        kind, _other, text = authorization.partition(" ")
        text = text.strip() if kind.lower() == "bearer" else ""
        token = self._tokens.get(text) or (self._self_signed(text) if text.count(".") == 2 else None)
        if not token or token.ends <= time.time():
            raise Refused(401, "authError", "Request had invalid authentication credentials. Expected OAuth 2 access "
                                            "token, login cookie or other valid authentication credential.")
        return token.email

    def _self_signed(self, text: str) -> Token | None:
        """A token that a service account signed itself, for one service (https://google.aip.dev/auth/4111)."""
        try:
            issuer = google.auth.jwt.decode(text, verify=False)["iss"]
            claims = google.auth.jwt.decode(text, certs=self.account(issuer).public_pem())
        except (ValueError, KeyError, Refused, google.auth.exceptions.GoogleAuthError):
            return None
        return Token(issuer, float(claims["exp"]))

    def from_assertion(self, form: Mapping[str, str]) -> dict[str, Any]:
        """oauth2.googleapis.com/token: a service account's signed assertion for a token."""
        if form.get("grant_type") != ASSERTION:
            raise Refused(400, "unsupported_grant_type", f"The grant_type must be {ASSERTION}.")
        try:
            issuer = google.auth.jwt.decode(form.get("assertion", ""), verify=False)["iss"]
            google.auth.jwt.decode(form["assertion"], certs=self.account(issuer).public_pem(), audience=TOKEN_URL,
                                   clock_skew_in_seconds=600)
        except (ValueError, KeyError, Refused, google.auth.exceptions.GoogleAuthError) as error:
            raise Refused(400, "invalid_grant", f"Invalid JWT Signature. {error}") from None
        return {"access_token": self.issue(issuer), "expires_in": int(LIFETIME), "token_type": "Bearer"}

    def exchanged(self, form: Mapping[str, str]) -> dict[str, Any]:
        """sts ``token``: an outside identity's token for one of ours."""
        principal = self._federated.get(form.get("subject_token", ""))
        if form.get("grant_type") != EXCHANGE or not principal:
            raise Refused(400, "invalid_grant", "The subject token is not one that this pool's provider gave out.")
        return {"access_token": self.issue(principal), "expires_in": int(LIFETIME), "token_type": "Bearer",
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}

    def generated(self, caller: str, email: str, lifetime: str) -> dict[str, Any]:
        """iamcredentials ``generateAccessToken``: act as another account."""
        if email not in self._accounts or caller not in self._accounts[email].impersonators | self.masters:
            raise Refused(403, "IAM_PERMISSION_DENIED",
                          "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).")
        seconds = float((lifetime or f"{LIFETIME}s").removesuffix("s"))
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
        return {"accessToken": self.issue(email, seconds), "expireTime": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
