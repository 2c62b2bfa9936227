"""An app as a script: it registers, sends a person to log in, redeems the code, refreshes. It judges nothing.

Every step can be bent (`ask(state="")`, `redeem(code, code_verifier="…")`): the attack tests live of that.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from simulator.auth import users
from simulator.auth.request import assertion
from simulator.sandbox import Sandbox, Site
from simulator.server import Running

REDIRECT = "http://127.0.0.1:9123/callback"
VERIFIER = "v" * 64
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_names = itertools.count(1)


def challenge_of(verifier: str) -> str:
    """The S256 challenge, made here by hand on purpose."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def query_of(answer: httpx.Response) -> dict[str, str]:
    """The parameters with which a redirect leads back to the app."""
    assert answer.status_code in (302, 303), (answer.status_code, answer.text[:2000])
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, nothing verified."""
    body = token.split(".")[1]
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return told


@dataclass
class App:
    """One app at one vendor of a sandbox; `client` is its registration as the control API gives it."""

    server: Running
    sandbox: Sandbox
    vendor: str
    client: dict[str, Any]
    http: httpx.Client
    persona: str = "practitioner"
    scope: str = ""
    redirect_uri: str = REDIRECT
    bends: dict[str, Any] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        return self.sandbox.sites[self.vendor]

    @property
    def urls(self) -> dict[str, str]:
        return self.site.urls(self.server.base_url(self.sandbox, self.vendor))

    @property
    def fhir_url(self) -> str:
        is_patients = self.persona == "patient" and "fhir_patient_url" in self.urls
        return self.urls["fhir_patient_url" if is_patients else "fhir_url"]

    def discover(self) -> dict[str, Any]:
        """smart-configuration."""
        answer = self.http.get(f"{self.fhir_url}/.well-known/smart-configuration")
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """A call of the control API below this sandbox."""
        return self.http.request(method, f"{self.server.control}/sandboxes/{self.sandbox.id}{path}", json=body)

    # Asking

    def request(self, **changes: str | None) -> dict[str, str]:
        """The parameters of an authorization request; a change to None takes one away."""
        made: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client["client_id"],
            "redirect_uri": self.redirect_uri,
            "scope": self.scope or " ".join(self.client["scopes"]),
            "state": "state-0123456789",
            "aud": self.fhir_url,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        if made.get("launch") is None:  # standalone
            made["scope"] = " ".join(one for one in (made["scope"] or "").split() if one != "launch") or None
        return {name: value for name, value in made.items() if value is not None}

    def ask(self, method: str = "GET", **changes: str | None) -> httpx.Response:
        """The answer of the authorization endpoint."""
        url, asked = self.discover()["authorization_endpoint"], self.request(**changes)
        return self.http.post(url, data=asked) if method == "POST" else self.http.get(url, params=asked)

    def answer(self, page: httpx.Response, **form: Any) -> httpx.Response:
        """Sends a form of the login page."""
        found = re.search(r'name="sitting" value="([^"]+)"', page.text)
        assert found is not None, page.text[:2000]
        where = re.search(r'<form method="post" action="([^"]+)"', page.text)
        assert where is not None
        return self.http.post(where[1], data={"sitting": found[1], **form})

    def login_name(self, patient: int = 3) -> str:
        """The user that fits the app's door."""
        found = users.patient(self.sandbox.world, patient) if self.persona == "patient" else None
        return (found or users.staff(self.sandbox.world)[0]).login

    def log_in(self, patient: int = 3, *, form: dict[str, Any] | None = None, **changes: str | None) -> httpx.Response:
        """A person logs in and allows everything; for a practitioner about this patient. The way back to the app."""
        page = self.ask(**changes)
        told = {"username": self.login_name(patient), "password": "sandbox", "decision": "allow", **(form or {})}
        if self.persona == "practitioner":
            told.setdefault("patient", str(patient))
        return self.answer(page, **told)

    def code(self, patient: int = 3, **changes: str | None) -> str:
        """A fresh code."""
        return query_of(self.log_in(patient, **changes))["code"]

    # Redeeming

    def post(self, url: str, form: dict[str, Any], *, client: dict[str, Any] | None = None) -> httpx.Response:
        """A form of a client that proves itself as it is registered."""
        who = client or self.client
        headers = {}
        form = {name: value for name, value in form.items() if value is not None}
        if who["auth"] == "client_secret_basic":
            pair = f"{who['client_id']}:{who['client_secret']}"
            headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif who["auth"] == "client_secret_post":
            form |= {"client_id": who["client_id"], "client_secret": who["client_secret"]}
        elif who["auth"] == "private_key_jwt":
            form |= {"client_assertion_type": ASSERTION, "client_assertion": assertion(who)}
        else:
            form |= {"client_id": who["client_id"]}
        return self.http.post(url, data=form, headers=headers)

    def redeem(self, code: str, *, client: dict[str, Any] | None = None, **changes: Any) -> httpx.Response:
        """The token endpoint's answer for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
            **changes,
        }
        return self.post(self.urls["token_url"], form, client=client)

    def refresh(self, token: str, *, client: dict[str, Any] | None = None, **changes: Any) -> httpx.Response:
        """The token endpoint's answer for a refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": token, **changes}
        return self.post(self.urls["token_url"], form, client=client)

    def tokens(self, patient: int = 3, **changes: str | None) -> dict[str, Any]:
        """The token answer of a whole login."""
        answer = self.redeem(self.code(patient, **changes))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def launch(self, **wish: Any) -> dict[str, Any]:
        """A launch of the EHR."""
        asked = {"vendor": self.vendor, "client": self.client["client_id"], "patient": "3", **wish}
        answer = self.control("POST", "/launches", {name: value for name, value in asked.items() if value is not None})
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    # Reading

    def get(self, path: str, token: str, **params: str) -> httpx.Response:
        """A FHIR read or search."""
        headers = {"authorization": f"Bearer {token}", "accept": "application/fhir+json"}
        if self.vendor == "athena" and params and "_id" not in params:
            params |= {"ah-practice": "Organization/a-1.Practice-195900"}
        return self.http.get(f"{self.fhir_url}/{path}", params=params or None, headers=headers)

    def found(self, path: str, token: str, **params: str) -> list[dict[str, Any]]:
        """Every resource of a search, over all pages."""
        answer = self.get(path, token, **params)
        resources: list[dict[str, Any]] = []
        while True:
            assert answer.status_code == 200, (answer.status_code, answer.text)
            page = answer.json()
            entries = page.get("entry", [])
            resources += [e["resource"] for e in entries if e["resource"]["resourceType"] != "OperationOutcome"]
            following = next((link["url"] for link in page.get("link", []) if link["relation"] == "next"), None)
            if following is None:
                return resources
            headers = {"authorization": f"Bearer {token}", "accept": "application/fhir+json"}
            answer = self.http.get(following, headers=headers)

    def fhir_id(self, number: int) -> str:
        """The FHIR id of a patient."""
        return self.site.vendor.patient_ids(self.site, number)["fhir_id"]

    def later(self, **time: float) -> None:
        """Turns the sandbox clock."""
        self.sandbox.clock.advance(timedelta(**time))


