"""One truth, many dialects: what the reference reads from a room is the truth, up to what that room recorded as lost.

    seed, size ─▶ population ─▶ truth ──────────────────────────────▶ expectation (truth less recorded loss)
                      │                                                        ║ equal: none wrong, missing, extra
                      └─▶ room ─▶ HTTP (in process) ─▶ reference ─▶ records ◀══╝

A failure is the fault of one of four: the room, its recorded loss, the answers, the reference. The vendor's documents
say whose.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conformance.compare import key_of, truth_of
from conformance.reference.behaviour import Behaviour
from conformance.reference.driver import KINDS, Driver
from conformance.reference.mutants import MUTANTS
from conformance.reference.session import Config, Session
from simulator.population import answers, edges
from simulator.population.dirt import Dirt
from simulator.population.world import FIRST_WRITTEN_ORDINAL
from simulator.sandbox import Sandbox, Site
from simulator.server import Server
from simulator.settings import Settings
from simulator.vendors.epic.deviations import SETTINGS as DEVIATIONS_OF_EPIC
from tests.simulator.vendors import epic_charts, epic_door

VENDORS = ("epic", "cerner", "athena")
ORIGIN = "http://emr.test"


KINDS_OF = {
    "NORM-01": ["patient"],
    "NORM-05": ["observation"],
    "NORM-06": ["observation"],
    "NORM-09": ["condition", "medication"],
    "NORM-10": ["allergy"],
    "NORM-15": ["patient", "condition"],
    "NORM-19": ["medication"],
    "NORM-20": ["condition", "allergy"],
}


@pytest.fixture(scope="module")
def server() -> Server:
    return Server(Settings(journal_size=200))  # nobody reads it, and it holds every answer


@pytest.fixture(scope="module")
def cases(server: Server) -> dict[str, int]:
    """The awkward patients of the default sandbox, by name."""
    return edges.find(server.sandboxes.default.world.population)


def talk(server: Server, site: Site, *runs: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """The reference's answers to some `run` messages, without a socket in between."""
    vendor = site.vendor
    urls = vendor.urls(f"{ORIGIN}/s/{site.sandbox.id}/{vendor.id}", site)
    client = next(iter(site.clients.values())).as_dict(urls["token_url"])
    published = {"mappings": site.settings.get("mappings", {}), **more}

    def connect(config: Config, behaviour: Behaviour) -> Session:
        return Session(config, behaviour, transport=httpx.ASGITransport(app=server))

    async def answers() -> list[dict[str, Any]]:
        driver = Driver(connect)
        about = {"case": "c", "vendor": vendor.id, "urls": urls, "auth": client, "settings": published}
        assert (await driver.answer({"op": "configure", **about}))["status"] == "ok"
        found = [await driver.answer({"op": "run", "case": "c", **run}) for run in runs]
        await driver.answer({"op": "reset"})
        return found

    return asyncio.run(answers())


def reading(site: Site, number: int, kinds: Iterable[str] = KINDS) -> dict[str, Any]:
    """The message that asks for one patient."""
    ids = site.vendor.patient_ids(site, number)
    patient = {"id": ids.get("patientid", ids.get("fhir_id")), "ids": ids}
    return {"action": "read", "args": {"patient": patient, "kinds": list(kinds)}}


def differences(site: Site, number: int, records: list[dict[str, Any]], kinds: Iterable[str] = KINDS) -> Iterator[str]:
    """What is wrong, missing, extra or told twice, a line each."""
    truth = truth_of(site, [number])
    facts = [fact for fact in truth.facts[number] if fact.kind in kinds]
    tellings = {telling.key: (fact, telling) for fact in facts for telling in fact.tellings}
    held: dict[str, int] = {}
    for record in records:
        key = key_of(record["source"])
        if key in truth.aside[number]:
            continue
        if key not in tellings or tellings[key][0].kind != record["kind"]:
            yield f"extra {record['kind']} {key}"
            continue
        fact, telling = tellings[key]
        held[fact.id] = held.get(fact.id, 0) + 1
        for one in answers.compare(telling.expectation, record):
            yield f"{one.verdict} {fact.id} {key} {one.field}: expected {one.expected!r}, got {one.got!r} ({one.hint})"
    for fact in facts:
        if held.get(fact.id, 0) != 1:
            yield f"{fact.id} is held {held.get(fact.id, 0)} times: {[telling.key for telling in fact.tellings]}"


