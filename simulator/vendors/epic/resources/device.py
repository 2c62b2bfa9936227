"""Device: the joint prostheses that operations left behind. What was implanted exactly nobody wrote down: no UDI.

Source: SOURCES.md, "Resources" (CS: what can be asked; the form: US Core, guess).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.fhir import build
from simulator.population.records import Procedure
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling, usual
from simulator.vendors.epic.resources import told
from simulator.vendors.epic.resources.told import Item

_IMPLANT = dialect.local("2.726673")  # guess
_PROSTHESES = {"knee_replacement": "Knee joint prosthesis", "hip_replacement": "Hip joint prosthesis"}


def _items(t: Telling) -> Iterator[Item]:
    done = (one for one in reversed(t.chart.procedures) if one.status == "completed")
    return ((one,) for one in done if one.key in _PROSTHESES)


def _payload(t: Telling, item: Item) -> Json:
    one = item[0]
    assert isinstance(one, Procedure)
    name = _PROSTHESES[one.key]
    return {
        "identifier": [usual(_IMPLANT, dialect.number(t.draw("implant", one.ordinal), 6))],
        "status": "active",
        "deviceName": [{"name": name.upper(), "type": "user-friendly-name"}],
        "type": {"text": name},
        "patient": t.subject,
        "owner": dialect.organization_reference(t.site),
        "note": [{"text": f"Implanted {build.day(t.day(one.start, one.encounter))}"}],
    }


TOLD = told.resting("Device", _items, _payload)
