"""Which part of a type a registration holds: Epic licenses each type by sub-resource (E45).

A search that reaches into a part that the registration lacks tells so by a warning and leaves it out; when it lacks
every part that the parameters reach, nothing is searched. A read of such a resource is refused. `59205` and the refusal
`4118` say the same of the user.

Source: SOURCES.md, "Sub-resources" (FS, MAP: names, warnings, refusals; which category leads to which: in part guess).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from simulator.auth.sub_resources import Lacking, Parts, lacking
from simulator.exchange import Exchange
from simulator.refusal import Refusal
from simulator.vendors.epic import errors, store
from simulator.vendors.epic.query import Query

_ANY = ""  # among the categories: reached by a search without a category too


@dataclass(frozen=True, slots=True)
class Part:
    """One sub-resource. `categories` lead a search to it and mark its resources; none: every search reaches it.

    `is_held`: registrations hold it as delivered. `is_users`: what is lacking is the user's right, not the client's.
    """

    type: str
    name: str
    categories: tuple[str, ...] = ()
    is_held: bool = False
    is_users: bool = False

    @property
    def label(self) -> str:
        return f"{self.type} - {self.name}"


def _held(type: str, name: str, *categories: str) -> Part:
    return Part(type, name, categories, is_held=True)


_OUTSIDE = tuple(
    part
    for type, name in (
        ("AllergyIntolerance", "Patient Chart"),
        ("Encounter", "Patient Chart"),
        ("Immunization", "Patient Chart"),
        ("MedicationRequest", "Signed Medication Order"),
    )
    for part in (_held(type, name), Part(type, "Outside Record"))
)
_CONDITIONS = (
    _held("Condition", "Problems", _ANY, "problem-list-item"),
    _held("Condition", "Encounter Diagnosis", _ANY, "encounter-diagnosis", "visit-diagnosis"),
    _held("Condition", "Health Concern", _ANY, "health-concern"),
    Part("Condition", "Dental Finding", (_ANY, "dental-finding")),
    Part("Condition", "Genomics", (_ANY, "genomics")),
    Part("Condition", "Infection", (_ANY, "infection")),
    Part("Condition", "Medical History", (_ANY, "medical-history")),
    Part("Condition", "Reason For Visit", (_ANY, "reason-for-visit")),
    Part("Condition", "Outside Record Problems", (_ANY, "problem-list-item")),
    Part("Condition", "Outside Record Encounter Diagnosis", (_ANY, "encounter-diagnosis")),
    Part("Condition", "Outside Record Health Concern", (_ANY, "health-concern")),
)
_OBSERVATIONS = (
    _held("Observation", "Results", _ANY, "laboratory"),
    _held("Observation", "Vital Signs", _ANY, "vital-signs"),
    _held("Observation", "Social History", _ANY, "social-history"),
    _held("Observation", "Screening Scores", _ANY, "survey"),
    Part("Observation", "Assessments", ("survey",)),
    Part("Observation", "SmartData Elements", (_ANY, "survey")),
    Part("Observation", "SDOH Assessments", ("social-history", "sdoh")),
    Part("Observation", "Outside Record Results", (_ANY, "laboratory")),
    Part("Observation", "Outside Record Vital Signs", (_ANY, "vital-signs")),
    Part("Observation", "Study Finding", ("imaging",)),
    Part("Observation", "DICOM Image Characteristics", ("imaging",)),
    Part("Observation", "Periodontal", ("periodontal",)),
)
_PROCEDURES = (
    _held("Procedure", "Orders", _ANY, "103693007"),
    _held("Procedure", "Surgeries", _ANY, "387713003"),
    Part("Procedure", "External Radiotherapy Summary", (_ANY,), is_users=True),
    Part("Procedure", "Patient-Reported Surgical History", (_ANY, "387713003")),
    Part("Procedure", "SDOH Intervention", (_ANY, "410606002")),
    Part("Procedure", "Outside Record"),
)
_REPORTS = (
    _held("DiagnosticReport", "Results"),
    Part("DiagnosticReport", "Outside Record Results"),
)
_PLANS = (
    _held("CarePlan", "Longitudinal CarePlan", "38717003"),
    _held("CarePlan", "Inpatient CarePlan", "736353004"),
    Part("CarePlan", "Outpatient CarePlan", ("736271009",)),
)
_ELSEWHERE = (
    "OASIS", "HIS", "Handoff", "IRF-PAI", "Minimum Data Set", "External CDAs",
    "Clinical References", "Radiology Results", "Correspondences",
)  # fmt: skip
_DOCUMENTS = (
    _held("DocumentReference", "Clinical Notes", _ANY, "clinical-note"),
    _held("DocumentReference", "Generated CDAs", _ANY, "summary-document"),
    _held("DocumentReference", "Document Information", _ANY, "document-information"),
    *(Part("DocumentReference", name, (_ANY,)) for name in _ELSEWHERE),
    _held("Binary", "Clinical Notes", "clinical-note"),
    _held("Binary", "Generated CDAs", "summary-document"),
    Part("Binary", "Provider Photo", ("provider-photo",)),
)
PARTS: dict[str, tuple[Part, ...]] = {}
for _part in (*_OUTSIDE, *_CONDITIONS, *_OBSERVATIONS, *_PROCEDURES, *_REPORTS, *_PLANS, *_DOCUMENTS):
    PARTS[_part.type] = (*PARTS.get(_part.type, ()), _part)

_PHOTO = "Binary - Provider Photo"  # registrations lack it as delivered, and practitioners have some
_FILLED = frozenset({part.label for parts in PARTS.values() for part in parts if part.is_held} | {_PHOTO})
"""The parts that hold anything here: only for these it matters whose resource is which."""

AS_DELIVERED = Lacking(
    known=tuple(part.label for parts in PARTS.values() for part in parts),
    usual=Parts(
        client=frozenset(p.label for parts in PARTS.values() for p in parts if not p.is_held and not p.is_users),
        user=frozenset(p.label for parts in PARTS.values() for p in parts if p.is_users),
    ),
)


def said(x: Exchange, query: Query) -> list[dict[str, Any]]:
    """The warnings of a search: one for each part that it reaches and that the user or the registration lacks.

    Raises:
        Refusal: malformed with issues, when nothing is left to search.
    """
    held = lacking(x.site)
    if held is None or query.type not in PARTS:
        return []
    parts = held.parts(x.caller.client_id if x.caller is not None else "")
    reached = _reached(query)
    if not x.site.settings["outside_records"]:
        reached = [part for part in reached if "Outside Record" not in part.label]
    of_user = reached if x.site.settings["user_warnings"] else []
    warnings = [
        *(_warning("59205", "User", part) for part in of_user if part.label in parts.user),
        *(_warning("59204", "Client", part) for part in reached if part.label in parts.client),
    ]
    if reached and all(part.label in parts.client or part.label in parts.user for part in reached):
        raise query.refuse(*warnings, errors.issue("fatal", "invalid", "59022"))
    return warnings


def _reached(query: Query) -> list[Part]:
    asked = query.first("category")
    codes = {code for _, code in asked.tokens} if asked is not None else {_ANY}
    return [part for part in PARTS[query.type] if not part.categories or not codes.isdisjoint(part.categories)]


def _warning(number: str, who: str, part: Part) -> dict[str, Any]:
    text = f"{who} not authorized for {part.label}. Search results of this type have not been included."
    return errors.issue("warning", "suppressed", number, text)


def held(x: Exchange, type: str, found: Sequence[str]) -> Sequence[str]:
    """Those of the ids found that belong to a part which the registration and its user hold."""
    missing = _missing(x, type)
    if not missing:
        return found
    parts = _parts_of(x, type, found)
    return [id for id in found if parts(id) not in missing]


def check(x: Exchange, type: str, id: str) -> None:
    """Whether this resource may be read.

    Raises:
        Refusal: forbidden, with reason sub_resource for the client and not_viewable for the user.
    """
    missing = _missing(x, type)
    label = _parts_of(x, type, (id,))(id) if missing else ""
    if label not in missing:
        return
    reason = "sub_resource" if missing[label] == "client" else "not_viewable"
    raise Refusal("forbidden", f"{missing[label]} not authorized for {label}", reason=reason, resource=type, part=label)


def _missing(x: Exchange, type: str) -> dict[str, str]:
    """The filled parts of the type that are lacking, and who lacks each: as delivered, photos alone."""
    held = lacking(x.site)
    is_as_delivered = held is not None and not held.of
    if held is None or (is_as_delivered and type != "Binary") or x.caller is None or type not in PARTS:
        return {}
    parts = held.parts(x.caller.client_id)
    begins = f"{type} - "
    return {
        label: "user" if label in parts.user else "client"
        for label in (parts.client | parts.user) & _FILLED
        if label.startswith(begins)
    }


def _parts_of(x: Exchange, type: str, found: Iterable[str]) -> Callable[[str], str]:
    """The question to which part one of these resources belongs."""
    bodies = dict(store.listed(x.site, type, found, "json"))

    def part_of(id: str) -> str:
        codes = _codes(type, orjson.loads(bodies[id])) if id in bodies else frozenset()
        parts = [part for part in PARTS[type] if part.label in _FILLED]
        return next((part.label for part in parts if not part.categories or codes & set(part.categories)), "")

    return part_of


def _codes(type: str, resource: dict[str, Any]) -> frozenset[str]:
    if type == "Binary":  # has no category of its own: a summary is XML, a note never is
        mime = resource.get("contentType", "")
        if mime.startswith("image/"):
            return frozenset({"provider-photo"})
        return frozenset({"summary-document" if "xml" in mime else "clinical-note"})
    told = resource.get("category", [])
    concepts = told if isinstance(told, list) else [told]
    return frozenset(str(coding.get("code")) for one in concepts for coding in one.get("coding", ()))
