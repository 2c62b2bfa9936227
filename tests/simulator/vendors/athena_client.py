"""A client of the athena room for tests: every call goes through the pipeline, as a request from outside does."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from simulator.auth.clients import Client
from simulator.clock import Clock
from simulator.exchange import Exchange, Reply
from simulator.pipeline import handle
from simulator.population.records import Record
from simulator.sandbox import Sandbox, Site
from simulator.vendors.athena import VENDOR

AS_OF = date(2026, 1, 5)
PRACTICE = "Organization/a-1.Practice-195900"
FORM = "application/x-www-form-urlencoded"
BASE = "http://emr.test/athena"


class Answer:
    """One answer: status, headers by lower-case name, raw and parsed body."""

    def __init__(self, reply: Reply, exchange: Exchange) -> None:
        self.status = reply.status
        self.headers = {name.decode(): value.decode() for name, value in reply.headers}
        self.raw = reply.body
        self.served = reply.served
        self.simulated = reply.simulated
        self.exchange = exchange

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


class Athena:
    """A sandbox with athena alone, a frozen clock, and one client that holds a token."""

    def __init__(self, *, seed: int = 7, patients: int = 10_000, settings: dict[str, Any] | None = None) -> None:
        self.clock = Clock(datetime(2026, 1, 5, 12, tzinfo=UTC))
        self.clock.freeze()
        self.sandbox = Sandbox(
            "t", seed=seed, patients=patients, as_of=AS_OF, vendors=(VENDOR,), clock=self.clock, charts_kept=60
        )
        self.site: Site = self.sandbox.sites["athena"]
        self.site.limits.off()
        self.site.settings |= settings or {}
        self._token = ""

    def client(self, name: str = "service") -> Client:
        return next(client for client in self.site.clients.values() if client.name == name)

    def call(
        self,
        method: str,
        path: str,
        params: dict[str, Any] | None = None,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        query: str | None = None,
    ) -> Answer:
        """One request, with exactly these headers."""
        pairs = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        exchange = Exchange(
            sandbox=self.sandbox,
            site=self.site,
            method=method,
            path=path,
            query=urlencode(params or {}, doseq=True) if query is None else query,
            raw_path="/athena" + path,
            headers=pairs,
            body=body,
            base_url=BASE,
            at=self.clock.now(),
            started=time.monotonic(),
        )
        return Answer(asyncio.run(handle(exchange)), exchange)

    # Tokens

    def ask_token(self, client: Client | None = None, scope: str | None = None, **form: str) -> Answer:
        client = client or self.client()
        pair = base64.b64encode(f"{client.client_id}:{client.client_secret}".encode()).decode()
        sent = {"grant_type": "client_credentials", "scope": scope or " ".join(client.scopes), **form}
        return self.call(
            "POST",
            "/oauth2/v1/token",
            headers={"authorization": f"Basic {pair}", "content-type": FORM},
            body=urlencode(sent).encode(),
        )

    @property
    def token(self) -> str:
        if not self._token:
            self._token = self.ask_token().json["access_token"]
        return self._token

    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    # Calls with a token

    def get(self, path: str, **params: Any) -> Answer:
        return self.call("GET", path, params, headers=self.bearer())

    def rest(self, path: str, **params: Any) -> Answer:
        return self.get(f"/v1/195900{path}", **params)

    def post_form(self, path: str, **fields: Any) -> Answer:
        headers = {**self.bearer(), "content-type": FORM}
        return self.call("POST", f"/v1/195900{path}", headers=headers, body=urlencode(fields, doseq=True).encode())

    def chart(self, number: int, section: str, **params: Any) -> Answer:
        person = self.sandbox.world.chart(number).person
        params.setdefault("departmentid", person.facility + 1)
        return self.rest(f"/chart/{self.patientid(number)}/{section}", **params)

    def fhir(self, path: str, *, accept: str = "application/fhir+json", **params: Any) -> Answer:
        return self.call("GET", f"/fhir/r4/{path}", params, headers={**self.bearer(), "accept": accept})

    def search(self, type: str, number: int, **params: Any) -> Answer:
        """A FHIR search in one chart."""
        return self.fhir(type, **{"patient": self.fhir_id(number), "ah-practice": PRACTICE, **params})

    def all_of(self, type: str, number: int, **params: Any) -> list[dict[str, Any]]:
        """Every matching resource, following `next`."""
        answer = self.search(type, number, **params)
        found = []
        while True:
            bundle = answer.json
            found += [entry["resource"] for entry in bundle.get("entry", ()) if entry["search"]["mode"] == "match"]
            after = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
            if after is None:
                return found
            path, _, query = after.removeprefix(BASE).partition("?")
            answer = self.call("GET", path, query=query, headers=self.bearer())

    # Ids

    def patientid(self, number: int) -> str:
        return VENDOR.patient_ids(self.site, number)["patientid"]

    def fhir_id(self, number: int) -> str:
        return VENDOR.patient_ids(self.site, number)["fhir_id"]

    def number_with(self, kind: str, **wanted: Any) -> tuple[int, Record]:
        """The first patient with a record of `kind` whose attributes are as wanted, and the record."""
        for number in range(self.sandbox.patients):
            for record in self.sandbox.world.chart(number).of(kind):
                if all(_is(getattr(record, name), value) for name, value in wanted.items()):
                    return number, record
        raise LookupError(f"nobody has a {kind} with {wanted}")


def _is(value: Any, wanted: Any) -> bool:
    return bool(wanted(value)) if callable(wanted) else value == wanted
