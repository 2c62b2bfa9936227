"""Procedures, documents, reports, appointments and coverages as Cerner tells them, and how they are asked for.

Covers SOURCES.md, the claims on these types and their traps.
"""

from __future__ import annotations

import gzip
import re
import zlib
from base64 import b64decode, urlsafe_b64decode
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from simulator.auth import scopes
from simulator.auth.sight import sight_of
from simulator.journal.access import access_of
from simulator.population import documents
from simulator.vendors.cerner import VENDOR
from tests.simulator.vendors.cerner_desk import Desk, has_code, query_of

Json = dict[str, Any]
EVER = "ge1900-01-01T00:00:00Z"
KINDS = {
    "Procedure": "procedures",
    "DocumentReference": "documents",
    "Appointment": "appointments",
    "Coverage": "coverages",
}
NEEDED: dict[str, Json] = {"Appointment": {"date": EVER}}
CDA = "{urn:hl7-org:v3}"


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="module")
def number(desk: Desk) -> int:
    """A patient with several of everything."""
    charts = ((number, desk.sandbox.world.chart(number)) for number in range(200))
    return next(
        number
        for number, chart in charts
        if all(len(getattr(chart, name)) > least for name, least in zip(KINDS.values(), (4, 12, 6, 1), strict=True))
    )


def found(desk: Desk, number: int, type: str, /, **params: Any) -> list[Json]:
    asked = {"patient": desk.patient(number)} | NEEDED.get(type, {}) | params
    return [one for page in desk.pages(type, asked) for one in page.resources]


def true(resources: list[Json]) -> list[Json]:
    return [one for one in resources if one["status"] != "entered-in-error"]


# Searches


@pytest.mark.parametrize("type", KINDS)
def test_a_search_finds_everything_of_a_patient_once(desk: Desk, number: int, type: str) -> None:
    truth = getattr(desk.sandbox.world.chart(number), KINDS[type])
    listed = found(desk, number, type)
    assert len(true(listed)) == len(truth)
    assert len({one["id"] for one in listed}) == len(listed)
    for one in listed[:4]:
        answer = desk.get(f"{type}/{one['id']}")
        assert answer.json == one
        assert answer.headers["etag"] == f'W/"{one["meta"]["versionId"]}"'
    ids = [one["id"] for one in listed[:3]][::-1]
    assert desk.get(type, {"_id": ",".join([*ids, "1"])}).ids == ids


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Procedure", "at least one of _id, patient, or subject must be provided"),
        ("Procedure?patient=1&date=ge2020&_lastUpdated=ge2020", "date and _lastUpdated may not be provided together"),
        ("Procedure?patient=1&date=ge2020&date=ge2021", "date: two dates must be a lower and an upper bound"),
        ("DocumentReference", "at least one of _id, patient, or -pageContext must be provided"),
        ("DocumentReference?patient=1&period=ge2020-01-01", "period: must be provided twice"),
        ("DocumentReference?patient=1&period=ge2020&period=le2021", "with the prefixes ge and lt"),
        ("DocumentReference?patient=1&date=ge2020&period=ge2020", "date and period may not be provided together"),
        ("DocumentReference?patient=1&date=ge2020-01-01&date=le2021-01-01", "date: must have a time"),
        ("DiagnosticReport?category=LAB", "at least one of _id, patient, or -pageContext must be provided"),
        ("Appointment?status=booked", "at least one of _id, patient, practitioner, location, or -pageContext"),
        ("Appointment?patient=1", "at least one of date and -date-or-req-period must be provided"),
        ("Appointment?patient=1&date=ge2020-01-01", "date: must have a time"),
        (f"Appointment?patient=1&location=2&date={EVER}", "patient and location may not be provided together"),
        (f"Appointment?patient=1&patient=2&date={EVER}", "multiple values for query parameter is not supported"),
        ("Coverage", "at least one of _id, patient, or -encounter must be provided"),
        ("Coverage?patient=1&-encounter=2", "patient and -encounter may not be provided together"),
        ("DocumentReference/$docref", "patient must be provided"),
        ("DocumentReference/$docref?patient=1&type=34133-9", "type: must have a system and a code"),
        ("DocumentReference/$docref?patient=1&start=2020-01-01", "start: must have a time"),
        ("DocumentReference/$docref?patient=1&end=le2020-01-01T00:00:00Z", "end: prefix must be eq"),
        ("Binary/$autogen-ccd-if", "patient must be provided"),
    ],
)
def test_a_question_against_the_rules_is_refused_with_its_reason(desk: Desk, path: str, text: str) -> None:
    answer = desk.get(path)
    assert answer.status == 400, answer.body
    assert text in answer.text


