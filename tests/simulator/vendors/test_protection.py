"""Sensitive records that are withheld, and patients behind the glass: std:SEC-16, traps E29.

PUT …/vendors/{v}/withheld-records {"labels": ["BH"]}    neither found nor read; not expected, and a leak when held
PUT …/vendors/epic/glass {"guarded": ["17"]}             403 with 4130 until …/BreakTheGlass/Accept says why
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from conformance import scoring
from conformance.compare import truth_of
from conformance.evidence import Call
from simulator.auth.grants import Grant
from simulator.auth.users import User, practitioner
from simulator.journal.entry import entry_of
from simulator.population import tables
from simulator.population.cast import roles
from simulator.population.kept_from import bears
from simulator.population.records import KINDS
from simulator.sandbox import Sandbox
from simulator.server import Running
from simulator.vendors.epic.manner import user_id
from tests.simulator.vendors.athena_client import PRACTICE


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


def headers(sandbox: Sandbox, vendor: str, client: int = 0) -> dict[str, str]:
    site = sandbox.sites[vendor]
    token = site.tokens.issue(
        list(site.clients)[client],
        ("system/*.read",),
        now=sandbox.clock.now(),
        lifetime=timedelta(days=1),
        allows=lambda type, action: True,
    )
    return {"authorization": f"Bearer {token.text}", "accept": "application/fhir+json"}


def fhir(server: Running, sandbox: Sandbox, vendor: str) -> str:
    return sandbox.sites[vendor].urls(server.base_url(sandbox, vendor))["fhir_url"]


def control(server: Running, sandbox: Sandbox, vendor: str, noun: str) -> str:
    return f"{server.control}/sandboxes/{sandbox.id}/vendors/{vendor}/{noun}"


def labelled(sandbox: Sandbox, vendor: str) -> tuple[int, str, str, str]:
    """(patient, type, id, label) of a resource with a sensitive record behind it."""
    site = sandbox.sites[vendor]
    for number in range(200):
        for told in site.vendor.renderings(site, number):
            labels = [label for record in told.records for label in getattr(record, "sensitivity", ())]
            if labels and told.type == "Condition" and "combined" not in told.id:
                return number, told.type, told.id, labels[0]
    raise AssertionError("nobody of these has a sensitive condition")


def found(http: httpx.Client, server: Running, sandbox: Sandbox, vendor: str, number: int, client: int = 0) -> set[str]:
    site = sandbox.sites[vendor]
    asked = {"patient": site.vendor.patient_ids(site, number)["fhir_id"]}
    if vendor == "athena":
        asked["ah-practice"] = "Organization/a-1.Practice-195900"
    if vendor == "epic":
        asked["category"] = "problem-list-item,encounter-diagnosis,health-concern"
    door = f"{fhir(server, sandbox, vendor)}/Condition"
    answer = http.get(door, params=asked, headers=headers(sandbox, vendor, client))
    assert answer.status_code == 200, answer.text
    entries = answer.json().get("entry", ())
    return {one["resource"]["id"] for one in entries if one["resource"]["resourceType"] == "Condition"}


each_vendor = pytest.mark.parametrize("vendor", ["epic", "cerner", "athena"])


@each_vendor
def test_a_withheld_record_is_neither_found_nor_read(
    server: Running, sandbox: Sandbox, http: httpx.Client, vendor: str
) -> None:
    number, type, id, label = labelled(sandbox, vendor)
    before = found(http, server, sandbox, vendor, number)
    assert id in before
    answer = http.put(control(server, sandbox, vendor, "withheld-records"), json={"labels": [label]})
    assert answer.json() == {"withheld": {"*": [label]}}
    after = found(http, server, sandbox, vendor, number)
    assert id not in after
    assert after < before
    refused = http.get(f"{fhir(server, sandbox, vendor)}/{type}/{id}", headers=headers(sandbox, vendor))
    assert refused.status_code == 404, "as if there were no such record"
    http.put(control(server, sandbox, vendor, "withheld-records"), json={"labels": []})
    assert found(http, server, sandbox, vendor, number) == before


@each_vendor
def test_records_are_withheld_from_one_client_and_told_to_another(
    server: Running, sandbox: Sandbox, http: httpx.Client, vendor: str
) -> None:
    number, _, id, label = labelled(sandbox, vendor)
    name = next(iter(sandbox.sites[vendor].clients.values())).name
    http.put(control(server, sandbox, vendor, "withheld-records"), json={"labels": [label], "client": name})
    assert id not in found(http, server, sandbox, vendor, number, client=0)
    assert id in found(http, server, sandbox, vendor, number, client=1)


@each_vendor
def test_nothing_is_expected_of_what_is_withheld(server: Running, sandbox: Sandbox, vendor: str) -> None:
    number, _, id, label = labelled(sandbox, vendor)
    site = sandbox.sites[vendor]
    first, second, *_ = site.clients
    site.settings["withheld_records"] = {first: (label,)}
    hidden = [fact for fact in truth_of(site, [number], client_id=first).facts[number] if fact.is_withheld]
    assert any(telling.source["id"] == id for fact in hidden for telling in fact.tellings)
    assert not any(fact.is_withheld for fact in truth_of(site, [number], client_id=second).facts[number])


def test_the_judge_misses_nothing_that_was_withheld_and_counts_what_leaked(server: Running, sandbox: Sandbox) -> None:
    number, _, id, label = labelled(sandbox, "cerner")
    site = sandbox.sites["cerner"]
    client_id = next(iter(site.clients))
    call = Call("run", "read", {"kinds": ["condition"]}, {"status": "ok"}, "", 0, 1, step=0, subject=str(number))
    site.settings["withheld_records"] = {client_id: (label,)}
    truth = truth_of(site, [number], client_id=client_id)
    hidden = next(fact for fact in truth.facts[number] if id in {one.source["id"] for one in fact.tellings})
    told = scoring.score(truth, [call], {0: []}, [], keeps_records=False)
    assert hidden.id not in {fact["fact"] for fact in told["facts"]}
    held = dict(hidden.tellings[0].expectation.record)
    told = scoring.score(truth, [call], {0: [held]}, [], keeps_records=False)
    wrong = [(fact["fact"], one["verdict"]) for fact in told["facts"] for one in fact["mismatches"]]
    assert (hidden.id, "leak") in wrong


def reasons_of(sandbox: Sandbox) -> tuple[int, str, str]:
    """(patient, label, what the condition is called) where an order without the label was made for a condition with."""
    for number in range(sandbox.patients):
        chart = sandbox.world.chart(number)
        conditions = {one.ordinal: one for one in chart.conditions if one.sensitivity}
        for order in chart.medications:
            reason = conditions.get(order.reason) if order.reason is not None else None
            if reason is not None and not order.sensitivity:
                return number, reason.sensitivity[0], reason.codes[0].code
    raise AssertionError("nobody has such an order")


@each_vendor
def test_nothing_that_is_left_tells_of_what_is_withheld(sandbox: Sandbox, vendor: str) -> None:
    number, label, _ = reasons_of(sandbox)
    site = sandbox.sites[vendor]
    chart = sandbox.world.chart(number)
    hidden = [one for one in chart.conditions if label in one.sensitivity]
    kept = {code.code for one in chart.conditions if label not in one.sensitivity for code in one.codes}
    told = {code.code for one in hidden for code in one.codes} - kept

    def said() -> str:
        return json.dumps([one.payload for one in site.vendor.renderings(site, number)], default=str)

    before = said()
    assert any(f'"{code}"' in before for code in told)
    with site.kept_from(frozenset({label})):
        after = said()
    assert not [code for code in told if f'"{code}"' in after]
    gone = {f"{one.kind}:{one.ordinal}" for kind in KINDS for one in chart.of(kind) if bears(one, frozenset({label}))}
    with site.kept_from(frozenset({label})):
        left = {
            f"{record.kind}:{record.ordinal}" for one in site.vendor.renderings(site, number) for record in one.records
        }
    assert left
    assert not gone & left
    assert said() == before, "for others nothing changed"


def test_an_order_loses_its_reason_with_the_condition(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    number, label, code = reasons_of(sandbox)
    site = sandbox.sites["epic"]
    door = f"{fhir(server, sandbox, 'epic')}/MedicationRequest"
    asked = {"patient": site.vendor.patient_ids(site, number)["fhir_id"]}
    before = http.get(door, params=asked, headers=headers(sandbox, "epic"))
    http.put(control(server, sandbox, "epic", "withheld-records"), json={"labels": [label]})
    after = http.get(door, params=asked, headers=headers(sandbox, "epic"))
    assert code in before.text
    assert code not in after.text
    assert after.json()["total"] <= before.json()["total"]


@each_vendor
def test_the_judge_expects_no_reason_that_was_withheld(sandbox: Sandbox, vendor: str) -> None:
    number, label, code = reasons_of(sandbox)
    site = sandbox.sites[vendor]
    client_id = next(iter(site.clients))

    def reasons() -> str:
        facts = truth_of(site, [number], client_id=client_id).facts[number]
        expected = [t.expectation.truth for fact in facts if not fact.is_withheld for t in fact.tellings]
        return json.dumps([one for one in expected if one["kind"] == "medication"], default=str)

    is_told = code in reasons()
    site.settings["withheld_records"] = {client_id: (label,)}
    assert is_told
    assert code not in reasons()


def test_athenas_rest_api_withholds_too(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    number, _, _, label = labelled(sandbox, "athena")
    site = sandbox.sites["athena"]
    patient = site.vendor.patient_ids(site, number)["patientid"]
    door = site.urls(server.base_url(sandbox, "athena"))["rest_url"]

    def listed() -> list[str]:
        url = f"{door}/chart/{patient}/problems?departmentid={_department(http, door, sandbox)}&showinactive=true"
        answer = http.get(url, headers=headers(sandbox, "athena"))
        assert answer.status_code == 200, answer.text
        return [one["code"] for one in answer.json()["problems"]]

    before = listed()
    http.put(control(server, sandbox, "athena", "withheld-records"), json={"labels": [label]})
    after = listed()
    chart = sandbox.world.chart(number)
    hidden = {code.code for one in chart.conditions if label in one.sensitivity for code in one.codes}
    assert hidden & set(before)
    assert not hidden & set(after)


def _department(http: httpx.Client, door: str, sandbox: Sandbox) -> str:
    answer = http.get(f"{door}/departments", headers=headers(sandbox, "athena"))
    return str(answer.json()["departments"][0]["departmentid"])


def test_what_a_client_with_withheld_records_writes_everybody_sees(sandbox: Sandbox) -> None:
    whole, site = sandbox.world, sandbox.sites["epic"]
    number, label, _ = reasons_of(sandbox)
    with site.kept_from(frozenset({label})):
        kept = sandbox.world
        allergy = next(one for one in kept.chart(number).allergies)
        kept.write(replace(allergy, text="written"), number, "a client", sandbox.clock.now())
        assert "written" in {one.text for one in kept.chart(number).allergies}
    assert sandbox.world is whole
    assert "written" in {one.text for one in whole.chart(number).allergies}


def test_an_unknown_label_or_a_vendor_without_a_glass_is_said(
    server: Running, sandbox: Sandbox, http: httpx.Client
) -> None:
    answer = http.put(control(server, sandbox, "epic", "withheld-records"), json={"labels": ["XYZ"]})
    assert (answer.status_code, answer.json()["known"]) == (422, [row["key"] for row in tables.raw("sensitivity")])
    answer = http.put(control(server, sandbox, "cerner", "glass"), json={"guarded": ["1"]})
    assert answer.status_code == 501


# The glass


def guard(server: Running, sandbox: Sandbox, http: httpx.Client, **wish: list[str]) -> None:
    assert http.put(control(server, sandbox, "epic", "glass"), json=wish).status_code == 200


def codes(answer: httpx.Response) -> list[str]:
    return [one["details"]["coding"][0]["code"] for one in answer.json()["issue"]]


def step(
    http: httpx.Client, server: Running, sandbox: Sandbox, name: str, said: Any, client: int = 0
) -> httpx.Response:
    verb = {"Check": "AccessCheck"}.get(name, name)
    door = server.base_url(sandbox, "epic") + (
        f"/interconnect-fhir-oauth/api/epic/2013/Security/BreakTheGlass/{name}BreakTheGlass"
        f"/Security/BreakTheGlass/{verb}"
    )
    return http.post(door, data=said, headers=headers(sandbox, "epic", client))


@pytest.fixture
def reader(server: Running, sandbox: Sandbox, http: httpx.Client) -> Any:
    """`reader("Patient", 17)`: a read or a search of what is that patient's."""
    site = sandbox.sites["epic"]

    def read(type: str = "Patient", number: int = 17, client: int = 0) -> httpx.Response:
        id = site.vendor.patient_ids(site, number)["fhir_id"]
        door = f"{fhir(server, sandbox, 'epic')}/{type}"
        door += f"/{id}" if type == "Patient" else f"?patient={id}"
        return http.get(door, headers=headers(sandbox, "epic", client))

    return read


