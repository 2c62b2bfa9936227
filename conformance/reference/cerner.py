"""Oracle Health (Cerner Millennium): FHIR, with code sets of its own and days written as instants."""

from __future__ import annotations

from conformance.reference.behaviour import Json
from conformance.reference.fhir import FhirVendor
from conformance.reference.meaning import TERMINOLOGY, Meaning, code_in

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


class Cerner(FhirVendor):
    """Reads Millennium."""

    meaning_of = CernerMeaning
