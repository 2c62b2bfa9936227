"""Client assertions, attacked: std:SMART-BS-02…05, -08, std:OAUTH-14; RFC 7523 section 3, RFC 8725 section 3.

A good assertion: header {"alg": "RS384", "typ": "JWT", "kid": …}, claims {"iss", "sub", "aud", "exp", "jti"}.
"""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from joserfc import jws
from joserfc.jwk import ECKey

from simulator.auth import assertion, keyring
from simulator.auth.assertion import Rules
from simulator.auth.clients import Client
from simulator.auth.replay import ReplayGuard
from simulator.refusal import OAuthRefusal

WALL = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
AT = int(WALL.timestamp())
URL = "https://ehr.example/oauth2/token"
CLIENT = Client("backend", "private_key_jwt", "c-1", ("system/*.rs",), kid="k1", key_slot=0)
OTHER_KEY = keyring.key(1, "k2")
EC = ECKey.generate_key("P-384", {"kid": "ec"})
ALL = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "HS256", "HS384"})
MISSING = object()


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header=None, key=None, **claims):
    """An assertion that is good but for what is given; MISSING takes a member away."""
    head = {"alg": "RS384", "typ": "JWT", "kid": "k1"} | (header or {})
    body = {"iss": "c-1", "sub": "c-1", "aud": URL, "jti": "j1", "exp": AT + 240} | claims
    head = {name: value for name, value in head.items() if value is not MISSING}
    body = {name: value for name, value in body.items() if value is not MISSING}
    payload = json.dumps(body).encode()
    registry = jws.JWSRegistry(algorithms=[head["alg"]], strict_check_header=False)
    return jws.serialize_compact(head, payload, key or CLIENT.key.joserfc, registry=registry)


def forged(header, payload, signature=b"") -> str:
    head = {"typ": "JWT", "kid": "k1"} | header
    return f"{b64(json.dumps(head).encode())}.{b64(json.dumps(payload).encode())}.{b64(signature)}"


def claims_of(**changes):
    return {"iss": "c-1", "sub": "c-1", "aud": URL, "jti": "j1", "exp": AT + 240} | changes


def hs256_with_the_public_key() -> str:
    """The classic confusion: the public key's PEM, known to everybody, as the secret of an HMAC."""
    pem = CLIENT.key.joserfc.public_key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    unsigned = forged({"alg": "HS256"}, claims_of()).rpartition(".")[0]
    return f"{unsigned}.{b64(hmac.new(pem, unsigned.encode(), hashlib.sha256).digest())}"


def verify(text, *, keys=None, guard=None, rules=assertion.SMART, wall=WALL, now=NOW, jwks_url=""):
    return assertion.verify(
        text, client=CLIENT, keys=assertion.keys_of(CLIENT) if keys is None else keys, audiences={URL}, wall=wall,
        now=now, guard=guard if guard is not None else ReplayGuard(), rules=rules, jwks_url=jwks_url,
    )  # fmt: skip


def reason_of(text, **how) -> str:
    with pytest.raises(OAuthRefusal) as caught:
        verify(text, **how)
    assert caught.value.error == "invalid_client"
    return caught.value.reason


def test_a_good_assertion_gives_its_claims():
    assert verify(signed())["jti"] == "j1"