def test_appointments_are_found_with_a_date_that_has_a_time(desk: Desk, number: int) -> None:
    everything = found(desk, number, "Appointment")
    assert [one["start"] for one in everything] == sorted(one["start"] for one in everything)
    late = found(desk, number, "Appointment", date="ge2024-01-01T00:00:00Z")
    assert late == [one for one in everything if one["start"] >= "2024"]
    assert 0 < len(late) < len(everything)
    both = {"date": ["ge2023-01-01T00:00:00Z", "lt2024-01-01T00:00:00Z"]}
    assert found(desk, number, "Appointment", **both) == [one for one in everything if one["start"][:4] == "2023"]
    params = {"patient": desk.patient(number), "-date-or-req-period": "ge2024-01-01T00:00:00Z"}
    assert [one for page in desk.pages("Appointment", params) for one in page.resources] == late
    statuses = Counter(one["status"] for one in everything)
    assert len(found(desk, number, "Appointment", status="fulfilled")) == statuses["fulfilled"]
    listed = found(desk, number, "Appointment", status="fulfilled,cancelled")
    assert len(listed) == statuses["fulfilled"] + statuses["cancelled"]


def test_appointments_of_several_patients_come_in_one_row(desk: Desk, number: int) -> None:
    other = number + 1
    both = {"patient": f"{desk.patient(number)},{desk.patient(other)}", "date": EVER}
    listed = [one for page in desk.pages("Appointment", both) for one in page.resources]
    assert [one["start"] for one in listed] == sorted(one["start"] for one in listed)
    apart = [*found(desk, number, "Appointment"), *found(desk, other, "Appointment")]
    assert {one["id"] for one in listed} == {one["id"] for one in apart}


def test_documents_and_reports_come_ten_at_a_time_newest_first(desk: Desk, number: int) -> None:
    for type in ("DocumentReference", "DiagnosticReport"):
        pages = desk.pages(type, {"patient": desk.patient(number)})
        assert [len(page.ids) for page in pages[:-1]] == [10] * (len(pages) - 1)
        assert len(pages) > 1
        told = [one for page in pages for one in true(page.resources)]
        times = [
            str(one.get("date") or one.get("effectiveDateTime") or one["effectivePeriod"]["start"])[:19] for one in told
        ]
        assert times == sorted(times, reverse=True)
        context = query_of(str(pages[0].next))["-pageContext"][0]
        assert zlib.decompress(urlsafe_b64decode(context)).startswith(f"v=2;type={type};".encode())
        assert len(desk.get(type, {"patient": desk.patient(number), "_count": 500}).ids) <= 100


def test_the_next_link_of_appointments_drops_what_was_asked(desk: Desk, number: int) -> None:
    params = {"patient": desk.patient(number), "date": EVER, "status": "fulfilled", "_count": 3}
    pages = desk.pages("Appointment", params)
    assert len(pages) > 1
    asked = query_of(str(pages[0].next))
    assert set(asked) == {"-pageContext", "-pageDirection"}
    assert asked["-pageContext"][0].startswith("H4sI")
    assert gzip.decompress(b64decode(asked["-pageContext"][0])).startswith(b"v=2;type=Appointment;")
    assert {one["status"] for page in pages for one in page.resources} == {"fulfilled"}
    assert all(len(page.ids) <= 3 for page in pages)