def wrong(server: Server, site: Site, *numbers: int) -> list[str]:
    """Everything that is not as it should be when the reference reads these patients."""
    found = []
    for number in numbers:  # one by one, while what was written for the reading is still held for the judging
        (answer,) = talk(server, site, reading(site, number))
        found += [f"patient {number}: {answer['status']} {error}" for error in answer["errors"]]
        found += [f"patient {number}: {line}" for line in differences(site, number, answer["records"])]
    return found


def wrong_anywhere(server: Server, sandbox: Sandbox, *numbers: int) -> dict[str, list[str]]:
    """What each room tells wrongly of these patients: one after the other, while their chart and what was written of it
    for one room are held for the next."""
    found: dict[str, list[str]] = {vendor: [] for vendor in VENDORS}
    for number in numbers:
        for vendor, lines in found.items():
            lines += wrong(server, sandbox.sites[vendor], number)
    return found


RIGHT: dict[str, list[str]] = {vendor: [] for vendor in VENDORS}


@pytest.mark.slow
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a whole patient is as small as it gets: shrinking a chart that fails takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32), size=st.sampled_from([1, 7, 1_000, 100_000_000]), place=st.integers(0, 10**9))
def test_what_the_reference_reads_is_the_truth_less_the_recorded_loss(
    server: Server, seed: int, size: int, place: int
) -> None:
    sandbox = server.sandboxes.create(seed=seed, patients=size, vendors=VENDORS)
    try:
        assert wrong_anywhere(server, sandbox, place % size) == RIGHT
    finally:
        server.sandboxes.drop(sandbox.id)


@pytest.mark.parametrize("vendor", VENDORS)
def test_who_died_in_hospital_is_dead_and_the_stay_says_so(server: Server, vendor: str, cases: dict[str, int]) -> None:
    site, number = server.sandboxes.default.sites[vendor], cases["died_in_hospital"]
    (answer,) = talk(server, site, reading(site, number, ["patient", "encounter"]))
    (dead,) = {one["deceased"]["value"] for one in answer["records"] if one["kind"] == "patient"}
    told = [one.get("dischargeDisposition") for one in answer["records"] if one["kind"] == "encounter"]
    assert dead is True
    assert [one["text"] for one in told if one is not None].count("Expired") == 1
    assert list(differences(site, number, answer["records"], ["patient", "encounter"])) == []


def test_that_a_patient_is_restricted_is_no_fact_of_the_truth(server: Server, cases: dict[str, int]) -> None:
    """athena's FHIR says `R` of all that is theirs: who holds it as a label is as right as who does not."""
    site, number = server.sandboxes.default.sites["athena"], cases["sensitive"]
    (answer,) = talk(server, site, reading(site, number))
    fhir = [one for one in answer["records"] if one["source"]["id"].startswith("a-")]
    labelled = [one | {"sensitivity": [*one.get("sensitivity", ()), "R"]} for one in fhir]
    others = [one for one in answer["records"] if one not in fhir]
    assert any("sensitivity" in line for line in differences(site, number, others + labelled))
    site.desk.glass.put_behind(frozenset(), frozenset({number}))
    try:
        assert list(differences(site, number, others + labelled)) == []
        assert list(differences(site, number, answer["records"])) == []
    finally:
        site.desk.glass.put_behind(frozenset(), frozenset())


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_it_is_so_for_every_awkward_case_of_a_population(server: Server, part: int, cases: dict[str, int]) -> None:
    assert len(cases) > 10
    assert wrong_anywhere(server, server.sandboxes.default, *sorted(set(cases.values()))[part::3]) == RIGHT


@pytest.mark.slow
@pytest.mark.parametrize(
    "habits",
    [
        {
            "epic": {"sex_extension": "us-core-birthsex"},
            "cerner": {"repeat_across_pages": False},
            "athena": {"type_profile": "legacy"},
        },
        {
            "epic": dict.fromkeys(DEVIATIONS_OF_EPIC, False),
            "cerner": {"token_form": "jws"},
            "athena": {"type_profile": "modern"},
        },
    ],
    ids=["some", "others"],
)
def test_it_is_so_whatever_the_habits_of_the_site(server: Server, habits: dict[str, dict[str, Any]]) -> None:
    sandbox = server.sandboxes.create(seed=3, patients=1_000, vendors=VENDORS)
    for vendor, habit in habits.items():
        site = sandbox.sites[vendor]
        assert habit.keys() <= site.settings.keys()
        site.settings.update(habit)
    assert wrong_anywhere(server, sandbox, 0, 40) == RIGHT  # one of the cast, whose chart is full, and somebody


ALL_WRONG = dict.fromkeys(
    ("partial_birth_date", "local_labs", "local_drugs", "free_text", "duplicated", "wrong_unit"), 1_000_000
)


