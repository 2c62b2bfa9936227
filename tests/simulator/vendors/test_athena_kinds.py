"""Procedures, documents, appointments with their slots, and coverages as athena tells them, over REST and FHIR.

SOURCES.md, "How to read us" and "Claims". What was booked here is seen here and there:

    open slot ──PUT──▶ booked ──▶ every vendor of the sandbox
        ▲                │ cancel
        └── another id ◀─┘
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from simulator import registry
from simulator.clock import Clock
from simulator.population import documents
from simulator.population.records import KINDS, Appointment
from simulator.sandbox import Sandbox
from simulator.vendors.athena import VENDOR
from tests.simulator.vendors.athena_client import AS_OF, FORM, PRACTICE, Answer, Athena

Json = dict[str, Any]


@pytest.fixture(scope="module")
def athena() -> Athena:
    return Athena()


@pytest.fixture(scope="module")
def number(athena: Athena) -> int:
    return next(n for n in range(500) if all(athena.sandbox.world.chart(n).of(kind) for kind in KINDS))


@pytest.fixture
def desk() -> Athena:
    """A sandbox of its own to write to, so small that a department's schedule costs little."""
    return Athena(patients=40)


def put(athena: Athena, path: str, **fields: Any) -> Answer:
    headers = {**athena.bearer(), "content-type": FORM}
    return athena.call("PUT", f"/v1/195900{path}", headers=headers, body=urlencode(fields).encode())


def open_slots(athena: Athena, **asked: Any) -> list[Json]:
    asked = {"departmentid": 1, "appointmenttypeid": 2, "providerid": 1} | asked
    found: list[Json] = athena.rest("/appointments/open", **asked).json["appointments"]
    return found


def booked(athena: Athena, number: int, **asked: Any) -> dict[str, Json]:
    """Every appointment of a patient, by id."""
    whole = {"startdate": "01/01/1900", "enddate": "12/31/2199", "showcancelled": "true"} | asked
    answer = athena.rest("/appointments/booked", patientid=athena.patientid(number), **whole)
    return {one["appointmentid"]: one for one in answer.json["appointments"]}


# Appointments


def test_a_patient_has_the_appointments_of_the_truth_and_only_those_ahead_unless_asked(
    athena: Athena, number: int
) -> None:
    path = f"/patients/{athena.patientid(number)}/appointments"
    truth = athena.sandbox.world.chart(number).appointments
    full = athena.rest(path, showpast="true", showcancelled="true").json
    assert full["totalcount"] == len(truth) == len({one["appointmentid"] for one in full["appointments"]})
    kept = athena.rest(path, showpast="true").json["appointments"]
    assert "x" not in {one["appointmentstatus"] for one in kept}
    ahead = athena.rest(path, showcancelled="true").json["totalcount"]
    assert ahead == sum(one.start >= athena.clock.now() for one in truth)


def test_times_are_those_of_the_department_and_have_no_offset(athena: Athena) -> None:
    number, record = athena.number_with("appointment", facility=2)
    assert isinstance(record, Appointment)
    zone = "America/Los_Angeles"
    told = next(one for one in booked(athena, number).values() if one["departmentid"] == "3")
    (place,) = athena.rest("/departments/3").json
    assert place["timezonename"] == "US/Pacific"
    local = [one.start.astimezone(ZoneInfo(zone)) for one in athena.sandbox.world.chart(number).appointments]
    assert f"{told['date']} {told['starttime']}" in {f"{at:%m/%d/%Y %H:%M}" for at in local}


def test_booked_appointments_are_found_by_patient_provider_and_department(athena: Athena) -> None:
    days = {"startdate": "01/12/2026", "enddate": "01/12/2026"}
    of_provider = athena.rest("/appointments/booked", providerid=1, **days).json["appointments"]
    assert of_provider
    assert {(one["providerid"], one["date"]) for one in of_provider} == {("1", "01/12/2026")}
    for one in of_provider[:2]:
        same = athena.rest("/appointments/booked", patientid=one["patientid"], **days).json["appointments"]
        assert one in same
    assert athena.rest("/appointments/booked", departmentid=2, providerid=1, **days).json["totalcount"] == 0
    typed = athena.rest("/appointments/booked", providerid=1, appointmenttypeid=1, **days).json["appointments"]
    assert typed == [one for one in of_provider if one["appointmenttypeid"] == "1"]