def statement(sandbox: Sandbox, number: int = 17, **more: Any) -> dict[str, Any]:
    site = sandbox.sites["epic"]
    id = site.vendor.patient_ids(site, number)["fhir_id"]
    made = {"PatientID": id, "PatientIDType": "FHIR", "UserID": "1", "UserIDType": "External", "CheckView": "100"}
    return {**made, "DepartmentID": "7", "CheckType[0]": "Record", "FailedReason": "1", **more}


def test_the_glass_opens_to_who_says_why_for_an_hour_and_is_audited(
    server: Running, sandbox: Sandbox, http: httpx.Client, reader: Any
) -> None:
    guard(server, sandbox, http, guarded=["17"])
    for type in ("Patient", "Condition", "AllergyIntolerance"):
        refused = reader(type)
        assert (refused.status_code, codes(refused)) == (403, ["4130"])
    assert reader(number=18).status_code == 200
    assert step(http, server, sandbox, "Check", statement(sandbox)).json()["AccessType"] == 2
    assert step(http, server, sandbox, "Check", statement(sandbox, number=18)).json()["AccessType"] == 1
    said = statement(sandbox, Reason="Direct Patient Care", Explanation="consult")
    accepted = step(http, server, sandbox, "Accept", said)
    assert accepted.status_code == 200, accepted.text
    entry = entry_of(sandbox.journal.entries[-1])
    assert (entry["purpose"], entry["patients"], entry["notes"]["user"]) == ("BTG", ["17"], "1")
    assert step(http, server, sandbox, "Check", statement(sandbox)).json()["AccessType"] == 1
    answer = reader()
    assert answer.status_code == 200
    entry = entry_of(sandbox.journal.entries[-1])
    assert (entry["purpose"], entry["patients"]) == ("BTG", ["17"])
    log = http.get(f"{server.control}/sandboxes/{sandbox.id}/audit", params={"patient": "17"}).text
    assert '"code":"BTG"' in log.splitlines()[-1]
    assert reader(client=1).status_code == 403  # it is another client's glass
    sandbox.clock.advance(timedelta(hours=1))
    assert codes(reader()) == ["4130"]


