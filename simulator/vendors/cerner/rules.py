"""How each type may be asked: parameters, combinations, forms, page sizes. Millennium is strict: one subject,
prescribed date prefixes, each parameter at most so often, and refuses the rest with 400."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

_ORDERED = ("ge", "gt", "le", "lt")


@dataclass(frozen=True, slots=True)
class Param:
    """One search parameter of one type.

    kind          its FHIR type, as the CapabilityStatement tells it
    prefixes      date prefixes that are accepted; `eq` stands for none as well
    time          whether a date must have a time ("must"), must not ("never"), must when twice ("range"), or may
    closed        the two prefixes with which it must come twice, as a range
    times         how often it may come
    many          whether a comma list is accepted
    only_with     a parameter without which it is refused
    served        False: Millennium has it, we do not
    """

    name: str
    kind: str
    prefixes: tuple[str, ...] = ()
    time: str = "may"
    closed: tuple[str, ...] = ()
    times: int = 1
    many: bool = False
    only_with: str = ""
    served: bool = True


@dataclass(frozen=True, slots=True)
class Rules:
    """How one type is searched.

    one_of     at least one of these must be there; the refusal names them in this order
    apart      pairs that exclude each other
    needs      which parameters need one of which others
    page_size  entries of a page when the caller says nothing; 0: never paged
    max_size   the largest page
    includes   what `_include` may ask for
    """

    type: str
    one_of: tuple[str, ...]
    params: tuple[Param, ...]
    apart: tuple[tuple[str, str], ...] = ()
    needs: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    page_size: int = 0
    max_size: int = 0
    includes: tuple[str, ...] = ()
    by_name: Mapping[str, Param] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {param.name: param for param in self.params})


def _id(many: bool = True) -> Param:
    return Param("_id", "token", many=many)


_PATIENT, _SUBJECT = Param("patient", "reference"), Param("subject", "reference")
_COUNT = Param("_count", "number")
_ENCOUNTER = Param("encounter", "reference", many=True)
_PLACE = ("address-state", "address-postalcode")
_UPDATED = Param("_lastUpdated", "date", ("eq", *_ORDERED), times=2)
_START = Param("date", "date", ("eq", *_ORDERED), time="must", times=2)

RULES: dict[str, Rules] = {
    one.type: one
    for one in (
        Rules(
            "Patient",
            ("_id", "identifier", "name", "family", "given", "birthdate", "phone", "email", "address-postalcode"),
            (
                _id(),
                Param("identifier", "token"),
                Param("name", "string"),
                Param("family", "string"),
                Param("given", "string"),
                Param("address-postalcode", "string"),
                Param("birthdate", "date", ("eq", *_ORDERED), time="never", times=2),
                Param("phone", "token"),
                Param("email", "token"),
                Param("gender", "token"),
                _COUNT,
            ),
            apart=(("name", "family"), ("name", "given")),
            page_size=20,
            max_size=1000,
        ),
        Rules(
            "Encounter",
            ("_id", "patient", "subject", "account", "identifier"),
            (
                _id(),
                _PATIENT,
                _SUBJECT,
                Param("identifier", "token"),
                Param("account", "reference", served=False),
                Param("status", "token", many=True, only_with="patient"),
                Param("date", "date", _ORDERED, times=2),
                Param("_lastUpdated", "date", ("eq", *_ORDERED), times=2),
                Param("_count", "number", only_with="patient"),
            ),
            page_size=10,
            max_size=100,
        ),
        Rules(
            "Condition",
            ("_id", "patient", "subject"),
            (
                _id(),
                _PATIENT,
                _SUBJECT,
                Param("category", "token", many=True),
                Param("clinical-status", "token", many=True),
                Param("encounter", "reference"),
                _UPDATED,
            ),
        ),
        Rules(
            "AllergyIntolerance",
            ("_id", "patient"),
            (_id(), _PATIENT, Param("clinical-status", "token", many=True), _UPDATED),
        ),
        Rules(
            "MedicationRequest",
            ("_id", "patient"),
            (
                _id(),
                _PATIENT,
                Param("intent", "token", many=True),
                Param("status", "token", many=True),
                Param("_lastUpdated", "date", ("ge", "le"), time="must", times=2),
                Param("-timing-boundsPeriod", "date", ("ge",), time="must"),
                _COUNT,
            ),
            page_size=25,
            max_size=100,
        ),
        Rules(
            "Observation",
            ("_id", "patient", "subject"),
            (
                _id(),
                _PATIENT,
                _SUBJECT,
                Param("category", "token", many=True),
                Param("code", "token", many=True),
                Param("date", "date", ("eq", *_ORDERED), times=2),
                _UPDATED,
                _COUNT,
            ),
            apart=(("date", "_lastUpdated"),),
            page_size=50,
            max_size=200,
        ),
        Rules(
            "Immunization",
            ("_id", "patient"),
            (
                _id(),
                _PATIENT,
                Param("date", "date", ("le", "ge"), times=2),
                Param("_lastUpdated", "date", ("gt", "ge")),
                Param("target-disease", "token", many=True),
            ),
            apart=(("date", "_lastUpdated"),),
        ),
        Rules(
            "DiagnosticReport",
            ("_id", "patient"),
            (
                _id(),
                _PATIENT,
                Param("category", "token", many=True),
                Param("code", "token", many=True),
                _ENCOUNTER,
                Param("date", "date", ("eq", *_ORDERED), time="range", times=2),
                _UPDATED,
                _COUNT,
            ),
            apart=(("date", "_lastUpdated"),),
            page_size=10,
            max_size=100,
        ),
        Rules(
            "Procedure",
            ("_id", "patient", "subject"),
            (_id(), _PATIENT, _SUBJECT, Param("date", "date", ("eq", *_ORDERED), times=2), _UPDATED),
            apart=(("date", "_lastUpdated"),),
        ),
        Rules(
            "DocumentReference",
            ("_id", "patient"),
            (
                _id(),
                _PATIENT,
                _ENCOUNTER,
                Param("period", "date", ("ge", "lt"), closed=("ge", "lt"), times=2),
                Param("type", "token", many=True),
                Param("category", "token", many=True),
                Param("date", "date", ("eq", *_ORDERED), time="range", times=2),
                _UPDATED,
                _COUNT,
            ),
            apart=(("date", "period"), ("date", "_lastUpdated"), ("period", "_lastUpdated")),
            page_size=10,
            max_size=100,
        ),
        Rules(
            "Appointment",
            ("_id", "patient", "practitioner", "location"),
            (
                _id(),
                Param("patient", "reference", many=True),
                Param("practitioner", "reference", many=True),
                Param("location", "reference", many=True),
                _START,
                replace(_START, name="-date-or-req-period"),
                Param("status", "token", many=True),
                _COUNT,
            ),
            apart=(
                ("patient", "practitioner"),
                ("patient", "location"),
                ("practitioner", "location"),
                ("date", "-date-or-req-period"),
            ),
            needs=(("patient", "practitioner", "location"), ("date", "-date-or-req-period")),
            page_size=50,
            max_size=100,
        ),
        Rules(
            "Slot",
            ("_id", "service-type"),
            (
                _id(),
                Param("service-type", "token", many=True),
                Param("start", "date", ("ge", "lt"), time="must", closed=("ge", "lt"), times=2),
                Param("schedule.actor", "reference", many=True),
                Param("-location", "reference", many=True),
                _COUNT,
            ),
            needs=(("service-type", "schedule.actor", "-location"), ("start",)),
            page_size=50,
            max_size=200,
            includes=("Slot:schedule", "Schedule:actor:Practitioner"),
        ),
        Rules("Schedule", ("_id",), (_id(),)),
        Rules(
            "Coverage",
            ("_id", "patient", "-encounter"),
            (_id(), _PATIENT, Param("-encounter", "reference")),
            apart=(("patient", "-encounter"),),
        ),
        Rules(
            "Practitioner",
            ("_id", "identifier", "family", "name", "active"),
            (
                _id(),
                Param("identifier", "token"),
                Param("given", "string", only_with="family"),
                Param("family", "string"),
                Param("name", "string"),
                Param("active", "token"),
                _COUNT,
            ),
            page_size=50,
            max_size=100,
        ),
        Rules(
            "Location",
            ("_id", "-physicalType", "identifier", "type", "address", "address-city", *_PLACE),
            (
                _id(),
                Param("-physicalType", "token", many=True),
                Param("identifier", "token"),
                Param("address", "string"),
                Param("address-city", "string"),
                Param("address-state", "string"),
                Param("address-postalcode", "string"),
                Param("name", "string"),
                Param("organization", "reference", many=True),
                Param("type", "token", many=True),
            ),
            needs=(("address-city",), _PLACE),
            page_size=100,
            max_size=100,
        ),
        Rules(
            "Organization",
            (),
            (
                _id(),
                Param("identifier", "token"),
                Param("type", "token", many=True),
                Param("name", "string"),
                Param("address", "string"),
                _COUNT,
            ),
            page_size=100,
            max_size=100,
        ),
        Rules("Provenance", ("_id", "target"), (_id(), Param("target", "reference", many=True))),
    )
}
"""Every type that can be searched. Source: SOURCES.md (D, M); sizes that are no page default are guesses."""
