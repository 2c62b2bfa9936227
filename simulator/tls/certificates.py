"""Making certificates: an authority, what it signs, and what nobody should accept."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ORGANIZATION = "emr-sandbox"
CA_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)  # what browsers and Apple's libraries take at most
_BACKDATED = timedelta(days=1)  # a caller whose clock is behind


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key as PKCS#8 PEM: a secret."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @staticmethod
    def load(certificate: bytes, key: bytes) -> Identity:
        """An identity from PEM.

        Raises:
            ValueError: it is none, or the key is not that of the certificate.
        """
        made = x509.load_pem_x509_certificate(certificate)
        private = serialization.load_pem_private_key(key, password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != made.public_key():
            raise ValueError("the key is not that of the certificate")
        return Identity(made, private)


def now() -> datetime:
    """The caller's real time: certificates are judged by it, never by a sandbox clock."""
    return datetime.now(UTC).replace(microsecond=0)


def new_authority(name: str = f"{ORGANIZATION} local CA") -> Identity:
    """A new certificate authority that can sign servers and nothing below it."""
    key = ec.generate_private_key(ec.SECP256R1())
    built = _builder(name, key.public_key(), now() - _BACKDATED, now() + CA_LIFE)
    built = built.issuer_name(_name(name))
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    built = built.add_extension(_usage(signs_certificates=True), critical=True)
    built = built.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return Identity(built.sign(key, hashes.SHA256()), key)


def server(
    issuer: Identity | None,
    names: Sequence[str],
    *,
    begins: datetime | None = None,
    ends: datetime | None = None,
) -> Identity:
    """A server certificate for `names` (host names and addresses), signed by `issuer`; by itself when there is none."""
    key = ec.generate_private_key(ec.SECP256R1())
    begins = begins or now() - _BACKDATED
    built = _builder(names[0], key.public_key(), begins, ends or now() - _BACKDATED + SERVER_LIFE)
    signer = key if issuer is None else issuer.key
    built = built.issuer_name(_name(names[0]) if issuer is None else issuer.certificate.subject)
    built = built.add_extension(x509.SubjectAlternativeName([_alternative(one) for one in names]), critical=False)
    built = built.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    built = built.add_extension(_usage(signs_certificates=False), critical=True)
    built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    built = built.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
    )  # fmt: skip
    return Identity(built.sign(signer, hashes.SHA256()), key)


def names_of(certificate: x509.Certificate) -> frozenset[str]:
    """The names that a certificate is for."""
    told = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = told.get_values_for_type(x509.DNSName)
    return frozenset([*hosts, *map(str, told.get_values_for_type(x509.IPAddress))])


def thumbprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate as hex, as browsers and `openssl x509 -fingerprint` show it, without colons."""
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def _builder(
    name: str, key: ec.EllipticCurvePublicKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _name(common: str) -> x509.Name:
    parts = [(NameOID.ORGANIZATION_NAME, ORGANIZATION), (NameOID.COMMON_NAME, common[:64])]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