def test_the_glass_is_broken_for_one_person_and_not_for_the_app(
    server: Running, sandbox: Sandbox, http: httpx.Client
) -> None:
    guard(server, sandbox, http, guarded=["17"])
    site = sandbox.sites["epic"]
    door = f"{fhir(server, sandbox, 'epic')}/Patient/{site.vendor.patient_ids(site, 17)['fhir_id']}"
    anna, ben = (practitioner(sandbox.world, index) for index in (2, 3))
    assert anna is not None
    assert ben is not None

    def opens(user: User, client: int = 0) -> bool:
        return http.get(door, headers=headers_of(sandbox, user, client)).status_code == 200

    said = statement(sandbox, UserID=anna.login.upper(), Reason="Direct Patient Care")
    assert step(http, server, sandbox, "Accept", said).status_code == 200
    assert opens(anna)
    assert opens(anna, client=1), "with whatever app"
    assert not opens(ben), "in the same app"
    assert http.get(door, headers=headers(sandbox, "epic")).status_code == 403, "nor to the service that asked for her"
    checked = [step(http, server, sandbox, "Check", statement(sandbox, UserID=one.login)) for one in (anna, ben)]
    assert [one.json()["AccessType"] for one in checked] == [1, 2]
    step(http, server, sandbox, "Cancel", statement(sandbox, UserID=user_id(site, anna)))
    assert not opens(anna)


