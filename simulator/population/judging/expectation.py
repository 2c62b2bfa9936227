"""What is expected of one fact, and how a difference is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from simulator.population.losses import Loss

Severity = Literal["critical", "major", "minor"]
Verdict = Literal[
    "missing",  # told and not held
    "wrong",
    "hallucinated",  # held and not told
    "wrong-null",  # known to be absent, for another reason than the one told
    "unit-error",
    "lost-comparator",
    "transposed",  # digits, or day and month
    "swapped",  # given and family name
    "zone-error",
    "date-shift",
    "invented-precision",
    "lost-precision",
    "wrong-patient",
    "duplicate",  # one fact held twice
    "stale",  # held although it was taken back, or under an id that was merged away
    "leak",  # held although nobody served it to this client
    "extra",  # a record that is no fact
]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference: the dotted field, what kind of error it is, how bad, both values, and where to look."""

    field: str
    verdict: Verdict
    severity: Severity
    expected: Any
    got: Any
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a perfect integration holds of one fact, read from one telling.

    `record` is the canonical record after the losses, `truth` before them; `zone` the clinic's time zone; `analyte` the
    row of labs.csv; `patient_ids` the acceptable patient ids, empty when whose record it is shall not be judged.
    """

    record: dict[str, Any]
    truth: dict[str, Any]
    losses: tuple[Loss, ...] = ()
    zone: str = "UTC"
    analyte: str = ""
    patient_ids: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return str(self.record["kind"])

    def lost(self, field: str, *hows: str) -> Loss | None:
        """The last loss of that field, or of what holds it, of one of these kinds."""
        found = None
        for loss in self.losses:
            if loss.how in hows and (loss.field == field or field.startswith(loss.field + ".")):
                found = loss
        return found


ABSENT = object()
"""Stands for a member that is not there."""


def at(record: dict[str, Any], field: str) -> Any:
    """The member of a record under a dotted name; ABSENT when it is not there."""
    value: Any = record
    for name in field.split("."):
        if not isinstance(value, dict) or name not in value:
            return ABSENT if value is not None else None
        value = value[name]
    return value


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: absent, null or empty."""
    return value is ABSENT or value is None or value in ("", [], {})


def reason_in(record: dict[str, Any], field: str) -> str | None:
    """Why the member is absent, as the record says beside it: `"absent": {FIELD: REASON}`, or one reason for all."""
    said = record.get("absent")
    if isinstance(said, dict):
        said = said.get(field)
    return said if isinstance(said, str) else None