@pytest.mark.parametrize(
    ("asked", "missing"),
    [({}, ["startdate", "enddate"]), ({"startdate": "01/12/2026", "enddate": "01/12/2026"}, ["departmentid"])],
)
def test_booked_appointments_want_days_and_somebody(athena: Athena, asked: Json, missing: list[str]) -> None:
    answer = athena.rest("/appointments/booked", **asked)
    assert (answer.status, answer.json["missingfields"]) == (400, missing)


def test_a_state_that_is_no_state_is_refused_and_too_long_a_range_is_our_gap(athena: Athena) -> None:
    days = {"startdate": "01/01/2026", "enddate": "12/31/2026"}
    wrong = athena.rest("/appointments/booked", providerid=1, appointmentstatus="F", **days)
    assert (wrong.status, "APPOINTMENTSTATUS" in wrong.json["detailedmessage"]) == (400, True)
    assert athena.rest("/appointments/booked", departmentid=1, **days).status == 501


def test_an_appointment_nobody_made_is_not_found(athena: Athena) -> None:
    for text, status in (("1", 404), ("9007199254740991", 404), ("x", 400)):
        assert athena.rest(f"/appointments/{text}").status == status


# Slots and bookings


def test_open_slots_are_the_free_time_of_the_truth(athena: Athena) -> None:
    slots = open_slots(athena, startdate="01/12/2026", enddate="01/12/2026")
    assert len({one["appointmentid"] for one in slots}) == len(slots) > 5
    taken = athena.rest("/appointments/booked", providerid=1, startdate="01/12/2026", enddate="01/12/2026").json[
        "appointments"
    ]
    spans = [(_minutes(one), _minutes(one) + one["duration"]) for one in taken]
    for one in slots:
        assert all(_minutes(one) + one["duration"] <= start or _minutes(one) >= end for start, end in spans)
        assert isinstance(one["appointmentid"], int)


def _minutes(row: Json) -> int:
    hours, _, minutes = row["starttime"].partition(":")
    return int(hours) * 60 + int(minutes)


def test_slots_are_for_a_type_or_a_reason_or_there_are_none(desk: Athena) -> None:
    assert desk.rest("/appointments/open", departmentid=1, providerid=1).json == {"totalcount": 0, "appointments": []}
    assert open_slots(desk, appointmenttypeid=4711) == []
    assert open_slots(desk) == open_slots(desk, appointmenttypeid="", reasonid=-1)
    (missing,) = desk.rest("/appointments/open", departmentid=1, reasonid=962).json["missingfields"]
    assert missing == "providerid"
    assert open_slots(desk, appointmenttypeid="", reasonid=962)[0]["reasonid"] == ["962"]
    assert desk.rest("/appointments/open", reasonid=-1).json["missingfields"] == ["departmentid"]


def test_who_books_a_slot_has_its_number_and_nobody_else_gets_it(desk: Athena) -> None:
    slot = open_slots(desk)[2]
    id = slot["appointmentid"]
    assert desk.rest(f"/appointments/{id}").json[0]["appointmentstatus"] == "o"
    answer = put(desk, f"/appointments/{id}", patientid=desk.patientid(5), appointmenttypeid=2)
    assert answer.status == 200
    (told,) = answer.json
    assert told["appointmentid"] == str(id)
    assert (told["appointmentstatus"], told["appointmenttype"]) == ("f", "Office Visit")
    assert (told["date"], told["starttime"]) == (slot["date"], slot["starttime"])
    again = put(desk, f"/appointments/{id}", patientid=desk.patientid(6), appointmenttypeid=2)
    assert again.status == 409
    assert again.json["error"] == "That appointment time was already booked or not available for booking."
    assert id not in {one["appointmentid"] for one in open_slots(desk)}
    assert booked(desk, 5)[str(id)]["starttime"] == slot["starttime"]


def test_a_booking_wants_a_patient_and_a_type_or_reason(desk: Athena) -> None:
    path = f"/appointments/{open_slots(desk)[0]['appointmentid']}"
    patient = desk.patientid(5)
    assert put(desk, path, appointmenttypeid=2).json["missingfields"] == ["patientid"]
    assert "type or reason" in put(desk, path, patientid=patient).json["detailedmessage"]
    assert put(desk, path, patientid=patient, appointmenttypeid=4711).status == 400
    assert put(desk, path, patientid=1, appointmenttypeid=2).status == 404
    assert put(desk, "/appointments/1", patientid=patient, appointmenttypeid=2).status == 409
    assert put(desk, path, patientid=patient, reasonid=841).json[0]["appointmenttype"] == "Sick Appointment"