ATTACKS = [
    ("alg_none", lambda: forged({"alg": "none"}, claims_of())),
    ("alg_none", lambda: forged({"alg": "nOnE"}, claims_of())),
    ("alg_not_allowed", lambda: forged({}, claims_of())),
    ("alg_not_allowed", lambda: forged({"alg": "RS999"}, claims_of(), b"x" * 256)),
    ("alg_not_allowed", lambda: forged({"alg": ["RS384"]}, claims_of(), b"x" * 256)),
    ("alg_not_allowed", lambda: hs256_with_the_public_key()),
    ("alg_not_allowed", lambda: signed({"alg": "RS256"})),
    ("typ_wrong", lambda: signed({"typ": "at+jwt"})),
    ("crit_unknown", lambda: forged({"alg": "RS384", "crit": ["b64"], "b64": False}, claims_of(), b"x" * 256)),
    ("jku_mismatch", lambda: signed({"jku": "https://evil.example/jwks"})),
    ("kid_missing", lambda: signed({"kid": MISSING})),
    ("kid_unknown", lambda: signed({"kid": "k2"}, OTHER_KEY.joserfc)),
    ("kid_unknown", lambda: forged({"alg": "RS384", "kid": 1}, claims_of(), b"x" * 256)),
    ("key_mismatch", lambda: forged({"alg": "ES384"}, claims_of(), b"x" * 96)),
    ("bad_signature", lambda: signed(key=OTHER_KEY.joserfc)),
    ("bad_signature", lambda: forged({"alg": "RS384"}, claims_of())),
    ("bad_signature", lambda: signed()[:-4] + ("AAAA" if signed()[-4:] != "AAAA" else "BBBB")),
    ("iss_missing", lambda: signed(iss=MISSING)),
    ("sub_missing", lambda: signed(sub=MISSING)),
    ("iss_sub_mismatch", lambda: signed(sub="c-2")),
    ("client_mismatch", lambda: signed(iss="c-2", sub="c-2")),
    ("aud_missing", lambda: signed(aud=MISSING)),
    ("aud_mismatch", lambda: signed(aud="https://other.example/oauth2/token")),
    ("aud_mismatch", lambda: signed(aud=URL + "/")),
    ("aud_mismatch", lambda: signed(aud=URL.replace("https", "http"))),
    ("aud_mismatch", lambda: signed(aud=[])),
    ("aud_mismatch", lambda: signed(aud=[URL + "/"])),
    ("exp_missing", lambda: signed(exp=MISSING)),
    ("exp_not_number", lambda: signed(exp=str(AT + 240))),
    ("exp_not_number", lambda: signed(exp=True)),
    ("expired", lambda: signed(exp=AT)),
    ("expired", lambda: signed(exp=AT - 3600)),
    ("exp_too_far", lambda: signed(exp=AT + 3600)),
    ("exp_too_far", lambda: signed(exp=AT + 301)),
    ("exp_too_far", lambda: signed(exp=1000 * (AT + 240))),
    ("exp_too_far", lambda: signed(exp=10**300)),
    ("nbf_future", lambda: signed(nbf=AT + 60)),
    ("nbf_not_number", lambda: signed(nbf="now")),
    ("iat_future", lambda: signed(iat=AT + 90)),
    ("jti_missing", lambda: signed(jti=MISSING)),
    ("jti_missing", lambda: signed(jti="")),
    ("jti_not_string", lambda: signed(jti=17)),
    ("jti_not_string", lambda: signed(jti={"a": 1})),
    ("jti_too_long", lambda: signed(jti="j" * 1025)),
    ("assertion_malformed", lambda: ""),
    ("assertion_malformed", lambda: "a.b"),
    ("assertion_malformed", lambda: "a.b.c"),
    ("assertion_malformed", lambda: signed() + ".x"),
    ("assertion_malformed", lambda: f"{b64(b'[]')}.{b64(b'{}')}.x"),
    ("assertion_malformed", lambda: "ä" + signed()),
    ("assertion_malformed", lambda: signed(jti="j" * 20_000)),
]


@pytest.mark.parametrize(("reason", "attack"), ATTACKS, ids=[f"{n}-{reason}" for n, (reason, _) in enumerate(ATTACKS)])
def test_an_attack_is_refused_for_the_rule_it_breaks(reason, attack):
    assert reason_of(attack()) == reason


def test_every_reason_that_the_docstring_promises_is_attacked_somewhere_here():
    promised = set(assertion.verify.__doc__.partition("as reason: ")[2].partition(".\n")[0].replace(",", " ").split())
    elsewhere = {"jti_replayed", "life_too_long", "iat_not_number"}
    assert promised - {reason for reason, _ in ATTACKS} == elsewhere


def test_the_public_key_is_no_secret_even_where_hmac_is_allowed():
    assert reason_of(hs256_with_the_public_key(), rules=Rules(algs=ALL)) == "key_mismatch"


def test_a_shared_secret_signs_where_the_client_is_registered_so():
    keys = assertion.key_of_secret("s" * 48)
    text = signed({"alg": "HS384", "kid": ""}, keys[""])
    assert verify(text, keys=keys, rules=Rules(algs=ALL, kid_required=False))


def test_an_elliptic_curve_key_signs_es384():
    assert verify(signed({"alg": "ES384", "kid": "ec"}, EC), keys={"ec": EC})


def test_a_jti_is_used_once_within_the_life_of_its_assertion():
    guard = ReplayGuard()
    verify(signed(), guard=guard)
    assert reason_of(signed(), guard=guard) == "jti_replayed"
    assert reason_of(signed(exp=AT + 250), guard=guard, now=NOW + timedelta(seconds=240)) == "jti_replayed"
    assert verify(signed(exp=AT + 250), guard=guard, now=NOW + timedelta(seconds=241))
    assert verify(signed(jti="j2"), guard=guard)