def headers_of(sandbox: Sandbox, user: User, client: int) -> dict[str, str]:
    """A token of somebody who is logged in, as the login gives it."""
    site = sandbox.sites["epic"]
    client_id, now, scopes = list(site.clients)[client], sandbox.clock.now(), ("user/*.read",)
    book = site.desk.grants
    grant = book.add(Grant(f"g{len(book)}", client_id, user, scopes, scopes, now))
    token = site.tokens.issue(
        client_id, scopes, now=now, lifetime=timedelta(hours=1), allows=lambda type, action: True, grant=grant.id
    )
    return {"authorization": f"Bearer {token.text}", "accept": "application/fhir+json"}


def test_restricted_patients_are_left_out_at_athena_unless_restrictions_are_ignored(
    server: Running, sandbox: Sandbox, http: httpx.Client
) -> None:
    site, world = sandbox.sites["athena"], sandbox.world
    number = next(n for n in range(sandbox.patients) if any(a.status == "booked" for a in world.chart(n).appointments))
    person, id = world.registered_person(number), site.vendor.patient_ids(site, number)["patientid"]
    booked = next(one for one in world.chart(number).appointments if one.status == "booked")
    rest = site.urls(server.base_url(sandbox, "athena"))["rest_url"]
    day = booked.start.strftime("%m/%d/%Y")
    doors = {
        f"{rest}/patients": {"lastname": person.family, "firstname": person.given[0]},
        f"{rest}/patients/enhancedbestmatch": {
            "lastname": person.family, "firstname": person.given[0], "dob": person.birth_date.strftime("%m/%d/%Y"),
        },
        f"{rest}/appointments/booked": {"startdate": day, "enddate": day, "departmentid": f"{booked.facility + 1}"},
        f"{rest}/patients/{id}": {},
    }  # fmt: skip

    def tell(**more: str) -> list[bool]:
        told = [
            http.get(url, params={**asked, **more}, headers=headers(sandbox, "athena")) for url, asked in doors.items()
        ]
        assert [answer.status_code for answer in told[:3]] == [200, 200, 200]
        assert told[3].status_code in (200, 404)
        return [f'"patientid":"{id}"' in answer.text.replace(" ", "") for answer in told]

    assert tell() == [True] * 4
    door = control(server, sandbox, "athena", "glass")
    assert http.put(door, json={"restricted": [str(number)]}).json() == {"guarded": [], "restricted": [str(number)]}
    assert tell() == [False] * 4
    assert tell(ignorerestrictions="false") == [False] * 4
    assert tell(ignorerestrictions="true") == [True] * 4
    assert http.get(f"{rest}/patients", params={"lastname": "x", "ignorerestrictions": "maybe"},
                    headers=headers(sandbox, "athena")).status_code == 400  # fmt: skip
    assert http.put(door, json={"guarded": [str(number)]}).status_code == 422
    http.put(door, json={})
    assert tell() == [True] * 4


