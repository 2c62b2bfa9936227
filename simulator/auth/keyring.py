"""Sixteen RSA keys of 2048 bits that every sandbox knows, without key material in the repository.

Keys for demonstrations must be ready at once and equal everywhere, yet a private key in a repository sets off every
scanner. So a prime is written as `start + offset`: the start is 1024 bits of SHAKE-256 over a label, the offset a small
number from the table below. The table was found once, in five seconds: from `start(slot, which)`, go up by two until
the number is free of factors below 20,000, p - 1 is prime to 65537, and Miller-Rabin holds for the bases 2 … 37; note
the distance.
Nothing signed with these keys proves anything outside a sandbox.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import RSAKey

_E = 65537
_OFFSETS = (
    (984, 140), (162, 16), (398, 286), (1246, 708), (1412, 736), (186, 732), (1188, 674), (702, 260),
    (598, 412), (254, 132), (694, 1266), (756, 238), (510, 364), (2232, 228), (2838, 2750), (2204, 1328),
)  # fmt: skip
SLOTS = len(_OFFSETS)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key pair: `pem` is the private key as PKCS#8, `jwk` and `public_jwk` the halves as JWK with `kid`,
    `joserfc` the key object that signs, `public` the one that only verifies."""

    slot: int
    kid: str
    pem: str = field(repr=False)
    jwk: dict[str, Any] = field(repr=False)
    public_jwk: dict[str, Any] = field(repr=False)
    joserfc: RSAKey = field(repr=False, compare=False)
    public: RSAKey = field(repr=False, compare=False)


@cache
def key(slot: int, kid: str = "") -> SigningKey:
    """The key of `slot` under the name `kid`; without, its RFC 7638 thumbprint is its name.

    Raises:
        IndexError: there is no such slot.
    """
    secret = private(slot)
    kid = kid or RSAKey.import_key(secret).thumbprint()
    made = RSAKey.import_key(secret, {"kid": kid})
    pem = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")
    public = RSAKey.import_key(secret.public_key(), {"kid": kid})
    return SigningKey(slot, kid, pem, dict(made.as_dict(private=True)), dict(public.as_dict()), made, public)


def jwks(*keys: SigningKey) -> dict[str, Any]:
    """The key set document of the public halves."""
    return {"keys": [{**one.public_jwk, "use": "sig"} for one in keys]}


def start(slot: int, which: str) -> int:
    """Where the search for the prime `which` (p or q) of `slot` began: an odd number with its two highest bits set."""
    raw = hashlib.shake_256(f"emr-sandbox keyring {slot} {which}".encode()).digest(128)
    return int.from_bytes(raw, "big") | 3 << 1022 | 1


def primes(slot: int) -> tuple[int, int]:
    """The primes (p, q) of `slot`.

    Raises:
        IndexError: there is no such slot.
    """
    if not 0 <= slot < SLOTS:
        raise IndexError(f"no key slot {slot}; there are 0 to {SLOTS - 1}")
    p_offset, q_offset = _OFFSETS[slot]
    return start(slot, "p") + p_offset, start(slot, "q") + q_offset


@cache
def private(slot: int) -> rsa.RSAPrivateKey:
    """The private key of `slot`.

    Raises:
        IndexError: there is no such slot.
    """
    p, q = primes(slot)
    d = pow(_E, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(_E, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)  # validation takes 40 ms; the tests have done it
