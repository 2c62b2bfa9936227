"""The certificates of ready-made clients: the same everywhere, as their keys are, signed by an authority of clients.

It proves nothing outside a sandbox, and no server is trusted because of it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from simulator.auth import keyring

_CA_SLOT = 15
_AUTHORITY = "authority of clients"
_BEGINS, _ENDS = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC)


def subject_of(client_id: str) -> x509.Name:
    """The distinguished name of a client's certificate."""
    parts = ((NameOID.ORGANIZATION_NAME, "emr-sandbox clients"), (NameOID.COMMON_NAME, client_id))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


@cache
def authority_pem() -> str:
    """The authority of clients, as PEM: what a listener that asks for client certificates accepts."""
    built = _builder(subject_of(_AUTHORITY), _CA_SLOT)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return _signed(built)


@cache
def certificate_pem(client_id: str, key_slot: int) -> str:
    """The certificate of a client whose key has this slot of the keyring, as PEM; the same in every run."""
    built = _builder(subject_of(client_id), key_slot)
    built = built.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return _signed(built)


def _builder(subject: x509.Name, slot: int) -> x509.CertificateBuilder:
    number = hashlib.sha256(f"{subject.rfc4514_string()} {slot}".encode()).digest()[:16]
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject_of(_AUTHORITY))
        .public_key(keyring.private(slot).public_key())
        .serial_number(int.from_bytes(number, "big") >> 1 | 1)
        .not_valid_before(_BEGINS)
        .not_valid_after(_ENDS)
    )


def _signed(built: x509.CertificateBuilder) -> str:
    made = built.sign(keyring.private(_CA_SLOT), hashes.SHA256())  # PKCS #1 v1.5: the same bytes every time
    return made.public_bytes(serialization.Encoding.PEM).decode("ascii")