def test_what_belongs_to_a_restricted_patient_is_labelled_at_athena(
    server: Running, sandbox: Sandbox, http: httpx.Client
) -> None:
    """Also what was kept before, and of a search; what is labelled for itself keeps that label."""
    site = sandbox.sites["athena"]
    number, other = [n for n in range(sandbox.patients) if sandbox.world.chart(n).immunizations][:2]
    fhir = site.urls(server.base_url(sandbox, "athena"))["fhir_url"]

    def labels(whose: int) -> dict[str, list[list[str]]]:
        id, told = site.vendor.patient_ids(site, whose)["fhir_id"], {}
        wanted = {"ah-practice": PRACTICE, "patient": id}
        for type in ("Condition", "Encounter", "Immunization", "AllergyIntolerance"):
            answer = http.get(f"{fhir}/{type}", params=wanted, headers=headers(sandbox, "athena"))
            assert answer.status_code == 200, answer.text
            told[type] = [security(one["resource"]) for one in answer.json().get("entry", [])]
        told["Patient"] = [security(http.get(f"{fhir}/Patient/{id}", headers=headers(sandbox, "athena")).json())]
        return told

    def security(resource: dict[str, Any]) -> list[str]:
        return [f"{one['system'].rpartition('/')[2]} {one['code']}" for one in resource["meta"].get("security", [])]

    before, beside = labels(number), labels(other)
    assert before["Encounter"]
    assert before["Immunization"]
    assert not any("v3-Confidentiality R" in one for found in before.values() for one in found)
    door = control(server, sandbox, "athena", "glass")
    http.put(door, json={"restricted": [str(number)]})
    restricted = {type: [[*one, "v3-Confidentiality R"] for one in found] for type, found in before.items()}
    assert labels(number) == restricted
    assert labels(other) == beside
    http.put(door, json={})
    assert labels(number) == before