def test_parameters_of_a_put_may_stand_in_the_query(desk: Athena) -> None:
    id = open_slots(desk)[0]["appointmentid"]
    query = {"patientid": desk.patientid(5), "appointmenttypeid": 82}
    assert desk.call("PUT", f"/v1/195900/appointments/{id}", query, headers=desk.bearer()).status == 400  # a template
    query["appointmenttypeid"] = 1
    assert desk.call("PUT", f"/v1/195900/appointments/{id}", query, headers=desk.bearer()).status == 200


def test_a_cancelled_slot_is_open_again_under_another_number(desk: Athena) -> None:
    slot = open_slots(desk)[0]
    id, patient = slot["appointmentid"], desk.patientid(5)
    put(desk, f"/appointments/{id}", patientid=patient, appointmenttypeid=2)
    assert put(desk, f"/appointments/{id}/cancel", patientid=desk.patientid(6)).status == 404
    assert put(desk, f"/appointments/{id}/cancel", patientid=patient).json == {"status": "x"}
    assert put(desk, f"/appointments/{id}/cancel", patientid=patient).status == 409
    told = booked(desk, 5)[str(id)]
    assert (told["appointmentstatus"], told["cancelreasonname"]) == ("x", "PATIENT CANCELLED")
    (same,) = (one for one in open_slots(desk) if (one["date"], one["starttime"]) == (slot["date"], slot["starttime"]))
    assert same["appointmentid"] != id
    second = put(desk, f"/appointments/{same['appointmentid']}", patientid=desk.patientid(6), appointmenttypeid=2)
    assert second.json[0]["appointmentid"] == str(same["appointmentid"])
    assert booked(desk, 5)[str(id)] == told


def test_a_reason_says_why_and_that_somebody_did_not_come(desk: Athena) -> None:
    reasons = desk.rest("/appointmentcancelreasons").json["appointmentcancelreasons"]
    told = {}
    for slot, reason in zip(open_slots(desk), reasons, strict=False):
        id, patient = slot["appointmentid"], desk.patientid(5)
        put(desk, f"/appointments/{id}", patientid=patient, appointmenttypeid=2)
        number = reason["appointmentcancelreasonid"]
        assert (
            put(desk, f"/appointments/{id}/cancel", patientid=patient, appointmentcancelreasonid=number).status == 200
        )
        told[str(id)] = reason["name"]
    truth = [one for one in desk.sandbox.world.chart(5).appointments if one.ordinal >= 1 << 20]
    assert {(one.status, one.cancel_reason) for one in truth} == {
        ("cancelled", "patient"),
        ("cancelled", "provider"),
        ("cancelled", "rescheduled"),
        ("noshow", None),
    }
    assert {id: one["cancelreasonname"] for id, one in booked(desk, 5).items() if id in told} == told


def test_an_appointment_is_put_off_to_another_slot(desk: Athena) -> None:
    first, second = (one["appointmentid"] for one in open_slots(desk)[:2])
    patient = desk.patientid(5)
    put(desk, f"/appointments/{first}", patientid=patient, appointmenttypeid=3, bookingnote="A cough")
    answer = put(desk, f"/appointments/{first}/reschedule", patientid=patient, newappointmentid=second)
    (told,) = answer.json
    assert told["appointmentid"] == str(second)
    assert (told["providerid"], told["appointmenttypeid"]) == ("", "3")
    kept = booked(desk, 5)
    assert (kept[str(first)]["appointmentstatus"], kept[str(second)]["appointmentstatus"]) == ("x", "f")
    assert kept[str(first)]["cancelreasonname"] == "PATIENT RESCHEDULED"
    (now,) = (one for one in desk.sandbox.world.chart(5).appointments if one.status == "booked" and one.ordinal > 99)
    assert now.text == "A cough"


def test_a_visit_that_was_booked_is_checked_in_and_out(desk: Athena) -> None:
    id = open_slots(desk)[0]["appointmentid"]
    put(desk, f"/appointments/{id}", patientid=desk.patientid(5), appointmenttypeid=2)
    assert desk.post_form(f"/appointments/{id}/checkout").status == 409
    for step in ("startcheckin", "checkin"):
        assert desk.post_form(f"/appointments/{id}/{step}").json == {"success": True}
    assert desk.post_form(f"/appointments/{id}/checkin").status == 409
    told = booked(desk, 5)[str(id)]
    assert (told["appointmentstatus"], told["encounterstatus"]) == ("2", "CHECKEDIN")
    (visit,) = desk.rest(f"/chart/encounter/{told['encounterid']}").json
    assert visit["status"] == "OPEN"
    desk.clock.advance(timedelta(minutes=15))
    assert desk.post_form(f"/appointments/{id}/checkout").status == 200
    assert booked(desk, 5)[str(id)]["appointmentstatus"] == "3"
    assert desk.rest(f"/chart/encounter/{told['encounterid']}").json[0]["status"] == "CLOSED"


