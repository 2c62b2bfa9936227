"""What can be booked: the practice's own appointment types, the reasons that patients choose from, and why an
appointment is called off. athena has no standard code for any of them.

Source: SOURCES.md, "Claims" (shapes: recordings; the names and numbers of this practice: ours).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VisitType:
    """One appointment type: its number, its short name, the name for the practice and the one for patients."""

    id: int
    short: str
    name: str
    patient_name: str


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason for which patients may book: it leads to one appointment type."""

    id: int
    name: str
    description: str


VISIT_TYPES: Mapping[str, VisitType] = {
    "followup": VisitType(1, "FU", "Follow Up", "Follow Up Appointment"),
    "office": VisitType(2, "OV", "Office Visit", "Office Visit"),
    "symptom": VisitType(3, "SICK", "Sick Appointment", "Sick Appointment"),
    "wellness": VisitType(4, "PHYS", "PHYSICAL EXAM", "Physical Exam Visit"),
    "surgical": VisitType(6, "SURG", "Surgery", "Surgery"),
    "checkup": VisitType(382, "WC", "Well Child Check 20", "Well Child Check"),
    "prenatal": VisitType(262, "OB", "OB Visit", "Prenatal Visit"),
    "psych": VisitType(242, "BH", "Behavioral Health", "Behavioral Health Visit"),
    "telehealth": VisitType(682, "TH", "Secure Online Video", "Video Visit"),
    "telephone": VisitType(684, "TEL", "Telephone Encounter", "Telephone Visit"),
    "home_visit": VisitType(685, "HV", "Home Visit", "Home Visit"),
    "urgent_care": VisitType(686, "UC", "Urgent Care", "Urgent Care"),
    "emergency": VisitType(687, "ED", "Emergency", "Emergency"),
    "observation": VisitType(688, "OBS", "Observation Stay", "Observation Stay"),
    "inpatient": VisitType(689, "INPT", "Inpatient Stay", "Hospital Stay"),
}
"""Row of encounters.csv → the type under which this practice books it."""

KINDS: Mapping[int, str] = {one.id: kind for kind, one in VISIT_TYPES.items()}
"""`appointmenttypeid` → row of encounters.csv."""

GENERIC = VisitType(82, "ANY", "Any 20", "Established Patient")
"""The type of every open slot: a template that takes a visit of any type."""

REASONS: Mapping[str, Reason] = {
    "followup": Reason(962, "Follow-Up", "To follow up on a condition or a result."),
    "symptom": Reason(841, "Sick Visit", "For a new illness. In an emergency call 911."),
    "wellness": Reason(761, "Exam", "For a physical examination."),
    "office": Reason(541, "Office Visit", "For anything else."),
}
"""Row of encounters.csv → the reason that leads to it."""

REASON_KINDS: Mapping[int, str] = {one.id: kind for kind, one in REASONS.items()}
"""`reasonid` → row of encounters.csv."""


@dataclass(frozen=True, slots=True)
class CancelReason:
    """Why an appointment is called off: `why` as the truth says it, None for somebody who did not come."""

    id: int
    name: str
    why: str | None
    frees_slot: bool = True

    @property
    def is_no_show(self) -> bool:
        return self.why is None


CANCEL_REASONS: tuple[CancelReason, ...] = (
    CancelReason(2, "PATIENT CANCELLED", "patient"),
    CancelReason(4, "OFFICE CANCELLED", "provider"),
    CancelReason(5, "PATIENT RESCHEDULED", "rescheduled"),
    CancelReason(21, "PATIENT NO SHOW", None, frees_slot=False),
)


def cancel_reason(status: str, why: str | None) -> CancelReason | None:
    """How this practice words it; None for a reason of somebody's own."""
    wanted = None if status == "noshow" else why
    if status != "noshow" and why is None:
        return None
    return next((one for one in CANCEL_REASONS if one.why == wanted), None)