def test_documents_are_found_by_type_encounter_and_time(desk: Desk, number: int) -> None:
    everything = found(desk, number, "DocumentReference")
    one = true(everything)[3]
    loinc = next(coding for coding in one["type"]["coding"] if coding["system"] == "http://loinc.org")
    same = [each for each in everything if has_code(each["type"], loinc["code"])]
    assert found(desk, number, "DocumentReference", type=f"http://loinc.org|{loinc['code']}") == same
    visit = one["context"]["encounter"][0]["reference"]
    of_visit = [each for each in everything if each["context"]["encounter"][0]["reference"] == visit]
    assert found(desk, number, "DocumentReference", encounter=visit.partition("/")[2]) == of_visit
    assert found(desk, number, "DocumentReference", category="clinical-note") == everything
    late = [each for each in everything if each["date"] >= "2024"]
    assert found(desk, number, "DocumentReference", date="ge2024-01-01") == late
    period = found(desk, number, "DocumentReference", period=["ge2023-01-01", "lt2024-01-01"])
    assert period == [
        each
        for each in everything
        if each["context"]["period"]["start"] < "2024" and each["context"]["period"]["end"] >= "2023"
    ]
    assert 0 < len(period) < len(everything)


def test_procedures_are_found_by_day_moment_and_range(desk: Desk, number: int) -> None:
    everything = found(desk, number, "Procedure")
    timed = {
        one["id"]: str(one.get("performedPeriod", {}).get("start") or one.get("performedDateTime"))
        for one in everything
        if "_performedDateTime" not in one
    }
    some = sorted(timed.values())[len(timed) // 2]
    on_day = found(desk, number, "Procedure", date=some[:10])
    assert {one["id"] for one in on_day} == {id for id, at in timed.items() if at[:10] == some[:10]}
    late = found(desk, number, "Procedure", date=f"ge{some}")
    assert {one["id"] for one in late} == {id for id, at in timed.items() if at >= some}
    year = found(desk, number, "Procedure", date=["ge2024-01-01T00:00:00Z", "lt2025-01-01T00:00:00Z"])
    assert {one["id"] for one in year} == {id for id, at in timed.items() if at[:4] == "2024"}
    by_subject = desk.get("Procedure", {"subject": f"Patient/{desk.patient(number)}"})
    assert by_subject.resources == everything
    assert by_subject.next is None


# What they say


@pytest.fixture(scope="module")
def everybody(desk: Desk) -> list[Json]:
    """The procedures, documents, appointments and coverages of the first patients."""
    return [one for number in range(40) for type in KINDS for one in desk.payloads(number, type)]


def of(everybody: list[Json], type: str) -> list[Json]:
    return [one for one in everybody if one["resourceType"] == type]


def test_a_procedures_time_is_a_period_a_moment_or_absent(everybody: list[Json]) -> None:
    procedures = true(of(everybody, "Procedure"))
    forms = Counter(next(name for name in one if "performed" in name and name != "performer") for one in procedures)
    assert set(forms) == {"performedPeriod", "performedDateTime", "_performedDateTime"}
    for one in procedures:
        if "_performedDateTime" in one:
            assert one["_performedDateTime"]["extension"][0]["valueCode"] == "unknown"


def test_a_procedure_has_a_selected_standard_code_or_words_alone(desk: Desk) -> None:
    words, coded = [], []
    for number in range(1000):
        chart = desk.sandbox.world.chart(number)
        if any(one.key in ("appendectomy", "hip_replacement", "cholecystectomy") for one in chart.procedures):
            procedures = desk.payloads(number, "Procedure")
            words += [one for one in procedures if "coding" not in one["code"]]
            coded += [one for one in procedures if "coding" in one["code"]]
        if len(words) > 2:
            break
    assert words
    assert all(one["code"]["text"] for one in words)
    for one in coded:
        assert [coding["userSelected"] for coding in one["code"]["coding"]] == [True]
        assert "(" not in one["code"]["text"]


def test_the_reason_of_a_procedure_is_a_condition_of_the_patient(desk: Desk, everybody: list[Json]) -> None:
    reasons = [each for one in of(everybody, "Procedure") for each in one.get("reasonReference", [])]
    assert reasons
    for reason in reasons[:20]:
        condition = desk.get(reason["reference"])
        assert condition.status == 200
        assert condition.json["code"]["text"] == reason["display"]


def test_one_document_has_several_attachments_with_absolute_addresses(desk: Desk, number: int) -> None:
    shapes = set()
    for one in found(desk, number, "DocumentReference"):
        attachments = [each["attachment"] for each in one["content"]]
        shapes.add(tuple(each["contentType"] for each in attachments))
        for each in attachments:
            assert re.fullmatch(rf"{re.escape(desk.root)}/Binary/(XR|XML|TR|R)-{one['id']}", each["url"])
            assert each["title"] == one["type"]["text"]
            assert set(each) == {"contentType", "url", "title", "creation"}
    assert ("application/pdf", "text/plain") in shapes
    assert ("application/pdf", "text/html", "text/rtf") in shapes
    assert ("application/pdf", "text/html") in shapes


def test_a_document_that_was_entered_in_error_says_so_twice_and_is_listed(desk: Desk, everybody: list[Json]) -> None:
    wrong = [one for one in of(everybody, "DocumentReference") if one["status"] == "entered-in-error"]
    assert wrong
    for one in wrong:
        assert one["docStatus"] == "entered-in-error"
        assert desk.get(one["content"][0]["attachment"]["url"], Accept="*/*").status == 200
    assert any(one["status"] == "entered-in-error" for one in of(everybody, "Procedure"))


def test_the_bytes_are_those_of_the_truth_in_each_of_the_five_formats(desk: Desk) -> None:
    checked: set[str] = set()
    for number in range(60):
        for item, told in desk.told(number, "DocumentReference"):
            (document,) = item.records
            if document.mime not in checked and told["status"] == "current":
                raw = desk.get(told["content"][-1]["attachment"]["url"], Accept="*/*")
                assert raw.headers["content-type"] == document.mime
                truth = documents.read(desk.sandbox.world, number, document)
                assert sha256(raw.body).hexdigest() == truth.sha256
                checked.add(document.mime)
    assert checked == {"text/plain", "text/rtf", "text/html", "application/pdf", "application/xml"}


def test_a_binary_is_a_resource_for_fhir_bytes_for_others_and_never_plain_json(desk: Desk, number: int) -> None:
    attachment = next(
        each["attachment"]
        for one in found(desk, number, "DocumentReference")
        for each in one["content"]
        if each["attachment"]["contentType"] == "application/pdf"
    )
    url = attachment["url"]
    resource = desk.get(url)
    assert resource.headers["content-type"] == "application/fhir+json"
    assert set(resource.json) == {"resourceType", "id", "meta", "contentType", "data"}
    assert resource.json["meta"]["lastUpdated"].endswith("+00:00")
    assert resource.x.reply is not None
    assert resource.x.reply.served == (("Binary", resource.json["id"]),)
    for accept in ("application/pdf", "*/*", "text/html"):
        raw = desk.get(url, Accept=accept)
        assert raw.headers["content-type"] == "application/pdf"
        assert raw.body == b64decode(resource.json["data"])
        assert raw.body.startswith(b"%PDF")
    refused = desk.get(url, Accept="application/json")
    assert (refused.status, refused.body) == (406, b"")
    assert desk.get(url, Accept="application/json+fhir").json == resource.json
    unknown = [url.replace("/XR-", "/XML-"), url.replace("/XR-", "/"), f"{url}1", "Binary/XR-1"]
    assert {desk.get(each).status for each in unknown} == {404}


def test_the_bytes_need_the_scope_of_what_leads_to_them(desk: Desk, number: int) -> None:
    url = found(desk, number, "DocumentReference")[0]["content"][0]["attachment"]["url"]
    alone = desk.ask_token("system/Binary.read").json["access_token"]
    refused = desk.get(url, token=alone)
    assert refused.status == 403
    assert b"insufficient-scopes" in refused.body
    for opener in ("DocumentReference", "DiagnosticReport"):
        token = desk.ask_token(f"system/Binary.read system/{opener}.read").json["access_token"]
        assert desk.get(url, token=token).status == 200
    without = desk.ask_token("system/DocumentReference.read").json["access_token"]
    assert desk.get(url, token=without).status == 403


def test_a_summary_is_offered_by_an_operation_and_made_on_demand(desk: Desk, number: int) -> None:
    asked = {"patient": desk.patient(number), "type": "http://loinc.org|34133-9"}
    bundle = desk.get("DocumentReference/$docref", asked)
    (offer,) = bundle.resources
    assert {"meta", "text"}.isdisjoint(offer)
    url = offer["content"][0]["attachment"]["url"]
    assert url == f"{desk.root}/Binary/$autogen-ccd-if?patient={desk.patient(number)}"
    raw = desk.get(url, Accept="application/xml")
    assert raw.headers["content-type"] == "application/xml"
    summary = ElementTree.fromstring(raw.body)
    assert summary.tag == f"{CDA}ClinicalDocument"
    names = [each.text for each in summary.iter(f"{CDA}family")]
    assert desk.sandbox.world.chart(number).person.family in names
    assert b64decode(desk.get(url).json["data"]) == raw.body
    assert desk.get("DocumentReference/$docref", asked | {"type": "http://loinc.org|11506-3"}).entries == []
    assert desk.get("DocumentReference/$docref", {"patient": "12999999999"}).entries == []


def test_a_summary_of_a_time_holds_nothing_from_before(desk: Desk, number: int) -> None:
    asked = {"patient": desk.patient(number), "start": "2025-06-01T00:00:00Z"}
    (offer,) = desk.get("DocumentReference/$docref", asked).resources
    late = desk.get(offer["content"][0]["attachment"]["url"], Accept="application/xml")
    whole = desk.get("Binary/$autogen-ccd-if", {"patient": desk.patient(number)}, Accept="application/xml")
    assert len(late.body) < len(whole.body)
    assert desk.get("Binary/$autogen-ccd-if", asked | {"encounter": "1"}).status == 501


def test_a_report_groups_the_results_of_a_panel(desk: Desk, number: int) -> None:
    chart = desk.sandbox.world.chart(number)
    panels = {
        (one.panel_key, one.effective, one.encounter)
        for one in chart.observations
        if one.category == "laboratory" and one.panel is not None
    }
    reports = [one for one in found(desk, number, "DiagnosticReport") if "result" in one]
    assert len(reports) == len(panels)
    results = [each["reference"] for one in reports for each in one["result"]]
    assert len(set(results)) == len(results)
    for one in reports[:3]:
        members = [desk.get(each["reference"]).json for each in one["result"]]
        assert len(members) > 1
        assert {each["effectiveDateTime"][:19] for each in members} == {one["effectiveDateTime"][:19]}
        code = next(coding for coding in one["code"]["coding"] if coding["system"] == "http://loinc.org")
        alike = found(desk, number, "DiagnosticReport", code=f"http://loinc.org|{code['code']}")
        assert one in alike
        assert all(has_code(each["code"], code["code"]) for each in alike)
    laboratory = found(desk, number, "DiagnosticReport", category="LAB")
    assert [one for one in laboratory if "result" in one] == reports
    assert found(desk, number, "DiagnosticReport", category="CUS") == []


def test_a_report_that_was_written_presents_the_bytes_of_its_document(desk: Desk, number: int) -> None:
    chart = desk.sandbox.world.chart(number)
    written = [one for one in chart.documents if one.key in ("imaging", "lab_report", "pathology")]
    reports = [one for one in found(desk, number, "DiagnosticReport") if "presentedForm" in one]
    true_ones = [one for one in reports if one["status"] != "entered-in-error"]
    assert len(true_ones) == len(written) > 0
    documents = {
        attachment["url"]: one
        for one in found(desk, number, "DocumentReference")
        for attachment in (each["attachment"] for each in one["content"])
    }
    for one in true_ones:
        assert "result" not in one
        assert one["effectivePeriod"]["start"] == one["effectivePeriod"]["end"]
        of_one = [documents[form["url"]] for form in one["presentedForm"]]
        assert [form["url"] for form in one["presentedForm"]] == [
            each["attachment"]["url"] for each in of_one[0]["content"]
        ]
        assert one["code"] == of_one[0]["type"]
        assert one["status"] == of_one[0]["docStatus"]
        assert desk.get(f"DiagnosticReport/{one['id']}").json == one
        assert one in found(desk, number, "DiagnosticReport", category=one["category"][1]["coding"][0]["code"])
    assert desk.get(true_ones[0]["presentedForm"][0]["url"]).status == 200
    assert {one["id"] for one in reports}.isdisjoint(
        one["id"] for one in found(desk, number, "DiagnosticReport") if "result" in one
    )


def test_a_report_says_when_a_result_is_not_final(desk: Desk) -> None:
    seen = Counter(one["status"] for number in range(40) for one in desk.payloads(number, "DiagnosticReport"))
    assert {"final", "amended"} <= set(seen)
    assert seen["final"] > seen["amended"]


def test_an_appointment_names_everybody_and_repeats_its_type(everybody: list[Json]) -> None:
    appointments = of(everybody, "Appointment")
    for one in appointments:
        actors = [part["actor"]["reference"].split("/")[0] for part in one["participant"]]
        assert actors == ["Practitioner", "Patient", "Location"]
        assert "type" not in one["participant"][2]
        assert one["description"] == one["serviceType"][0]["text"]
        assert ("cancelationReason" in one) == (one["status"] == "cancelled")
    comments = {one["comment"] for one in appointments}
    assert any(": " in comment for comment in comments)


def test_the_last_day_of_a_coverage_reads_as_the_day_after(everybody: list[Json], desk: Desk) -> None:
    ended = [one for one in of(everybody, "Coverage") if "end" in one["period"]]
    assert ended
    chicago = ZoneInfo("America/Chicago")
    for one in ended:
        end = datetime.fromisoformat(one["period"]["end"])
        assert one["period"]["end"][10:] in ("T05:59:59.000Z", "T04:59:59.000Z")
        assert end.astimezone(chicago).date() == end.date() - timedelta(days=1)


def test_a_childs_coverage_has_the_member_id_of_the_parent_and_a_number_of_its_own(desk: Desk) -> None:
    child = next(one for one in found(desk, 38, "Coverage") if one["status"] == "active")
    (parent,) = (one for one in found(desk, 39, "Coverage") if one.get("subscriberId") == child["subscriberId"])
    assert child["subscriber"] == {"display": parent["subscriber"]["display"]}
    assert child["beneficiary"] != parent["beneficiary"]
    assert [one.get("dependent", "") for one in (parent, child)] in (["", ""], ["00", "02"], ["01", "03"])


def test_a_coverage_comes_again_for_every_encounter_of_its_time(desk: Desk, number: int) -> None:
    own = found(desk, number, "Coverage")
    assert all("extension" not in one for one in own)
    visit = desk.payloads(number, "Encounter")[-1]["id"]
    listed = desk.get("Coverage", {"-encounter": visit})
    assert listed.json["total"] == len(listed.ids) >= 1
    for one in listed.resources:
        assert one["id"].startswith(f"{visit}-")
        assert one["extension"][0]["valueReference"] == {"reference": f"Encounter/{visit}"}
        assert one["text"]["status"] == "extensions"
        assert one["id"].split("-")[1] in {each["id"].split("-")[1] for each in own}
        assert desk.get(f"Coverage/{one['id']}").json == one
    assert not {one["id"] for one in listed.resources} & {one["id"] for one in own}
    crossed = own[0]["id"].replace("-", "-9", 1)
    assert desk.get(f"Coverage/{crossed}").status == 404
    assert desk.get("Coverage", {"-encounter": "4711"}).entries == []


def test_payers_are_organizations_with_plans_that_have_numbers(desk: Desk, everybody: list[Json]) -> None:
    payers = {one["payor"][0]["reference"]: one["payor"][0]["display"] for one in of(everybody, "Coverage")}
    listed = set(desk.get("Organization").ids)
    for reference, display in payers.items():
        organization = desk.get(reference).json
        assert organization["name"] == display
        assert has_code(organization["type"][0], "ins")
        assert organization["id"] in listed
    plan = of(everybody, "Coverage")[0]["class"][0]
    assert plan["value"].isdigit()
    assert not plan["name"].isdigit()


def test_provenance_stands_behind_the_new_types_too(desk: Desk, number: int) -> None:
    for type, prefix in (
        ("Procedure", "proc-"),
        ("DocumentReference", "doc-"),
        ("DiagnosticReport", "dr-"),
        ("Coverage", "cov-"),
    ):
        answer = desk.get(type, {"patient": desk.patient(number), "_revinclude": "Provenance:target"})
        included = [entry["resource"] for entry in answer.entries if entry["search"]["mode"] == "include"]
        assert included
        assert all(one["id"].startswith(prefix) for one in included)


# What is kept back, and what is bad


def test_withheld_documents_reports_and_summaries_are_withheld_with_their_bytes() -> None:
    desk = Desk()
    number, secret = next(
        (number, one)
        for number in range(300)
        for one in desk.sandbox.world.chart(number).documents
        if "BH" in one.sensitivity
    )
    told = next(one for item, one in desk.told(number, "DocumentReference") if item.records == (secret,))
    url = told["content"][0]["attachment"]["url"]
    whole = desk.get("Binary/$autogen-ccd-if", {"patient": desk.patient(number)}, Accept="application/xml")
    assert desk.get(url).status == 200
    desk.site.settings["withheld_records"] = {"*": ("BH",)}
    assert desk.get(f"DocumentReference/{told['id']}").status == 404
    assert told["id"] not in {one["id"] for one in found(desk, number, "DocumentReference")}
    for accept in ("application/fhir+json", "*/*"):
        assert desk.get(url, Accept=accept).status == 404
    kept = desk.get("Binary/$autogen-ccd-if", {"patient": desk.patient(number)}, Accept="application/xml")
    assert kept.status == whole.status == 200


def test_a_withheld_result_is_missing_from_its_report() -> None:
    desk = Desk()
    world = desk.sandbox.world
    number, report = next(
        (number, one) for number in range(60) for one in desk.payloads(number, "DiagnosticReport") if "result" in one
    )
    secret = report["result"][-1]["reference"]
    item = next(item for item, one in desk.told(number, "Observation") if secret == f"Observation/{one['id']}")
    world.write(replace(item.records[0], sensitivity=("HIV",)), number, "test", desk.sandbox.clock.now())
    assert desk.get(f"DiagnosticReport/{report['id']}").json["result"] == report["result"]
    desk.site.settings["withheld_records"] = {"*": ("HIV",)}
    assert desk.get(f"DiagnosticReport/{report['id']}").json["result"] == report["result"][:-1]
    assert desk.get(secret).status == 404


def test_a_withheld_document_is_missing_among_the_reports_too() -> None:
    desk = Desk()
    world = desk.sandbox.world
    number, secret, report = next(
        (number, item.records[0], one)
        for number in range(60)
        for item, one in desk.told(number, "DiagnosticReport")
        if "presentedForm" in one and one["status"] == "final"
    )
    world.write(replace(secret, sensitivity=("HIV",)), number, "test", desk.sandbox.clock.now())
    assert desk.get(f"DiagnosticReport/{report['id']}").status == 200
    assert report["id"] in {one["id"] for one in found(desk, number, "DiagnosticReport")}
    desk.site.settings["withheld_records"] = {"*": ("HIV",)}
    assert desk.get(f"DiagnosticReport/{report['id']}").status == 404
    assert report["id"] not in {one["id"] for one in found(desk, number, "DiagnosticReport")}


def test_an_app_of_one_patient_sees_nothing_of_another_in_any_new_type(desk: Desk, number: int) -> None:
    other = next(n for n in range(number + 1, 200) if desk.sandbox.world.chart(n).procedures)
    types = (*KINDS, "DiagnosticReport", "Binary", "Slot", "Schedule")
    granted = tuple(f"patient/{type}.rs" for type in types)
    token = desk.site.tokens.issue(
        desk.client().client_id, granted, now=desk.sandbox.clock.now(), lifetime=timedelta(hours=1),
        allows=scopes.compile(granted), sight=sight_of(granted, number, own_only=True),
    ).text  # fmt: skip
    for type in (*KINDS, "DiagnosticReport"):
        for whose, status in ((number, 200), (other, 403)):
            listed = desk.get(type, {"patient": desk.patient(whose)} | NEEDED.get(type, {}))
            mine = desk.get(type, {"patient": desk.patient(whose)} | NEEDED.get(type, {}), token=token)
            assert mine.status == 200
            assert mine.ids == (listed.ids if whose == number else [])
            if listed.ids:
                assert desk.get(f"{type}/{listed.ids[0]}", token=token).status == status, type
    for whose, status in ((number, 200), (other, 403)):
        url = found(desk, whose, "DocumentReference")[0]["content"][0]["attachment"]["url"]
        assert desk.get(url, token=token).status == status
        asked = {"patient": desk.patient(whose)}
        assert len(desk.get("DocumentReference/$docref", asked, token=token).entries) == (whose == number)
        assert desk.get("Binary/$autogen-ccd-if", asked, token=token).status == status
    doctor = found(desk, number, "Appointment")[-1]["participant"][0]["actor"]["reference"]
    shown = desk.get("Appointment", {"practitioner": doctor, "date": "ge2025-06-01T00:00:00Z"}, token=token)
    patients = {one["participant"][1]["actor"]["reference"] for one in shown.resources}
    assert patients <= {f"Patient/{desk.patient(number)}"}


def test_whose_documents_and_summaries_were_seen_stands_in_the_audit(desk: Desk, number: int) -> None:
    url = found(desk, number, "DocumentReference")[0]["content"][0]["attachment"]["url"]
    assert access_of(desk.get(url).x).patients == (number,)
    assert access_of(desk.get("Binary/$autogen-ccd-if", {"patient": desk.patient(number)}).x).patients == (number,)
    coverage = found(desk, number, "Coverage")[0]["id"]
    assert access_of(desk.get(f"Coverage/{coverage}").x).patients == (number,)
    assert VENDOR.owner(desk.site, "Slot", "1-2-3-4") is None


def test_a_document_without_a_usable_status_is_not_found(desk: Desk) -> None:
    desk = Desk()
    bad = desk.payloads(0, "DocumentReference")[0]
    desk.site.settings["poisoned"] = (f"DocumentReference/{bad['id']}",)
    answer = desk.get(f"DocumentReference/{bad['id']}")
    assert (answer.status, answer.text) == (404, "Resource not found")


def test_what_is_written_is_seen_in_every_new_type() -> None:
    desk = Desk()
    world, now = desk.sandbox.world, desk.sandbox.clock.now()
    number = next(n for n in range(50) if world.chart(n).appointments and world.chart(n).procedures)
    chart = world.chart(number)
    world.write(replace(chart.appointments[-1], ordinal=-1, status="booked", text="Something new"), number, "t", now)
    world.write(replace(chart.procedures[-1], status="entered-in-error"), number, "t", now)
    world.write(replace(chart.documents[-1], ordinal=-1, mime="text/plain", body=b"By hand."), number, "t", now)
    world.write(replace(chart.coverages[-1], status="cancelled"), number, "t", now)
    assert "Something new" in {one["comment"] for one in found(desk, number, "Appointment")}
    wrong = [one for one in found(desk, number, "Procedure") if one["status"] == "entered-in-error"]
    assert any(one["meta"]["lastUpdated"] == "2026-01-05T12:00:00Z" for one in wrong)
    bare = [one for one in found(desk, number, "DocumentReference") if len(one["content"]) == 1]
    texts = [desk.get(one["content"][0]["attachment"]["url"], Accept="text/plain").body for one in bare]
    assert b"By hand." in texts
    assert found(desk, number, "Coverage")[-1]["status"] == "cancelled"
