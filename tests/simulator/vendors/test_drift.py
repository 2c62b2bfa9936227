"""How the rooms' APIs change from day to day. SOURCES.md of each room, "Changes"; RFC 9745, RFC 8594, RFC 5829.

Every change is looked at from outside, the day before it and on its day:

    id: (what a caller looks at, what it sees before, what it sees from then on)
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from simulator import registry, scenario
from simulator.auth.request import token_request
from simulator.drift import History
from simulator.journal.entry import entry_of
from tests.simulator.vendors.caller import JSON, Caller

ROOMS = [registry.vendor(id) for id in ("athena", "cerner", "epic")]
CHANGES = {change.id: (room.id, change) for room in ROOMS for change in room.drift.in_order}


# What a caller looks at


def _software(c: Caller) -> str:
    return str(c.statement("epic")["software"]["version"])


def _epic_patient(c: Caller) -> dict[str, Any]:
    return dict(c.read("epic", f"Patient/{c.patient('epic')}").json())


def _epic_extensions(c: Caller) -> set[str]:
    return {one["url"].rpartition("/")[2] for one in _epic_patient(c)["extension"]}


def _claims(text: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "==")))


def _jti_as_number(c: Caller) -> int:
    client, url = c.client("epic", "private_key_jwt"), c.urls("epic")["token_url"]
    now = int(c.sandbox.clock.wall().timestamp())
    number = len(c.sandbox.journal)  # never the same twice
    claims = {"iss": client["client_id"], "sub": client["client_id"], "aud": url, "jti": number, "exp": now + 200}
    key = RSAKey.import_key(client["private_key_pem"])
    proof = jwt.encode({"alg": "RS384", "kid": client["kid"]}, claims, key, algorithms=["RS384"])
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    form = {"grant_type": "client_credentials", "client_assertion_type": kind, "client_assertion": proof}
    return c.http.post(url, data=form).status_code


def _uploaded_keys(c: Caller) -> int:
    """A backend service that has registered with its keys in a file."""
    wish = {"vendor": "epic", "name": "uploaded", "auth": "private_key_jwt", "scopes": ["system/Patient.read"]}
    key = c.client("epic", "private_key_jwt")
    public = {name: key["jwk"][name] for name in ("kty", "n", "e", "kid")}
    c.http.post(f"{c.server.control}/sandboxes/{c.sandbox.id}/clients", json=wish | {"jwks": {"keys": [public]}})
    made = next(one for one in c.site("epic").clients.values() if one.name == "uploaded")
    told = made.as_dict(c.urls("epic")["token_url"]) | {"private_key_pem": key["private_key_pem"], "kid": key["kid"]}
    headers, form = token_request(told)
    return c.http.post(c.urls("epic")["token_url"], content=form, headers=headers).status_code


def _bp(c: Caller) -> set[str]:
    found = c.read("epic", "Observation", patient=c.patient("epic"), category="vital-signs", code="85354-9").json()
    every = c.read("epic", "Observation", patient=c.patient("epic"), category="vital-signs").json()
    entries = [*found.get("entry", ()), *every["entry"]]
    texts = {one["resource"].get("code", {}).get("text") for one in entries}
    return texts & {"BP", "Blood Pressure"}


def _undocumented(c: Caller) -> bool:
    types = c.statement("epic")["rest"][0]["resource"]
    return any("documentation" not in param for type in types for param in type["searchParam"])


def _profiles(c: Caller, vendor: str, type: str) -> set[str]:
    types = c.statement(vendor)["rest"][0]["resource"]
    listed = next(one for one in types if one["type"] == type).get("supportedProfile", [])
    return {one.partition("|")[2] for one in listed}


def _cerner_token(c: Caller, *, hosts: bool, classic: bool) -> int:
    """The status of a login at one of the two token URLs."""
    root = c.server.base_url(c.sandbox, "cerner")
    tenant = c.urls("cerner")["fhir_url"].rpartition("/")[2]
    host = "hosts/fhir-ehr-code.cerner.com/" if hosts and not classic else ""
    url = f"{root}/tenants/{tenant}/{host}protocols/oauth2/profiles/smart-v1/token"
    return c.login("cerner", "client_secret_basic", url).status_code


def _classic(c: Caller) -> httpx.Response:
    root, tenant = c.server.base_url(c.sandbox, "cerner"), c.urls("cerner")["fhir_url"].rpartition("/")[2]
    url = f"{root}/tenants/{tenant}/protocols/oauth2/profiles/smart-v1/token"
    return c.login("cerner", "client_secret_basic", url)


def _poisoned_page(c: Caller) -> tuple[int, list[str]]:
    known = c.first("cerner", "Condition")["id"]
    c.site("cerner").settings["poisoned"] = (f"Condition/{known}",)
    found = c.read("cerner", "Condition", patient=c.patient("cerner"))
    modes = [one.get("search", {}).get("mode") for one in found.json().get("entry", [])]
    c.site("cerner").settings["poisoned"] = ()
    return found.status_code, modes[-1:]


def _none_known(c: Caller, vendor: str) -> str:
    for number in range(60):
        found = c.read(vendor, "AllergyIntolerance", patient=c.patient(vendor, number)).json()
        for entry in found.get("entry", ()):
            codes = [one["code"] for one in entry["resource"].get("code", {}).get("coding", ())]
            if codes and set(codes) <= {"716186003", "160244002"}:
                return str(codes[0])
    raise AssertionError("nobody has no known allergies")


def _apostrophe(c: Caller) -> str:
    """How an apostrophe is written in the narrative of an allergy: there is a "Baker's yeast" or the like."""
    for number in c.memory or range(300):
        text = c.read("cerner", "AllergyIntolerance", patient=c.patient("cerner", number)).text
        for written in ("&#39;", "&apos;"):
            if written in text:
                c.memory = [number]
                return written
    raise AssertionError("no narrative has an apostrophe")


def _observations(c: Caller) -> int:
    """How many Observations come when four hundred are asked for."""
    number = max(range(9), key=lambda n: len(c.sandbox.world.chart(n).observations))
    found = c.read("cerner", "Observation", patient=c.patient("cerner", number), _count="400")
    return len(found.json()["entry"])


def _old_door(c: Caller) -> httpx.Response:
    url = c.server.base_url(c.sandbox, "athena") + "/oauth/token"
    headers, form = token_request(c.client("athena", "client_secret_basic"))
    return c.http.post(url, content=form, headers=headers)


def _departments(c: Caller) -> dict[str, Any]:
    found = c.read("athena", "patients", base="rest_url", departmentid="1", lastname="smith")
    return dict(found.json())


def _department(c: Caller) -> dict[str, Any]:
    return dict(c.read("athena", "departments", base="rest_url").json()["departments"][0])


def _platform(c: Caller) -> tuple[str, int, int]:
    urls = c.urls("athena")
    login = c.login("athena", "client_secret_basic").status_code
    return urls["token_url"].rpartition("athena")[2], login, c.http.get(urls["fhir_url"] + "/metadata").status_code


def _revocation(c: Caller) -> tuple[bool, int]:
    is_told = "revocation_endpoint" in c.smart("cerner").json()
    return is_told, c.http.post(c.urls("cerner")["revoke_url"]).status_code


Look = Callable[[Caller], Any]
LOOKS: dict[str, tuple[Look, Any, Any]] = {
    "epic-id-token-issuer": (
        lambda c: c.http.get(c.urls("epic")["fhir_url"] + "/.well-known/openid-configuration").json()["issuer"]
        .rpartition("/")[2], "token", "oauth2",
    ),
    "epic-posted-authorize": (
        lambda c: c.authorize("POST", aud=c.urls("epic")["fhir_url"]).status_code, 405, 200,
    ),
    "epic-smart-configuration": (lambda c: c.smart("epic").status_code, 404, 200),
    "epic-aud-mandatory": (lambda c: c.authorize().status_code, 200, 400),
    "epic-scopes-v2": (lambda c: "permission-v2" in c.smart("epic").json()["capabilities"], False, True),
    "epic-jti-string": (_jti_as_number, 200, 400),
    "epic-us-core-sex": (
        lambda c: _epic_extensions(c) & {"us-core-sex", "us-core-birthsex"}, {"us-core-birthsex"}, {"us-core-sex"},
    ),
    "epic-token-issuer": (
        lambda c: len(_claims(c.login("epic").json()["access_token"])["iss"]) > 20, False, True,
    ),
    "epic-address-text": (lambda c: "text" in _epic_patient(c)["address"][0], False, True),
    "epic-pronouns": (lambda c: "calculated-pronouns-to-use-for-text" in _epic_extensions(c), False, True),
    "epic-bp": (_bp, {"Blood Pressure"}, {"BP"}),
    "epic-59205": (
        lambda c: "59205" in c.read("epic", "Procedure", patient=c.patient("epic")).text, False, True,
    ),
    "epic-us-core-6": (lambda c: _profiles(c, "epic", "Patient"), {""}, {"6.1.0"}),
    "epic-statement-grows": (_undocumented, False, True),
    "epic-jwks-url": (_uploaded_keys, 200, 400),
    "epic-us-core-7": (
        lambda c: ("lastUpdated" in c.first("epic", "Encounter").get("meta", {}), _profiles(c, "epic", "Patient")),
        (False, {"6.1.0"}), (True, {"7.0.0"}),
    ),
    "epic-february-2026": (_software, "November 2025", "February 2026"),
    "epic-may-2026": (_software, "February 2026", "May 2026"),
    "cerner-media-type": (
        lambda c: c.read("cerner", "Patient/" + c.patient("cerner")).headers["content-type"],
        "application/json+fhir", "application/fhir+json",
    ),
    "cerner-none-known": (lambda c: _none_known(c, "cerner"), "160244002", "716186003"),
    "cerner-encounter-class": (
        lambda c: c.first("cerner", "Encounter")["class"]["system"].rpartition("/")[2], "69", "v3-ActCode",
    ),
    "cerner-observation-count": (lambda c: _observations(c) > 200, True, False),
    "cerner-loinc-display": (
        lambda c: {
            "display" in coding
            for coding in c.first("cerner", "Observation", category="vital-signs")["code"]["coding"]
            if coding["system"] == "http://loinc.org"
        },
        {False}, {True},
    ),
    "cerner-revocation": (
        _revocation, (False, 404), (True, 400),
    ),
    "cerner-narrative": (_apostrophe, "&apos;", "&#39;"),
    "cerner-scopes-v2": (
        lambda c: c.login("cerner", "private_key_jwt").json().get("error"), "invalid_scope", None,
    ),
    "cerner-token-hosts": (
        lambda c: ("/hosts/" in c.urls("cerner")["token_url"], c.login("cerner", "client_secret_basic").status_code),
        (False, 200), (True, 200),
    ),
    "cerner-encrypted-tokens": (
        lambda c: c.login("cerner", "client_secret_basic").json()["access_token"].count("."), 2, 4,
    ),
    "cerner-oracle-health": (lambda c: c.statement("cerner")["publisher"], "Cerner", "Oracle Health"),
    "cerner-classic-token-deprecated": (
        lambda c: (_classic(c).status_code, _classic(c).headers.get("sunset")),
        (200, None), (200, "Thu, 01 Apr 2027 00:00:00 GMT"),
    ),
    "cerner-oracle-next": (_poisoned_page, (500, []), (200, ["outcome"])),
    "cerner-us-core-7": (lambda c: _profiles(c, "cerner", "Patient"), {""}, {"", "7.0.0"}),
    "cerner-classic-token-gone": (lambda c: _classic(c).status_code, 200, 404),
    "athena-json-types": (
        lambda c: type(_nkda(c)).__name__, "str", "bool",
    ),
    "athena-totalcount": (lambda c: "totalcount" in _departments(c), False, True),
    "athena-new-platform": (
        _platform,
        ("/oauth/token", 200, 404), ("/oauth2/v1/token", 200, 200),
    ),
    "athena-old-platform-gone": (
        lambda c: (_old_door(c).status_code, _old_door(c).headers.get("deprecation")),
        (200, "@1614556800"), (404, None),
    ),
    "athena-token-limit": (
        lambda c: c.login("athena", "client_secret_basic").headers["x-ratelimit-limit"], "200", "50",
    ),
    "athena-token-reply": (
        lambda c: c.login("athena", "client_secret_basic").json()["expires_in"], "3600", 3600,
    ),
    "athena-us-core-7": (
        lambda c: [one.rpartition("|")[2] for one in c.statement("athena").get("instantiates", [])],
        ["3.1.1", "6.1.0"], ["6.1.0", "7.0.0"],
    ),
    "athena-numbers": (
        lambda c: type(_department(c)["departmentid"]).__name__, "str", "int",
    ),
}  # fmt: skip


def _nkda(c: Caller) -> Any:
    ids = c.site("athena").vendor.patient_ids(c.site("athena"), 117)
    departments = c.read("athena", f"patients/{ids['patientid']}", base="rest_url").json()
    department = str(departments[0]["departmentid"])
    found = c.read("athena", f"chart/{ids['patientid']}/allergies", base="rest_url", departmentid=department)
    return found.json()["nkda"]


@pytest.mark.parametrize("id", CHANGES)
def test_a_change_is_seen_on_its_day_and_not_before_it(id: str, caller: Caller) -> None:
    vendor, change = CHANGES[id]
    look, before, after = LOOKS[id]
    site = caller.site(vendor)
    site.upgrade(change.since - timedelta(days=1))
    seen_before = look(caller)
    site.upgrade(change.since)
    assert (seen_before, look(caller)) == (before, after)
    site.upgrade(change.since - timedelta(days=1))
    assert look(caller) == before, "and it goes back"


def test_every_change_is_looked_at() -> None:
    assert LOOKS.keys() == CHANGES.keys()


# The contract of a history


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.id)
def test_on_the_day_of_its_room_nothing_is_laid_over(room: Any) -> None:
    assert list(room.drift.shapes(room.drift.as_of)) == []


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.id)
def test_every_change_alters_something_and_says_what_why_and_where(room: Any) -> None:
    for change in room.drift.changes:
        assert change.before or change.after, change.id
        assert bool(change.before) != (change.since > room.drift.as_of), f"{change.id}: its shape is on the wrong side"
        assert change.id.startswith(f"{room.id}-")
        assert "" not in (change.what, change.why, change.source.where)
        for shape in (change.before, change.after):
            assert shape.settings.keys() <= room.defaults.keys(), change.id
            assert shape.limits.keys() <= {limit.name for limit in room.limits}, change.id


def test_the_three_rooms_show_every_kind_of_change() -> None:
    for room in ROOMS:
        shapes = [shape for change in room.drift.changes for shape in (change.before, change.after)]
        for kind in ("settings", "told", "ask", "answer"):
            assert any(getattr(shape, kind) for shape in shapes), f"{room.id} shows no change by {kind}"


def test_changes_are_laid_over_in_the_order_that_makes_sense() -> None:
    """Undone from the newest on, so that the oldest state wins; done from the oldest on, so that the newest does."""
    history: History = next(room for room in ROOMS if room.id == "athena").drift
    assert history.settings(date(2017, 1, 1))["type_profile"] == "legacy"
    assert "type_profile" not in history.settings(date(2020, 1, 1))
    assert history.settings(date(2028, 1, 1))["type_profile"] == "modern"


# Moving


def control(c: Caller, vendor: str) -> str:
    return f"{c.server.control}/sandboxes/{c.sandbox.id}/vendors/{vendor}/upgrade"


def test_an_upgrade_tells_what_came_and_what_is_to_come(caller: Caller) -> None:
    moved = caller.http.post(control(caller, "cerner"), json={"as_of": "2026-12-01"}).json()
    assert moved["came"] == ["cerner-classic-token-deprecated", "cerner-oracle-next"]
    told = caller.http.get(control(caller, "cerner")).json()
    assert (told["as_of"], told["as_written"]) == ("2026-12-01", "2026-08-14")
    assert [one["id"] for one in told["to_come"]] == ["cerner-us-core-7", "cerner-classic-token-gone"]
    assert all(one["source"]["mark"] in ("doc", "seen", "guess") for one in told["in_force"])
    assert told["moves"][0]["from"] == "2026-08-14"
    back = caller.http.post(control(caller, "cerner"), json={"as_of": "2026-08-14"}).json()
    assert back["went"] == moved["came"]


def test_an_upgrade_keeps_tokens_and_page_sessions(caller: Caller) -> None:
    site = caller.site("epic")
    site.settings["max_page"] = 2
    first = caller.read("epic", "Observation", patient=caller.patient("epic", 119), category="laboratory")
    token = first.request.headers["authorization"]
    site.upgrade(date(2026, 12, 1))
    following = next(one["url"] for one in first.json()["link"] if one["relation"] == "next")
    page = caller.http.get(following, headers=JSON | {"authorization": token})
    assert page.status_code == 200
    assert "lastUpdated" in page.json()["entry"][0]["resource"]["meta"]


def test_a_setting_that_somebody_put_stays_unless_the_two_days_differ_in_it(caller: Caller) -> None:
    site = caller.site("epic")
    site.settings["max_page"] = 3
    site.settings["assertion_rules"] = {"max_jti": 20}
    site.upgrade(date(2023, 1, 1))
    assert site.settings["assertion_rules"] == {"max_jti": 20, "jti_string": False}
    site.upgrade(site.vendor.drift.as_of)
    assert site.settings["assertion_rules"] == {"max_jti": 20}
    assert (site.settings["max_page"], site.drifted) == (3, None)


def test_a_limit_that_somebody_scaled_stays_unless_the_vendor_changes_it(caller: Caller) -> None:
    site = caller.site("athena")
    site.limits.set("day", calls=7)
    site.upgrade(date(2022, 1, 1))
    assert {limit.name: limit.calls for limit in site.limits.limits} == {"second": 150, "day": 7, "token": 200}
    site.limits.restore()
    assert site.limits.limit("token").calls == 200, "that is what the vendor delivers on that day"


def test_a_reset_takes_an_upgrade_back_and_other_sandboxes_never_notice(caller: Caller) -> None:
    other = caller.server.sandboxes.create()
    try:
        caller.site("epic").upgrade(date(2023, 1, 1))
        assert other.sites["epic"].drifted is None
        caller.server.sandboxes.reset(caller.sandbox.id)
        assert caller.site("epic").as_of == caller.site("epic").vendor.drift.as_of
        assert caller.site("epic").moves == ()
        assert "us-core-sex" in _epic_extensions(caller)
    finally:
        caller.server.sandboxes.drop(other.id)


def test_a_sandbox_may_begin_on_another_day(caller: Caller) -> None:
    wish = {"apis": {"epic": "2023-01-01"}}
    made = caller.http.post(f"{caller.server.control}/sandboxes", json=wish).json()
    try:
        assert made["apis"]["epic"] == "2023-01-01"
        assert made["apis"]["cerner"] == "2026-08-14"
        caller.server.sandboxes.reset(made["id"])
        sandbox = caller.server.sandboxes.get(made["id"])
        assert sandbox is not None
        assert sandbox.sites["epic"].as_of == date(2023, 1, 1), "a reset goes back to the first moment"
    finally:
        caller.server.sandboxes.drop(made["id"])


@pytest.mark.parametrize(
    ("wish", "status"),
    [({"as_of": "soon"}, 422), ({"as_of": "1066-10-14"}, 422), ({}, 422), ({"as_of": "2026-12-01", "by": 1}, 422)],
)
def test_a_day_that_is_none_is_refused_in_words(wish: dict[str, Any], status: int, caller: Caller) -> None:
    answer = caller.http.post(control(caller, "epic"), json=wish)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_journal_notes_the_day_and_the_changes_that_had_a_hand_in_a_call(caller: Caller) -> None:
    caller.read("cerner", "Patient/" + caller.patient("cerner"))
    caller.site("cerner").upgrade(date(2018, 1, 1))
    caller.read("cerner", "Patient/" + caller.patient("cerner"))
    before, after = (entry_of(x)["notes"] for x in caller.sandbox.journal.entries)
    assert "api_as_of" not in before
    assert (after["api_as_of"], after["drift"]) == ("2018-01-01", ["cerner-media-type"])


def test_epic_tells_the_same_changes_in_xml(caller: Caller) -> None:
    caller.site("epic").upgrade(date(2025, 12, 1))
    token = caller.login("epic").json()["access_token"]
    url = f"{caller.urls('epic')['fhir_url']}/Patient/{caller.patient('epic')}"
    body = caller.http.get(url, headers={"authorization": f"Bearer {token}"}).text
    assert "<Patient xmlns" in body
    assert "pronouns" not in body


def test_a_hospital_that_lagged_catches_up_in_one_night(caller: Caller) -> None:
    c = caller
    scenario.play(scenario.load_named("story-years-behind"), c.sandbox)
    assert _jti_as_number(c) == 200
    c.sandbox.clock.advance(timedelta(hours=15))
    assert c.read("epic", "metadata").headers["content-type"].startswith("text/html")
    c.sandbox.clock.advance(timedelta(hours=2))
    assert (_jti_as_number(c), c.authorize().status_code) == (400, 400)
    assert _epic_extensions(c) >= {"us-core-sex"}
    assert _uploaded_keys(c) == 200
    c.sandbox.clock.advance(timedelta(days=8))
    assert _uploaded_keys(c) == 400
    scenario.stop(c.sandbox)
    assert c.site("epic").drifted is None


def test_every_answer_is_of_one_day_alone_while_the_day_moves_under_many_callers(caller: Caller) -> None:
    """On one keep-alive connection each, eight callers read while the API goes back and forth; the journal agrees."""
    c, path = caller, f"Patient/{caller.patient('epic')}"
    url = f"{c.urls('epic')['fhir_url']}/{path}"
    headers = JSON | {"authorization": c.read("epic", path).request.headers["authorization"]}
    headers["x-emr-sandbox-exchange"] = "please"

    def reads(number: int) -> list[tuple[str, bool, bool]]:
        seen = []
        with httpx.Client(timeout=10) as http:
            for turn in range(12):
                if number == 0:
                    day = "2026-05-12" if turn % 2 else "2025-12-01"
                    http.post(control(c, "epic"), json={"as_of": day})
                answer = http.get(url, headers=headers)
                told = answer.json()
                is_new = "text" in told["address"][0]
                has_pronouns = any("pronouns" in one["url"] for one in told["extension"])
                seen.append((answer.headers["x-emr-sandbox-exchange"], is_new, has_pronouns))
        return seen

    with ThreadPoolExecutor(8) as pool:
        every = [one for seen in pool.map(reads, range(8)) for one in seen]
    entries = {x.id: x.notes.get("api_as_of") for x in c.sandbox.journal.entries}
    assert {is_new for _, is_new, _ in every} == {True, False}
    for id, is_new, has_pronouns in every:
        assert is_new == has_pronouns == (entries[id] is None)


def test_after_an_upgrade_was_taken_back_every_answer_is_as_before(caller: Caller) -> None:
    c = caller
    url = f"{c.urls('cerner')['fhir_url']}/Encounter?patient={c.patient('cerner')}"
    read = c.read("cerner", f"Encounter?patient={c.patient('cerner')}")
    headers = {"authorization": read.request.headers["authorization"], **JSON}
    clean = c.http.get(url, headers=headers).json()["entry"]
    for day in (date(2019, 1, 1), date(2028, 1, 1), date(2026, 8, 14)):
        c.site("cerner").upgrade(day)
        c.http.get(url, headers=headers)
    for _ in range(200):
        assert c.http.get(url, headers=headers).json()["entry"] == clean


def test_oracles_next_server_says_its_page_size_and_the_journal_what_was_asked(caller: Caller) -> None:
    c = caller
    c.site("cerner").upgrade(date(2026, 11, 1))
    found = c.read("cerner", f"Observation?patient={c.patient('cerner')}").json()
    own = next(one["url"] for one in found["link"] if one["relation"] == "self")
    assert own.endswith(f"?patient={c.patient('cerner')}&_count=50")
    assert len(found["entry"]) == 50
    assert c.sandbox.journal.entries[-1].query == f"patient={c.patient('cerner')}"
    client = c.client("cerner", "client_secret_basic")
    token = c.site("cerner").tokens.issue(
        client["client_id"], ("system/Patient.read",), now=c.sandbox.clock.now(), lifetime=timedelta(hours=1),
        allows=lambda type, action: type == "Patient",
    )  # fmt: skip
    url = f"{c.urls('cerner')['fhir_url']}/Condition?patient={c.patient('cerner')}"
    answer = c.http.get(url, headers={"authorization": f"Bearer {token.text}"})
    assert (answer.status_code, answer.json()["resourceType"]) == (403, "OperationOutcome")


@pytest.mark.parametrize(
    ("day", "version"),
    [("2022-01-01", "November 2021"), ("2022-05-08", "February 2022"), ("2022-05-09", "May 2022"),
     ("2026-05-17", "February 2026"), ("2027-02-07", "November 2026"), ("2027-02-08", "February 2027")],
)  # fmt: skip
def test_each_quarter_has_a_version(day: str, version: str, caller: Caller) -> None:
    caller.site("epic").upgrade(date.fromisoformat(day))
    assert _software(caller) == version