def test_a_visit_that_comes_by_itself_is_not_checked_in_by_hand(athena: Athena) -> None:
    number, record = athena.number_with("appointment", status="booked")
    id = next(one.id for one in VENDOR.renderings(athena.site, number) if one.records == (record,))
    assert athena.post_form(f"/appointments/{id.rsplit('-', 1)[-1]}/checkin").status == 501


def shared_desk() -> tuple[Athena, Sandbox]:
    """A desk of athena in a sandbox of all vendors."""
    clock = Clock(datetime(2026, 1, 5, 12, tzinfo=UTC))
    clock.freeze()
    vendors = tuple(registry.vendors().values())
    sandbox = Sandbox("all", seed=7, patients=40, as_of=AS_OF, vendors=vendors, clock=clock)
    desk = Athena(patients=40)
    desk.sandbox, desk.site, desk.clock = sandbox, sandbox.sites["athena"], clock
    desk.site.limits.off()
    return desk, sandbox


def test_what_is_booked_and_called_off_here_is_told_by_every_vendor() -> None:
    desk, sandbox = shared_desk()
    id = open_slots(desk)[0]["appointmentid"]
    put(desk, f"/appointments/{id}", patientid=desk.patientid(5), appointmenttypeid=2)

    def told_by(vendor: str) -> list[str]:
        site = sandbox.sites[vendor]
        rendered = site.vendor.renderings(site, 5)
        return [one.payload["status"] for one in rendered if one.type == "Appointment" and one.records[0].ordinal > 99]

    assert told_by("athena") == told_by("epic") == ["booked"]
    put(desk, f"/appointments/{id}/cancel", patientid=desk.patientid(5))
    assert told_by("athena") == told_by("epic") == ["cancelled"]


def test_a_sandbox_that_was_reset_has_its_slots_back(desk: Athena) -> None:
    before = open_slots(desk)
    put(desk, f"/appointments/{before[0]['appointmentid']}", patientid=desk.patientid(5), appointmenttypeid=2)
    desk.sandbox.world.reset()
    assert open_slots(desk) == before


def test_time_is_opened_for_booking_by_a_type(desk: Athena) -> None:
    saturday = {"departmentid": 1, "providerid": 1, "appointmentdate": "01/10/2026"}
    days = {"startdate": "01/10/2026", "enddate": "01/10/2026"}
    assert open_slots(desk, **days) == []
    untyped = desk.post_form("/appointments/open", appointmenttime="08:00", **saturday)
    assert (untyped.status, "type or reason" in untyped.json["detailedmessage"]) == (400, True)
    made = desk.post_form("/appointments/open", appointmenttime="08:00,09:30", appointmenttypeid=4, **saturday).json
    assert sorted(made["appointmentids"].values()) == ["08:00", "09:30"]
    found = {str(one["appointmentid"]): one for one in open_slots(desk, appointmenttypeid=4, **days)}
    assert {id: one["starttime"] for id, one in found.items()} == made["appointmentids"]
    assert {(one["appointmenttype"], one["duration"]) for one in found.values()} == {("PHYSICAL EXAM", 30)}
    assert open_slots(desk, appointmenttypeid=2, **days) == []
    first = min(made["appointmentids"], key=lambda id: made["appointmentids"][id])
    assert put(desk, f"/appointments/{first}", patientid=desk.patientid(5), appointmenttypeid=2).status == 409
    (told,) = put(desk, f"/appointments/{first}", patientid=desk.patientid(5), appointmenttypeid=4).json
    assert (told["date"], told["starttime"], told["appointmentid"]) == ("01/10/2026", "08:00", first)
    assert [one["starttime"] for one in open_slots(desk, appointmenttypeid=4, **days)] == ["09:30"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"appointmenttime": "8 o'clock"}, "Expecting format time, but value is 8 o'clock"),
        ({"appointmentdate": "2026-01-10"}, "Expecting format date, but value is 2026-01-10"),
        ({"providerid": "2"}, "The value '2' did not match any of the enum values for PROVIDERID"),
        ({"appointmenttypeid": "4711"}, "The value '4711' did not match any of the enum values for APPOINTMENTTYPEID"),
    ],
)
def test_time_that_makes_no_sense_is_not_opened(desk: Athena, changes: Json, says: str) -> None:
    asked = {"departmentid": 1, "providerid": 1, "appointmentdate": "01/10/2026", "appointmenttime": "08:00"}
    answer = desk.post_form("/appointments/open", **asked | {"appointmenttypeid": 4} | changes)
    assert (answer.status, answer.json["detailedmessage"]) == (400, says)
    assert desk.sandbox.world.openings() == ()