def test_what_a_prompt_needs_is_told(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    told = step(http, server, sandbox, "Initialize", {}).json()
    assert "Other" in [one["Title"] for one in told["Reasons"]]
    assert told["TimeoutInMinutes"] == 60


def test_cancelling_closes_the_chart_again(server: Running, sandbox: Sandbox, http: httpx.Client, reader: Any) -> None:
    guard(server, sandbox, http, guarded=["17"])
    step(http, server, sandbox, "Accept", statement(sandbox, Reason="Billing"))
    assert reader().status_code == 200
    step(http, server, sandbox, "Cancel", statement(sandbox))
    assert reader().status_code == 403


def test_a_restricted_patient_opens_to_nobody(
    server: Running, sandbox: Sandbox, http: httpx.Client, reader: Any
) -> None:
    guard(server, sandbox, http, restricted=["17"])
    assert codes(reader("Condition")) == ["4131"]
    assert step(http, server, sandbox, "Check", statement(sandbox)).json()["AccessType"] == 0
    assert codes(step(http, server, sandbox, "Accept", statement(sandbox, Reason="Billing"))) == ["4131"]
    guard(server, sandbox, http)
    assert reader().status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        {"Reason": "Curiosity"},
        {"Reason": "Other"},
        {"Reason": "Billing", "UserID": ""},
        {"Reason": "Billing", "PatientID": "x"},
        {},
    ],
)
def test_the_glass_does_not_break_without_a_reason_a_user_and_a_patient(
    server: Running, sandbox: Sandbox, http: httpx.Client, reader: Any, said: dict[str, str]
) -> None:
    guard(server, sandbox, http, guarded=["17"])
    assert step(http, server, sandbox, "Accept", statement(sandbox, **said)).status_code == 400
    assert reader().status_code == 403


def test_vips_of_the_truth_are_behind_the_glass_where_a_site_says_so(
    server: Running, sandbox: Sandbox, http: httpx.Client
) -> None:
    vip = next(sandbox.world.population.vips())
    site = sandbox.sites["epic"]
    door = f"{fhir(server, sandbox, 'epic')}/Patient/{site.vendor.patient_ids(site, vip)['fhir_id']}"

    def numbers_of(degree: str) -> tuple[int, str]:
        put = http.put(control(server, sandbox, "epic", "glass"), json={"vips": degree})
        assert put.status_code == 200
        assert put.json().get("vips", "") == degree
        told = http.get(door, headers=headers(sandbox, "epic"))
        return told.status_code, "4131" if "4131" in told.text else "4130" if "4130" in told.text else ""

    assert numbers_of("restricted") == (403, "4131")
    assert numbers_of("guarded") == (403, "4130")
    assert numbers_of("") == (200, "")


