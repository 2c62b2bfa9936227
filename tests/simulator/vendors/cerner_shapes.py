"""Shape comparison: which paths of Cerner's recorded answers do ours have as well?

    recorded answer ─▶ {(Procedure.code.coding.system, string, "http://snomed.info/sct"), …} ─┐
    some patients ───▶ the same of whatever this room tells of that type ─────────────────────┴─▶ share, missing paths

Code sets of a tenant are compared without the tenant, addresses of single things not at all.

    python -m tests.simulator.vendors.cerner_shapes      lists shares and missing paths
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator.fhir.build import dumps
from simulator.vendors.cerner.ids import tenant_of
from simulator.vendors.cerner.resources import TELLINGS
from tests.simulator.vendors.cerner_desk import Desk
from tests.simulator.vendors.epic_shapes import Shape, shapes, table

Json = Any
SAMPLES = Path(os.environ.get("EMR_SHARED", Path(__file__).parents[4] / "shared")) / "samples" / "cerner"
PATIENTS = 60
EACH = 200  # resources of one type of one patient, at most
TENANT = "ec2458f2-1e24-41c8-b71b-0e701af7583d"
_ADDRESS = re.compile(r"https?://.*/Binary/|https?://[^/]+/(cerner/)?(r4|tenants)/(?!Struct|Operation)|Binary/")
_NO_ANSWERS = re.compile(r"_|.*-request|dstu2|bulk|smart|token|patient-health-cards")
_FROM_ELSEWHERE = frozenset({"CarePlan", "CareTeam", "Device", "Goal", "MedicationAdministration"})
"""Types that the truth does not hold: 501."""


def of(value: Json, tenant: str) -> Iterator[Shape]:
    """Every path of a body; of addresses without the value, of code sets without the tenant."""
    for one in shapes(value):
        told = one.value
        if told is not None:
            told = None if _ADDRESS.match(told) else told.replace(tenant, "{tenant}")
        yield one._replace(value=told)


def recorded(folder: Path = SAMPLES) -> dict[str, set[Shape]]:
    """Type → paths. Entries count for their own type, the frame around them as Bundle."""
    found: dict[str, set[Shape]] = {}
    for file in sorted(folder.glob("*.json")):
        if not _NO_ANSWERS.match(file.stem):
            for type, body in _parts(json.loads(file.read_text("utf-8"))):
                found.setdefault(type, set()).update(of(body, TENANT))
    return {type: paths for type, paths in found.items() if type not in _FROM_ELSEWHERE}


def ours(desk: Desk, patients: int = PATIENTS) -> dict[str, set[Shape]]:
    """The same of what the room tells."""
    tenant, found = tenant_of(desk.site), dict[str, set[Shape]]()
    for number in range(patients):
        chart = desk.sandbox.world.chart(number)
        for type, telling in TELLINGS.items():
            for item in telling.items(desk.site, chart)[:EACH]:
                body = json.loads(dumps(telling.render(desk.site, chart, item).payload))
                found.setdefault(type, set()).update(of(body, tenant))
    for answer in _asked(desk):
        for type, body in _parts(answer):
            found.setdefault(type, set()).update(of(body, tenant))
    return found


def _asked(desk: Desk) -> Iterator[Json]:
    """What no chart holds: searches with their frames, staff, bytes, refusals, the statement."""
    patient = desk.patient(0)
    yield desk.get("metadata").json
    yield desk.get("Encounter", {"patient": patient}).json
    yield desk.get("Immunization", {"patient": patient}).json
    yield desk.get("AllergyIntolerance", {"patient": patient, "_revinclude": "Provenance:target"}).json
    yield desk.get("Organization").json
    yield desk.get("Location", {"address-state": desk.sandbox.world.population.facilities[0].address.state}).json
    yield desk.get("Practitioner", {"active": "true"}).json
    yield desk.get("Patient", {"unheard-of": "1"}).json
    week = {"start": ["ge2026-01-05T12:00:00Z", "lt2026-01-12T00:00:00Z"], "_count": 5}
    slots = desk.get("Slot", {"service-type": "408443003", "_include": "Slot:schedule", **week}).json
    yield slots
    document = desk.get("DocumentReference", {"patient": patient, "_count": 1}).resources[0]
    yield desk.get(document["content"][0]["attachment"]["url"]).json
    yield desk.get("DocumentReference/$docref", {"patient": patient}).json
    combined, _ = desk.combined()
    yield desk.get(f"Patient/{desk.patient(combined)}").json


def _parts(body: Json) -> Iterator[tuple[str, Json]]:
    """The resources of an answer by type; a Bundle also as its frame, without what its entries hold."""
    body = body.get("body", body)
    if body.get("resourceType") != "Bundle":
        yield body.get("resourceType", ""), body
        return
    frame = [{name: value for name, value in entry.items() if name != "resource"} for entry in body.get("entry", [])]
    yield "Bundle", {**body, "entry": frame}
    for entry in body.get("entry", []):
        yield from _parts(entry["resource"])


def compared(desk: Desk, patients: int = PATIENTS) -> tuple[dict[str, set[Shape]], dict[str, set[Shape]]]:
    """The recorded paths of each type, and those of them that ours lack."""
    wanted, told = recorded(), ours(desk, patients)
    return wanted, {type: paths - told.get(type, set()) for type, paths in wanted.items()}


if __name__ == "__main__":
    print(table(*compared(Desk())))