def test_time_that_is_past_is_not_opened_and_what_is_missing_is_named(desk: Athena) -> None:
    asked = {"departmentid": 1, "providerid": 1, "appointmenttime": "08:00", "appointmenttypeid": 4}
    assert desk.post_form("/appointments/open", appointmentdate="01/02/2026", **asked).status == 400
    assert desk.post_form("/appointments/open", **asked).json["missingfields"] == ["appointmentdate"]


def test_types_and_reasons_are_lists_of_the_practice(athena: Athena) -> None:
    types = athena.rest("/appointmenttypes").json
    assert types["totalcount"] == len(types["appointmenttypes"])
    one = types["appointmenttypes"][0]
    assert athena.rest(f"/appointmenttypes/{one['appointmenttypeid']}").json == [one]
    assert athena.rest("/appointmenttypes/4711").status == 404
    shown = athena.rest("/appointmenttypes", hidetemplatetypeonly="true").json["appointmenttypes"]
    assert [one for one in types["appointmenttypes"] if one not in shown] == [
        one for one in types["appointmenttypes"] if one["templatetypeonly"]
    ]
    assert athena.rest("/patientappointmentreasons", departmentid=1).json["missingfields"] == ["providerid"]
    reasons = athena.rest("/patientappointmentreasons", departmentid=1, providerid=1).json
    assert {"reasonid", "reason", "reasontype"} <= set(reasons["patientappointmentreasons"][0])


# Insurances


def test_insurances_stand_in_sequence_and_those_that_are_over_only_when_asked_for(athena: Athena) -> None:
    number, _ = athena.number_with("coverage", status="cancelled")
    path = f"/patients/{athena.patientid(number)}/insurances"
    truth = athena.sandbox.world.chart(number).coverages
    full = athena.rest(path, showcancelled="true").json["insurances"]
    assert len(full) == len(truth)
    kept = athena.rest(path).json["insurances"]
    assert kept == [one for one in full if "cancelled" not in one]
    assert [one["sequencenumber"] for one in full] == sorted(one["sequencenumber"] for one in full)
    by_id = {one["id"].rsplit("-", 1)[-1]: one for one in athena.all_of("Coverage", number)}
    for one in full:
        same = by_id[one["insuranceid"]]
        cards = [name["value"] for name in same["identifier"] if "type" in name]
        assert cards == [one["insuranceidnumber"]] * ("insuranceidnumber" in one)
        assert same["order"] == one["sequencenumber"]


def test_a_childs_insurance_names_the_parent_who_holds_it(athena: Athena) -> None:
    path = "/patients/{}/insurances"
    (child,) = athena.rest(path.format(athena.patientid(38))).json["insurances"]
    assert (child["relationshiptoinsured"], child["insurancepolicyholder"]) == ("Child", "ROSA VILLANUEVA")
    parents = athena.rest(path.format(athena.patientid(39))).json["insurances"]
    (parent,) = (one for one in parents if one["insurancepackageid"] == child["insurancepackageid"])
    assert child.get("policynumber") == parent.get("policynumber")
    told = {number: {one.get("subscriberId") for one in athena.all_of("Coverage", number)} for number in (38, 39)}
    (shared,) = (one for one in told[38] & told[39] if one and child["insuranceidnumber"].startswith(one))
    cards = [one["insuranceidnumber"].removeprefix(shared) for one in (parent, child)]
    assert cards in (["", ""], ["00", "02"], ["01", "03"])


def test_who_pays_cash_has_the_package_of_nobody(athena: Athena) -> None:
    number, _ = athena.number_with("coverage", category="self-pay", status="active")
    (told,) = athena.rest(f"/patients/{athena.patientid(number)}/insurances").json["insurances"]
    assert (told["insurancepackageid"], told["insuranceplanname"]) == (0, "*SELF PAY*")


