"""Bulk export at Epic: a group, a job on the sandbox's clock, files of so many lines (E30), strings for truth (E39).

    GET Group/<id>/$export ─▶ 202 Content-Location ─▶ 202 X-Progress … ─▶ 200 {"requiresAccessToken": "true", …}

Covers std:BULK-01 to -07, -10 to -12, -15, -17, -18 as far as Epic keeps to them.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from simulator.exchange import Reply
from simulator.vendors.epic.bulk import DAY, KEPT
from simulator.vendors.epic.paths import FHIR, ROOT
from simulator.vendors.epic.resources import group
from tests.simulator.vendors.epic_door import BASE, Door, sandbox

WHOLE = "Patient,Condition,Observation,Medication,Practitioner"


@pytest.fixture
def door() -> Door:
    """Few patients, and a panel of some of them."""
    return Door(sandbox(patients=60))


def cohort(door: Door) -> tuple[str, tuple[int, ...]]:
    """The first group with some members."""
    for practitioner in range(door.sandbox.world.population.practitioners):
        members = group.members(door.site, practitioner)
        if members is not None and 3 <= len(members) <= 12:
            return group.group_id(door.site, practitioner), members
    raise AssertionError("no group of that size")


def begin(door: Door, query: str = f"_type={WHOLE}", name: str = "backend", **headers: str) -> Reply:
    headers = {"prefer": "respond-async"} | headers
    return door.call("GET", f"{FHIR}/Group/{cohort(door)[0]}/$export", query, token=door.token(name), **headers)


def place_of(answer: Reply) -> str:
    """The path of the job's status."""
    assert (answer.status, answer.body) == (202, b"")
    url = answer.header("content-location")
    assert url is not None
    assert url.startswith(f"{BASE}{ROOT}/api/FHIR/BulkRequest/")
    return url.removeprefix(BASE)


def later(door: Door, **span: float) -> None:
    door.sandbox.clock.advance(timedelta(**span))
    door.tokens.clear()


def finished(door: Door, path: str, name: str = "backend") -> dict[str, Any]:
    later(door, hours=10)
    answer = door.call("GET", path, token=door.token(name))
    assert answer.status == 200, answer.body
    told: dict[str, Any] = json.loads(answer.body)
    return told


def lines(door: Door, url: str, name: str = "backend") -> list[dict[str, Any]]:
    answer = door.call("GET", url.removeprefix(BASE), token=door.token(name))
    assert answer.status == 200, answer.body
    assert answer.header("content-type") == "application/fhir+ndjson"
    assert answer.body.endswith(b"\n")
    return [json.loads(line) for line in answer.body.splitlines()]


def test_an_export_holds_every_resource_of_the_group_once(door: Door) -> None:
    path = place_of(begin(door))
    told = finished(door, path)
    found: dict[str, list[dict[str, Any]]] = {}
    for one in told["output"]:
        assert one.keys() == {"type", "url"}
        found.setdefault(one["type"], []).extend(lines(door, one["url"]))
    _, members = cohort(door)
    assert {one["id"] for one in found["Patient"]} == {door.fhir_id(number) for number in members}
    for type in ("Condition", "Observation"):
        ids = [one["id"] for one in found[type]]
        assert len(ids) == len(set(ids)) > len(members)
        whose = {one["subject"]["reference"] for one in found[type]}
        assert whose <= {f"Patient/{door.fhir_id(number)}" for number in members}
        query = "category=laboratory,vital-signs,social-history,survey" if type == "Observation" else ""
        patient = door.fhir_id(members[0])
        searched = door.call("GET", f"{FHIR}/{type}", f"patient={patient}&{query}&_summary=count")
        assert (
            sum(one["subject"]["reference"] == f"Patient/{patient}" for one in found[type])
            >= json.loads(searched.body)["total"]
        )
    drugs = {one["id"] for one in found["Medication"]}
    assert len(drugs) == len(found["Medication"]) > 0
    assert {one["resourceType"] for one in found["Practitioner"]} == {"Practitioner"}
    assert (told["requiresAccessToken"], told["error"]) == ("true", [])
    assert told["request"].endswith(f"/$export?_type={WHOLE}")
    assert told["transactionTime"] == "2026-01-05T12:00:00Z"


def test_a_job_takes_its_time_and_says_how_far_it_is(door: Door) -> None:
    path = place_of(begin(door))
    first = door.call("GET", path)
    assert (first.status, first.body) == (202, b"")
    assert "0%" in (first.header("x-progress") or "")
    assert first.header("retry-after") is None
    later(door, seconds=10.0 * len(cohort(door)[1]) / 2)
    assert "50%" in (door.call("GET", path).header("x-progress") or "")
    door.site.settings["bulk_retry_after_s"] = 120
    assert door.call("GET", path).header("retry-after") == "120"


def test_the_token_dies_while_a_large_job_runs(door: Door) -> None:
    door.site.settings["bulk_patient_s"] = 3_000.0
    path = place_of(begin(door))
    token = door.token()
    door.sandbox.clock.advance(timedelta(minutes=61))
    assert door.call("GET", path, token=token).status == 401
    assert finished(door, path)["output"]


