# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's own certificate authority, the registry's certificate, and the fleet's SSH key pair."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.site import write

DOMAIN = "agents.sandbox.example"
"""What the balancers' certificate is for."""
VALID = datetime.timedelta(days=365)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


def _builder(subject: str, issuer: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(issuer).public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + VALID))


def make_authority(folder: Path) -> None:
    """Make ca.crt and ca.key in a folder, unless they are there."""
    if (folder / "ca.key").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (_builder("Praxis sandbox authority", _name("Praxis sandbox authority"), key.public_key())
                   .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                   .add_extension(identifier, critical=False)
                   .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
                   .sign(key, hashes.SHA256()))
    write(folder / "ca.crt", certificate.public_bytes(serialization.Encoding.PEM).decode())
    write(folder / "ca.key", _pem(key), 0o600)


def make_certificate(folder: Path, name: str, hosts: Sequence[str], addresses: Sequence[str] = ()) -> None:
    """Make NAME.crt and NAME.key for hosts and addresses, signed by the folder's authority, unless they are there."""
    if (folder / f"{name}.crt").exists():
        return
    authority = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(authority, ec.EllipticCurvePrivateKey)
    issuer = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    identifier = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    made = (_builder(f"Praxis sandbox {name}", issuer.subject, key.public_key())
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False)
            .sign(authority, hashes.SHA256()))
    write(folder / f"{name}.key", _pem(key), 0o600)
    write(folder / f"{name}.crt", made.public_bytes(serialization.Encoding.PEM).decode())


def make_tls(folder: Path, host: str, address: str) -> None:
    """Make the authority and the registry's certificate in a folder, unless they are there."""
    make_authority(folder)
    make_certificate(folder, "registry", [host], [address])


def for_balancers(folder: Path, address: str) -> tuple[bytes, bytes]:
    """A certificate with a real key, as a user would have one for the load balancer; and the key.

    It stands for one of the user's: its authority is the sandbox's own.
    """
    make_certificate(folder, "balancer", [DOMAIN, f"*.{DOMAIN}"], [address])
    return (folder / "balancer.crt").read_bytes(), (folder / "balancer.key").read_bytes()


def make_ssh_key(path: Path, comment: str) -> None:
    """Make an ed25519 key pair (OpenSSH format, `.pub` beside it), unless it is there."""
    if path.exists():
        return
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    write(path.with_suffix(".pub"), f"{public.decode()} {comment}\n")
    write(path, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH,
                                  serialization.NoEncryption()).decode(), 0o600)
