"""Where bodies leave FHIR R4 or US Core 6.1.0 on purpose, as Epic's do; a site setting takes each away.

Everything else that is served validates.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.source import Source
from simulator.vendors.epic.sources import source


@dataclass(frozen=True, slots=True)
class Deviation:
    """One of them: the site setting that is true while it is there, the type, what is told, which rule it breaks."""

    setting: str
    type: str
    says: str
    breaks: str
    source: Source


DEVIATIONS = (
    Deviation(
        "word_codes",
        "AllergyIntolerance",
        "a reaction has SNOMED's system with a word as code",
        "R4: a code is one of its code system (validators with a terminology server)",
        source("seen", "MAP"),
    ),
    Deviation(
        "attester_extension",
        "DocumentReference",
        "signed notes name the signer in an extension of R5",
        "R4: the extension is not defined in this version",
        source("seen", "MAP"),
    ),
    Deviation(
        "appointment_extension",
        "Appointment",
        "appointments that took place name their encounter in an extension of R5",
        "R4: the extension is not defined in this version",
        source("guess", "SPEC", but="that Epic names the encounter so"),
    ),
    Deviation(
        "scans",
        "DocumentReference",
        "the attachment of a scan has neither address nor data nor type, and its category is Epic's alone",
        "US Core: us-core-6, attachment.contentType, a category of US Core's",
        source("seen", "MAP"),
    ),
    Deviation(
        "smoking_period",
        "Observation",
        "the smoking status has a period that ends on the day of the request, and no beginning",
        "US Core: nothing formal; two reads of one fact differ",
        source("seen", "FS"),
    ),
    Deviation(
        "padded_ids",
        "Patient",
        "the internal id begins with blanks",
        "R4: strings should not begin with white space",
        source("seen", "MAP", "FS"),
    ),
)
SETTINGS: dict[str, bool] = {one.setting: True for one in DEVIATIONS}