def test_an_insurance_that_was_added_is_told_by_every_vendor_until_it_is_cancelled() -> None:
    desk, sandbox = shared_desk()
    path = f"/patients/{desk.patientid(5)}/insurances"
    packages = desk.rest("/misc/topinsurancepackages").json["insurancepackages"]
    one = next(one for one in packages if one["name"].startswith("SILVER SHIELD"))
    asked = {"insurancepackageid": one["insurancepackageid"], "sequencenumber": 3, "insuranceidnumber": "SSG123456789"}
    (told,) = desk.post_form(path, **asked).json
    assert (told["sequencenumber"], told["insuranceidnumber"], told["issuedate"]) == (3, "SSG123456789", "01/05/2026")
    assert desk.post_form(path, **asked).status == 409

    def told_by(vendor: str) -> list[str]:
        site = sandbox.sites[vendor]
        rendered = site.vendor.renderings(site, 5)
        return [one.payload["status"] for one in rendered if one.type == "Coverage" and one.payload["order"] == 3]

    assert told_by("athena") == told_by("epic") == ["active"]
    ended = desk.call("DELETE", f"/v1/195900{path}/{told['insuranceid']}", headers=desk.bearer())
    assert ended.json == {"success": True}
    assert told_by("athena") == told_by("epic") == ["cancelled"]
    assert desk.call("DELETE", f"/v1/195900{path}/{told['insuranceid']}", headers=desk.bearer()).status == 404


def test_who_pays_cash_is_written_down_by_a_package_of_nought_and_ends_by_the_sequence(desk: Athena) -> None:
    path = f"/patients/{desk.patientid(5)}/insurances"
    assert desk.post_form(path, insurancepackageid=0, sequencenumber=4).json == {"success": True}
    assert desk.rest(path).json["insurances"][-1]["insuranceplanname"] == "*SELF PAY*"
    asked = {"sequencenumber": 4}
    assert desk.call("DELETE", f"/v1/195900{path}", asked, headers=desk.bearer()).json == {"success": True}
    assert desk.call("DELETE", f"/v1/195900{path}", asked, headers=desk.bearer()).status == 404
    assert desk.post_form(path, sequencenumber=4).json["missingfields"] == ["insurancepackageid"]
    assert desk.post_form(path, insurancepackageid=-7, sequencenumber=4).status == 400
    assert desk.post_form(path, insurancepackageid=0, sequencenumber=0).status == 400
    assert desk.post_form(path, insurancepackageid=0, sequencenumber=4, relationshiptoinsuredid=99).status == 400


def test_a_coverage_is_found_by_its_patient_only(athena: Athena, number: int) -> None:
    found = athena.all_of("Coverage", number)
    assert athena.fhir("Coverage", **{"_id": found[0]["id"], "ah-practice": PRACTICE}).status == 400
    group = next(one for one in found[0]["extension"] if one["url"].endswith("ah-provider-group"))
    reference = group["valueReference"]["reference"]
    assert len(athena.all_of("Coverage", number, **{"ah-provider-group": reference})) == len(found)
    assert athena.all_of("Coverage", number, **{"ah-provider-group": "Organization/a-195900.PG-9"}) == []


# Documents


def test_documents_are_listed_newest_first_without_a_count_by_class_with_one(athena: Athena, number: int) -> None:
    department = athena.sandbox.world.chart(number).person.facility + 1
    path = f"/patients/{athena.patientid(number)}/documents"
    every = athena.rest(path, departmentid=department, limit=2).json
    assert "totalcount" not in every
    assert f"documents?DEPARTMENTID={department}&LIMIT=2&offset=2" in every["next"]
    found = athena.rest(path, departmentid=department).json["documents"]
    assert len(found) == len(athena.sandbox.world.chart(number).documents)
    days = [datetime.fromisoformat(one["createddatetime"]) for one in found]
    assert days == sorted(days, reverse=True)
    listed = []
    for name in ("clinicaldocument", "encounterdocument", "imagingresult", "medicalrecord"):
        of_class = athena.rest(f"{path}/{name}", departmentid=department).json
        assert of_class["totalcount"] == len(of_class[f"{name}s"])
        listed += of_class[f"{name}s"]
    assert sorted(one["documentid"] for one in listed) == sorted(one["documentid"] for one in found)
    assert athena.rest(path).json["missingfields"] == ["departmentid"]
    assert athena.rest(path, departmentid=department % 3 + 1).status == 404  # it shares another chart


