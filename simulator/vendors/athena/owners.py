"""Whose a resource is that was sent: the patient behind an id, without a look into a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.vendors.athena import ids, schedule
from simulator.vendors.athena.fhir.shelf import CHART_TYPES

if TYPE_CHECKING:
    from simulator.sandbox import Site

_REST_KINDS = {
    "encounter": "encounter",
    "problem": "problem",
    "diagnosis": "problem",
    "procedure": "procedure",
    "document": "document",
    "insurance": "coverage",
}
"""The entities of the REST API whose ids are numbers of chart items, and the kind of item."""


def owner(site: Site, type: str, id: str) -> int | None:
    """The number of the patient whose it is; None for what is nobody's."""
    if type in ("patient", "Patient"):
        return ids.patient_of(site, id)
    parsed = ids.parse_fhir_id(id)
    found = _of_rest(site, type, id) if parsed is None else _of_fhir(site, type, parsed[2])
    return found if found >= 0 and site.sandbox.world.person(found) is not None else None


def _of_fhir(site: Site, type: str, value: int) -> int:
    if type == "Binary":
        return ids.item_of(site, "document", value)[0]
    return CHART_TYPES[type].find(site, value)[0] if type in CHART_TYPES else -1


def _of_rest(site: Site, type: str, id: str) -> int:
    value = ids.whole_number(id)
    if value is None:
        return -1
    if type == "appointment":
        return schedule.booked(site, value)[0]
    return ids.item_of(site, _REST_KINDS[type], value)[0] if type in _REST_KINDS else -1
