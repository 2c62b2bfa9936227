"""A caller of the Epic room without a socket: exchanges go straight into the pipeline, on a clock that stands still."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey

from simulator.auth.clients import Client
from simulator.clock import Clock
from simulator.exchange import Exchange, Reply
from simulator.pipeline import handle
from simulator.sandbox import Sandbox, Site
from simulator.vendor import Vendor
from simulator.vendors.epic import VENDOR
from simulator.vendors.epic.paths import FHIR, TOKEN

BASE = "http://emr.test/epic"
WALL = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
JSON = "application/fhir+json"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_jtis = itertools.count(1)


def sandbox(seed: int = 7, patients: int = 2000, vendor: Vendor = VENDOR) -> Sandbox:
    """A sandbox with Epic alone; both faces of its clock stand still."""
    clock = Clock(datetime(2026, 1, 5, 12, tzinfo=UTC), monotonic=lambda: 0.0, wall=lambda: WALL)
    return Sandbox(
        "t", seed=seed, patients=patients, as_of=date(2026, 1, 5), vendors=(vendor,), clock=clock, charts_kept=60
    )


def number_of_jti() -> str:
    """A jti that no other test used."""
    return f"jti-{next(_jtis)}"


@dataclass
class Door:
    """One sandbox and how to knock at it."""

    sandbox: Sandbox = field(default_factory=sandbox)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        return self.sandbox.sites["epic"]

    def client(self, name: str = "backend") -> Client:
        return next(client for client in self.site.clients.values() if client.name == name)

    def claims(self, name: str = "backend", **changes: Any) -> dict[str, Any]:
        """The claims of an assertion as Epic wants them, with changes; a change to None takes the claim away."""
        now = int(WALL.timestamp())
        client_id = self.client(name).client_id
        made = {"iss": client_id, "sub": client_id, "aud": BASE + TOKEN, "jti": number_of_jti(), "exp": now + 240}
        return {key: value for key, value in {**made, **changes}.items() if value is not None}

    def assertion(self, claims: dict[str, Any], name: str = "backend", alg: str = "RS384", **header: Any) -> str:
        client = self.client(name)
        assert client.key is not None
        key = RSAKey.import_key(client.key.pem)
        return jwt.encode({"alg": alg, "kid": client.kid, "typ": "JWT", **header}, claims, key, algorithms=[alg])

    def ask_token(self, assertion: str, **form: str) -> Reply:
        fields = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": assertion,
            **form,
        }
        return self.call("POST", TOKEN, body=urlencode(fields), token="", content_type=_FORM)

    def token(self, name: str = "backend") -> str:
        """A live token of a client, asked for once."""
        if name not in self.tokens:
            answer = self.ask_token(self.assertion(self.claims(name), name))
            assert answer.status == 200, answer.body
            self.tokens[name] = json.loads(answer.body)["access_token"]
        return self.tokens[name]

    def call(
        self,
        method: str,
        path: str,
        query: str = "",
        *,
        accept: str | None = JSON,
        body: str = "",
        token: str | None = None,
        content_type: str = "",
        **headers: str,
    ) -> Reply:
        """One exchange; `token` None: the backend's own, "": none at all."""
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        if token is None:
            token = self.token()
        if token:
            pairs.append((b"authorization", f"Bearer {token}".encode()))
        if accept is not None:
            pairs.append((b"accept", accept.encode()))
        if content_type:
            pairs.append((b"content-type", content_type.encode()))
        x = Exchange(
            sandbox=self.sandbox,
            site=self.site,
            method=method,
            path=path,
            query=query,
            raw_path="/epic" + path,
            headers=pairs,
            body=body.encode(),
            base_url=BASE,
            at=self.sandbox.clock.now(),
            started=0.0,
        )
        self.last = x
        return asyncio.run(handle(x))

    def get(self, path: str, query: str = "", **options: Any) -> Reply:
        """GET below the FHIR base."""
        return self.call("GET", f"{FHIR}/{path}", query, **options)

    def file(self, type: str, resource: Any, *, id: str = "", name: str = "backend-write", **options: Any) -> Reply:
        """POST of a resource, or PUT to `id`, by a client that may write."""
        made = {"token": self.token(name) if name else "", "content_type": JSON, **options}
        body = resource if isinstance(resource, str) else json.dumps(resource, default=str)
        return self.call("PUT" if id else "POST", f"{FHIR}/{type}{'/' if id else ''}{id}", body=body, **made)

    def filed(self, type: str, resource: Any, **options: Any) -> str:
        """The id of a resource that is taken."""
        answer = self.file(type, resource, **options)
        assert answer.status == 201, answer.body
        return (answer.header("location") or "").rpartition("/")[2]

    def bundle(self, path: str, query: str = "", **options: Any) -> dict[str, Any]:
        """The searchset of a search that succeeds."""
        answer = self.get(path, query, **options)
        assert answer.status == 200, answer.body
        return read(answer)

    def matches(self, path: str, query: str = "") -> list[dict[str, Any]]:
        """The matches of a search, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            made = self.bundle(path, query)
            found += [one["resource"] for one in made.get("entry", []) if one["search"]["mode"] == "match"]
            url = link(made, "next")
            if url is None:
                return found
            query = url.partition("?")[2]

    def fhir_id(self, number: int) -> str:
        return VENDOR.patient_ids(self.site, number)["fhir_id"]

    def patient_with(self, **least: int) -> int:
        """The first patient whose chart has at least so many of each kind (`observations=50`)."""
        for number in range(2000):
            chart = self.sandbox.world.chart(number)
            if all(len(getattr(chart, kind)) >= count for kind, count in least.items()):
                return number
        raise AssertionError(f"no patient with {least}")


def read(answer: Reply) -> Any:
    """The body as JSON, decimals exact."""
    return json.loads(answer.body, parse_float=Decimal)


def link(bundle: dict[str, Any], relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


def numbers(outcome: dict[str, Any]) -> list[str]:
    """Epic's own numbers of the issues, in order."""
    return [one["details"]["coding"][0]["code"] for one in outcome["issue"]]


_FORM = "application/x-www-form-urlencoded"