def test_the_bytes_of_a_document_are_those_of_the_truth_on_both_sides(athena: Athena, number: int) -> None:
    world, patient = athena.sandbox.world, athena.patientid(number)
    seen = set()
    for one in VENDOR.renderings(athena.site, number):
        if one.type != "document" or (one.payload["documentclass"], one.records[0].mime) in seen:  # type: ignore[union-attr]
            continue
        (document,) = one.records
        seen.add((one.payload["documentclass"], document.mime))  # type: ignore[union-attr]
        name = one.payload["documentclass"].lower()
        path = f"/patients/{patient}/documents/{name}/{one.id}"
        (told,) = athena.rest(path).json
        assert told[f"{name}id"] == one.id
        if name == "encounterdocument":
            (page,) = told["pages"]
            raw = athena.get(page["href"])
            assert athena.rest(f"{path}/originaldocument").status == 404
        else:
            assert told["pages"] == []
            raw = athena.rest(f"{path}/originaldocument")
            assert athena.rest(f"{path}/pages/1").status == 404
        truth = documents.read(world, number, document)  # type: ignore[arg-type]
        assert sha256(raw.raw).hexdigest() == truth.sha256
        assert raw.headers["content-type"] == truth.mime
        assert raw.served == (("document", one.id),)
        resource = athena.fhir(f"Binary/a-195900.binary-{one.id}").json
        assert b64decode(resource["data"]) == raw.raw
        assert athena.fhir(f"DocumentReference/a-195900.{name}-{one.id}").status == 200
    assert len(seen) >= 4


def test_a_document_of_another_patient_or_class_is_not_found(athena: Athena, number: int) -> None:
    one = next(one for one in VENDOR.renderings(athena.site, number) if one.type == "document")
    name = one.payload["documentclass"].lower()
    other = "imagingresult" if name != "imagingresult" else "clinicaldocument"
    assert athena.rest(f"/patients/{athena.patientid(number + 1)}/documents/{name}/{one.id}").status == 404
    assert athena.rest(f"/patients/{athena.patientid(number)}/documents/{other}/{one.id}").status == 404
    assert athena.rest(f"/patients/{athena.patientid(number)}/documents/{name}/x").status == 400
    assert athena.fhir("Binary/a-195900.binary-1").status == 404


def test_documents_are_narrowed_and_sorted_over_fhir(athena: Athena, number: int) -> None:
    every = athena.all_of("DocumentReference", number)
    newest = athena.all_of("DocumentReference", number, _sort="-date", _count=3)
    assert [one["id"] for one in newest] == [one["id"] for one in sorted(every, key=_date, reverse=True)]
    type = every[0]["type"]["coding"][0]["code"]
    typed = athena.fhir("DocumentReference", patient=athena.fhir_id(number), **{"ah-practice": PRACTICE, "type": type})
    assert typed.json["total"] == sum(one["type"]["coding"][0]["code"] == type for one in every)
    visit = every[0]["context"]["encounter"][0]["reference"]
    inside = athena.all_of("DocumentReference", number, encounter=visit)
    assert inside == [one for one in every if one["context"]["encounter"][0]["reference"] == visit]
    assert athena.search("DocumentReference", number, _sort="type").status == 400
    included = athena.search("DocumentReference", number, _include="DocumentReference:encounter").json["entry"]
    assert {"Encounter"} == {one["resource"]["resourceType"] for one in included if one["search"]["mode"] == "include"}


def _date(resource: Json) -> datetime:
    return datetime.fromisoformat(resource["date"])


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (b"%PDF-1.4 a scan", "application/pdf"),
        ("Übelkeit seit Montag".encode(), "text/plain"),
        (b"<?xml version='1.0'?><ClinicalDocument/>", "application/xml"),
    ],
)
def test_a_document_that_was_put_in_is_given_back_as_it_came_by_every_vendor(data: bytes, mime: str) -> None:
    desk, sandbox = shared_desk()
    asked = {"departmentid": desk.sandbox.world.chart(5).person.facility + 1}
    asked |= {"documentsubclass": "CLINICALDOCUMENT_CONSULTNOTE", "attachmentcontents": b64encode(data).decode()}
    path = f"/patients/{desk.patientid(5)}/documents"
    made = desk.post_form(f"{path}/clinicaldocument", **asked).json
    assert made["success"] is True
    id = made["clinicaldocumentid"]
    raw = desk.rest(f"{path}/clinicaldocument/{id}/originaldocument")
    assert (raw.raw, raw.headers["content-type"]) == (data, mime)
    assert b64decode(desk.fhir(f"Binary/a-195900.binary-{id}").json["data"]) == data
    (record,) = (one for one in sandbox.world.chart(5).documents if one.body)
    epic = sandbox.sites["epic"]
    told = [one for one in epic.vendor.renderings(epic, 5) if one.records == (record,)]
    (same,) = (one.payload["content"][0]["attachment"] for one in told)
    assert mime.startswith("text/") or same["contentType"] == mime  # notes in words Epic has in formats of its own


