"""A network that answers from a script, and a clock that only moves when somebody sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from conformance.reference.behaviour import Behaviour
from conformance.reference.driver import Driver
from conformance.reference.session import Config, Session

Answers = Callable[[httpx.Request], httpx.Response]
URLS = {
    "base_url": "https://emr.test/epic",
    "fhir_url": "https://emr.test/epic/R4",
    "token_url": "https://emr.test/epic/token",
}
BASIC = {"auth": "client_secret_basic", "client_id": "me", "client_secret": "s3cret", "scopes": ["system/Patient.rs"]}


@pytest.fixture(scope="session")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "k1"})


class Net:
    """What was sent, how long was slept, and the sessions that see this network only."""

    def __init__(self, data: Answers, token: Answers | None = None, *, pause: float = 0.0) -> None:
        self.data, self.token, self.pause = data, token or self.fresh_token, pause
        self.sent: list[httpx.Request] = []
        self.slept: list[float] = []
        self.now = 0.0

    def fresh_token(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"access_token": f"t{len(self.logins)}", "expires_in": 3600})

    @property
    def logins(self) -> list[httpx.Request]:
        return [request for request in self.sent if request.url.path.endswith("/token")]

    @property
    def calls(self) -> list[httpx.Request]:
        return [request for request in self.sent if not request.url.path.endswith("/token")]

    def connect(self, config: Config, behaviour: Behaviour) -> Session:
        async def answer(request: httpx.Request) -> httpx.Response:
            self.sent.append(request)
            if request.url.path.endswith("/token"):
                return self.token(request)
            await asyncio.sleep(self.pause)
            return self.data(request)

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            self.now += seconds

        return Session(config, behaviour, transport=httpx.MockTransport(answer), sleep=sleep, clock=lambda: self.now)

    def run(self, *messages: dict[str, Any], vendor: str = "epic", **settings: Any) -> list[dict[str, Any]]:
        """The answers of a driver, configured for `vendor`, to some `run` messages."""

        async def talk() -> list[dict[str, Any]]:
            driver = Driver(self.connect)
            configure = {"op": "configure", "case": "c", "vendor": vendor, "urls": URLS, "auth": BASIC} | settings
            assert (await driver.answer(configure))["status"] == "ok"
            answers = [await driver.answer({"op": "run", "case": "c", **message}) for message in messages]
            await driver.answer({"op": "reset"})
            return answers

        return asyncio.run(talk())


def read(*kinds: str, **more: Any) -> dict[str, Any]:
    """A `read` of patient P1."""
    return {"action": "read", "args": {"patient": {"id": "P1"}, "kinds": list(kinds)}, "deadline_ms": 30_000} | more


@pytest.fixture
def net() -> type[Net]:
    return Net


@pytest.fixture
def reading() -> Callable[..., dict[str, Any]]:
    return read


@pytest.fixture
def bundle() -> Callable[..., httpx.Response]:
    """A searchset of immunizations of P1, by their ids."""

    def make(*ids: str, next: str | None = None, extra: tuple[dict[str, Any], ...] = ()) -> httpx.Response:
        entries = [
            {
                "search": {"mode": "match"},
                "resource": {
                    "resourceType": "Immunization",
                    "id": id,
                    "status": "completed",
                    "patient": {"reference": "Patient/P1"},
                    "vaccineCode": {
                        "coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "150"}],
                        "text": "Flu",
                    },
                    "occurrenceDateTime": "2024-10-02",
                },
            }
            for id in ids
        ]
        links = [{"relation": "next", "url": next}] if next else []
        return httpx.Response(
            200, json={"resourceType": "Bundle", "type": "searchset", "link": links, "entry": [*entries, *extra]}
        )

    return make
