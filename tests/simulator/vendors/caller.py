"""A caller of every room: knows the ready-made clients of one sandbox, and comes over a socket."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from simulator.auth.request import token_request
from simulator.sandbox import Sandbox, Site
from simulator.server import Running

JSON = {"accept": "application/fhir+json"}


class Caller:
    """A caller of one sandbox: knows its clients, signs in again for every look."""

    def __init__(self, server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
        self.server, self.sandbox, self.http = server, sandbox, http
        self.memory: list[int] = []

    def site(self, vendor: str) -> Site:
        return self.sandbox.sites[vendor]

    def urls(self, vendor: str) -> dict[str, str]:
        return self.site(vendor).urls(self.server.base_url(self.sandbox, vendor))

    def client(self, vendor: str, auth: str = "", *, app: bool = False) -> dict[str, Any]:
        every = self.site(vendor).clients.values()
        found = next(one for one in every if one.is_app is app and auth in ("", one.auth))
        return found.as_dict(self.urls(vendor)["token_url"])

    def login(self, vendor: str, auth: str = "", url: str = "", scope: str = "") -> httpx.Response:
        headers, form = token_request(self.client(vendor, auth))
        if scope:
            form = (urlencode({"grant_type": "client_credentials", "scope": scope})).encode()
        return self.http.post(url or self.urls(vendor)["token_url"], content=form, headers=headers)

    def read(self, vendor: str, path: str, *, base: str = "fhir_url", **params: str) -> httpx.Response:
        site = self.site(vendor)
        who = next(one for one in site.clients.values() if not one.is_app)
        token = site.tokens.issue(
            who.client_id, who.scopes, now=self.sandbox.clock.now(), lifetime=timedelta(hours=1),
            allows=lambda type, action: True,
        )  # fmt: skip
        headers = JSON | {"authorization": f"Bearer {token.text}"}
        return self.http.get(f"{self.urls(vendor)[base]}/{path}", params=params or None, headers=headers)

    def patient(self, vendor: str, number: int = 117) -> str:
        return self.site(vendor).vendor.patient_ids(self.site(vendor), number)["fhir_id"]

    def first(self, vendor: str, type: str, number: int = 117, **params: str) -> dict[str, Any]:
        found = self.read(vendor, type, patient=self.patient(vendor, number), **params).json()
        return dict(found["entry"][0]["resource"])

    def statement(self, vendor: str) -> dict[str, Any]:
        return dict(self.http.get(f"{self.urls(vendor)['fhir_url']}/metadata", headers=JSON).json())

    def smart(self, vendor: str) -> httpx.Response:
        return self.http.get(f"{self.urls(vendor)['fhir_url']}/.well-known/smart-configuration")

    def authorize(self, method: str = "GET", **wish: str) -> httpx.Response:
        """An authorization request of Epic's public app."""
        app = self.client("epic", "none", app=True)
        asked = {
            "response_type": "code", "client_id": app["client_id"], "redirect_uri": app["redirect_uris"][0],
            "scope": "launch/patient patient/Patient.read", "state": "s", "code_challenge": "a" * 43,
            "code_challenge_method": "S256", **wish,
        }  # fmt: skip
        url = self.urls("epic")["authorize_url"]
        return self.http.get(url, params=asked) if method == "GET" else self.http.post(url, data=asked)
