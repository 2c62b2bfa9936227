"""The request that a ready-made client sends, judged by the doors that it goes to."""

from datetime import UTC, datetime

import pytest

from simulator.auth import assertion, basic, request
from simulator.auth.clients import Client
from simulator.auth.form import Form
from simulator.auth.replay import ReplayGuard
from simulator.clock import Clock

URL = "https://ehr.example/oauth2/token"
BACKEND = Client("backend", "private_key_jwt", "c-1", ("system/*.rs", "system/*.c"), kid="k1", key_slot=4)
SYSTEM = Client("system", "client_secret_basic", "c:2", ("system/Patient.read",), client_secret="s%3 +c")
GUARD = ReplayGuard()


def form_of(client: Client) -> tuple[dict[str, str], Form]:
    headers, body = request.token_request(client.as_dict(URL))
    return headers, Form(body.encode(), headers["Content-Type"])


def test_a_client_with_a_key_sends_an_assertion_that_holds_and_a_new_one_each_time():
    clock = Clock(datetime(2026, 1, 5, tzinfo=UTC))
    for _ in range(2):
        headers, form = form_of(BACKEND)
        assert "Authorization" not in headers
        assert (form.need("grant_type"), form.need("scope")) == ("client_credentials", "system/*.rs system/*.c")
        assert form.need("client_assertion_type") == assertion.TYPE
        assert assertion.verify(
            form.need("client_assertion"), client=BACKEND, keys=assertion.keys_of(BACKEND), audiences={URL},
            wall=clock.wall(), now=clock.now(), guard=GUARD,
        )  # fmt: skip


def test_a_client_with_a_secret_sends_it_by_basic_with_both_parts_encoded():
    headers, form = form_of(SYSTEM)
    assert basic.credentials(headers["Authorization"]) == ("c:2", "s%3 +c")
    assert form.get("client_secret") is None


def test_a_client_that_signs_in_another_way_is_named():
    with pytest.raises(ValueError, match="api_key"):
        request.token_request({"auth": "api_key", "scopes": []})
