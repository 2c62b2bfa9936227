"""MAuth, Medidata's signature of single requests: an app signs method, path, body and time with its own key.

Two versions: `X-MWS-Authentication: MWS app:signature` (v1) and `MCC-Authentication: MWSV2 app:signature;` (v2), each
with the time beside it. When both are there, v2 is looked at first, and v1 when it does not hold.

Source: https://github.com/mdsol/mauth-client-python (the signer and the checks), and its protocol test suite.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import posixpath
import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote, unquote_plus

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from simulator.auth import keyring
from simulator.auth.clients import MAUTH, Client
from simulator.exchange import Exchange
from simulator.refusal import Refusal

LONGEST_S = 300
"""How old a signature may be, in seconds of the caller's clock. One from the future is taken, as the client does."""

_V1 = re.compile(r"\A([^ ]+) *([^:]+):([^:]+)\Z")
_V2 = re.compile(r"(MWSV2) ([^:]+):([^;]+);")
_ESCAPE = re.compile(r"%[a-f0-9]{2}")


def is_signed(x: Exchange) -> bool:
    """Whether a request has a signature of either version, good or bad."""
    return x.header("mcc-authentication") is not None or x.header("x-mws-authentication") is not None


def signer(x: Exchange) -> Client:
    """The client whose signature holds.

    Raises:
        Refusal: unauthenticated, with reason mauth_missing, mauth_malformed, time_missing, time_malformed,
            signature_too_old, app_unknown, bad_signature.
    """
    newer, older = x.header("mcc-authentication"), x.header("x-mws-authentication")
    if newer is not None:
        try:
            return _checked(x, newer, x.header("mcc-time"), version=2)
        except Refusal:
            if older is None:
                raise
    if older is None:
        raise _refused("mauth_missing", "no MAuth signature")
    return _checked(x, older, x.header("x-mws-time"), version=1)


def _checked(x: Exchange, shown: str, time: str | None, *, version: int) -> Client:
    found = (_V2 if version == 2 else _V1).search(shown)
    if found is None or (version == 1 and found[1] != "MWS"):
        raise _refused("mauth_malformed", f"no MAuth signature of version {version}: {shown[:80]!r}")
    app, signature = found[2], found[3]
    x.notes |= {"client_id": app, "mauth": version}
    _check_time(time, x.sandbox.clock.wall())
    client = x.site.clients.get(app)
    if client is None or client.auth != MAUTH:
        raise _refused("app_unknown", f"no app {app[:80]!r}")
    holds = _holds_v2 if version == 2 else _holds_v1
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise _refused("bad_signature", "the signature is not base64") from None
    signed = _signed_v2(x, app, time or "") if version == 2 else _signed_v1(x, app, time or "")
    if not any(holds(key, signed, raw) for key in _keys(client, x.at)):
        raise _refused("bad_signature", f"the signature of {client.name} does not verify")
    return client


def _check_time(time: str | None, wall: datetime) -> None:
    if not time:
        raise _refused("time_missing", "a signature without a time")
    if not (time.isascii() and time.isdigit()):
        raise _refused("time_malformed", f"the time of the signature is {time[:40]!r}")
    age = wall.timestamp() - int(time)
    if age > LONGEST_S:
        raise _refused("signature_too_old", f"signed {age:.0f} s ago, {LONGEST_S} s are taken")


def _keys(client: Client, now: datetime) -> Iterator[RSAPublicKey]:
    """The key of the app, and those that were replaced and still count."""
    slots = [client.key_slot, *(one.key_slot for one in client.former if now < one.until)]
    return (keyring.private(slot).public_key() for slot in slots if slot is not None)


def _signed_v1(x: Exchange, app: str, time: str) -> bytes:
    return b"\n".join((x.method.encode(), x.raw_path.encode("latin-1"), x.body, app.encode(), time.encode()))


def _signed_v2(x: Exchange, app: str, time: str) -> bytes:
    body = hashlib.sha512(x.body).hexdigest()
    return "\n".join((x.method, normal_path(x.raw_path), body, app, time, normal_query(x.query))).encode()


def normal_path(path: str) -> str:
    """A path as v2 signs it: `.`, `..` and doubled slashes resolved, escapes in capitals, a last slash kept."""
    resolved = re.sub("//+", "/", posixpath.normpath(path))
    plain = _ESCAPE.sub(lambda found: found[0].upper(), resolved)
    return plain + "/" if len(plain) > 1 and path.endswith(("/", "/.", "/..")) else plain


def normal_query(query: str) -> str:
    """A query as v2 signs it: its pairs decoded, sorted by code point, encoded again."""
    if not query:
        return ""
    pairs = sorted([unquote_plus(name), unquote_plus(value)] for name, _, value in _parted(query))
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)


def _parted(query: str) -> Iterator[tuple[str, str, str]]:
    return (one.partition("=") for one in query.split("&"))


def _holds_v1(key: RSAPublicKey, signed: bytes, signature: bytes) -> bool:
    """v1 pads the hex digits of a SHA-512 without naming the hash: the message itself is recovered and compared."""
    try:
        recovered = key.recover_data_from_signature(signature, padding.PKCS1v15(), None)
    except (InvalidSignature, ValueError):
        return False
    return hmac.compare_digest(recovered, hashlib.sha512(signed).hexdigest().encode())


def _holds_v2(key: RSAPublicKey, signed: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA512())
    except (InvalidSignature, ValueError):
        return False
    return True


def _refused(reason: str, detail: str) -> Refusal:
    return Refusal("unauthenticated", detail, reason=reason)
