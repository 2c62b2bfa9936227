"""What rests on records that others tell, and what only references lead to. SOURCES.md, "Resources" and "Search".

ServiceRequest ◀── basedOn ── Observation … ◀── result ── DiagnosticReport ── basedOn ──▶ the same ServiceRequest
      └── specimen ──▶ Specimen ◀── specimen ── Observation
Patient ◀── CareTeam ◀── CarePlan ──▶ Condition ◀── Goal        Encounter ──▶ Account ──▶ Coverage
Condition/eA…  ◀── target ── Provenance/eB… ── agent ──▶ Practitioner, Organization
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator.fhir import xml
from simulator.population import happenings
from simulator.population.happenings import Scene
from simulator.population.records import Observation
from simulator.vendors.epic import ids, resources
from simulator.vendors.epic.paths import FHIR
from simulator.vendors.epic.resources import TOLD, group
from tests.simulator.vendors.conftest import Registered
from tests.simulator.vendors.epic_charts import open_visit, problem
from tests.simulator.vendors.epic_door import JSON, Door, numbers, read, sandbox

SHARED = Path(os.environ.get("EMR_SHARED", Path(__file__).parents[4] / "shared"))
RESTING = tuple(told.type for told in TOLD.values() if not told.kind)
BY_ID = {"Account", "RelatedPerson", "Specimen"}  # have no search but by id
CATEGORY = {"CarePlan": "&category=38717003,736353004"}


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def number(door: Door) -> int:
    return door.patient_with(conditions=3, observations=60, medications=2, procedures=2)


def all_of(door: Door, number: int, type: str, query: str = "") -> list[dict[str, Any]]:
    return door.matches(type, f"patient={door.fhir_id(number)}{query}")


def told_ids(door: Door, number: int, type: str) -> list[str]:
    t = resources.telling(door.site, number)
    assert t is not None
    return [TOLD[type].id_of(t, item) for item in TOLD[type].items(t)]


def owner_of(door: Door, type: str) -> int:
    """The first patient of whom something of this type is told."""
    return next(number for number in range(300) if told_ids(door, number, type))


# Every type


@pytest.mark.parametrize("type", RESTING)
def test_a_type_is_searched_and_read_in_json_and_in_xml(door: Door, type: str) -> None:
    number = owner_of(door, type)
    wanted = told_ids(door, number, type)
    query = f"patient={door.fhir_id(number)}{CATEGORY.get(type, '')}"
    if type in BY_ID:
        assert numbers(read(door.get(type, query)))[-1] == "59102"
        query = f"_id={','.join(wanted)}"
    found = door.matches(type, query)
    assert [one["id"] for one in found] == wanted
    assert read(door.get(type, query.replace("_id=", "_summary=count&_id=") + "&_summary=count"))["total"] == len(
        wanted
    )
    for one in found[:3]:
        assert read(door.get(f"{type}/{one['id']}")) == one
        assert xml.from_xml(door.get(f"{type}/{one['id']}", accept="application/xml").body) == one
    if type not in BY_ID:
        assert numbers(read(door.get(type)))[-1] == "59159"


def test_no_two_of_a_patients_resources_share_an_id(door: Door) -> None:
    for number in (0, 3, 17, *range(40, 50)):
        for type in RESTING:
            found = told_ids(door, number, type)
            assert len(set(found)) == len(found), type


def test_every_reference_leads_somewhere(door: Door) -> None:
    """From whatever is told of some patients on, for a client that may read everything, in both forms."""
    seen: set[str] = set()
    for number in (3, 17, *(owner_of(door, type) for type in ("Device", "EpisodeOfCare", "RelatedPerson"))):
        todo = [f"Patient/{door.fhir_id(number)}"]
        for type in TOLD:
            todo += [f"{type}/{id}" for id in told_ids(door, number, type)[:6]]
        while todo:
            place = todo.pop()
            if place not in seen:
                seen.add(place)
                answer = door.get(place)
                if b"Provider Photo" in answer.body:
                    assert answer.status == 403  # no registration may see a practitioner's face as delivered
                    continue
                assert answer.status == 200, place
                todo += references(read(answer))
    elsewhere = {"Group", "PractitionerRole", "Provenance"}  # nothing refers to them
    assert {place.partition("/")[0] for place in seen} == set(resources.SERVED) - elsewhere
    for place in sorted(seen)[::9]:
        assert door.get(place, accept="application/fhir+xml").body.startswith(b"<?xml"), place


def references(value: Any) -> Iterator[str]:
    """Relative references, addresses of Binaries, and the forms of answers."""
    if isinstance(value, dict):
        for name, member in value.items():
            if isinstance(member, dict | list):
                yield from references(member)
            elif name in ("reference", "questionnaire") or (name == "url" and member.startswith("Binary/")):
                yield member
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


PROFILES = {
    "CarePlan": ("care_plan",), "CareTeam": ("care_team",),
    "DiagnosticReport": ("diagnostic_report_lab", "diagnostic_report_note"),
    "Goal": ("goal",), "RelatedPerson": ("related_person",), "ServiceRequest": ("service_request",),
    "Specimen": ("specimen",), "PractitionerRole": ("practitioner_role",), "Provenance": ("provenance",),
}  # fmt: skip
NOT_TOLD = {  # nobody has an endpoint, no goal a target; orders have one time; a reason is told by its codes
    "PractitionerRole.endpoint", "Goal.target", "Goal.target.dueDate", "ServiceRequest.occurrencePeriod",
    "ServiceRequest.reasonReference",
}  # fmt: skip
UNKNOWN_TO_THE_TRUTH = {
    "PractitionerRole.notAvailable.description", "Provenance.entity.role", "Provenance.entity.what",
    "CarePlan.activity.detail.status", "DiagnosticReport.media.link", "RelatedPerson.communication.language",
}  # fmt: skip


@pytest.mark.skipif(not SHARED.is_dir(), reason="the tables of US Core are not at hand")
@pytest.mark.parametrize("type", PROFILES)
def test_what_us_core_demands_is_there(door: Door, type: str) -> None:
    """US Core 6.1.0: mandatory elements in every resource, must-support elements in one of them at least."""
    table = json.loads((SHARED / "research" / "us_core_tables.json").read_text("utf-8"))["v6.1.0"]
    bodies = [read(door.get(place)) for place in places(door, type)]
    assert bodies
    for profile in PROFILES[type]:
        for element in set(table[profile]["mandatory"]) - UNKNOWN_TO_THE_TRUTH:
            path = element.split(".")[1:]
            assert all(has(body, path) or not has(body, path[:-1]) for body in bodies), element
        for one in table[profile]["must_support_elements"]:
            if f"{type}.{one[0]}" not in NOT_TOLD:
                assert any(has(body, one[0].split(".")) for body in bodies), (profile, one[0])


def places(door: Door, type: str) -> list[str]:
    """Some resources of a type."""
    if type == "PractitionerRole":
        return [f"{type}/{ids.fhir_id(door.site.key, type, index)}" for index in range(5)]
    found = [id for number in range(40) for id in told_ids(door, number, "Goal" if type == "Provenance" else type)[::7]]
    return [f"{type}/{resources.provenance_id(door.site, id) if type == 'Provenance' else id}" for id in found]


def has(value: Any, path: list[str]) -> bool:
    if not path:
        return True
    if isinstance(value, list):
        return any(has(one, path) for one in value)
    name = path[0].removesuffix("[x]").partition(":")[0]
    return isinstance(value, dict) and any(
        has(member, path[1:])
        for key, member in value.items()
        if key == name or (path[0].endswith("[x]") and key.startswith(name))
    )


# Orders, reports, specimens


def test_a_report_holds_the_results_of_its_order(door: Door, number: int) -> None:
    results = {one["id"]: one for one in all_of(door, number, "Observation", "&category=laboratory")}
    held: list[str] = []
    for report in all_of(door, number, "DiagnosticReport", "&category=LAB"):
        (order,) = report["basedOn"]
        asked = read(door.get(order["reference"]))
        assert asked["identifier"] == report["identifier"]
        assert asked["code"] == report["code"]
        assert order["display"] == asked["code"]["text"]
        for reference in report["result"]:
            one = results[reference["reference"].removeprefix("Observation/")]
            assert one["basedOn"] == report["basedOn"]
            assert reference["display"].startswith("Component (1): ")
            assert one["issued"] <= report["issued"]
            if "specimen" in one:
                assert asked["specimen"] == [one["specimen"]]
            held.append(one["id"])
    assert sorted(held) == sorted(results)


def test_a_reports_codes_are_loinc_without_display_and_a_number_of_the_site(door: Door, number: int) -> None:
    for report in all_of(
        door, number, "DiagnosticReport", "&category=http://terminology.hl7.org/CodeSystem/v2-0074|LAB"
    ):
        *loinc, own = report["code"]["coding"]
        assert all(set(one) == {"system", "code"} for one in loinc)
        assert own["display"] == report["code"]["text"].upper()
        assert [one["coding"][0]["code"] for one in report["category"]] == ["Lab", "LAB"]
        assert report["identifier"][0]["type"]["coding"][0]["code"] == "PLAC"


def test_a_corrected_result_amends_its_report_and_a_first_one_leaves_the_order_open(door: Door) -> None:
    seen = set()
    for number in range(60):
        t = resources.telling(door.site, number)
        assert t is not None
        for item in TOLD["DiagnosticReport"].items(t):
            if isinstance(item[0], Observation):
                statuses = {one.status for one in item if isinstance(one, Observation)}
                told = TOLD["DiagnosticReport"].render(t, item).payload["status"]
                wanted = "amended" if "corrected" in statuses else "final"
                assert told == ("preliminary" if "preliminary" in statuses else wanted)
                seen.add(told)
    assert {"amended", "final"} <= seen


def test_a_result_that_is_taken_back_leaves_the_ids_of_its_order_as_they_were(door: Door) -> None:
    other = Door(sandbox())
    world = other.sandbox.world
    number = other.patient_with(observations=60)
    results = [one for one in world.chart(number).observations if one.panel_key == "bmp"]
    before = told_ids(other, number, "DiagnosticReport")
    world.write(results[0], number, "the lab", other.sandbox.clock.now(), "retracted")
    assert results[0] not in world.chart(number).observations
    assert told_ids(other, number, "DiagnosticReport") == before


def test_what_happens_to_a_result_happens_to_its_report_and_its_order() -> None:
    door = Door()
    number = door.patient_with(observations=60)
    scene = Scene(door.sandbox.world, number, "the lab", door.sandbox.clock.now())
    before = told_ids(door, number, "DiagnosticReport")
    written = happenings.result(scene, "4548-4", number=Decimal("9.7"), status="preliminary")
    (new,) = set(told_ids(door, number, "DiagnosticReport")) - set(before)
    report = read(door.get(f"DiagnosticReport/{new}"))
    order = report["basedOn"][0]["reference"]
    assert (report["status"], read(door.get(order))["status"]) == ("preliminary", "active")
    happenings.correction(scene, written.ordinal, number=Decimal("7.9"))
    assert read(door.get(f"DiagnosticReport/{new}"))["status"] == "amended"
    assert read(door.get(order))["status"] == "completed"
    happenings.retraction(scene, "observation", written.ordinal)
    assert door.get(f"DiagnosticReport/{new}").status == door.get(order).status == 404
    assert told_ids(door, number, "DiagnosticReport") == before


def test_a_stay_in_hospital_has_a_plan_and_an_account_until_it_ends() -> None:
    door = Door()
    number = next(n for n in range(60) if door.sandbox.world.person(n).deceased is None)  # type: ignore[union-attr]
    scene = Scene(door.sandbox.world, number, "the ward", door.sandbox.clock.now())
    stay = happenings.admission(scene, "inpatient")
    plan = all_of(door, number, "CarePlan", "&category=736353004")[0]
    visit = read(door.get(plan["encounter"]["reference"]))
    account = read(door.get(visit["account"][0]["reference"]))
    assert (plan["status"], "end" in plan["period"], "end" in account["servicePeriod"]) == ("active", False, False)
    assert account["identifier"] == [visit["account"][0]["identifier"]]
    happenings.discharge(replace(scene, at=scene.at + timedelta(hours=30)), stay.ordinal)
    assert read(door.get(f"CarePlan/{plan['id']}"))["status"] == "completed"
    assert "end" in read(door.get(f"Account/{account['id']}"))["servicePeriod"]


@pytest.mark.parametrize(
    ("type", "query", "wanted"),
    [
        ("DiagnosticReport", "category=LAB&_include=DiagnosticReport:result", "Observation"),
        ("Observation", "category=laboratory&_include=Observation:based-on", "ServiceRequest"),
        ("ServiceRequest", "_include=ServiceRequest:specimen", "Specimen"),
        ("CarePlan", "category=38717003&_include=CarePlan:condition", "Condition"),
        ("CareTeam", "_include=CareTeam:participant", "Practitioner"),
        ("List", "code=problems&_include=List:item", "Condition"),
        ("Condition", "category=encounter-diagnosis&_include=Condition:evidence-detail", "Condition"),
    ],
)
def test_what_is_referred_to_can_be_included(door: Door, number: int, type: str, query: str, wanted: str) -> None:
    found = door.bundle(type, f"patient={door.fhir_id(number)}&{query}")["entry"]
    included = {one["resource"]["resourceType"] for one in found if one["search"]["mode"] == "include"}
    assert included == {wanted}


def test_what_was_read_in_an_image_is_a_report_with_the_bytes_of_its_document(door: Door) -> None:
    number = next(n for n in range(300) if any(one.key == "imaging" for one in door.sandbox.world.chart(n).documents))
    report = all_of(door, number, "DiagnosticReport", "&category=RAD")[0]
    place = report["presentedForm"][0]
    assert door.get(place["url"], accept="*/*").header("content-type") == place["contentType"]
    (order,) = report["basedOn"]
    procedures = [one for one in all_of(door, number, "Procedure") if one.get("basedOn") == [order]]
    assert [one["report"][0]["reference"] for one in procedures] == [f"DiagnosticReport/{report['id']}"]
    assert "result" not in report


@pytest.mark.parametrize(
    ("type", "query", "keeps"),
    [
        ("DiagnosticReport", "date=ge2024-01-01", lambda one: one["effectiveDateTime"] >= "2024-01-01T06:00:00Z"),
        ("DiagnosticReport", "category=Lab", lambda one: one["category"][0]["coding"][0]["code"] == "Lab"),
        ("ServiceRequest", "authored=lt2024-01-01", lambda one: one["authoredOn"] < "2024-01-01T06:00:00Z"),
        ("ServiceRequest", "status=completed", lambda one: one["status"] == "completed"),
        ("ServiceRequest", "status=draft", lambda one: False),
        ("List", "code=problems", lambda one: one["title"] == "Problem List"),
        ("Goal", "lifecycle-status=active", lambda one: one["lifecycleStatus"] == "active"),
    ],
)
def test_first_class_parameters_narrow(door: Door, number: int, type: str, query: str, keeps: Any) -> None:
    everything = all_of(door, number, type)
    assert all_of(door, number, type, f"&{query}") == [one for one in everything if keeps(one)]


def test_an_order_is_found_by_code_number_encounter_and_who_placed_it(door: Door, number: int) -> None:
    order = all_of(door, number, "ServiceRequest")[0]
    code, number_of, visit = order["code"]["coding"][0], order["identifier"][0], order["encounter"]["reference"]
    for query in (
        f"code={code['system']}|{code['code']}",
        f"identifier={number_of['system']}|{number_of['value']}",
        f"encounter={visit}",
        f"requester={order['requester']['reference']}",
    ):
        found = all_of(door, number, "ServiceRequest", f"&{query}")
        assert order in found, query


def test_values_that_a_parameter_does_not_take_are_refused(door: Door, number: int) -> None:
    patient = f"patient={door.fhir_id(number)}"
    for path, query in (
        ("CareTeam", "status=inactive"),
        ("ServiceRequest", "status=nonsense"),
        ("List", "code=nonsense"),
        ("EpisodeOfCare", "status=planned"),
        ("CarePlan", "category=1"),
        ("DiagnosticReport", "date=nonsense"),
        ("DiagnosticReport", "date=ne2024"),
    ):
        answer = door.get(path, f"{patient}&{query}")
        assert (answer.status, numbers(read(answer))) == (400, ["59109", "59111"]), query
    assert numbers(read(door.get("CarePlan", patient))) == ["59159"]


def test_plans_of_a_part_that_the_registration_lacks_are_not_searched(door: Door, number: int) -> None:
    answer = door.get("CarePlan", f"patient={door.fhir_id(number)}&category=736271009")
    assert (answer.status, numbers(read(answer))) == (400, ["59204", "59022"])
    assert "CarePlan - Outpatient CarePlan" in read(answer)["issue"][0]["diagnostics"]


# Teams, plans, people


def test_a_team_is_led_by_the_primary_care_practitioner(door: Door, number: int) -> None:
    (team,) = all_of(door, number, "CareTeam", "&status=active")
    patient = read(door.get(f"Patient/{door.fhir_id(number)}"))
    assert team["participant"][0]["member"] == patient["generalPractitioner"][0]


def test_a_childs_parents_are_relatives_and_on_the_team(door: Door) -> None:
    population = door.sandbox.world.population
    for number in range(40, 300):
        person = population.person(number)
        is_child = (population.as_of - person.birth_date).days < 12 * 365
        relatives = told_ids(door, number, "RelatedPerson")
        if is_child and relatives:
            break
    parent = read(door.get(f"RelatedPerson/{relatives[0]}"))
    assert parent["patient"]["reference"] == f"Patient/{door.fhir_id(number)}"
    assert parent["relationship"][0]["coding"][0]["code"] in ("MTH", "FTH")
    (team,) = all_of(door, number, "CareTeam")
    members = [one["member"]["reference"] for one in team["participant"]]
    assert f"RelatedPerson/{parent['id']}" in members


def test_nobody_who_died_has_a_team_or_a_plan(door: Door) -> None:
    number = next(n for n in range(2000) if door.sandbox.world.population.person(n).deceased is not None)
    assert all_of(door, number, "CareTeam") == []
    assert all_of(door, number, "CarePlan", "&category=38717003") == []


# Secrets


def test_what_rests_on_a_withheld_record_is_withheld_too() -> None:
    door = Door()
    number, item = next(
        (number, item)
        for number in range(300)
        for t in (resources.telling(door.site, number),)
        if t is not None
        for item in TOLD["ServiceRequest"].items(t)
        if getattr(item[0], "sensitivity", ())
    )
    (label, *_) = item[0].sensitivity  # type: ignore[union-attr]
    order = TOLD["ServiceRequest"].id_of(resources.telling(door.site, number), item)  # type: ignore[arg-type]
    provenance = resources.provenance_id(door.site, order)
    before = [one["id"] for one in all_of(door, number, "ServiceRequest")]
    assert order in before
    assert door.get(f"Provenance/{provenance}").status == 200
    door.site.settings["withheld_records"] = {"*": (label,)}
    assert order not in [one["id"] for one in all_of(door, number, "ServiceRequest")]
    for place in (f"ServiceRequest/{order}", f"Provenance/{provenance}"):
        assert numbers(read(door.get(place))) == ["59008"]


def test_a_consent_is_withheld_with_what_it_is_about() -> None:
    door = Door()
    number = owner_of(door, "Consent")
    (consent, *_) = door.sandbox.world.chart(number).consents
    assert all_of(door, number, "Consent")
    door.site.settings["withheld_records"] = {"*": consent.labels}
    assert ids.fhir_id(door.site.key, "Consent", number, consent.ordinal) not in {
        one["id"] for one in all_of(door, number, "Consent")
    }


def test_lists_plans_and_teams_name_nothing_that_is_sensitive(door: Door) -> None:
    """They are told whatever is withheld, so they must not tell of it."""
    world = door.sandbox.world
    checked = 0
    for number in range(80):
        secret = {
            f"Condition/{ids.fhir_id(door.site.key, 'Condition', number, one.ordinal)}"
            for one in world.chart(number).conditions
            if set(one.sensitivity) - {"SDOH"}
        }
        if secret:
            bodies = all_of(door, number, "List") + all_of(door, number, "CarePlan", "&category=38717003")
            assert secret.isdisjoint(place for body in bodies for place in references(body))
            checked += 1
    assert checked > 5


def test_a_patients_token_sees_what_rests_on_its_own_records_alone(register: Registered) -> None:
    types = (*RESTING, "Condition", "Group", "Provenance")
    app = register(
        "epic", persona="patient", scopes=["openid", "launch/patient", *(f"patient/{one}.read" for one in types)]
    )
    own, site = Door(app.sandbox), app.sandbox.sites["epic"]
    token = app.tokens(3)["access_token"]
    for type in RESTING:
        for number, status in ((3, 200), (17, 403)):
            for id in told_ids(own, number, type)[:1]:
                assert app.get(f"{type}/{id}", token).status_code == status, type
                place = f"Provenance/{resources.provenance_id(site, id)}"
                assert app.get(place, token).status_code == status, type
    assert app.get(f"Group/{group.group_id(site, app.sandbox.world.population.home(3))}", token).status_code == 403


# Group


def test_a_group_is_a_practitioners_panel(door: Door) -> None:
    site, population = door.site, door.sandbox.world.population
    id = group.group_id(site, population.home(3))
    found = read(door.get(f"Group/{id}"))
    members = [one["entity"]["reference"] for one in found["member"]]
    assert f"Patient/{door.fhir_id(3)}" in members
    assert found["quantity"] == len(members) == len(set(members))
    assert len(id) == 48
    patient = read(door.get(members[0]))
    assert patient["generalPractitioner"][0]["display"] == found["managingEntity"]["display"]
    assert door.matches("Group", f"_id={id}") == [found]
    assert numbers(read(door.get(f"Group/{group.group_id(site, population.practitioners)}"))) == ["59008"]
    assert {number for index in range(population.practitioners) for number in group.members(site, index) or ()} == set(
        range(population.size)
    )


# Provenance


def test_a_provenance_says_who_wrote_a_resource_down(door: Door, number: int) -> None:
    told = all_of(door, number, "Condition", "&category=problem-list-item")[0]
    id = resources.provenance_id(door.site, told["id"])
    found = read(door.get(f"Provenance/{id}"))
    author, transmitter = found["agent"]
    record = door.sandbox.world.chart(number).conditions[0]
    practitioner = ids.fhir_id(door.site.key, "Practitioner", record.practitioner)
    assert found["target"] == [{"reference": f"Condition/{told['id']}"}]
    assert author["who"]["reference"] == f"Practitioner/{practitioner}"
    assert author["onBehalfOf"] == transmitter["who"]
    assert [one["type"]["coding"][0]["code"] for one in found["agent"]] == ["author", "transmitter"]


def test_what_is_filed_is_the_interfaces_and_stands_in_list_and_plan() -> None:
    door = Door()
    visit = open_visit(door.site)
    answer = door.call(
        "POST", f"{FHIR}/Condition", body=json.dumps(problem(visit.patient)), token=door.token("backend-write"),
        content_type=JSON,
    )  # fmt: skip
    assert answer.status == 201, answer.body
    place = "Condition/" + (answer.header("location") or "").rpartition("/")[2]
    found = read(door.get(f"Provenance/{resources.provenance_id(door.site, place.removeprefix('Condition/'))}"))
    assert found["target"] == [{"reference": place}]
    assert door.get(found["agent"][0]["who"]["reference"]).status == 200
    assert found["agent"][0]["who"]["display"] == "User Interconnect"
    (plan,) = all_of(door, visit.number, "CarePlan", "&category=38717003")
    (listed,) = all_of(door, visit.number, "List", "&code=problems")
    assert place in references(plan)
    assert place in references(listed)


def test_every_type_of_a_record_has_a_provenance_that_leads_back(door: Door, number: int) -> None:
    t = resources.telling(door.site, number)
    assert t is not None
    for told in TOLD.values():
        for item in list(told.items(t))[:2]:
            id = told.id_of(t, item)
            found = read(door.get(f"Provenance/{resources.provenance_id(door.site, id)}"))
            assert found["target"] == [{"reference": f"{told.type}/{id}"}]


def test_what_is_not_there_has_no_provenance(door: Door, number: int) -> None:
    beyond = ids.provenance_id(door.site.key, ids.Named("Condition", number, 9_999))
    assert numbers(read(door.get(f"Provenance/{beyond}"))) == ["59008"]
    assert resources.provenance_id(door.site, ids.fhir_id(door.site.key, "Practitioner", 0)) is None
    assert resources.provenance_id(door.site, "e123") is None


# PractitionerRole


def test_a_role_is_found_by_who_has_it_and_where(door: Door) -> None:
    site, population = door.site, door.sandbox.world.population
    practitioner, location = (ids.fhir_id(site.key, type, 1) for type in ("Practitioner", "Location"))
    (one,) = door.matches("PractitionerRole", f"practitioner={practitioner}")
    assert one["practitioner"]["reference"] == f"Practitioner/{practitioner}"
    assert one["location"][0]["reference"] == f"Location/{location}"
    assert one["telecom"][0]["value"].startswith("+1 ")
    found = door.matches("PractitionerRole", f"location=Location/{location}")
    assert len(found) == len(range(1, population.practitioners, len(population.facilities)))
    assert one in found
    npi = f"urn:oid:1.2.840.114350.1.13.0.1.7.5.737384.60|{population.practitioner(1).npi}"
    assert door.matches("PractitionerRole", f"identifier={npi}") == [one]
    specialty = one["specialty"][0]["coding"][0]
    assert one in door.matches("PractitionerRole", f"specialty={specialty['system']}|{specialty['code']}")
    assert door.matches("PractitionerRole", f"practitioner={practitioner}&role=urn:oid:2.999|1") == []


def test_a_search_for_roles_needs_something_to_lead_it(door: Door) -> None:
    answer = door.get("PractitionerRole", "phone=1")
    assert (answer.status, numbers(read(answer))) == (400, ["59159"])
