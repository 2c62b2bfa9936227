"""Faults that know what is inside of a body, and those that know the world: in every room, in JSON and in XML."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import httpx
import pytest

from simulator.faults.kinds import kinds
from simulator.faults.kinds.shared_number import OTHER
from simulator.journal.entry import entry_of
from simulator.population.cast import roles
from simulator.population.records import Observation
from simulator.server import Running
from tests.simulator.vendors.caller import Caller

ROOMS = ("athena", "cerner", "epic")
FHIR = "{http://hl7.org/fhir}"


def said(c: Caller) -> dict[str, Any]:
    told: dict[str, Any] = entry_of(c.sandbox.journal.entries[-1])["fault"]
    return told


# A copy that is behind


def happens(c: Caller, **change: Any) -> dict[str, Any]:
    answer = c.http.post(f"{c.server.control}/sandboxes/{c.sandbox.id}/truth/changes", json=change)
    assert answer.status_code < 300, answer.text
    told: dict[str, Any] = answer.json()["changes"][-1]
    return told


def results(c: Caller, vendor: str) -> str:
    """The laboratory results of somebody, as one text."""
    practice = {"ah-practice": "Organization/a-1.Practice-195900"} if vendor == "athena" else {}
    found = c.read(vendor, "Observation", patient=c.patient(vendor), category="laboratory", **practice)
    assert found.status_code == 200, found.text
    return found.text


@pytest.mark.parametrize("vendor", ROOMS)
def test_a_copy_that_is_behind_shows_what_was_before(vendor: str, caller: Caller) -> None:
    """Created, corrected, taken back: each is seen only when the copy has caught up."""
    c, lag = caller, timedelta(seconds=30)
    c.sandbox.clock.freeze()
    c.sandbox.faults.add({"fault": "read_lag", "args": {"lag_s": lag.total_seconds()}})
    made = happens(c, what="result", patient="117", test="4548-4", value="13.37")
    assert "13.37" not in results(c, vendor)
    assert said(c)["writes_not_there"] == 1
    c.sandbox.clock.advance(lag)
    assert "13.37" in results(c, vendor)
    happens(c, what="correction", record=made["id"], value="14.48")
    assert "13.37" in results(c, vendor), "the earlier version is seen meanwhile"
    assert "14.48" not in results(c, vendor)
    c.sandbox.clock.advance(lag)
    assert "14.48" in results(c, vendor)
    assert said(c)["writes_not_there"] == 0
    number, kind, ordinal = made["id"].split("-")
    world = c.sandbox.world
    assert isinstance(world.delete(kind, int(number), int(ordinal), "tests", c.sandbox.clock.now()), Observation)
    assert "14.48" in results(c, vendor), "what was deleted is there until the copy has caught up"
    c.sandbox.clock.advance(lag)
    assert "14.48" not in results(c, vendor)
    assert c.sandbox.world is world


def test_a_read_by_id_is_of_the_copy_too(caller: Caller) -> None:
    c = caller
    c.sandbox.clock.freeze()
    happens(c, what="address", patient="117", lines=["1 New Street"], city="Salina", state="KS", zip="67401")
    c.sandbox.faults.add({"fault": "read_lag", "args": {"lag_s": 30}})
    path = f"Patient/{c.patient('epic')}"
    assert "New Street" not in c.read("epic", path).text
    c.sandbox.clock.advance(timedelta(seconds=31))
    assert "New Street" in c.read("epic", path).text


def test_a_write_is_not_held_back_by_a_copy_that_is_behind(caller: Caller) -> None:
    c = caller
    c.sandbox.clock.freeze()
    c.sandbox.faults.add({"fault": "read_lag", "args": {"lag_s": 30}})
    form = {"departmentid": "1", "firstname": "Ada", "lastname": "Lagging", "dob": "01/02/1980", "sex": "F",
            "zip": "67401", "mobilephone": "6175550123"}  # fmt: skip
    token = c.login("athena", "private_key_jwt", scope="").json()
    headers = {"authorization": f"Bearer {token.get('access_token', '')}"}
    url = c.urls("athena")["rest_url"]
    made = c.http.post(f"{url}/patients", data=form, headers=headers)
    assert made.status_code == 200, made.text
    wanted = f"patients/{made.json()[0]['patientid']}"
    assert c.read("athena", wanted, base="rest_url").status_code == 404
    c.sandbox.clock.advance(timedelta(seconds=31))
    assert c.read("athena", wanted, base="rest_url").status_code == 200


# Bodies in XML


def page(c: Caller, url: str = "", **params: str) -> Element:
    """A page of vital signs as Epic tells it to whoever asks for nothing: in XML."""
    token = c.login("epic").json()["access_token"]
    asked = {"patient": c.patient("epic"), "category": "vital-signs", "_count": "3", **params}
    first = f"{c.urls('epic')['fhir_url']}/Observation"
    answer = c.http.get(url or first, params=None if url else asked, headers={"authorization": f"Bearer {token}"})
    assert answer.headers["content-type"].startswith("application/xml"), answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    return ElementTree.fromstring(answer.content)


def ids(bundle: Element) -> list[str]:
    return [str(one.get("value")) for one in bundle.findall(f"{FHIR}entry/{FHIR}resource/{FHIR}Observation/{FHIR}id")]


def next_of(bundle: Element) -> str:
    for link in bundle.findall(f"{FHIR}link"):
        told = {one.tag.removeprefix(FHIR): str(one.get("value")) for one in link}
        if told["relation"] == "next":
            return told["url"]
    return ""


def total(bundle: Element) -> str:
    """What a bundle states as its total, which stands where R4 has it: before the links."""
    told = [one.tag.removeprefix(FHIR) for one in bundle]
    assert told.count("total") == 1
    assert told.index("total") < told.index("link")
    return next(str(one.get("value")) for one in bundle.findall(f"{FHIR}total"))


def types(bundle: Element) -> set[str]:
    return {one.tag.removeprefix(FHIR) for one in bundle.findall(f"{FHIR}entry/{FHIR}resource/*")}


IN_XML: dict[str, tuple[dict[str, Any], Callable[[Element, Element], bool]]] = {
    "duplicate_entries": ({}, lambda seen, clean: ids(seen) == [id for id in ids(clean) for _ in range(2)]),
    "reorder_entries": ({"into": "reversed"}, lambda seen, clean: ids(seen) == ids(clean)[::-1]),
    "wrong_type": ({}, lambda seen, clean: types(seen) == {"Basic"}),
    "page_cycle": ({}, lambda seen, clean: "sessionID" not in next_of(seen) and "Observation?" in next_of(seen)),
    "false_total": ({"says": "zero"}, lambda seen, clean: (total(seen), ids(seen)) == ("0", ids(clean))),
    "dead_link": ({}, lambda seen, clean: next_of(seen).endswith("/Observation/gone")),
    "second_origin": ({}, lambda seen, clean: next_of(seen).startswith("http://localhost:")),
    "ignore_parameter": ({"parameter": "_count"}, lambda seen, clean: len(ids(seen)) > len(ids(clean))),
    "stale_data": ({"age_s": 60}, lambda seen, clean: ids(seen) == ids(clean)),
    "read_lag": ({"lag_s": 1}, lambda seen, clean: ids(seen) == ids(clean)),
    "change_element": (
        {"name": "valueQuantity", "into": "renamed"},
        lambda seen, clean: (
            len(seen.findall(f".//{FHIR}valueQuantityNew")) == len(clean.findall(f".//{FHIR}valueQuantity")) > 0
        ),
    ),
    "add_elements": (
        {"count": 2}, lambda seen, clean: len(seen.findall(f".//{FHIR}Observation/{FHIR}laterElement1")) == 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", IN_XML)
def test_a_fault_reaches_into_xml_as_into_json(kind: str, caller: Caller) -> None:
    args, shows = IN_XML[kind]
    clean = page(caller)
    assert (len(ids(clean)), bool(next_of(clean))) == (3, True)
    caller.sandbox.faults.add({"fault": kind, "args": args, "when": {"operation": "Observation.search"}})
    assert shows(page(caller), clean)
    assert said(caller)["fault"] == kind
    assert "spared" not in said(caller)


@pytest.mark.parametrize("by_what", ["insertion", "deletion"])
def test_data_moves_between_pages_in_xml(by_what: str, caller: Caller) -> None:
    whole = page(caller, _count="6")
    caller.sandbox.faults.add(
        {"fault": "moving_data", "args": {"by_what": by_what}, "when": {"operation": "Observation.search"}}
    )
    token = caller.login("epic").json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    first = caller.http.get(
        f"{caller.urls('epic')['fhir_url']}/Observation",
        params={"patient": caller.patient("epic"), "category": "vital-signs", "_count": "3"}, headers=headers,
    )  # fmt: skip
    one = ElementTree.fromstring(first.content)
    two = ElementTree.fromstring(caller.http.get(next_of(one), headers=headers).content)
    both = ids(whole)
    expected = [both[2], *both[3:6]] if by_what == "insertion" else both[4:6]
    assert ids(two) == expected


# An upgrade in the middle of something


def test_an_upgrade_comes_with_the_call_that_it_is_told_to_come_with(caller: Caller) -> None:
    c = caller
    c.sandbox.faults.add({"fault": "upgrade", "args": {"as_of": "2026-12-01"}, "when": {"vendor": "epic"}, "skip": 1})
    path = f"Encounter?patient={c.patient('epic')}"
    before, after = c.read("epic", path), c.read("epic", path)
    assert "lastUpdated" not in before.text
    assert "lastUpdated" in after.text
    assert said(c)["came_from"] == "2026-05-12"
    assert c.site("epic").as_of == date(2026, 12, 1)
    c.read("epic", path)
    assert said(c)["came_from"] is None, "it stands there already"


def test_unknown_elements_come_in_every_room_and_in_rows_of_no_fhir(caller: Caller) -> None:
    c = caller
    c.sandbox.faults.add({"fault": "add_elements", "args": {"count": 1}})
    for vendor in ROOMS:
        found = c.read(vendor, f"Patient/{c.patient(vendor)}").json()
        assert found["laterElement0"] == "unknown"
        assert found["extension"][-1]["url"].endswith("from-a-later-version")
    rows = c.read("athena", "departments", base="rest_url").json()["departments"]
    assert all(row["laterElement0"] == "unknown" for row in rows)


def test_what_is_no_day_is_no_upgrade(caller: Caller) -> None:
    answer: httpx.Response = caller.http.post(
        f"{caller.server.control}/sandboxes/{caller.sandbox.id}/faults",
        json={"fault": "upgrade", "args": {"as_of": "tomorrow"}},
    )
    assert answer.status_code == 422
    assert "cannot be 'tomorrow'" in answer.json()["detail"]
    assert "upgrade" in kinds()


# What only a real list shows

NUMBERS = {"epic": "urn:oid:1.2.840.114350.1.13.0.1.7.5.737384.14", "cerner": "urn:oid:2.16.840.1.113883.19.6.10"}


def is_over(identifier: dict[str, Any]) -> bool:
    return "end" in identifier.get("period", {})


@pytest.mark.parametrize("vendor", NUMBERS)
def test_a_record_number_is_the_next_ones_under_another_system(
    vendor: str, rooms_server: Running, browser: httpx.Client
) -> None:
    caller = Caller(rooms_server, rooms_server.sandboxes.create(patients=10_000), browser)  # with its whole cast
    system = NUMBERS[vendor]
    person = caller.sandbox.world.person(next(role.number for role in roles() if role.key == "homonym"))
    assert person is not None
    named = {"family": person.family, "given": person.given[0], "birthdate": person.birth}
    caller.sandbox.faults.add(
        {"fault": "shared_number", "args": {"system": system}, "when": {"operation": "Patient.*"}}
    )
    found = caller.read(vendor, "Patient", **named).json()["entry"]
    those = [one["resource"]["identifier"] for one in found if one["resource"]["resourceType"] == "Patient"]
    own = [next(i["value"] for i in one[::-1] if i.get("system") == system and not is_over(i)) for one in those]
    lent = [(one[0]["system"], one[0]["value"]) for one in those]
    assert len(own) > 1
    assert lent == [(OTHER, number) for number in [*own[1:], own[0]]]
    alone = caller.read(vendor, f"Patient/{caller.patient(vendor)}").json()
    assert OTHER not in {identifier.get("system") for identifier in alone["identifier"]}
    assert said(caller)["spared"]
    rooms_server.sandboxes.drop(caller.sandbox.id)


def test_an_instant_is_a_quarter_of_a_second_later_and_a_day_is_the_day(caller: Caller) -> None:
    asked = {"patient": caller.patient("epic"), "category": "vital-signs", "_count": "3"}

    def told_now() -> list[dict[str, Any]]:
        listed = (one["resource"] for one in caller.read("epic", "Observation", **asked).json()["entry"])
        return [one for one in listed if one["resourceType"] == "Observation"]

    before = told_now()
    args = {"name": "effectiveDateTime,issued,birthDate,status", "into": "split_second"}
    caller.sandbox.faults.add({"fault": "change_element", "args": args, "when": {"vendor": "epic"}})
    after = told_now()
    told = [one["effectiveDateTime"] for one in before]
    assert all(one.endswith("Z") and "." not in one for one in told)
    assert [one["effectiveDateTime"] for one in after] == [one.replace("Z", ".250Z") for one in told]
    assert [one["status"] for one in after] == [one["status"] for one in before]
