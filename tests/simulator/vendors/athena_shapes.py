"""Shape comparison: which paths of athena's recorded answers do ours have as well?

    recorded answer ─▶ {(appointments.starttime, string), …} ─┐
    the same call, of some patients ─▶ the same of ours ──────┴─▶ share, missing paths

Answers of 2016 are compared with a practice that speaks as then (`type_profile` legacy).

    python -m tests.simulator.vendors.athena_shapes      lists shares and missing paths
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.simulator.vendors.athena_client import FORM, Athena
from tests.simulator.vendors.epic_shapes import Shape, shapes, table

Json = Any
SAMPLES = Path(os.environ.get("EMR_SHARED", Path(__file__).parents[4] / "shared")) / "samples" / "athena"
PATIENTS = 30
_ROW = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True)
class Case:
    """One recording: its file, what of it is the answer, and how we come to ours. `legacy`: recorded in 2016."""

    file: str
    ours: Callable[[Athena], Iterator[Json]]
    take: Callable[[Json], Json] = lambda recording: _bodies(recording)
    legacy: bool = True


def _bodies(recording: Json) -> Json:
    """The bodies of the interactions with athenaOne that a file holds."""
    if "interactions" not in recording:
        return recording.get("body_json", recording)
    return [one["response"]["body_json"] for one in recording["interactions"] if "body_json" in one["response"]]


def _rows(recording: Json) -> Json:
    """The rows of a list that was cut off in the middle."""
    rows = _ROW.findall(recording["interactions"][0]["response"]["body_text"])
    return {"totalcount": 1, "appointments": [json.loads(row) for row in rows]}


def _of_patients(path: str, **asked: Any) -> Callable[[Athena], Iterator[Json]]:
    """The answers of one call for some patients; `{}` stands for the patient's id."""

    def ours(athena: Athena) -> Iterator[Json]:
        for number in range(PATIENTS):
            department = athena.sandbox.world.chart(number).person.facility + 1
            yield athena.rest(path.format(athena.patientid(number)), departmentid=department, **asked).json

    return ours


def _once(path: str, **asked: Any) -> Callable[[Athena], Iterator[Json]]:
    def ours(athena: Athena) -> Iterator[Json]:
        yield athena.rest(path, **asked).json

    return ours


def _open(athena: Athena) -> Iterator[Json]:
    yield athena.rest("/appointments/open", departmentid=1, providerid=1, reasonid=841, limit=20).json


def _booked(athena: Athena) -> Iterator[Json]:
    yield _book(athena, 5)


def _book(athena: Athena, number: int) -> Json:
    (slot, *_) = athena.rest("/appointments/open", departmentid=1, providerid=1, reasonid=841).json["appointments"]
    asked = urlencode({"patientid": athena.patientid(number), "reasonid": 841}).encode()
    headers = {**athena.bearer(), "content-type": FORM}
    return athena.call("PUT", f"/v1/195900/appointments/{slot['appointmentid']}", headers=headers, body=asked).json


def _changed(athena: Athena) -> Iterator[Json]:
    """The rows of booked appointments and of open slots, whose mixture the feed of changes is."""
    _book(athena, 5)
    whole = {"startdate": "01/01/1900", "enddate": "12/31/2199", "patientid": athena.patientid(5)}
    yield athena.rest("/appointments/booked", **whole).json


def _slot(athena: Athena) -> Iterator[Json]:
    day = {"appointmentdate": "01/13/2026", "appointmenttime": "08:00", "providerid": 1, "departmentid": 1}
    made = athena.post_form("/appointments/open", reasonid=841, **day).json["appointmentids"]
    yield {"appointmentids": {"702724": next(iter(made.values()))}}  # the number is a key


def _labresult(athena: Athena) -> Iterator[Json]:
    for number in range(PATIENTS):
        for one in athena.chart(number, "labresults").json["results"][:4]:
            path = f"/patients/{athena.patientid(number)}/documents/labresult/{one['labresultid']}"
            yield athena.rest(path).json


def _filed(athena: Athena) -> Iterator[Json]:
    yield athena.post_form(
        f"/patients/{athena.patientid(5)}/documents/encounterdocument",
        departmentid=athena.sandbox.world.chart(5).person.facility + 1,
        documentsubclass="ENCOUNTERDOCUMENT_PATIENTHISTORY",
        attachmentcontents=b64encode(b"%PDF-1.4").decode(),
    ).json


def _created(athena: Athena) -> Iterator[Json]:
    asked = {
        "firstname": "Ada",
        "lastname": "Quill",
        "dob": "03/30/1992",
        "departmentid": 1,
        "zip": "02139",
        "sex": "F",
    }
    yield athena.post_form("/patients", **asked).json


def _statement(athena: Athena) -> Iterator[Json]:
    yield athena.call("GET", "/fhir/r4/metadata").json


def _refused(athena: Athena) -> Iterator[Json]:
    yield athena.fhir("Patient", _id="60178").json


CASES: Mapping[str, Case] = {
    "appointments open": Case("appointments_open_2016.json", _open, _rows),
    "appointment booked": Case("appointment_book_ok_2016.json", _booked),
    "appointments changed": Case("appointments_changed_2019_excerpt.json", _changed, legacy=False),
    "slot opened": Case("create_slot_object_keyed_by_id.json", _slot),
    "encounter document filed": Case("encounterdocument_create_2023_headers.json", _filed, legacy=False),
    "lab result document": Case("labresult_document_2016.json", _labresult),
    "lab results": Case("labresults_2019_excerpt.json", _of_patients("/chart/{}/labresults"), legacy=False),
    "allergies": Case("allergies_2016.json", _of_patients("/chart/{}/allergies")),
    "medications": Case("medications_list_of_lists_2016.json", _of_patients("/chart/{}/medications")),
    "patient": Case("patient_get_2016_strings.json", _of_patients("/patients/{}")),
    "patients": Case("patients_list_paging_2016.json", _once("/patients", departmentid=1, limit=50)),
    "patient created": Case("patients_create_ok.json", _created),
    "missing fields": Case(
        "error_400_missingfields.json", lambda athena: iter([athena.post_form("/patients", departmentid=1).json])
    ),
    "FHIR refusal": Case("fhir_error_400_business_rule.json", _refused, legacy=False),
    "CapabilityStatement": Case("fhir_capabilitystatement.json", _statement, legacy=False),
}
"""Name → what was recorded, and the same call here. Recordings of calls that are not simulated (claims, subscriptions,
summaries as HTML, chart sharing groups, questionnaires) are not listed."""


_SPEECH: Mapping[bool, dict[str, Any]] = {True: {"type_profile": "legacy"}, False: {}}


def compared(*names: str) -> dict[str, tuple[set[Shape], set[Shape]]]:
    """Of each case (the path, the JSON type): what was recorded, and what of it ours lack."""
    found = {}
    practices = {legacy: Athena(patients=400, settings=_SPEECH[legacy]) for legacy in (True, False)}
    for name in names or CASES:
        case = CASES[name]
        wanted = set(_shapes(case.take(json.loads((SAMPLES / case.file).read_text("utf-8")))))
        left = set(wanted)
        for body in case.ours(practices[case.legacy]):
            left -= set(_shapes(body))
            if not left:
                break
        found[name] = wanted, left
    return found


def _shapes(value: Json) -> Iterator[Shape]:
    return (Shape(one.path, one.kind) for one in shapes(value))


def main() -> None:
    """Prints the table."""
    found = compared()
    print(table({name: both[0] for name, both in found.items()}, {name: both[1] for name, both in found.items()}))


if __name__ == "__main__":
    main()
