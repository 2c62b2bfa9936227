"""Parameters that are declared without a word of documentation: they look at what was found, or count for nothing.

Since May 2024 they filter afterwards, say Epic's pages; at older sites (setting `refinements`: "ignored") only those of
Encounter that are known to filter do. `MedicationRequest.code` filters nowhere, for drugs are told by reference (E5).

Source: SOURCES.md, "Search" (SPEC: that they filter; DIBBS: where they did not; which element each looks at: guess).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from simulator.vendors.epic import told_filters
from simulator.vendors.epic.dialect import Json
from simulator.vendors.epic.params import COMMON, PARAMS, element_of
from simulator.vendors.epic.query import Query

if TYPE_CHECKING:
    from simulator.sandbox import Site

APPLIED, IGNORED = "applied", "ignored"
_ELEMENTS: dict[str, dict[str, str]] = {
    "AllergyIntolerance": {"date": "recordedDate", "manifestation": "reaction.manifestation",
                           "onset": "onsetDateTime", "severity": "reaction.severity"},
    "Appointment": {"actor": "participant.actor", "location": "participant.actor",
                    "part-status": "participant.status", "practitioner": "participant.actor"},
    "CarePlan": {"date": "period"},
    "CareTeam": {"date": "period", "participant": "participant.member"},
    "Condition": {"evidence": "evidence.code", "evidence-detail": "evidence.detail", "stage": "stage.summary"},
    "Coverage": {"class-type": "class.type", "class-value": "class.value"},
    "DiagnosticReport": {"media": "media.link"},
    "DocumentReference": {
        "contenttype": "content.attachment.contentType", "event": "context.event", "facility": "context.facilityType",
        "format": "content.format", "language": "content.attachment.language", "related": "context.related",
        "relatesto": "relatesTo.target", "relation": "relatesTo.code", "setting": "context.practiceSetting",
    },
    "Encounter": {"location": "location.location", "participant": "participant.individual",
                  "participant-type": "participant.type", "practitioner": "participant.individual",
                  "special-arrangement": "hospitalization.specialArrangement"},
    "Goal": {"target-date": "target.dueDate"},
    "Immunization": {"performer": "performer.actor", "reaction": "reaction.detail", "reaction-date": "reaction.date",
                     "series": "protocolApplied.series", "target-disease": "protocolApplied.targetDisease"},
    "MedicationRequest": {"authoredon": "authoredOn", "intended-dispenser": "dispenseRequest.performer",
                          "intended-performer": "performer", "intended-performertype": "performerType",
                          "medication": "medicationReference"},
    "Observation": {
        "combo-code": "code component.code", "combo-data-absent-reason": "dataAbsentReason component.dataAbsentReason",
        "combo-value-concept": "valueCodeableConcept component.valueCodeableConcept",
        "component-code": "component.code", "component-data-absent-reason": "component.dataAbsentReason",
        "component-value-concept": "component.valueCodeableConcept", "value-concept": "valueCodeableConcept",
        "value-date": "valueDateTime", "value-string": "valueString",
    },
    "Patient": {
        "address-country": "address.country", "address-use": "address.use", "death-date": "deceasedDateTime",
        "email": "telecom", "language": "communication.language", "link": "link.other",
        "organization": "managingOrganization", "phone": "telecom",
    },
    "Practitioner": {"address-country": "address.country", "address-use": "address.use", "email": "telecom",
                     "phone": "telecom"},
    "Procedure": {"performer": "performer.actor"},
    "ServiceRequest": {"occurrence": "occurrenceDateTime", "requisition": "requisition"},
}  # fmt: skip
"""Where a parameter looks that has not the name of its element; several places behind blanks."""
_NOWHERE = {
    "DocumentReference": frozenset({"_lastupdated"}),
    "MedicationRequest": frozenset({"code"}),
    "Patient": frozenset({"phonetic"}),
    "Practitioner": frozenset({"phonetic"}),
}
"""Parameters that change nothing."""
_BY_HAND = {"Encounter": frozenset({"diagnosis", "reason-code", "status"})}
"""Those that filter at every site: see `filters`."""


def tests(site: Site, query: Query) -> list[Callable[[Json], bool]]:
    """What a resource that was found must pass besides.

    Raises:
        Refusal: malformed with issues: a value is not taken.
    """
    if site.settings["refinements"] == IGNORED:
        return []
    return list(_tests(site, query))


def _tests(site: Site, query: Query) -> Iterator[Callable[[Json], bool]]:
    type = query.type
    if all(one.name in PARAMS[type].first or one.name in COMMON for one in query.params):
        return
    passed_over = _NOWHERE.get(type, frozenset()) | _BY_HAND.get(type, frozenset())
    named = _ELEMENTS.get(type, {})
    for name, kind in PARAMS[type].later.items():
        if name not in passed_over and query.has(name):
            yield from told_filters.looks(site, query, name, kind, named.get(name, element_of(name)).split())
