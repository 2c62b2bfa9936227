"""The keys that a vendor signs with rotate: RFC 7517 section 4.5, OpenID Connect Core section 10.1.1.

before   id_token names kid a     key set  a
rotated  id_token names kid b     key set  b, and a while the overlap lasts
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.simulator.smart_app import App
from tests.simulator.vendors.caller import Caller
from tests.simulator.vendors.conftest import Registered

SCOPES = {
    "epic": "openid fhirUser launch/patient patient/Patient.read",
    "cerner": "openid fhirUser launch/patient patient/Patient.read",
    "athena": "openid fhirUser launch/patient patient/Patient.r",
}


def rotate(app: App, vendor: str, **wish: Any) -> dict[str, Any]:
    answer = app.control("POST", f"/vendors/{vendor}/rotate-keys", {"of": "vendor", **wish})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def key_set(app: App) -> KeySet:
    return KeySet.import_key_set(app.http.get(app.discover()["jwks_uri"]).json())


def verifies(token: str, keys: KeySet) -> bool:
    try:
        jwt.decode(token, keys, algorithms=["RS256"])
    except (JoseError, ValueError):
        return False
    return True


def kid(token: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))["kid"])


@pytest.mark.parametrize("vendor", ["athena", "cerner", "epic"])
def test_a_client_that_keeps_a_key_set_must_look_again(vendor: str, register: Registered) -> None:
    app = register(vendor, auth="none", scopes=SCOPES[vendor].split())
    scope = SCOPES[vendor]
    old = app.tokens(scope=scope)["id_token"]
    kept = key_set(app)
    assert verifies(old, kept)
    assert rotate(app, vendor, overlap_s=600)["generation"] == 1
    new = app.tokens(scope=scope)["id_token"]
    assert kid(new) != kid(old)
    assert not verifies(new, kept), "the kept set does not know the new key"
    fresh = key_set(app)
    assert verifies(new, fresh)
    assert verifies(old, fresh), "what was signed before is still good"
    app.later(seconds=600)
    later = key_set(app)
    assert verifies(new, later)
    assert not verifies(old, later), "the overlap has ended"


def test_without_an_overlap_the_old_key_is_gone_at_once(register: Registered) -> None:
    app = register("athena", auth="none", scopes=SCOPES["athena"].split())
    old = app.tokens(scope=SCOPES["athena"])["id_token"]
    rotate(app, "athena")
    assert not verifies(old, key_set(app))


def test_access_tokens_stay_good_and_a_reset_takes_the_old_keys_back(caller: Caller) -> None:
    c = caller
    before = c.http.get(c.smart("athena").json()["jwks_uri"]).json()
    token = c.login("athena", "private_key_jwt").json()
    c.sandbox.faults.add({"fault": "rotate_signing_keys", "args": {"overlap_s": 60}, "budget": 1})
    read = c.read("athena", f"Patient/{c.patient('athena')}")
    assert (read.status_code, "error" in token) == (200, False)
    during = c.http.get(c.smart("athena").json()["jwks_uri"]).json()
    assert [one["kid"] for one in during["keys"]][1:] == [one["kid"] for one in before["keys"]]
    c.server.sandboxes.reset(c.sandbox.id)
    assert c.http.get(c.smart("athena").json()["jwks_uri"]).json() == before


def test_the_keys_of_a_client_and_those_of_the_vendor_are_asked_for_one_by_one(caller: Caller) -> None:
    c = caller
    url = f"{c.server.control}/sandboxes/{c.sandbox.id}/vendors/epic/rotate-keys"
    answer = c.http.post(url, json={"of": "vendor", "client": "backend"})
    assert (answer.status_code, answer.json()["detail"]) == (422, "the keys of a client, or those of the vendor")
