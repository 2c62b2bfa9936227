"""Group: who is on a practitioner's panel. Such a cohort is what a site exports in bulk.

A site hands out the ids of its groups; no search leads to them.

Source: SOURCES.md, "Resources" (CS: read, and searched by `_id`; which cohorts there are, and the form: guess).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, usual

if TYPE_CHECKING:
    from simulator.sandbox import Site

_REGISTRY = dialect.local("2.777777")  # guess


def group_id(site: Site, practitioner: int) -> str:
    """The id of the panel of a practitioner."""
    return ids.fhir_id(site.key, "Group", practitioner)


def members(site: Site, practitioner: int) -> tuple[int, ...] | None:
    """The numbers of the patients on the panel of a practitioner, in order; None when there is no such practitioner."""
    population = site.sandbox.world.population
    if not 0 <= practitioner < population.practitioners:
        return None
    return tuple(sorted(set(population.panel(practitioner))))


def payload(site: Site, index: int) -> Json | None:
    """The panel of the practitioner of that index; None when there is none."""
    found = members(site, index)
    if found is None:
        return None
    who = dialect.practitioner_reference(site, index)
    return {
        "resourceType": "Group",
        "id": group_id(site, index),
        "identifier": [usual(_REGISTRY, str(1_000 + index))],
        "active": True,
        "type": "person",
        "actual": True,
        "name": f"Patients of {who['display']}",
        "quantity": len(found),
        "managingEntity": who,
        "member": [{"entity": {"reference": f"Patient/{ids.fhir_id(site.key, 'Patient', one)}"}} for one in found],
    }
