"""Provenance: who wrote a resource down, and which organization hands it out.

It is read by id, and put beside the results of a search by `_revinclude`; there is no search for it.

Source: SOURCES.md, "Resources" (CS: read only, US Core; the form: guess).
"""

from __future__ import annotations

from simulator.fhir import build
from simulator.population.records import Person
from simulator.vendors.epic import dialect, filed, ids
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.ids import Named
from simulator.vendors.epic.resources.told import Item

_AUTHOR = dialect.told("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author", "Author")
_TRANSMITTER = dialect.told(
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type", "transmitter", "Transmitter"
)


def payload(t: Telling, target: Named, item: Item) -> Json:
    """The Provenance of `target`, which tells the records of `item`: whoever wrote the first of them down, or the
    organization where nobody is known."""
    organization = dialect.organization_reference(t.site)
    who = _who(t, item)
    author: Json = {"type": _AUTHOR, "who": organization if who is None else who}
    if who is not None:
        author["onBehalfOf"] = organization
    state = (t.chart.state(item[0]) if item else None) or t.world.person_state(t.number)
    return {
        "resourceType": "Provenance",
        "id": ids.provenance_id(t.key, target),
        "target": [{"reference": f"{target.type}/{t.id(target.type, target.ordinal, target.frame)}"}],
        "recorded": build.instant(state.updated),
        "agent": [author, {"type": _TRANSMITTER, "who": organization}],
    }


def _who(t: Telling, item: Item) -> Json | None:
    """Who wrote it down: a practitioner, or the interface. A patient's own data are nobody's note, although they name a
    practitioner."""
    if not item or isinstance(item[0], Person):
        return None
    if filed.is_by_interface(t, item[0]):
        return dialect.interface_user(t.site)
    index: int | None = getattr(item[0], "practitioner", None)
    return None if index is None else t.practitioner(index)
