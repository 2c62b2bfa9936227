"""The ids that Epic gives a patient, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.vendors.epic import ids
from simulator.vendors.epic.resources.identifiers import mrn_of, number_of_mrn

if TYPE_CHECKING:
    from simulator.sandbox import Site


def patient_ids(site: Site, number: int) -> dict[str, str]:
    """`fhir_id`, and `mrn` (EPI) unless the patient was created through an API."""
    mrn = mrn_of(site, number)
    return {"fhir_id": ids.fhir_id(site.key, "Patient", number)} | ({"mrn": mrn} if mrn else {})


def patient_of(site: Site, text: str) -> int | None:
    """The number of the patient who has this FHIR id or EPI number, or None; of one who was merged that of the
    survivor."""
    named = ids.named(site.key, text)
    if named is None or named.type != "Patient":
        return number_of_mrn(site, text)
    survivor = survivor_of(site, text)
    if survivor is not None:
        return survivor
    return named.number if site.sandbox.world.person(named.number) is not None else None


def survivor_of(site: Site, id: str) -> int | None:
    """The patient into whom the one with this FHIR id was merged, or None."""
    named = ids.named(site.key, id)
    if named is None or named.type != "Patient" or named.ordinal:
        return None
    return site.sandbox.world.survivor(named.number)
