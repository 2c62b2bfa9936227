"""What the room tells, one file a FHIR type. `TELLINGS` in the order of a full listing."""

from __future__ import annotations

from simulator.vendors.cerner.resources.allergy import ALLERGY
from simulator.vendors.cerner.resources.appointment import APPOINTMENT
from simulator.vendors.cerner.resources.condition import CONDITION
from simulator.vendors.cerner.resources.coverage import COVERAGE
from simulator.vendors.cerner.resources.document import DOCUMENT
from simulator.vendors.cerner.resources.encounter import ENCOUNTER
from simulator.vendors.cerner.resources.immunization import IMMUNIZATION
from simulator.vendors.cerner.resources.medication import MEDICATION
from simulator.vendors.cerner.resources.observation import OBSERVATION
from simulator.vendors.cerner.resources.patient import PATIENT
from simulator.vendors.cerner.resources.procedure import PROCEDURE
from simulator.vendors.cerner.resources.report import REPORT
from simulator.vendors.cerner.resources.telling import Telling

TELLINGS: dict[str, Telling] = {
    one.type: one
    for one in (
        PATIENT,
        ENCOUNTER,
        CONDITION,
        ALLERGY,
        MEDICATION,
        OBSERVATION,
        REPORT,
        IMMUNIZATION,
        PROCEDURE,
        DOCUMENT,
        APPOINTMENT,
        COVERAGE,
    )
}
STAFF = ("Practitioner", "Location", "Organization")
