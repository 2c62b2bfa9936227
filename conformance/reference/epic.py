"""Epic: FHIR only, with categories that must be asked for, and its own words for classes, units and doses."""

from __future__ import annotations

import asyncio
import re

from conformance.reference.behaviour import Json, Params
from conformance.reference.failure import Failure
from conformance.reference.fhir import FURTHER, TYPES, FhirVendor, PatientRef
from conformance.reference.meaning import US_CORE, Meaning, extension, first
from conformance.reference.run import Run

_CATEGORIES = {
    "Observation": ("vital-signs", "laboratory", "social-history", "survey"),
    "Condition": ("problem-list-item", "encounter-diagnosis"),
}
_SEX = {"248152002": "F", "248153007": "M"}
_ONE_SIDED = re.compile(r"(?P<side><=?|>=?)\s*(?P<number>\d+(\.\d+)?)")


class EpicMeaning(Meaning):
    """Epic's resources. Its instants have whole seconds, its dates are days, its sensitivity labels are not told."""

    def sex_at_birth(self, resource: Json) -> str | None:
        told = extension(resource, US_CORE + "sex").get("valueCode", "")
        return _SEX.get(told) or super().sex_at_birth(resource)

    def identifier_type(self, identifier: Json) -> str | None:
        # There is no v2-0203 code: sites tell their identifiers apart by words.
        text = identifier.get("type", {}).get("text")
        return str(text) if text else None

    def encounter(self, resource: Json) -> Json:
        """Epic's class is a site's own list; the published mapping reads it from the types, the last one first."""
        published = self.mappings.get("encounter_class", {})
        keys = [
            f"{coding.get('system')}|{coding.get('code')}"
            for concept in reversed(resource.get("type", []))
            for coding in concept.get("coding", [])
        ]
        return super().encounter(resource) | {"class": next((published[key] for key in keys if key in published), None)}

    def product(self, resource: Json) -> Json:
        codes = self.codes_in([resource.get("_medication", {}).get("code", {})])
        return {"codes": codes, "text": self.behaviour.label(resource["medicationReference"].get("display"), [])}

    def dose(self, dosage: Json) -> Json:
        """Three entries tell one dose: calculated, administered, ordered. The ordered one counts."""
        ordered = [
            one
            for one in dosage.get("doseAndRate", [])
            if any(coding.get("code") == "ordered" for coding in one.get("type", {}).get("coding", []))
        ]
        quantity = first(ordered).get("doseQuantity", {})
        return {"dose": self.digits(quantity.get("value")), "doseUnit": quantity.get("unit")}

    def unit(self, quantity: Json) -> str | None:
        unit = super().unit(quantity)
        published: dict[str, str] = self.mappings.get("units", {})
        return published.get(unit, unit.replace("µ", "u")) if unit else None

    def range(self, told: Json) -> Json:
        if match := _ONE_SIDED.fullmatch(told.get("text", "").strip()):
            return {"low": None, "high": None, "high" if "<" in match["side"] else "low": match["number"]}
        return super().range(told)


class Epic(FhirVendor):
    """Reads Epic. Only `Accept: application/fhir+json` is answered in JSON."""

    meaning_of = EpicMeaning
    types = TYPES | FURTHER

    def searches(self, type: str) -> list[Params]:
        return [[("category", category)] for category in _CATEGORIES.get(type, ())] or [[]]

    async def prepare(self, run: Run, kind: str, resources: list[Json], patient: PatientRef) -> None:
        """Drugs are told by reference only, and the reasons of an encounter as references to conditions."""
        if kind == "medication" and self.behaviour.drug_behind:
            await asyncio.gather(*(self._add_medication(run, resource) for resource in resources))
        if kind == "condition" and not self.behaviour.repeats:
            self._drop_repeated(run, resources)
        if kind == "encounter":
            await self._add_reasons(run, resources, patient)
        if kind == "document":
            scans = [one for one in resources if not any("url" in part["attachment"] for part in one["content"])]
            for one in scans:  # paper at the front desk: there is nothing to read
                resources.remove(one)
            run.drop("unsupported_value", kind, len(scans))
            await asyncio.gather(*(self.add_content(run, resource) for resource in resources))

    def _drop_repeated(self, run: Run, resources: list[Json]) -> None:
        """A problem is told again as the diagnosis of every visit that was about it: the evidence points at it."""
        held = {f"Condition/{one['id']}" for one in resources}
        repeated = [
            one
            for one in resources
            if any(f.get("reference") in held for e in one.get("evidence", []) for f in e.get("detail", []))
        ]
        for one in repeated:
            resources.remove(one)
        run.drop("duplicate", "condition", len(repeated))

    async def _add_medication(self, run: Run, resource: Json) -> None:
        id = resource.get("medicationReference", {}).get("reference", "").rsplit("/", 1)[-1]
        try:
            resource["_medication"] = await self.resource(run, "Medication", id)
        except Failure as failure:
            run.fail("medication", failure)

    async def _add_reasons(self, run: Run, resources: list[Json], patient: PatientRef) -> None:
        conditions: dict[str, Json] = {}
        try:
            for params in self.searches("Condition"):
                found = await self.search(run, "Condition", [("patient", patient.fhir_id), *params])
                conditions |= {f"Condition/{one['id']}": one for one in found}
        except Failure as failure:
            run.fail("condition", failure)
        for resource in resources:
            reasons = [conditions.get(one["condition"]["reference"]) for one in resource.get("diagnosis", [])]
            resource["reasonCode"] = [one["code"] for one in reasons if one]