def test_files_have_so_many_lines_at_most_and_none_is_lost(door: Door) -> None:
    door.site.settings["bulk_file_lines"] = 100
    whole = finished(door, place_of(begin(door, "_type=Observation")))
    counts = [len(lines(door, one["url"])) for one in whole["output"]]
    assert len(counts) > 3
    assert counts[:-1] == [100] * (len(counts) - 1)
    assert 0 < counts[-1] <= 100


def test_a_file_tells_what_was_so_when_the_export_began(door: Door) -> None:
    path = place_of(begin(door, "_type=Observation"))
    first = [lines(door, one["url"]) for one in finished(door, path)["output"]]
    later(door, days=13)
    told = json.loads(door.call("GET", path).body)
    again = [lines(door, one["url"]) for one in told["output"]]
    # A smoking status is dated on the day of the request: E41.
    assert [[one for one in file if "effectivePeriod" not in one] for file in again] == [
        [one for one in file if "effectivePeriod" not in one] for file in first
    ]


def test_a_group_is_exported_once_a_day_by_a_client(door: Door) -> None:
    path = place_of(begin(door))
    again = begin(door)
    assert again.status == 400
    assert b"The Client requested this Group too recently." in again.body
    assert door.call("DELETE", path).status == 202
    assert begin(door).status == 400
    later(door, hours=24, seconds=1)
    assert begin(door).status == 202
    door.site.settings |= {"bulk_window_s": 0, "bulk_refusal_status": 429}
    assert begin(door).status == 429  # one is running
    later(door, hours=5)
    assert begin(door).status == 202


def test_what_was_taken_back_or_is_old_is_unknown(door: Door) -> None:
    path = place_of(begin(door))
    url = finished(door, path)["output"][0]["url"]
    assert door.call("DELETE", path).status == 202
    for gone in (path, url.removeprefix(BASE)):
        answer = door.call("GET", gone)
        assert answer.status == 404
        assert json.loads(answer.body)["issue"][0]["details"]["coding"][0]["code"] == "59008"
    later(door, days=1)
    old = place_of(begin(door))
    door.sandbox.clock.advance(DAY + KEPT)
    door.tokens.clear()
    assert door.call("GET", old).status == 404


def test_a_job_is_its_clients_own_and_needs_a_token(door: Door) -> None:
    path = place_of(begin(door))
    url = finished(door, path)["output"][0]["url"].removeprefix(BASE)
    for one in (path, url):
        assert door.call("GET", one, token="").status == 401
        assert door.call("GET", one, token=door.token("backend-write")).status == 404
        assert door.call("GET", one, token=door.token("demographics")).status == 403


def test_names_of_types_may_be_small_and_an_unknown_one_is_refused(door: Door) -> None:
    told = finished(door, place_of(begin(door, "_type=patient,allergyintolerance")))
    assert {one["type"] for one in told["output"]} == {"Patient", "AllergyIntolerance"}
    later(door, days=1)
    for query in ("_type=Nonsense", "_type=MedicationAdministration"):
        answer = begin(door, query)
        assert answer.status == 400
        assert json.loads(answer.body)["issue"][0]["details"]["coding"][0]["code"] == "59111"


def test_a_filter_is_a_search_and_its_commas_are_escaped(door: Door) -> None:
    query = "_type=Observation&_typeFilter=Observation%3Fcategory%3Dvital-signs%5C%2Claboratory"
    told = finished(door, place_of(begin(door, query)))
    categories = {
        one["resourceType"]: {category["coding"][0]["code"] for category in one["category"]}
        for url in told["output"]
        for one in lines(door, url["url"])
    }
    assert categories["Observation"] <= {"vital-signs", "laboratory", "Lab"}
    later(door, days=1)
    assert begin(door, "_type=Patient&_typeFilter=Observation%3Fcode%3Dx").status == 400


def test_a_filter_that_no_search_takes_is_told_in_the_file_of_errors(door: Door) -> None:
    told = finished(door, place_of(begin(door, "_type=Observation&_typeFilter=Observation%3Fdate%3Dge2020")))
    assert told["output"] == []
    (flaws,) = told["error"]
    assert flaws["type"] == "OperationOutcome"
    (one,) = lines(door, flaws["url"])
    assert one["issue"][-1]["details"]["coding"][0]["code"] == "59108"


def test_without_respond_async_nothing_begins(door: Door) -> None:
    answer = begin(door, prefer="return=minimal")
    assert answer.status == 400
    assert place_of(begin(door))


def test_there_is_no_export_of_a_system_or_of_all_patients(door: Door) -> None:
    for path in ("/$export", "/Patient/$export"):
        answer = door.call("GET", FHIR + path, prefer="respond-async")
        assert answer.status == 404
        assert answer.body.startswith(b"<!DOCTYPE html")
    unknown = door.call("GET", f"{FHIR}/Group/{door.fhir_id(0)}/$export", prefer="respond-async")
    assert unknown.status == 404
    assert unknown.header("content-type") == "application/fhir+json; charset=utf-8"


def test_what_a_client_may_not_search_is_not_exported(door: Door) -> None:
    answer = begin(door, "_type=Condition", name="demographics")
    assert answer.status == 403