@pytest.mark.slow
@pytest.mark.parametrize("dirt", [Dirt.none(), Dirt.heavy(), Dirt.of(ALL_WRONG)], ids=["none", "heavy", "all wrong"])
def test_it_is_so_however_dirty_the_population(server: Server, dirt: Dirt) -> None:
    sandbox = server.sandboxes.create(seed=5, patients=1_000, vendors=VENDORS, dirt=dirt)
    try:
        assert wrong_anywhere(server, sandbox, 0, 40) == RIGHT  # one of the cast, whose chart is full, and somebody
    finally:
        server.sandboxes.drop(sandbox.id)


def test_what_was_filed_at_epic_is_told_by_every_vendor(server: Server) -> None:
    sandbox = server.sandboxes.create(seed=3, patients=1_000, vendors=list(VENDORS))
    epic = sandbox.sites["epic"]
    door = epic_door.Door(sandbox)
    door.tokens["backend-write"] = epic.tokens.issue(
        door.client("backend-write").client_id, (), now=sandbox.clock.now(), lifetime=timedelta(hours=1),
        allows=lambda type, action: True,
    ).text  # fmt: skip
    visit = epic_charts.open_visit(epic)
    unknown = epic_charts.problem(visit.patient)
    known = unknown | {"code": epic_charts.concept("http://hl7.org/fhir/sid/icd-10-cm", "E66.9")}
    for body in (
        unknown,
        known,
        epic_charts.vital(visit.patient, visit.encounter),
        epic_charts.pressure(visit.patient, visit.encounter),
        epic_charts.note(visit.patient, visit.encounter),
        epic_charts.allergy(visit.patient),
    ):
        door.filed(body["resourceType"], body)
    id = door.filed("Patient", epic_charts.newcomer())
    newcomer = epic.vendor.patient_of(epic, id)
    assert newcomer is not None
    try:
        for vendor in VENDORS:
            site = sandbox.sites[vendor]
            records = [record for one in site.vendor.renderings(site, visit.number) for record in one.records]
            new = {record.kind for record in records if record.ordinal >= FIRST_WRITTEN_ORDINAL}
            assert {"condition", "observation", "allergy"} <= new
        assert wrong_anywhere(server, sandbox, visit.number, newcomer) == RIGHT
    finally:
        server.sandboxes.drop(sandbox.id)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_patient_is_found_by_name_and_birth_date(server: Server, vendor: str, cases: dict[str, int]) -> None:
    site = server.sandboxes.default.sites[vendor]
    world = site.sandbox.world
    for number in (cases["hard_name"], cases["with_suffix"], cases["namesake"], 0):
        person = world.population.person(number)
        asked = {"family": person.family, "given": person.given[0], "birth_date": person.birth_date.isoformat()}
        (answer,) = talk(server, site, {"action": "search", "args": {"kind": "patient", "params": asked}})
        assert answer["errors"] == []
        held = [record["source"]["id"] for record in answer["records"]]
        assert set(held) & set(site.vendor.patient_ids(site, number).values()), (asked, held)


def test_a_patient_that_was_merged_away_is_read_as_the_survivor(server: Server) -> None:
    site = server.sandboxes.default.sites["cerner"]
    world = site.sandbox.world
    number = next(survivor for n in world.population.registrations if (survivor := world.survivor(n)) is not None)
    ids = site.vendor.patient_ids(site, number)
    (answer,) = talk(server, site, {"action": "read_patient", "args": {"patient": {"id": ids["combined_fhir_id"]}}})
    assert list(differences(site, number, answer["records"], ["patient"])) == []


@pytest.mark.parametrize("name", [name for name in MUTANTS if MUTANTS[name].killed_by[0] in KINDS_OF])
def test_a_bug_of_meaning_does_not_pass_for_the_truth(server: Server, name: str, cases: dict[str, int]) -> None:
    """Otherwise the tests above would prove nothing."""
    site = server.sandboxes.default.sites[MUTANTS[name].vendors[0]]
    kinds = KINDS_OF[MUTANTS[name].killed_by[0]]
    telling = [
        "with_suffix",
        "gender_other",
        "coded_value",
        "comparator",
        "none_known_allergy",
        "no_allergy_record",
        "deceased",
    ]
    for number in sorted({cases[case] for case in telling}):
        (answer,) = talk(server, site, reading(site, number, kinds), mutant=name)
        if any(differences(site, number, answer["records"], kinds)):
            return
    pytest.fail("nobody would notice")
