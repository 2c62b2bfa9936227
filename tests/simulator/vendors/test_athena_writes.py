"""What somebody writes at athena is one truth: the reference reads the patient at every room, and nothing is wrong,
missing or there twice.

    athena: book, cancel, put off, check in, insure, file ─▶ ledger ─▶ world ─▶ epic, cerner, athena ─▶ reference
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from simulator.server import Server
from simulator.settings import Settings
from tests.simulator.vendors.athena_client import Athena
from tests.simulator.vendors.test_athena_kinds import open_slots, put
from tests.test_one_truth import VENDORS, wrong


@pytest.fixture(scope="module")
def server() -> Server:
    return Server(Settings())


@pytest.fixture
def desk(server: Server) -> Iterator[Athena]:
    """A desk of athena in a sandbox of all vendors."""
    sandbox = server.sandboxes.create(seed=7, patients=40)
    sandbox.clock.freeze()
    for site in sandbox.sites.values():
        site.limits.off()
    desk = Athena(patients=40)
    desk.sandbox, desk.site, desk.clock = sandbox, sandbox.sites["athena"], sandbox.clock
    yield desk
    server.sandboxes.drop(sandbox.id)


@pytest.fixture
def number(desk: Athena) -> int:
    """Of some patients with appointments, insurance and documents the one of whom there is least to be read."""
    charts = [desk.sandbox.world.chart(number) for number in range(8)]
    fit = [one for one in charts if one.appointments and one.coverages and one.documents]
    return min(fit, key=lambda one: len(one.observations)).person.number


def amiss(server: Server, desk: Athena, number: int) -> list[str]:
    """What any room tells wrongly of the patient."""
    return [f"{id}: {line}" for id in VENDORS for line in wrong(server, desk.sandbox.sites[id], number)]


@pytest.mark.slow
def test_appointments(server: Server, desk: Athena, number: int) -> None:
    patient = desk.patientid(number)
    slots = [one["appointmentid"] for one in open_slots(desk)]
    kept, called_off, put_off = slots[0], slots[9], slots[20]
    for id in (kept, called_off, put_off):
        assert put(desk, f"/appointments/{id}", patientid=patient, appointmenttypeid=2).status == 200
    assert put(desk, f"/appointments/{called_off}/cancel", patientid=patient).status == 200
    moved = put(desk, f"/appointments/{put_off}/reschedule", patientid=patient, newappointmentid=slots[25])
    assert moved.status == 200
    assert amiss(server, desk, number) == []
    assert desk.post_form(f"/appointments/{kept}/checkin").status == 200
    assert amiss(server, desk, number) == []
    desk.clock.advance(timedelta(minutes=15))
    assert desk.post_form(f"/appointments/{kept}/checkout").status == 200
    assert amiss(server, desk, number) == []


def test_insurances(server: Server, desk: Athena, number: int) -> None:
    path = f"/patients/{desk.patientid(number)}/insurances"
    packages = desk.rest("/misc/topinsurancepackages").json["insurancepackages"]
    package = next(one["insurancepackageid"] for one in packages if one["name"].startswith("SILVER SHIELD"))
    asked = {"insurancepackageid": package, "sequencenumber": 3, "insuranceidnumber": "SSG123456789"}
    (told,) = desk.post_form(path, **asked).json
    assert amiss(server, desk, number) == []
    ended = desk.call("DELETE", f"/v1/195900{path}/{told['insuranceid']}", headers=desk.bearer())
    assert ended.json == {"success": True}
    assert amiss(server, desk, number) == []


@pytest.mark.parametrize("data", [b"%PDF-1.4 a scan", "Übelkeit seit Montag".encode()])
def test_documents(server: Server, desk: Athena, number: int, data: bytes) -> None:
    asked: dict[str, Any] = {"departmentid": desk.sandbox.world.chart(number).person.facility + 1}
    asked |= {"documentsubclass": "CLINICALDOCUMENT_CONSULTNOTE", "attachmentcontents": b64encode(data).decode()}
    path = f"/patients/{desk.patientid(number)}/documents/clinicaldocument"
    assert desk.post_form(path, **asked).json["success"] is True
    assert amiss(server, desk, number) == []
