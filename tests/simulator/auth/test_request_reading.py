"""What a request carries: Basic credentials, the Bearer token, the token form.

std:SMART-TK-02, std:SMART-TK-08, std:OAUTH-05, std:OAUTH-06; RFC 6749 sections 2.3.1 and 3.2, RFC 7617.
"""

import base64
from datetime import UTC, datetime

import pytest

from simulator.auth import basic, bearer
from simulator.auth.form import MEDIA, Form
from simulator.exchange import Exchange
from simulator.refusal import OAuthRefusal, Refusal


def exchange(*headers, method="POST", query="", body=b""):
    return Exchange(
        sandbox=None, site=None, method=method, path="/", query=query, raw_path="/", headers=list(headers), body=body,
        base_url="http://ehr.example", at=datetime(2026, 1, 5, tzinfo=UTC), started=0.0,
    )  # fmt: skip


def packed(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def refused(call, *args, **kwargs):
    with pytest.raises(Refusal) as caught:
        call(*args, **kwargs)
    return caught.value


CREDENTIALS = [
    (packed("id:secret"), ("id", "secret")),
    (packed("id:se:cret"), ("id", "se:cret")),
    (packed("id:"), ("id", "")),
    (packed("a%3Ab:p%25+q%2B"), ("a:b", "p% q+")),
    (packed("id:secret").replace("Basic", "bASIC"), ("id", "secret")),
    (packed("Zoë:sécret"), ("Zoë", "sécret")),
]


@pytest.mark.parametrize(("header", "pair"), CREDENTIALS)
def test_basic_credentials_are_read(header, pair):
    assert basic.credentials(header) == pair


def test_a_vendor_may_take_basic_credentials_as_they_stand():
    assert basic.credentials(packed("a%3Ab:p+q"), form_encoded=False) == ("a%3Ab", "p+q")


NO_CREDENTIALS = [
    (None, "basic_missing"),
    ("", "basic_missing"),
    ("Bearer abc", "basic_missing"),
    ("Basic", "basic_malformed"),
    ("Basic !!!", "basic_malformed"),
    ("Basic " + base64.b64encode(b"\xff:\xfe").decode(), "basic_malformed"),
    (packed("no colon"), "basic_malformed"),
]


@pytest.mark.parametrize(("header", "reason"), NO_CREDENTIALS)
def test_what_is_no_basic_pair_is_an_invalid_client(header, reason):
    refusal = refused(basic.credentials, header)
    assert (refusal.error, refusal.reason) == ("invalid_client", reason)


@pytest.mark.parametrize("header", [b"Bearer abc.def-_~+/=", b"bearer abc.def-_~+/=", b"BEARER  abc.def-_~+/= "])
def test_the_bearer_token_is_read_whatever_the_case_of_the_scheme(header):
    assert bearer.token_text(exchange((b"authorization", header))) == "abc.def-_~+/="


NO_TOKEN = [
    ([], "unauthenticated", "no_token"),
    ([b"Basic abc"], "unauthenticated", "wrong_scheme"),
    ([b"abc"], "unauthenticated", "wrong_scheme"),
    ([b"Bearer"], "unauthenticated", "token_malformed"),
    ([b"Bearer "], "unauthenticated", "token_malformed"),
    ([b"Bearer a b"], "unauthenticated", "token_malformed"),
    ([b"Bearer \xe4"], "unauthenticated", "token_malformed"),
    ([b"Bearer a", b"Bearer a"], "malformed", "token_twice"),
]


@pytest.mark.parametrize(("headers", "kind", "reason"), NO_TOKEN)
def test_a_request_without_one_good_token_says_what_is_wrong(headers, kind, reason):
    refusal = refused(bearer.token_text, exchange(*((b"authorization", header) for header in headers)))
    assert (refusal.kind, refusal.reason) == (kind, reason)


def test_a_token_in_the_url_or_in_the_body_does_not_count():
    sneaky = exchange((b"content-type", MEDIA.encode()), query="access_token=abc", body=b"access_token=abc")
    assert refused(bearer.token_text, sneaky).reason == "no_token"


def test_a_token_form_gives_its_values_decoded():
    form = Form(b"grant_type=client_credentials&scope=system%2FPatient.rs+openid&empty=", MEDIA + "; charset=UTF-8")
    assert form.need("scope") == "system/Patient.rs openid"
    assert form.get("empty") is None
    assert form.get("other") is None
    assert form.names == ("grant_type", "scope", "empty")


BAD_FORMS = [
    (b"grant_type=a&grant_type=a", MEDIA, "parameter_repeated"),
    (b"client_assertion=a&x=1&client_assertion=b", MEDIA, "parameter_repeated"),
    (b"a=&a=1", MEDIA, "parameter_repeated"),
    (b"a=%ff", MEDIA, "form_malformed"),
    (b"a=\xff", MEDIA, "form_malformed"),
    (b"&".join(b"a%d=1" % n for n in range(101)), MEDIA, "form_malformed"),
    (b'{"grant_type":"client_credentials"}', "application/json", "media_type_wrong"),
    (b"a=1", None, "media_type_wrong"),
]


@pytest.mark.parametrize(("body", "media", "reason"), BAD_FORMS)
def test_a_form_that_breaks_a_rule_is_an_invalid_request(body, media, reason):
    refusal = refused(Form, body, media)
    assert (refusal.error, refusal.kind, refusal.reason) == ("invalid_request", "malformed", reason)


@pytest.mark.parametrize("body", [b"", b"grant_type="])
def test_a_needed_parameter_that_is_absent_or_empty_is_named(body):
    refusal = refused(Form(body).need, "grant_type")
    assert (refusal.reason, refusal.facts["parameter"]) == ("parameter_missing", "grant_type")


def test_the_form_of_an_exchange_must_be_posted():
    media = (b"content-type", MEDIA.encode())
    assert Form.of(exchange(media, body=b"a=1")).get("a") == "1"
    assert refused(Form.of, exchange(media, body=b"a=1", method="GET")).reason == "method_not_post"
    assert isinstance(refused(Form.of, exchange(body=b"a=1")), OAuthRefusal)
