"""Scoring: records of an integration paired with the facts of the truth, through what a room loses on the way."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest

from conformance import compare, scoring
from conformance.cast import FEATURES, choose
from conformance.evidence import Call
from simulator.auth.glass import Glass
from simulator.population import answers
from simulator.population.people import Population
from simulator.population.world import World
from simulator.vendor import Rendering

NUMBER = 3


@pytest.fixture(scope="module")
def world():
    return World(Population(seed=7, size=2_000, as_of=date(2026, 1, 5)))


def room(vendor, world):
    """A site of its own: nothing that another one told is taken for what it tells (`key`)."""
    return SimpleNamespace(
        vendor=vendor,
        sandbox=SimpleNamespace(world=world),
        key=object(),
        as_of=None,
        settings={},
        desk=SimpleNamespace(glass=Glass()),
    )


@pytest.fixture
def site(world):
    """A room that tells every record of a patient once, allergies twice, and no lot number of a vaccine."""

    def renderings(site, number):
        chart = world.chart(number)
        for kind in ("patient", "condition", "allergy", "immunization", "medication"):
            for record in chart.of(kind):
                lost = ((0, answers.Loss("lot", "omitted")),) if kind == "immunization" else ()
                yield Rendering(kind, f"{kind}-{record.ordinal}", {}, (record,), lost)
                if kind == "allergy":
                    yield Rendering("second", f"{kind}-{record.ordinal}", {}, (record,))

    vendor = SimpleNamespace(
        id="plain",
        renderings=renderings,
        patient_ids=lambda site, number: {"fhir_id": f"p{number}", "mrn": f"m{number}"},
    )
    return room(vendor, world)


@pytest.fixture
def number(world):
    """A patient with conditions and medications."""
    return next(n for n in range(200) if len(world.chart(n).conditions) > 2 and len(world.chart(n).medications) > 1)


def perfect(world, number, kind):
    """The records of a perfect integration that reads `site`."""
    chart = world.chart(number)
    made = []
    for record in chart.of(kind):
        source = {"vendor": "plain", "type": kind, "id": f"{kind}-{record.ordinal}"}
        patient = {"vendor": "plain", "id": f"m{number}"}
        told = answers.canonical(record, chart=chart, world=world, source=source, patient=patient)
        made.append({**told, **({"lot": None} if kind == "immunization" else {})})
    return made


def score(site, number, records, *kinds, action="read", unserved=()):
    """The score of one call that asked for `kinds`; everything that the room tells was served, but for `unserved`."""
    call = Call("run", action, {"kinds": list(kinds)}, {"status": "ok"}, "", 0, 1, step=0, subject=str(number))
    told = [[one.type, one.id] for one in site.vendor.renderings(site, number) if one.id not in unserved]
    served = [SimpleNamespace(data={"served": [*told, ["condition", "elsewhere"]]})]
    truth = compare.truth_of(site, [number], with_rows=True)
    return scoring.score(truth, [call], {0: records}, served, keeps_records=True)


def test_a_perfect_integration_has_no_mismatch(site, world, number):
    kinds = ("patient", "condition", "allergy", "immunization", "medication")
    records = [record for kind in kinds for record in perfect(world, number, kind)]
    told = score(site, number, records, *kinds)
    assert [fact for fact in told["facts"] if not fact["found"] or fact["mismatches"]] == []
    assert told["extras"] == []
    assert len(told["facts"]) == len(records)


def test_a_fact_that_is_told_twice_needs_to_be_put_out_once(site, world):
    with_allergy = next(n for n in range(400) if world.chart(n).allergies)
    told = score(site, with_allergy, perfect(world, with_allergy, "allergy"), "allergy")
    assert all(fact["found"] and len(fact["sources"]) == 2 for fact in told["facts"])


def test_a_record_that_is_missing_is_a_fact_not_found(site, world, number):
    records = perfect(world, number, "condition")[1:]
    told = score(site, number, records, "condition")
    assert [fact["found"] for fact in told["facts"]].count(False) == 1


def test_a_wrong_value_is_a_mismatch_with_field_and_verdict(site, world, number):
    records = perfect(world, number, "medication")
    records[0]["dosage"] = {**records[0]["dosage"], "dose": "500"}
    told = score(site, number, records, "medication")
    wrong = [one for fact in told["facts"] for one in fact["mismatches"]]
    assert [(one["field"], one["got"]) for one in wrong] == [("dosage.dose", "500")]
    assert [fact["record"]["dosage"]["dose"] for fact in told["facts"] if fact["mismatches"]] == ["500"]


def test_what_the_room_does_not_tell_is_not_missed_but_may_not_be_made_up(site, world):
    vaccinated = next(n for n in range(400) if any(one.lot for one in world.chart(n).immunizations))
    records = perfect(world, vaccinated, "immunization")
    assert not any(fact["mismatches"] for fact in score(site, vaccinated, records, "immunization")["facts"])
    records[0]["lot"] = "made-up"
    told = score(site, vaccinated, records, "immunization")
    assert [one["verdict"] for fact in told["facts"] for one in fact["mismatches"]] == ["hallucinated"]
    assert "lot" in told["facts"][0]["lost"]


def test_extras_say_whether_they_were_ever_served(site, world, number):
    stray = {"kind": "condition", "patient": {"vendor": "plain", "id": "x"}, "codes": []}
    records = [
        *perfect(world, number, "condition"),
        {**stray, "source": {"vendor": "plain", "type": "condition", "id": "elsewhere"}},
        {**stray, "source": {"vendor": "plain", "type": "condition", "id": "invented"}},
        {**stray, "source": {"vendor": "plain", "type": "condition", "id": ""}},
    ]
    said = [one["says"] for one in score(site, number, records, "condition")["extras"]]
    assert said == [
        "was served, but is no fact of this patient and kind",
        "was never served",
        "has no source and fits no fact",
    ]


def test_a_record_without_a_source_is_paired_by_what_it_says(site, world, number):
    records = perfect(world, number, "condition")
    for record in records:
        record["source"] = {"vendor": "plain", "type": "", "id": ""}
    told = score(site, number, records, "condition")
    assert all(fact["found"] for fact in told["facts"])
    assert told["extras"] == []


def test_a_record_of_another_patient_is_told_as_such(site, world, number):
    records = perfect(world, number, "condition")
    records[0]["patient"] = {"vendor": "plain", "id": "p999"}
    wrong = [one for fact in score(site, number, records, "condition")["facts"] for one in fact["mismatches"]]
    assert [one["verdict"] for one in wrong] == ["wrong-patient"]


def test_namesakes_in_a_search_are_no_extras(site, world, number):
    other = {"kind": "patient", "source": {"vendor": "plain", "type": "patient", "id": "other"}, "patient": {}}
    call = Call("run", "search", {"kind": "patient"}, {"status": "ok"}, "", 0, 1, step=0, subject=str(number))
    records = [*perfect(world, number, "patient"), other]
    told = scoring.score(compare.truth_of(site, [number]), [call], {0: records}, [], keeps_records=False)
    assert [fact["found"] for fact in told["facts"]] == [True]
    assert told["extras"] == []


def test_the_cast_exposes_every_form_and_is_the_same_for_the_same_seed():
    cast = choose(World(Population(seed=11, size=10_000, as_of=date(2026, 1, 5))))
    assert cast == choose(World(Population(seed=11, size=10_000, as_of=date(2026, 1, 5))))
    assert {name for name, _ in cast.exposes} == set(FEATURES)
    assert cast.rich in cast.each
    assert 1 <= len(cast.each) <= 8


def test_a_cast_is_found_in_the_smallest_world():
    cast = choose(World(Population(seed=7, size=1, as_of=date(2026, 1, 5))))
    assert cast.each == (0,)


def test_a_record_put_out_twice_is_a_duplicate(site, world, number):
    records = perfect(world, number, "condition")
    told = score(site, number, [*records, records[0]], "condition")
    wrong = [(one["verdict"], one["severity"]) for fact in told["facts"] for one in fact["mismatches"]]
    assert wrong == [("duplicate", "major")]


def test_one_fact_from_two_places_is_a_small_duplicate(site, world):
    with_allergy = next(n for n in range(400) if len(world.chart(n).allergies) == 1)
    (record,) = perfect(world, with_allergy, "allergy")
    twin = {**record, "source": {**record["source"], "type": "second"}}
    told = score(site, with_allergy, [record, twin], "allergy")
    assert [(one["verdict"], one["severity"]) for one in told["facts"][0]["mismatches"]] == [("duplicate", "minor")]


def test_what_nobody_served_to_this_client_is_a_leak(site, world, number):
    records = perfect(world, number, "condition")
    told = score(site, number, records, "condition", unserved={"condition-0"})
    wrong = [(fact["fact"], one["verdict"], one["severity"]) for fact in told["facts"] for one in fact["mismatches"]]
    assert wrong == [("condition:0", "leak", "critical")]


def test_a_record_of_another_patient_among_the_asked_is_told_as_such(site, world, number):
    other = next(
        n for n in range(200) if n != number and len(world.chart(n).conditions) > len(world.chart(number).conditions)
    )
    last = perfect(world, other, "condition")[-1]
    call = Call("run", "read", {"kinds": ["condition"]}, {"status": "ok"}, "", 0, 1, step=0, subject=str(number))
    records = [*perfect(world, number, "condition"), last]
    told = scoring.score(compare.truth_of(site, [number, other]), [call], {0: records}, [], keeps_records=False)
    assert [(one["verdict"], one["severity"]) for one in told["extras"]] == [("wrong-patient", "critical")]


def test_a_truth_of_the_kinds_asked_about_scores_as_the_whole_truth_does(site, world, number):
    other = next(
        n for n in range(200) if n != number and len(world.chart(n).allergies) > len(world.chart(number).allergies)
    )
    call = Call("run", "read", {"kinds": ["condition"]}, {"status": "ok"}, "", 0, 1, step=0, subject=str(number))
    beside = [perfect(world, one, "allergy")[-1] for one in (number, other) if world.chart(one).allergies]
    records = {0: [*perfect(world, number, "condition")[1:], *beside]}
    whole, part = (
        scoring.score(compare.truth_of(site, [number, other], kinds=kinds), [call], records, [], keeps_records=True)
        for kinds in (None, {"condition"})
    )
    assert part == whole
    assert "wrong-patient" in [one["verdict"] for one in part["extras"]]
    facts = compare.truth_of(site, [number, other], kinds={"condition"}).facts
    assert {fact.kind for those in facts.values() for fact in those} == {"condition"}


@pytest.fixture
def taken_back(site):
    """The room tells a condition that was entered in error, too."""
    of_truth = site.vendor.renderings
    payload = {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}}
    site.vendor.renderings = lambda s, n: [*of_truth(s, n), Rendering("condition", "mistake", payload, ())]
    return site


@pytest.mark.parametrize(
    ("verification", "said"),
    [("confirmed", [("stale", "major")]), ("entered-in-error", []), (None, [("stale", "major")])],
)
def test_what_was_entered_in_error_may_be_held_as_such_and_not_otherwise(taken_back, world, number, verification, said):
    mistake = {
        "kind": "condition",
        "source": {"vendor": "plain", "type": "condition", "id": "mistake"},
        "patient": {"vendor": "plain", "id": f"p{number}"},
        "verification": verification,
    }
    told = score(taken_back, number, [*perfect(world, number, "condition"), mistake], "condition")
    assert [(one["verdict"], one["severity"]) for one in told["extras"]] == said
    assert told["rows"] == [[30, 1, len(said)]]


def test_the_best_pairs_are_made_first(site, world):
    """Two results of one test at two times, told without a source and in the other order."""
    number = next(
        n for n in range(200) if len({c.codes for c in world.chart(n).conditions}) < len(world.chart(n).conditions)
    )
    records = perfect(world, number, "condition")[::-1]
    for record in records:
        record["source"] = {}
    told = score(site, number, records, "condition")
    assert [one for fact in told["facts"] for one in fact["mismatches"]] == []


def test_ids_that_the_integration_holds_as_one_are_judged_as_a_group(site, world, number):
    other = number + 1
    calls = [
        Call("run", "read", {"kinds": ["patient"]}, {"status": "ok"}, "", 0, 1, step=step, subject=str(n))
        for step, n in enumerate((number, other))
    ]
    records = {0: perfect(world, number, "patient"), 1: perfect(world, other, "patient")}
    records[0][0]["sources"] = [{"vendor": "plain", "id": f"m{number}"}, {"vendor": "plain", "id": f"p{other}"}]
    truth = compare.truth_of(site, [number, other])
    told = scoring.score(truth, calls, records, [], keeps_records=False)
    assert told["grouping"]["false_merges"] == [[number, other]]
    records[0][0]["sources"] = [{"vendor": "plain", "id": f"p{number}"}]
    assert scoring.score(truth, calls, records, [], keeps_records=False)["grouping"]["false_merges"] == []


def test_links_to_further_pages_and_what_came_twice_are_exposure_of_row_31(site, world, number):
    call = Call("run", "read", {"kinds": ["condition"]}, {"status": "ok"}, "", 0, 1, step=0, subject=str(number))
    pages = [
        SimpleNamespace(data={"served": [["condition", "condition-0"]], "next": ["/2"]}),
        SimpleNamespace(data={"served": [["condition", "condition-0"], ["condition", "condition-1"]], "next": []}),
    ]
    records = perfect(world, number, "condition")[:2]
    truth = compare.truth_of(site, [number])
    assert scoring.score(truth, [call], {0: records}, pages, keeps_records=False)["rows"] == [[31, 2, 0]]
    twice = [*records, records[0]]
    assert scoring.score(truth, [call], {0: twice}, pages, keeps_records=False)["rows"] == [[31, 2, 1]]
