"""Client assertions (RFC 7523, SMART Backend Services): one signed JWT, judged rule by rule.

A state machine without I/O: keys, clocks and the memory of used ids are handed in. Each broken rule has a slug of its
own in `reason`, for the journal and for the judge; what the caller gets to see is the vendor's business.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NoReturn

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey

from simulator.auth import keyring
from simulator.auth.clients import Client
from simulator.auth.replay import ReplayGuard
from simulator.refusal import OAuthRefusal

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

Key = RSAKey | ECKey | OctKey
_KEY_OF_ALG: dict[str, type[RSAKey] | type[ECKey] | type[OctKey]] = {
    "RS256": RSAKey, "RS384": RSAKey, "RS512": RSAKey, "PS256": RSAKey, "PS384": RSAKey, "PS512": RSAKey,
    "ES256": ECKey, "ES384": ECKey, "ES512": ECKey,
    "HS256": OctKey, "HS384": OctKey, "HS512": OctKey,
}  # fmt: skip
_KEY_OF_TYPE: dict[str, type[RSAKey] | type[ECKey]] = {"RSA": RSAKey, "EC": ECKey}
_REGISTRIES = {alg: jws.JWSRegistry(algorithms=[alg]) for alg in _KEY_OF_ALG}
_LONGEST = 16_384  # letters of an assertion; real ones have about 900


@dataclass(frozen=True, slots=True)
class Rules:
    """How strict a token endpoint is. The defaults are SMART App Launch 2.2.0; a room replaces what its vendor does.

    algs              algorithms that are accepted, by name; `none` never is
    kid_required      without a kid the client's only key is taken when False
    typ_required      `typ` must be there; a `typ` other than JWT is always refused
    max_exp_ahead     how far `exp` may lie ahead
    max_life          how far `exp` may lie behind `iat` and `nbf`; None: not looked at
    skew              how far the caller's clock may be off, in both directions, for exp, nbf and iat
    refuse_future     whether `nbf` and `iat` may not lie ahead
    jti_required      whether `jti` must be there
    jti_string        whether `jti` must be a JSON string; otherwise numbers pass too
    max_jti           longest `jti`, in characters
    refuse_replay     whether a `jti` may be used once only
    audience_list     whether `aud` may be a JSON array that holds an accepted audience
    jku               what to do with a `jku` header: ignore it, compare with the registered URL, or refuse it
    """

    algs: frozenset[str] = frozenset({"RS384", "ES384"})
    kid_required: bool = True
    typ_required: bool = False
    max_exp_ahead: timedelta = timedelta(minutes=5)
    max_life: timedelta | None = None
    skew: timedelta = timedelta(0)
    refuse_future: bool = True
    jti_required: bool = True
    jti_string: bool = True
    max_jti: int = 1024
    refuse_replay: bool = True
    audience_list: bool = True
    jku: Literal["ignore", "registered", "refuse"] = "registered"


SMART = Rules()


def keys_of(client: Client, now: datetime | None = None) -> dict[str, Key]:
    """The registered public keys of a client of the keyring, by kid.

    At `now`, a key that was replaced counts beside the new one while their overlap lasts.
    """
    if client.key is not None:
        former = [one for one in client.former if one.key_slot is not None and now is not None and now < one.until]
        kept = {one.kid: keyring.key(one.key_slot or 0, one.kid).public for one in former}
        return {**kept, client.key.kid: client.key.public}
    return {}


def key_of_secret(secret: str) -> dict[str, Key]:
    """The shared secret of a `client_secret_jwt` client as its only key, which no `kid` names."""
    return {"": OctKey.import_key(secret)}


def keys_of_jwks(jwks: Mapping[str, Any]) -> dict[str, Key]:
    """The keys of a key set document, by kid; keys without kid, for encryption or of other kinds are left out.

    Raises:
        ValueError: the document is no key set, or a key in it is malformed.
    """
    found: dict[str, Key] = {}
    try:
        for jwk in jwks["keys"]:
            kind = _KEY_OF_TYPE.get(jwk["kty"])
            if kind is not None and jwk.get("kid") and jwk.get("use", "sig") == "sig":
                found[jwk["kid"]] = kind.import_key(jwk)
    except (JoseError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a key set: {error}") from None
    return found


def peek(text: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The (header, claims) of a JWT as they stand, nothing verified; None when it is no JWT in compact form."""
    parts = text.split(".")
    if len(parts) != 3 or len(text) > _LONGEST:
        return None
    try:
        header, claims = (orjson.loads(_bytes_of(part)) for part in parts[:2])
    except (binascii.Error, ValueError):  # JSONDecodeError and UnicodeError are ValueErrors
        return None
    return (header, claims) if isinstance(header, dict) and isinstance(claims, dict) else None


