"""Whose a resource is that was sent: the patient behind an id, without a look into a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.vendors.athena import ids
from simulator.vendors.athena.fhir.shelf import CHART_TYPES

if TYPE_CHECKING:
    from simulator.sandbox import Site

_REST_KINDS = {"encounter": "encounter", "problem": "problem", "diagnosis": "problem"}
"""The entities of the REST API that are served where the path names no patient, and the kind of their ids."""


def owner(site: Site, type: str, id: str) -> int | None:
    """The number of the patient whose it is; None for what is nobody's."""
    if type in ("patient", "Patient"):
        return ids.patient_of(site, id)
    parsed = ids.parse_fhir_id(id)
    how = CHART_TYPES.get(type)
    if parsed is not None and how is not None:
        kind, value = how.item, parsed[2]
    elif parsed is None and type in _REST_KINDS and (number := ids.whole_number(id)) is not None:
        kind, value = _REST_KINDS[type], number
    else:
        return None
    found = ids.item_of(site, kind, value)[0]
    return found if found >= 0 and site.sandbox.world.person(found) is not None else None
