"""Whatever order people, apps and time act in: no token grants more than was consented to, and none outlives its end.

A small model runs beside the doors of a room: it knows who consented to what, and when that ends. After every step the
tokens that were given out are presented, and must open exactly what the model says.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from joserfc import jwt

from simulator.actions import revoke_tokens
from simulator.auth import users
from simulator.auth.clients import Client
from simulator.auth.keyring import jwks, key
from simulator.clock import Clock
from simulator.exchange import Exchange, Reply
from simulator.pipeline import handle
from simulator.population.people import Population
from simulator.sandbox import Sandbox
from simulator.vendor import Vendor
from simulator.vendors.cerner import VENDOR as CERNER
from simulator.vendors.epic import VENDOR as EPIC
from simulator.vendors.epic import paths as epic_paths
from tests.simulator.smart_app import VERIFIER, challenge_of

DAY = date(2026, 1, 5)
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
POPULATION = Population(seed=7, size=40, as_of=DAY)
REDIRECT = "https://app.test/callback"
TYPES = ("Patient", "Encounter", "Condition")
LIVES = {"epic": timedelta(hours=1), "cerner": timedelta(seconds=570)}
REFRESH_LIVES = {"epic": (timedelta(days=182), None), "cerner": (timedelta(days=3650), timedelta(days=90))}
FORM = "application/x-www-form-urlencoded"
PATIENTS = (1, 2)
OWN = key(11, "installation")
PLACES = st.sampled_from([0, 0, 0, 1, 2])  # of what was given out: mostly the newest
BENDS = st.sampled_from(["", "", "", "client", "secret"])


@dataclass
class Consent:
    """What somebody allowed, as the model remembers it."""

    client_id: str
    patient: int
    types: frozenset[str]
    refreshable: bool
    at: datetime
    is_over: bool = False


@dataclass
class Given:
    """An access token, a refresh token or a code that was given out."""

    text: str
    consent: Consent
    types: frozenset[str]
    ends: datetime
    idle: timedelta | None = None
    used: datetime = START
    is_spent: bool = False


@dataclass
class Memory:
    tokens: list[Given] = field(default_factory=list)
    refreshes: list[Given] = field(default_factory=list)
    codes: list[Given] = field(default_factory=list)
    installed: list[Given] = field(default_factory=list)


class Doors(RuleBasedStateMachine):
    """The doors of one room, and the model beside them."""

    vendor: Vendor = EPIC
    rotate = False

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock(START, monotonic=lambda: 0.0, wall=lambda: START)
        self.sandbox = Sandbox(
            "m", seed=7, patients=40, as_of=DAY, vendors=(self.vendor,), clock=self.clock, population=POPULATION
        )
        self.site = self.sandbox.sites[self.vendor.id]
        self.site.settings["rotate_refresh"] = self.rotate
        self.base = f"http://emr.test/{self.vendor.id}"
        self.urls = self.site.urls(self.base)
        self.fhir = self.urls.get("fhir_patient_url", self.urls["fhir_url"])
        self.door = self.urls.get("authorize_patient_url", self.urls["authorize_url"])
        self.extra = {"register_url": self.base + epic_paths.REGISTER} if self.vendor is EPIC else {}
        self.jtis = itertools.count()
        self.memory = Memory()

    @initialize()
    def begin(self) -> None:
        scopes = ("launch/patient", "offline_access", *(f"patient/{type}.read" for type in TYPES))
        for name in ("first", "second"):
            self.site.clients[name] = Client(
                name, "client_secret_basic", name, scopes, client_secret="s", redirect_uris=(REDIRECT,), offline=True,
                dynamic=True,
            )  # fmt: skip
        self.allow("first", 1, set(TYPES), True)
        self.redeem(0, "")

    def send(
        self, method: str, url: str, form: dict[str, Any] | None = None, *, raw: bytes = b"", **headers: str
    ) -> Reply:
        parts = urlsplit(url)
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        if form is not None:
            pairs.append((b"content-type", FORM.encode()))
        x = Exchange(
            sandbox=self.sandbox,
            site=self.site,
            method=method,
            path=parts.path.removeprefix(f"/{self.vendor.id}"),
            query=parts.query,
            raw_path=parts.path,
            headers=pairs,
            body=urlencode(form, doseq=True).encode() if form is not None else raw,
            base_url=self.base,
            at=self.clock.now(),
            started=0.0,
        )
        reply = asyncio.run(handle(x))
        assert reply.status != 500, reply.body
        return reply

    # What people and apps do

    @rule(
        client=st.sampled_from(["first", "second"]),
        patient=st.sampled_from(PATIENTS),
        types=st.sets(st.sampled_from(TYPES), min_size=1),
        offline=st.booleans(),
    )
    def allow(self, client: str, patient: int, types: set[str], offline: bool) -> None:
        asked = [
            "launch/patient",
            *(f"patient/{type}.read" for type in TYPES),
            *(["offline_access"] if offline else []),
        ]
        query = urlencode(
            {
                "response_type": "code", "client_id": client, "redirect_uri": REDIRECT, "state": "s", "aud": self.fhir,
                "scope": " ".join(asked), "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256",
            }
        )  # fmt: skip
        page = self.send("GET", f"{self.door}?{query}").body.decode()
        sitting = re.search(r'name="sitting" value="([^"]+)"', page)
        assert sitting is not None, page
        user = users.patient(self.sandbox.world, patient)
        assert user is not None
        ticked = [f"patient/{type}.read" for type in types] + (["offline_access"] if offline else [])
        form = {
            "sitting": sitting[1], "username": user.login, "password": users.PASSWORD, "decision": "allow",
            "choose": "1", "scope": ticked,
        }  # fmt: skip
        back = self.send("POST", self.door, form).header("location") or ""
        code = dict(parse_qsl(urlsplit(back).query))["code"]
        consent = Consent(client, patient, frozenset(types), offline, self.clock.now())
        self.memory.codes.append(Given(code, consent, consent.types, self.clock.now() + timedelta(minutes=1)))

    def other(self, client: str) -> str:
        return "second" if client == "first" else "first"

    def token_request(self, client: str, **form: str) -> Reply:
        pair = {"first": "Zmlyc3Q6cw==", "second": "c2Vjb25kOnM="}[client]
        return self.send("POST", self.urls["token_url"], form, authorization=f"Basic {pair}")

    @precondition(lambda self: self.memory.codes)
    @rule(place=PLACES, bend=BENDS)
    def redeem(self, place: int, bend: str) -> None:
        code = self.memory.codes[-1 - place % len(self.memory.codes)]
        client = self.other(code.consent.client_id) if bend == "client" else code.consent.client_id
        verifier = "x" * 43 if bend == "secret" else VERIFIER
        answer = self.token_request(
            client, grant_type="authorization_code", code=code.text, redirect_uri=REDIRECT, code_verifier=verifier
        )
        is_owner = client == code.consent.client_id
        is_good = (
            is_owner and not code.is_spent and not code.consent.is_over and self.clock.now() < code.ends
            and verifier == VERIFIER
        )  # fmt: skip
        assert (answer.status == 200) is is_good, answer.body
        if is_owner and code.is_spent:
            code.consent.is_over = True  # a second use ends what the first one gave
        if is_good:
            code.is_spent = True
            told = orjson.loads(answer.body)
            self.note(told, code.consent, code.types)
            assert ("refresh_token" in told) is code.consent.refreshable
            if "refresh_token" in told:
                self.note_refresh(told["refresh_token"], code.consent)

    def note(self, told: dict[str, Any], consent: Consent, types: frozenset[str]) -> None:
        granted = {scope.lower() for scope in told["scope"].split()}
        assert {f"patient/{type.lower()}.read" for type in types} == {one for one in granted if "/" in one}
        life = LIVES[self.vendor.id]
        assert told["expires_in"] == life.total_seconds()
        self.memory.tokens.append(Given(told["access_token"], consent, types, self.clock.now() + life))

    def note_refresh(self, text: str, consent: Consent, ends: datetime | None = None) -> None:
        life, idle = REFRESH_LIVES[self.vendor.id]
        now = self.clock.now()
        self.memory.refreshes.append(Given(text, consent, consent.types, ends or now + life, idle, now))

    @precondition(lambda self: self.memory.refreshes)
    @rule(place=PLACES, bend=BENDS, asked=st.none() | st.none() | st.sets(st.sampled_from(TYPES), min_size=1))
    def refresh(self, place: int, bend: str, asked: set[str] | None) -> None:
        held = self.memory.refreshes[-1 - place % len(self.memory.refreshes)]
        client = self.other(held.consent.client_id) if bend == "client" else held.consent.client_id
        form = {"grant_type": "refresh_token", "refresh_token": held.text}
        if asked is not None:
            form["scope"] = " ".join(f"patient/{type}.read" for type in sorted(asked))
        answer = self.token_request(client, **form)
        now = self.clock.now()
        is_owner = client == held.consent.client_id
        is_old = now >= held.ends or (held.idle is not None and now >= held.used + held.idle)
        is_live = is_owner and not held.is_spent and not held.consent.is_over and not is_old
        is_covered = asked is None or asked <= held.consent.types
        assert (answer.status == 200) is (is_live and is_covered), answer.body
        if is_owner and held.is_spent:
            held.consent.is_over = True  # one that was replaced: the family ends
        if answer.status == 200:
            held.used = now
            told = orjson.loads(answer.body)
            self.note(told, held.consent, held.consent.types if asked is None else frozenset(asked))
            assert ("refresh_token" in told) is self.rotate
            if "refresh_token" in told:
                held.is_spent = True
                self.note_refresh(told["refresh_token"], held.consent, held.ends)

    @rule(client=st.sampled_from(["", "first", "second"]), patient=st.sampled_from([0, *PATIENTS]))
    def take_back(self, client: str, patient: int) -> None:
        args = {"vendor": self.vendor.id, "client": client, "patient": str(patient) if patient else ""}
        revoke_tokens(self.sandbox, {name: value for name, value in args.items() if value})
        for one in (*self.memory.tokens, *self.memory.refreshes, *self.memory.codes):
            if client in ("", one.consent.client_id) and patient in (0, one.consent.patient):
                one.consent.is_over = True

    @precondition(lambda self: "revoke_url" in self.urls and self.memory.tokens)
    @rule(place=PLACES, bend=BENDS, kind=st.sampled_from(["tokens", "refreshes"]))
    def give_back(self, place: int, bend: str, kind: str) -> None:
        """A client revokes a token: an access token alone, a refresh token with everything that hangs on it."""
        held = getattr(self.memory, kind) or self.memory.tokens
        one = held[-1 - place % len(held)]
        client = self.other(one.consent.client_id) if bend == "client" else one.consent.client_id
        pair = {"first": "Zmlyc3Q6cw==", "second": "c2Vjb25kOnM="}[client]
        answer = self.send("POST", self.urls["revoke_url"], {"token": one.text}, authorization=f"Basic {pair}")
        assert answer.status == 200, "also for what is worth nothing"
        now = self.clock.now()
        is_old = now >= one.ends or (one.idle is not None and now >= one.used + one.idle)
        if client != one.consent.client_id or is_old or one.is_spent or one.consent.is_over:
            return
        if one in self.memory.tokens:
            one.is_spent = True
        else:
            one.consent.is_over = True

    @precondition(lambda self: "register_url" in self.extra and self.memory.tokens)
    @rule(place=PLACES)
    def install(self, place: int) -> None:
        """An app registers a key for an installation; the access token with which it does so counts no more."""
        token = self.memory.tokens[-1 - place % len(self.memory.tokens)]
        body = orjson.dumps({"software_id": token.consent.client_id, "jwks": jwks(OWN)})
        answer = self.send("POST", self.extra["register_url"], raw=body, authorization=f"Bearer {token.text}")
        is_app = token.consent.client_id in ("first", "second")
        is_live = self.clock.now() < token.ends and not token.consent.is_over and not token.is_spent
        assert (answer.status == 201) is (is_live and is_app), answer.body
        if answer.status == 201:
            token.is_spent = True
            client_id = orjson.loads(answer.body)["client_id"]
            ends = token.consent.at + REFRESH_LIVES["epic"][0]
            self.memory.installed.append(Given(client_id, token.consent, token.consent.types, ends))

    @precondition(lambda self: self.memory.installed)
    @rule(place=PLACES)
    def come_back(self, place: int) -> None:
        """An installation asks for a token with its key."""
        held = self.memory.installed[-1 - place % len(self.memory.installed)]
        now = int(START.timestamp())
        claims = {
            "iss": held.text, "sub": held.text, "aud": self.urls["token_url"], "exp": now + 200,
            "jti": f"j{next(self.jtis)}",
        }  # fmt: skip
        assertion = jwt.encode({"alg": "RS384", "kid": OWN.kid}, claims, OWN.joserfc, algorithms=["RS384"])
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": assertion,
            "client_id": held.text,
        }
        answer = self.send("POST", self.urls["token_url"], form)
        is_live = self.clock.now() < held.ends and not held.consent.is_over
        assert (answer.status == 200) is is_live, answer.body
        if is_live:
            self.note(orjson.loads(answer.body), held.consent, held.consent.types)

    @rule(seconds=st.sampled_from([1, 30, 60, 569, 570, 3599, 3600, 86_400, 80 * 86_400, 100 * 86_400]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    # What must be so

    @invariant()
    def every_token_opens_exactly_what_was_consented(self) -> None:
        now = self.clock.now()
        for token in self.memory.tokens[-3:]:
            is_live = now < token.ends and not token.consent.is_over and not token.is_spent
            bearer = {"authorization": f"Bearer {token.text}", "accept": "application/fhir+json"}
            for patient in PATIENTS if is_live else [token.consent.patient]:
                id = self.vendor.patient_ids(self.site, patient)["fhir_id"]
                read = self.send("GET", f"{self.fhir}/Patient/{id}", **bearer)
                if not is_live:
                    assert read.status == 401
                    continue
                found = self.send("GET", f"{self.fhir}/Encounter?patient={id}", **bearer)
                is_own = patient == token.consent.patient
                assert (read.status == 200) is ("Patient" in token.types and is_own)
                assert (found.status == 200) is ("Encounter" in token.types)
                assert (b'"Encounter"' in found.body) is ("Encounter" in token.types and is_own)


@pytest.mark.parametrize("rotate", [False, True], ids=["kept", "rotated"])
@pytest.mark.parametrize("vendor", [EPIC, CERNER], ids=lambda one: one.id)
def test_no_token_grants_more_than_was_consented_and_none_outlives_its_end(vendor: Vendor, rotate: bool) -> None:
    machine = type(f"Doors{vendor.id}", (Doors,), {"vendor": vendor, "rotate": rotate})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
