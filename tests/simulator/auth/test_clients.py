"""Registered clients, as the control API shows them (contract section 4, `clients`)."""

from joserfc import jws
from joserfc.jwk import RSAKey

from simulator.auth import keyring
from simulator.auth.clients import Client

URL = "https://ehr.example/token"
BACKEND = Client("backend", "private_key_jwt", "c-1", ("system/*.rs",), kid="k1", key_slot=3)
SYSTEM = Client("system", "client_secret_basic", "c-2", ("system/Patient.read",), client_secret="s3cret")
KEYED = Client("partner", "api_key", "c-3", (), api_key="ak-1", header="X-API-Key")


def test_a_client_with_a_key_comes_with_everything_to_sign():
    made = BACKEND.as_dict(URL)
    assert list(made) == ["name", "auth", "client_id", "kid", "private_key_pem", "jwk", "scopes", "token_url"]
    signed = jws.serialize_compact({"alg": "RS384"}, b"x", RSAKey.import_key(made["private_key_pem"]), ["RS384"])
    assert jws.deserialize_compact(signed, keyring.key(3).public, ["RS384"]).payload == b"x"
    assert made["jwk"]["kid"] == made["kid"] == "k1"


def test_a_client_with_a_secret_comes_with_it():
    assert SYSTEM.as_dict(URL) == {
        "name": "system", "auth": "client_secret_basic", "client_id": "c-2", "client_secret": "s3cret",
        "scopes": ["system/Patient.read"], "token_url": URL,
    }  # fmt: skip


def test_a_client_with_an_api_key_comes_with_its_header():
    made = KEYED.as_dict(URL)
    assert (made["api_key"], made["header"]) == ("ak-1", "X-API-Key")


def test_the_public_view_holds_no_secret():
    for client in (BACKEND, SYSTEM, KEYED):
        shown = str(client.public())
        assert "s3cret" not in shown
        assert "ak-1" not in shown
        assert "PRIVATE" not in shown
    assert "d" not in BACKEND.public()["jwk"]


def test_the_repr_holds_no_secret():
    for client in (BACKEND, SYSTEM, KEYED):
        assert "s3cret" not in repr(client)
        assert "ak-1" not in repr(client)