def verify(
    text: str,
    *,
    client: Client,
    keys: Mapping[str, Key],
    audiences: Collection[str],
    wall: datetime,
    now: datetime,
    guard: ReplayGuard,
    rules: Rules = SMART,
    jwks_url: str = "",
) -> dict[str, Any]:
    """The claims of a good assertion of `client`.

    `keys` are the client's registered public keys by kid; `audiences` the URLs that count as this token endpoint,
    compared letter by letter. What the caller states by its own clock is judged at `wall`; a used jti is remembered
    for the rest of the assertion's life on the sandbox clock `now`. `jwks_url` is the registered one, for `jku`.

    Raises:
        OAuthRefusal: invalid_client, with the first broken rule as reason: assertion_malformed, alg_none,
            alg_not_allowed, typ_wrong, crit_unknown, jku_mismatch, kid_missing, kid_unknown, key_mismatch,
            bad_signature, iss_missing, sub_missing, iss_sub_mismatch, client_mismatch, aud_missing, aud_mismatch,
            exp_missing, exp_not_number, expired, exp_too_far, nbf_not_number, nbf_future, iat_not_number, iat_future,
            life_too_long, jti_missing, jti_not_string, jti_too_long, jti_replayed.

    Source: RFC 7523 section 3, RFC 8725 section 3, SMART App Launch 2.2.0 client-confidential-asymmetric.
    """
    peeked = peek(text)
    if peeked is None:
        _refuse("assertion_malformed", "the assertion is not a JWT in compact form")
    header, claims = peeked
    _check_header(header, rules, jwks_url)
    _check_signature(text, header["alg"], _key_of(header, keys, rules))
    _check_issuer(claims, client.client_id)
    _check_audience(claims.get("aud"), audiences, rules)
    ends = _check_times(claims, wall, rules)
    _check_jti(claims, rules)
    if rules.refuse_replay and "jti" in claims:
        until = now + (ends - wall) + rules.skew
        if guard.seen(client.client_id, str(claims["jti"]), until, now):
            _refuse("jti_replayed", f"jti {claims['jti']} was used before")
    return claims


def _check_header(header: dict[str, Any], rules: Rules, jwks_url: str) -> None:
    alg = header.get("alg")
    if isinstance(alg, str) and alg.lower() == "none":
        _refuse("alg_none", "an unsigned assertion")
    if not isinstance(alg, str) or alg not in rules.algs or alg not in _KEY_OF_ALG:
        _refuse("alg_not_allowed", f"alg {alg!r}; accepted: {', '.join(sorted(rules.algs))}")
    typ = header.get("typ")
    if (typ is None and rules.typ_required) or (typ is not None and str(typ).upper() != "JWT"):
        _refuse("typ_wrong", f"typ {typ!r} instead of JWT")
    if "crit" in header or "b64" in header:
        _refuse("crit_unknown", "the header marks an extension as critical")
    jku = header.get("jku")
    if jku is not None and (rules.jku == "refuse" or (rules.jku == "registered" and jku != jwks_url)):
        _refuse("jku_mismatch", f"jku {jku!r} is not the registered {jwks_url or '(none)'}")


def _key_of(header: dict[str, Any], keys: Mapping[str, Key], rules: Rules) -> Key:
    kid = header.get("kid")
    if kid is None and (rules.kid_required or len(keys) != 1):
        _refuse("kid_missing", "the header has no kid")
    key = next(iter(keys.values())) if kid is None else keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        _refuse("kid_unknown", f"kid {kid!r}; registered: {', '.join(sorted(keys)) or '(none)'}")
    if not isinstance(key, _KEY_OF_ALG[header["alg"]]):
        _refuse("key_mismatch", f"alg {header['alg']} does not go with the key {kid!r}")
    return key


def _check_signature(text: str, alg: str, key: Key) -> None:
    try:
        jws.deserialize_compact(text, key, registry=_REGISTRIES[alg])
    except (JoseError, ValueError) as error:
        _refuse("bad_signature", f"the signature does not verify: {error}")


def _check_issuer(claims: dict[str, Any], client_id: str) -> None:
    iss, sub = claims.get("iss"), claims.get("sub")
    if iss is None:
        _refuse("iss_missing", "no iss")
    if sub is None:
        _refuse("sub_missing", "no sub")
    if iss != sub:
        _refuse("iss_sub_mismatch", f"iss {iss!r} and sub {sub!r} differ")
    if iss != client_id:
        _refuse("client_mismatch", f"iss {iss!r} is not the client {client_id}")


def _check_audience(aud: Any, audiences: Collection[str], rules: Rules) -> None:
    if aud is None:
        _refuse("aud_missing", "no aud")
    named = aud if isinstance(aud, list) and rules.audience_list else [aud]
    if not any(isinstance(one, str) and one in audiences for one in named):
        _refuse("aud_mismatch", f"aud {aud!r}; accepted: {', '.join(sorted(audiences))}")


def _check_times(claims: dict[str, Any], wall: datetime, rules: Rules) -> datetime:
    """Judges exp, nbf, iat; gives the end of the assertion."""
    at, skew = wall.timestamp(), rules.skew.total_seconds()
    exp = _number(claims, "exp")
    if exp is None:
        _refuse("exp_missing", "no exp")
    if exp <= at - skew:
        _refuse("expired", f"exp lies {at - exp:.0f} s back")
    if exp > at + skew + rules.max_exp_ahead.total_seconds():
        _refuse("exp_too_far", f"exp lies {exp - at:.0f} s ahead")
    for name in ("nbf", "iat"):
        begin = _number(claims, name)
        if begin is None:
            continue
        if rules.refuse_future and begin > at + skew:
            _refuse(f"{name}_future", f"{name} lies {begin - at:.0f} s ahead")
        if rules.max_life is not None and exp - begin > rules.max_life.total_seconds():
            _refuse("life_too_long", f"exp lies {exp - begin:.0f} s after {name}")
    return wall + timedelta(seconds=exp - at)


def _number(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(f"{name}_not_number", f"{name} is {value!r}, not a number of seconds")
    return float(value)


def _check_jti(claims: dict[str, Any], rules: Rules) -> None:
    jti = claims.get("jti")
    if jti is None or jti == "":
        if rules.jti_required:
            _refuse("jti_missing", "no jti")
        return
    if not isinstance(jti, str) and (rules.jti_string or isinstance(jti, bool | dict | list)):
        _refuse("jti_not_string", f"jti is {jti!r}, not a string")
    if len(str(jti)) > rules.max_jti:
        _refuse("jti_too_long", f"jti has {len(str(jti))} characters, at most {rules.max_jti} are taken")


def _refuse(reason: str, detail: str) -> NoReturn:
    raise OAuthRefusal("invalid_client", reason, detail)


def _bytes_of(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
