"""A desk in front of the Cerner room: requests go through the pipeline of the house, without a socket."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from simulator.auth.clients import Client
from simulator.clock import Clock
from simulator.exchange import Exchange, Reply
from simulator.fhir.build import dumps
from simulator.pipeline import handle
from simulator.sandbox import Sandbox, Site
from simulator.vendors.cerner import VENDOR
from simulator.vendors.cerner.resources import TELLINGS
from simulator.vendors.cerner.resources.telling import Item
from simulator.vendors.cerner.urls import fhir_url, token_urls

AS_OF = date(2026, 1, 5)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
BASE = "http://emr.test/cerner"
FHIR_JSON = "application/fhir+json"


@dataclass
class Answer:
    """What came back: status, headers (lower case, the last of a name), body; and the exchange behind it."""

    status: int
    headers: dict[str, str]
    body: bytes
    x: Exchange

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)

    @property
    def entries(self) -> list[dict[str, Any]]:
        return list(self.json.get("entry", []))

    @property
    def resources(self) -> list[dict[str, Any]]:
        return [entry["resource"] for entry in self.entries]

    @property
    def ids(self) -> list[str]:
        return [resource["id"] for resource in self.resources]

    @property
    def next(self) -> str | None:
        return next((link["url"] for link in self.json["link"] if link["relation"] == "next"), None)

    @property
    def text(self) -> str:
        """`details.text` of an OperationOutcome."""
        return str(self.json["issue"][0]["details"]["text"])


class Desk:
    """One sandbox with a Cerner site, and a token for everything."""

    def __init__(self, *, seed: int = 7, patients: int = 1000, **settings: Any) -> None:
        room = VENDOR.variant("cerner", defaults=settings)
        clock = Clock(NOON)
        clock.freeze()
        self.sandbox = Sandbox(
            "desk", seed=seed, patients=patients, as_of=AS_OF, vendors=(room,), clock=clock, charts_kept=60
        )
        self.root = fhir_url(BASE, self.site)
        self._token = ""

    @property
    def site(self) -> Site:
        return self.sandbox.sites["cerner"]

    def combined(self) -> tuple[int, int]:
        """Somebody who was combined away, and the survivor."""
        world = self.sandbox.world
        merged = ((number, world.survivor(number)) for number in world.population.registrations)
        return next((number, survivor) for number, survivor in merged if survivor is not None)

    def client(self, auth: str = "client_secret_basic") -> Client:
        return next(client for client in self.site.clients.values() if client.auth == auth)

    @property
    def token_url(self) -> str:
        return token_urls(BASE, self.site)[0]

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        started: float = 0.0,
    ) -> Answer:
        """One request; `url` is absolute and below BASE."""
        assert url.startswith(BASE), url
        parts = urlsplit(url)
        prefix = urlsplit(BASE).path
        pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
        x = Exchange(
            sandbox=self.sandbox,
            site=self.site,
            method=method,
            path=parts.path[len(prefix) :],
            query=parts.query,
            raw_path=parts.path,
            headers=pairs,
            body=body,
            base_url=BASE,
            at=self.sandbox.clock.now(),
            started=started,
        )
        reply: Reply = asyncio.run(handle(x))
        told = {name.decode(): value.decode("latin-1") for name, value in reply.headers}
        return Answer(reply.status, told, reply.body, x)

    def ask_token(
        self, scope: str | None = None, *, basic: tuple[str, str] | None = None, url: str = "", **form: str
    ) -> Answer:
        """A token request of the Basic client; `form` replaces or adds parameters."""
        client = self.client()
        user, secret = basic or (client.client_id, client.client_secret)
        fields = {
            "grant_type": "client_credentials",
            "scope": " ".join(client.scopes) if scope is None else scope,
            **form,
        }
        credentials = base64.b64encode(f"{user}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", url or self.token_url, headers=headers, body=urlencode(fields).encode())

    @property
    def token(self) -> str:
        if not self._token:
            self._token = self.ask_token().json["access_token"]
        return self._token

    def get(
        self, path: str, params: dict[str, Any] | None = None, *, token: str | None = None, **headers: str
    ) -> Answer:
        """GET below the FHIR root, or an absolute URL, with a token; header names with underscores."""
        url = path if path.startswith("http") else f"{self.root}/{path}"
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params, doseq=True)
        sent = {"Authorization": f"Bearer {self.token if token is None else token}", "Accept": FHIR_JSON}
        return self.send("GET", url, headers=sent | {name.replace("_", "-"): value for name, value in headers.items()})

    def pages(self, path: str, params: dict[str, Any] | None = None) -> list[Answer]:
        """All pages of a search."""
        found = [self.get(path, params)]
        while (url := found[-1].next) is not None:
            assert len(found) < 200, "paging does not end"
            found.append(self.get(url))
        return found

    def patient(self, number: int) -> str:
        return VENDOR.patient_ids(self.site, number)["fhir_id"]

    def payloads(self, number: int, type: str) -> list[dict[str, Any]]:
        """The resources of one type as they go over the wire."""
        return [payload for _, payload in self.told(number, type)]

    def told(self, number: int, type: str) -> list[tuple[Item, dict[str, Any]]]:
        """The same, each with what stands behind it."""
        chart, telling = self.sandbox.world.chart(number), TELLINGS[type]
        made = [(item, telling.render(self.site, chart, item)) for item in telling.items(self.site, chart)]
        return [(item, json.loads(dumps(one.payload), parse_float=Decimal)) for item, one in made]


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def has_code(concept: dict[str, Any], code: str) -> bool:
    return any(coding.get("code") == code for coding in concept.get("coding", []))