def test_a_refused_assertion_does_not_use_up_its_jti():
    guard = ReplayGuard()
    assert reason_of(signed(aud="x"), guard=guard) == "aud_mismatch"
    assert verify(signed(), guard=guard)


def test_the_skew_that_is_tolerated_covers_expiry_and_begin():
    rules = Rules(skew=timedelta(seconds=60))
    assert verify(signed(exp=AT - 59), rules=rules)
    assert verify(signed(nbf=AT + 59, iat=AT + 60), rules=rules)
    assert reason_of(signed(exp=AT - 60), rules=rules) == "expired"
    assert reason_of(signed(iat=AT + 61), rules=rules) == "iat_future"


RELAXED = [
    (Rules(kid_required=False), lambda: signed({"kid": MISSING})),
    (Rules(jti_string=False), lambda: signed(jti=17)),
    (Rules(jti_required=False), lambda: signed(jti=MISSING)),
    (Rules(max_exp_ahead=timedelta(hours=1)), lambda: signed(exp=AT + 3600)),
    (Rules(refuse_future=False), lambda: signed(iat=AT + 90, nbf=AT + 90)),
    (Rules(jku="ignore"), lambda: signed({"jku": "https://evil.example/jwks"})),
    (Rules(algs=ALL), lambda: signed({"alg": "RS256"})),
    (Rules(algs=ALL), lambda: signed({"alg": "RS512"})),
    (Rules(), lambda: signed({"typ": MISSING})),
    (Rules(), lambda: signed(aud=["https://other.example", URL])),
]


@pytest.mark.parametrize(("rules", "make"), RELAXED)
def test_a_relaxed_rule_lets_its_case_pass(rules, make):
    assert verify(make(), rules=rules)


STRICTER = [
    ("typ_wrong", Rules(typ_required=True), lambda: signed({"typ": MISSING})),
    ("aud_mismatch", Rules(audience_list=False), lambda: signed(aud=[URL])),
    ("jti_too_long", Rules(max_jti=151), lambda: signed(jti="j" * 152)),
    ("life_too_long", Rules(max_life=timedelta(minutes=5)), lambda: signed(iat=AT - 61)),
    ("life_too_long", Rules(max_life=timedelta(minutes=5)), lambda: signed(nbf=AT - 61)),
    ("jku_mismatch", Rules(jku="refuse"), lambda: signed({"jku": "https://app.example/jwks"})),
    ("iat_not_number", Rules(), lambda: signed(iat="2031-05-06")),
]


@pytest.mark.parametrize(("reason", "rules", "make"), STRICTER)
def test_a_stricter_rule_refuses_its_case(reason, rules, make):
    assert reason_of(make(), rules=rules) == reason


def test_the_registered_jku_passes():
    url = "https://app.example/jwks"
    assert verify(signed({"jku": url}), jwks_url=url)


def test_replays_pass_where_the_rule_is_off():
    guard, rules = ReplayGuard(), Rules(refuse_replay=False)
    assert verify(signed(), guard=guard, rules=rules) == verify(signed(), guard=guard, rules=rules)


def test_without_kid_two_registered_keys_are_one_too_many():
    keys = {"k1": CLIENT.key.public, "k2": OTHER_KEY.public}
    assert reason_of(signed({"kid": MISSING}), keys=keys, rules=Rules(kid_required=False)) == "kid_missing"


def test_peek_shows_header_and_claims_without_verifying():
    header, claims = assertion.peek(forged({"alg": "none"}, {"iss": "x"}))
    assert (header["alg"], claims["iss"]) == ("none", "x")


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "....", "e30.e30", "\ud800.a.b", "é.é.é"])
def test_peek_at_what_is_no_jwt_gives_none(text):
    assert assertion.peek(text) is None


def test_a_key_set_document_gives_its_signing_keys_by_kid():
    foreign = [{"kty": "OKP", "kid": "x"}, OTHER_KEY.public_jwk | {"use": "enc"}]
    jwks = {"keys": [CLIENT.key.public_jwk, EC.as_dict(private=False), *foreign]}
    keys = assertion.keys_of_jwks(jwks)
    assert sorted(keys) == ["ec", "k1"]
    assert verify(signed({"alg": "ES384", "kid": "ec"}, EC), keys=keys)


@pytest.mark.parametrize("jwks", [{}, {"keys": 1}, {"keys": [1]}, {"keys": [{"kty": "RSA", "kid": "a"}]}, []])
def test_what_is_no_key_set_is_named_as_such(jwks):
    with pytest.raises(ValueError, match="not a key set"):
        assertion.keys_of_jwks(jwks)