PATIENTS_OWN = {"epic": "patient/{}.read", "cerner": "patient/{}.read", "athena": "patient/{}.read"}
TYPES = ("AllergyIntolerance", "Condition", "Encounter", "Observation", "Patient", "Practitioner")
SPECIAL = ("openid", "fhirUser", "launch", "launch/patient", "offline_access", "online_access")


def registered(
    server: Running, sandbox: Sandbox, vendor: str, http: httpx.Client, *, persona: str = "", **wish: Any
) -> App:
    """An app that has registered itself by the control API; without wishes a confidential one for everything."""
    # Cerner has a door for each persona; elsewhere both stand before the same one.
    given: dict[str, Any] = {
        "vendor": vendor,
        "name": f"app {next(_names)}",
        "auth": "client_secret_basic",
        "redirect_uris": [REDIRECT],
        "launch_url": "http://127.0.0.1:9123/launch",
        "scopes": [*SPECIAL, *(f"{context}/{type}.read" for context in ("patient", "user") for type in TYPES)],
        **wish,
    }
    if vendor == "athena" and "scopes" not in wish:
        # One scope that is not granted fails the whole request there.
        away = {"online_access"} | ({"offline_access"} if wish.get("auth") == "none" else set())
        given["scopes"] = [scope for scope in given["scopes"] if scope not in away]
    if vendor == "cerner":
        given.setdefault("persona", persona or "practitioner")
    answer = http.post(f"{server.control}/sandboxes/{sandbox.id}/clients", json=given)
    assert answer.status_code == 201, answer.text
    return App(
        server,
        sandbox,
        vendor,
        answer.json(),
        http,
        persona=persona or ("practitioner" if vendor == "cerner" else "patient"),
    )