def test_that_somebody_is_a_vip_is_told_by_those_vendors_who_do(
    server: Running, sandbox: Sandbox, http: httpx.Client
) -> None:
    vip = next(sandbox.world.population.vips())
    told = {vendor: sandbox.sites[vendor].vendor.renderings(sandbox.sites[vendor], vip) for vendor in sandbox.sites}
    (person,) = (one.payload for one in told["athena"] if one.type == "Patient")
    assert [one["code"] for one in person["meta"]["security"]] == ["CEL"]
    visits = [one.payload for one in told["cerner"] if one.type == "Encounter"]
    assert visits
    for one in visits:
        courtesy = one["hospitalization"]["specialCourtesy"][0]
        assert (courtesy["text"], courtesy["coding"][1]["code"]) == ("VIP", "VIP")
    http.put(control(server, sandbox, "cerner", "withheld-records"), json={"labels": ["VIP"]})
    site = sandbox.sites["cerner"]
    door = f"{fhir(server, sandbox, 'cerner')}/Patient"
    id = site.vendor.patient_ids(site, vip)["fhir_id"]
    assert http.get(f"{door}/{id}", headers=headers(sandbox, "cerner")).status_code == 404
    found = http.get(door, params={"_id": id}, headers=headers(sandbox, "cerner")).json()
    assert found.get("entry", []) == []


def test_an_employee_is_told_and_kept_back_as_a_vip_is(server: Running, http: httpx.Client) -> None:
    sandbox = server.sandboxes.create(patients=1_000)
    number = next(role.number for role in roles() if "employee" in role.wishes.flags)
    site = sandbox.sites["athena"]
    (person,) = (one.payload for one in site.vendor.renderings(site, number) if one.type == "Patient")
    assert [one["code"] for one in person["meta"]["security"]] == ["CEL", "EMP"]
    cerner = sandbox.sites["cerner"]
    visits = [one.payload for one in cerner.vendor.renderings(cerner, number) if one.type == "Encounter"]
    assert visits
    for one in visits:
        told = [courtesy["coding"][1]["code"] for courtesy in one["hospitalization"]["specialCourtesy"]]
        assert told == ["VIP", "STF"]
    family = sandbox.world.registered_person(number).family
    seen = {}
    for label in ("EMP", ""):
        labels = [label] if label else []
        http.put(control(server, sandbox, "cerner", "withheld-records"), json={"labels": labels})
        door = f"{fhir(server, sandbox, 'cerner')}/Patient"
        id = cerner.vendor.patient_ids(cerner, number)["fhir_id"]
        read = http.get(f"{door}/{id}", headers=headers(sandbox, "cerner")).status_code
        found = http.get(door, params={"family": family}, headers=headers(sandbox, "cerner")).json()
        seen[label] = read, [one["resource"]["id"] for one in found.get("entry", ())]
    assert seen == {"EMP": (404, []), "": (200, [id])}
    http.put(control(server, sandbox, "epic", "glass"), json={"vips": "restricted"})
    epic = sandbox.sites["epic"]
    door = f"{fhir(server, sandbox, 'epic')}/Patient/{epic.vendor.patient_ids(epic, number)['fhir_id']}"
    assert codes(http.get(door, headers=headers(sandbox, "epic"))) == ["4131"]
    server.sandboxes.drop(sandbox.id)


def test_an_employee_alone_is_behind_the_glass_of_vips(server: Running, sandbox: Sandbox) -> None:
    world = sandbox.world
    number = next(n for n in range(sandbox.patients) if not world.population.is_vip(n))
    glass = sandbox.sites["epic"].desk.glass
    glass.put_behind(frozenset(), frozenset(), "guarded")
    assert glass.degree(world, number) == ""
    world.write(replace(world.registered_person(number), sensitivity=("EMP",)), number, "hr", sandbox.clock.now())
    assert glass.degree(world, number) == "guarded"


def test_without_a_token_the_glass_is_not_even_asked(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    door = server.base_url(sandbox, "epic") + (
        "/interconnect-fhir-oauth/api/epic/2013/Security/BreakTheGlass/AcceptBreakTheGlass"
        "/Security/BreakTheGlass/Accept"
    )
    assert http.post(door, json=statement(sandbox, Reason="Billing")).status_code == 401


def test_who_is_behind_the_glass_is_told_and_must_exist(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    door = control(server, sandbox, "epic", "glass")
    guard(server, sandbox, http, guarded=["17"], restricted=["4"])
    assert http.get(door).json() == {"guarded": ["17"], "restricted": ["4"]}
    assert http.put(door, json={"guarded": ["99999999"]}).status_code == 404
