"""Oracle Health (Cerner Millennium): FHIR, with code sets of its own and days written as instants."""

from __future__ import annotations

import asyncio

from conformance.reference.behaviour import Json, Params
from conformance.reference.failure import Failure
from conformance.reference.fhir import FURTHER, TYPES, FhirVendor, PatientRef
from conformance.reference.meaning import TERMINOLOGY, Meaning, code_in, first
from conformance.reference.run import Run

_DOSE_UNITS = {
    "{tbl}": "tablet",
    "{cap}": "capsule",
    "{puff}": "puff",
    "{patch}": "patch",
    "{spray}": "spray",
    "[drp]": "drop",
    "{film}": "film",
    "{application}": "application",
}
_ABBREVIATIONS: dict[str, tuple[str, str, str]] = {
    "QD": ("1", "1", "d"),
    "QAM": ("1", "1", "d"),
    "QPM": ("1", "1", "d"),
    "BED": ("1", "1", "d"),
    "BID": ("2", "1", "d"),
    "TID": ("3", "1", "d"),
    "QID": ("4", "1", "d"),
    "Q4H": ("1", "4", "h"),
    "Q6H": ("1", "6", "h"),
    "Q8H": ("1", "8", "h"),
}
_FORMS = ("text/plain", "text/html", "text/rtf", "application/xml", "application/pdf")


class CernerMeaning(Meaning):
    """Millennium's resources. A day comes as midnight UTC in any offset; the words of a status are not its code."""

    midnight_is_day = True

    def identifiers(self, listed: list[Json]) -> list[Json]:
        return [one for one in super().identifiers(listed) if one["type"] == "MR"]

    def dose(self, dosage: Json) -> Json:
        told = super().dose(dosage)
        if told["doseUnit"] == "%":  # the concentration of a solution, not the dose
            return {"dose": None, "doseUnit": None}
        return told | {"doseUnit": _DOSE_UNITS.get(told["doseUnit"], told["doseUnit"])}

    def timing(self, dosage: Json) -> Json:
        told = super().timing(dosage)
        if told["frequency"] is not None:
            return told
        code = code_in([dosage.get("timing", {}).get("code")], TERMINOLOGY + "v3-GTSAbbreviation")
        frequency, period, unit = _ABBREVIATIONS.get(code or "", (None, None, None))
        return {"frequency": frequency, "period": period, "periodUnit": unit}

    def attachment(self, resource: Json) -> Json:
        """Of one document in several forms, the one whose words are easiest to read: it is not several documents."""
        told = {one["attachment"].get("contentType"): one["attachment"] for one in resource.get("content", [])}
        return next((told[form] for form in _FORMS if form in told), super().attachment(resource))

    def appointment(self, resource: Json) -> Json:
        """`description` repeats the type; what the patient comes for is the comment."""
        told = super().appointment(resource)
        actors = [one.get("actor", {}) for one in resource.get("participant", [])]
        doctors = [one for one in actors if one.get("reference", "").startswith("Practitioner/")]
        who = first(doctors).get("display")
        return told | {"text": resource.get("comment") or told["text"], "practitioner": who}

    def coverage(self, resource: Json) -> Json:
        """A plan has a number for its value, and its name beside it."""
        plans = [one for one in resource.get("class", []) if code_in([one["type"]]) == "plan"]
        return super().coverage(resource) | {"plan": first(plans).get("name")}


class Cerner(FhirVendor):
    """Reads Millennium. Of coverages those of the patient: each comes again for every encounter."""

    meaning_of = CernerMeaning
    types = TYPES | FURTHER
    tells_changes = frozenset(("encounter", "condition", "allergy", "medication", "observation", "document"))

    def searches(self, type: str) -> list[Params]:
        return [_PARAMS.get(type, [])]

    async def prepare(self, run: Run, kind: str, resources: list[Json], patient: PatientRef) -> None:
        """The reasons of procedures are references to conditions; documents lie behind their attachments."""
        if kind == "procedure":
            await self._add_reasons(run, resources, patient)
        if kind == "document":
            await asyncio.gather(*(self.add_content(run, resource) for resource in resources))

    async def _add_reasons(self, run: Run, resources: list[Json], patient: PatientRef) -> None:
        if not any("reasonReference" in resource for resource in resources):
            return
        try:
            found = await self.search(run, "Condition", [("patient", patient.fhir_id)])
        except Failure as failure:
            run.fail("condition", failure)
            return
        conditions = {f"Condition/{one['id']}": one for one in found}
        for resource in resources:
            reasons = [conditions.get(one["reference"]) for one in resource.get("reasonReference", [])]
            resource["reasonCode"] = [one["code"] for one in reasons if one]


_PARAMS: dict[str, Params] = {
    "Appointment": [("date", "ge1900-01-01T00:00:00Z")],  # without a date they are not listed
    "DocumentReference": [("_count", "100")],  # ten to a page otherwise
}
