"""The words that R4 knows for what a record's status fields say; whatever else a vendor tells is told as unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_IN_ERROR = "entered-in-error"
_INTERPRETATIONS = (
    "_GeneticObservationInterpretation _ObservationInterpretationChange _ObservationInterpretationExceptions "
    "_ObservationInterpretationNormality _ObservationInterpretationSusceptibility < > A AA AC B CAR Carrier D DET E EX "
    "EXP H H> HH HM HU HX I IE IND L L< LL LU LX MS N NCL ND NEG NR NS OBX POS QCF R RR S SDD SYN-R SYN-S TOX U UNE VS "
    "W WR"
)
WORDS: dict[tuple[str, str], frozenset[str]] = {
    place: frozenset(words.split())
    for place, words in {
        ("encounter", "status"): f"planned arrived triaged in-progress onleave finished cancelled unknown {_IN_ERROR}",
        ("condition", "clinicalStatus"): "active recurrence relapse inactive remission resolved",
        ("condition", "verification"): f"unconfirmed provisional differential confirmed refuted {_IN_ERROR}",
        ("allergy", "clinicalStatus"): "active inactive resolved",
        ("allergy", "verification"): f"unconfirmed confirmed refuted {_IN_ERROR}",
        ("allergy", "criticality"): "low high unable-to-assess",
        ("medication", "status"): f"active on-hold cancelled completed stopped draft unknown {_IN_ERROR}",
        ("observation", "status"): (
            f"registered preliminary final amended corrected cancelled unknown {_IN_ERROR}"
        ),
        ("observation", "interpretation"): _INTERPRETATIONS,
        ("immunization", "status"): f"completed not-done {_IN_ERROR}",
        ("procedure", "status"): f"preparation in-progress not-done on-hold stopped completed unknown {_IN_ERROR}",
        ("document", "status"): f"current superseded {_IN_ERROR}",
        ("appointment", "status"): (
            f"proposed pending booked arrived fulfilled cancelled noshow checked-in waitlist {_IN_ERROR}"
        ),
        ("coverage", "status"): f"active cancelled draft {_IN_ERROR}",
    }.items()
}  # fmt: skip
"""The words of a field, by the kind of record.

Source: the value sets to which R4 binds these elements.
"""


def in_words(record: dict[str, Any], kind: str, unknown: Callable[[str, str], str]) -> dict[str, Any]:
    """The record with what `unknown` makes of words that nobody knows, and these as they came under `raw`."""
    raw = {
        name: record[name]
        for (of, name), words in WORDS.items()
        if of == kind and record.get(name) is not None and record[name] not in words
    }
    if not raw:
        return record
    return record | {name: unknown(name, str(value)) for name, value in raw.items()} | {"raw": raw}