def test_a_document_of_any_class_goes_by_a_number_that_is_a_string(desk: Athena) -> None:
    path = f"/patients/{desk.patientid(5)}/documents"
    visit = next(one for one in VENDOR.renderings(desk.site, 5) if one.type == "encounter")
    asked = {"documentsubclass": "ENCOUNTERDOCUMENT_PROGRESSNOTE", "attachmentcontents": b64encode(b"a note").decode()}
    id = desk.post_form(path, encounterid=visit.id, **asked).json["documentid"]
    (told,) = desk.rest(f"{path}/encounterdocument/{id}").json
    assert (told["encounterid"], told["documentdata"]) == (visit.id, "a note")
    assert desk.get(told["pages"][0]["href"]).raw == b"a note"
    assert desk.post_form(path, **asked | {"attachmentcontents": "%%%"}).status == 400
    assert desk.post_form(path, encounterid=1, **asked).status == 404
    assert desk.post_form(f"{path}/clinicaldocument", departmentid=1, **asked).status == 400
    assert desk.post_form(path, **asked | {"documentsubclass": "ADMIN_CONSENT"}).status == 501
    missing = desk.post_form(f"{path}/clinicaldocument").json["missingfields"]
    assert missing == ["departmentid", "documentsubclass", "attachmentcontents"]


# Procedures and reports


def test_the_surgical_history_holds_operations_by_the_day(athena: Athena) -> None:
    number, record = athena.number_with("procedure", key=lambda key: key in ("colonoscopy", "delivery", "cath"))
    told = athena.chart(number, "surgicalhistory").json["procedures"]
    assert record.text in {one["description"] for one in told}  # type: ignore[union-attr]
    every = athena.all_of("Procedure", number)
    assert len(told) < len(every) == len(athena.sandbox.world.chart(number).procedures)
    assert {f"a-195900.procedure-{one['procedureid']}" for one in told} <= {one["id"] for one in every}


def test_a_report_holds_the_values_of_a_result(athena: Athena) -> None:
    number, record = athena.number_with("observation", category="laboratory", panel=lambda panel: panel is not None)
    reports = athena.all_of("DiagnosticReport", number)
    results = athena.chart(number, "labresults").json["results"]
    assert {one["id"] for one in reports} == {f"a-195900.clinicalresult-{one['labresultid']}" for one in results}
    report = next(one for one in reports if record.panel.code in str(one["code"]))  # type: ignore[union-attr]
    answer = athena.search("DiagnosticReport", number, code=record.panel.code, _include="DiagnosticReport:result")  # type: ignore[union-attr]
    modes = {one["search"]["mode"] for one in answer.json["entry"]}
    assert modes == {"match", "include"}
    value = athena.fhir(report["result"][0]["reference"]).json
    assert value["subject"] == report["subject"]
    found = athena.all_of("DiagnosticReport", number, result=report["result"][0]["reference"])
    assert [one["id"] for one in found] == [report["id"]]


def test_a_test_that_nobody_mapped_is_found_by_the_code_that_says_so(athena: Athena) -> None:
    for number in range(60):
        found = athena.all_of("DiagnosticReport", number, code="unknown")
        if found:
            assert all(one["code"]["coding"][0]["system"].endswith("data-absent-reason") for one in found)
            return
    pytest.fail("everything is mapped")


def test_a_result_is_a_document_too(athena: Athena, number: int) -> None:
    result = athena.chart(number, "labresults").json["results"][0]
    path = f"/patients/{athena.patientid(number)}/documents/labresult"
    (told,) = athena.rest(f"{path}/{result['labresultid']}").json
    assert [one["analyteid"] for one in told["observations"]] == [one["analyteid"] for one in result["analytes"]]
    listed = athena.rest(path, departmentid=athena.sandbox.world.chart(number).person.facility + 1).json
    assert listed["totalcount"] == len(athena.chart(number, "labresults").json["results"])
    assert athena.rest(f"{path}/1").status == 404


def test_what_these_calls_show_is_audited_as_the_patients(athena: Athena, number: int) -> None:
    department = athena.sandbox.world.chart(number).person.facility + 1
    patient = athena.patientid(number)
    for answer in (
        athena.rest(f"/patients/{patient}/appointments", showpast="true"),
        athena.rest(f"/patients/{patient}/insurances"),
        athena.rest(f"/patients/{patient}/documents", departmentid=department),
        athena.rest(f"/patients/{patient}/documents/labresult", departmentid=department),
        athena.search("Procedure", number),
        athena.search("DiagnosticReport", number),
    ):
        assert answer.served
        owners = {VENDOR.owner(athena.site, type, id) for type, id in answer.served if type != "analyte"}
        assert owners <= {number}
