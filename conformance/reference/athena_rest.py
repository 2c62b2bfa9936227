"""What athena's REST entities mean: days as MM/DD/YYYY, clock times without zone, numbers as text, states as events."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from conformance.reference.behaviour import Json
from conformance.reference.meaning import Meaning
from conformance.reference.records import day, instant, phone

_GENDERS = {"F": "female", "M": "male", "X": "other"}
_MARITAL = {"X": "L", "P": "T"}
_LANGUAGES = {
    "eng": "en", "spa": "es", "zho": "zh", "tgl": "tl", "vie": "vi", "ara": "ar", "fra": "fr", "kor": "ko",
    "rus": "ru", "hat": "ht", "deu": "de", "hin": "hi", "por": "pt",
}  # fmt: skip
_UNITS = {
    "K/uL": "10*3/uL", "M/uL": "10*6/uL", "cells/uL": "/uL", "mIU/L": "m[IU]/L", "mL/min/1.73m2": "mL/min/{1.73_m2}",
    "mcg/dL": "ug/dL", "mcg/mL": "ug/mL", "copies/mL": "{copies}/mL", "INR": "{INR}", "pH": "[pH]", "SG": "{SG}",
    "score": "{score}", "T-score": "{T-score}", "sec": "s", "F": "[degF]",
}  # fmt: skip
_UNIT_OF_VITAL = {
    "8480-6": "mm[Hg]", "8462-4": "mm[Hg]", "39156-5": "kg/m2", "8867-4": "/min", "9279-1": "/min", "59408-5": "%",
    "72514-3": "{score}",
}  # fmt: skip
_ROUTES = {
    "oral": "26643006", "subcutaneous": "34206005", "intramuscular": "78421000", "intravenous": "47625008",
    "inhalation": "447694001", "sublingual": "37839007", "topical": "6064005", "transdermal": "45890007",
}  # fmt: skip
_STATES = {"f": "booked", "2": "arrived", "3": "fulfilled", "4": "fulfilled", "x": "cancelled"}
_CANCELLED = {"PATIENT CANCELLED": "patient", "OFFICE CANCELLED": "provider", "PATIENT RESCHEDULED": "rescheduled"}
_NUMBER = re.compile(r"(?P<comparator>[<>]=?)?\s*(?P<number>-?\d+(\.\d+)?)")
_RANGE = re.compile(r"(?P<low>-?\d+(\.\d+)?)\s*-\s*(?P<high>-?\d+(\.\d+)?)")
_TIMES_A = re.compile(r"(?P<times>once|twice|\d+ times) a (?P<unit>day|week)")
_EVERY = re.compile(r"every (?P<count>\d+ )?(?P<unit>minute|hour|day|week|morning|evening)")
_PERIOD_UNITS = {"minute": "min", "hour": "h", "day": "d", "week": "wk", "morning": "d", "evening": "d"}


class AthenaMeaning(Meaning):
    """athena's REST entities, one method each. Days are MM/DD/YYYY."""

    def rest_patient(self, told: Json) -> Json:
        homes = {"homephone": "home", "mobilephone": "mobile", "workphone": "work"}
        phones = [{"system": "phone", "use": homes[key], "value": phone(told[key])} for key in homes if told.get(key)]
        emails = [{"system": "email", "value": told["email"]}] if told.get("email") else []
        return {
            "name": {
                "family": told.get("lastname"),
                "given": [told[key] for key in ("firstname", "middlename") if told.get(key)],
                "suffix": told.get("suffix"),
            },
            "birthDate": us_day(told.get("dob")),
            "administrativeGender": _GENDERS.get(told.get("sex", "")),
            "sexAtBirth": told.get("assignedsexatbirth"),
            "race": told.get("race", []),
            **({"absent": {"race": "asked-declined"}} if told.get("racename") == "Patient Declined" else {}),
            "ethnicity": told.get("ethnicitycode"),
            "language": _LANGUAGES.get(told.get("language6392code", "")),
            "maritalStatus": _MARITAL.get(told.get("maritalstatus", ""), told.get("maritalstatus")),
            "telecom": phones + emails,
            "addresses": [
                {
                    "use": "home",
                    "lines": [told[key] for key in ("address1", "address2") if told.get(key)],
                    "city": told.get("city"),
                    "state": told.get("state"),
                    "zip": told.get("zip"),
                }
            ],
            "identifiers": [
                {"type": "PI", "system": "urn:athenahealth:athenanet:patient:195900", "value": str(told["patientid"])}
            ],
            "deceased": {"value": bool(told.get("deceaseddate"))},
        }

    def problem(self, told: Json) -> Json:
        events = {event["eventtype"]: event for event in told.get("events", [])}
        start, end = events.get("START", {}), events.get("END", {})
        status = "inactive" if "HIDDEN" in events else "resolved" if end else "active"
        return {
            "codes": _codes(snomed=told.get("code"), icd10cm=told.get("bestmatchicd10code")),
            "text": self.behaviour.label(told["name"], []),
            "clinicalStatus": status,
            "category": "problem-list-item",
            "onset": us_day(start.get("onsetdate")),
            "abatement": us_day(end.get("enddate")),
            "recorded": us_day(start.get("createddate")),
        }

    def diagnosis(self, told: Json) -> Json:
        icd = [one["code"] for one in told.get("icdcodes", []) if one.get("codeset") == "ICD10"]
        return {
            "codes": _codes(snomed=told.get("snomedcode"), icd10cm=next(iter(icd), None)),
            "text": self.behaviour.label(told["description"], []),
            "category": "encounter-diagnosis",
        }

    def rest_allergy(self, told: Json) -> Json:
        if told["allergenid"] == "nkda":
            return {"assertion": "none-known"}
        return {
            "assertion": "present",
            "codes": _codes(rxnorm=told.get("rxnormcode")),
            "text": self.behaviour.label(told["allergenname"], []),
            "criticality": told["criticality"].lower() if told.get("criticality") else None,
            "clinicalStatus": "inactive" if told.get("deactivatedate") else "active",
            "reactions": [str(one["snomedcode"]) for one in told.get("reactions", []) if one.get("snomedcode")],
            "onset": us_day(told.get("onsetdate")),
        }

    def rest_medication(self, told: Json) -> Json:
        events = {event["type"]: event.get("eventdate") for event in told.get("events", [])}
        ended = "END" in events or "HIDE" in events
        sig = told.get("structuredsig") or {}
        return {
            "codes": _codes(rxnorm=told.get("rxnorm")),
            "text": self.behaviour.label(told["medication"], []),
            "status": "active"
            if not ended
            else "stopped"
            if self.behaviour.truth(told.get("isdiscontinued"))
            else "completed",
            "intent": "order",
            "authored": us_day(events.get("ENTER")),
            "dosage": {"text": told.get("unstructuredsig"), **(self._sig(sig) if sig else {})},
            "start": us_day(events.get("START")),
            "stop": us_day(events.get("END")),
            "quantity": self.digits(told.get("quantity")),
            "daysSupply": self.digits(sig.get("dosagedurationvalue")),
            "refills": self.digits(told.get("refillsallowed")),
        }

    def _sig(self, sig: Json) -> Json:
        unit = re.sub(r"\(e?s\)$", "", sig.get("dosagequantityunit", ""))
        return {
            "dose": self.digits(sig.get("dosagequantityvalue")),
            "doseUnit": {"unit": "[iU]"}.get(unit, unit),
            "route": _ROUTES.get(sig.get("dosageroute", "")),
            **frequency_of(sig.get("dosagefrequencydescription", "")),
            "asNeeded": sig.get("dosageadditionalinstructions") == "as needed",
        }

    def vital(self, told: Json) -> Json:
        code = told["code"]
        unit = self.ucum(told["unit"]) if told.get("unit") else _UNIT_OF_VITAL.get(code)
        return {
            "codes": _codes(loinc=code),
            "text": self.behaviour.label(told.get("codedescription"), []),
            "category": "vital-signs",
            "effective": us_day(told.get("readingtaken")),
            "issued": local_time(told.get("createddate"), told["_zone"]),
            "value": self.value_of(told.get("value"), unit),
        }

    def analyte(self, told: Json) -> Json:
        """One value of a laboratory result; `_result` is the result around it."""
        result = told["_result"]
        alone = len(result["analytes"]) == 1
        loinc = told.get("loinc") or (result.get("labresultloinc") if alone else None)
        is_panel = not alone or bool(told.get("loinc"))
        flag = told.get("abnormalhl7code") or ("N" if told.get("abnormalflag") == "normal" else None)
        unit = told.get("units")
        return {
            "codes": _codes(loinc=loinc),
            "text": self.behaviour.label(told["analytename"], []),
            "category": "laboratory",
            "status": told.get("resultstatus"),
            "panel": result.get("labresultloinc") if is_panel else None,
            "effective": local_time(told.get("analytedatetime"), told["_zone"]),
            "issued": local_time(result.get("createddatetime"), told["_zone"]),
            "value": self.value_of(told.get("value"), unit and self.ucum(unit)),
            "interpretation": flag,
            "range": range_of(told.get("referencerange")),
        }

    def rest_appointment(self, told: Json) -> Json:
        """An appointment; `_department` and `_provider` are what its numbers stand for."""
        place, who = told["_department"], told["_provider"]
        is_no_show = self.behaviour.truth(told.get("cancelreasonnoshow"))
        return {
            "status": "noshow" if is_no_show else _STATES.get(str(told["appointmentstatus"])),
            "type": {"codes": [], "text": self.behaviour.label(told["appointmenttype"], [])},
            "start": local_minute(told["date"], told["starttime"], ZoneInfo(place["timezonename"])),
            "minutes": self.digits(told.get("duration")),
            "cancelReason": None if is_no_show else _CANCELLED.get(told.get("cancelreasonname", "")),
            "practitioner": f"{who['firstname']} {who['lastname']}",
            "location": place["name"],
        }

    def ucum(self, unit: str) -> str | None:
        return self.behaviour.unit({"code": _UNITS.get(unit, unit), "unit": unit})

    def value_of(self, text: str | None, unit: str | None) -> Json | None:
        """A value that is always told as text: a number, a number with a comparator, or words."""
        if not text:
            return None
        if match := _NUMBER.fullmatch(text.strip()):
            return {"number": self.digits(match["number"]), "unit": unit, "comparator": match["comparator"]}
        return {"text": text}


def us_day(text: str | None) -> Json | None:
    """A day told as MM/DD/YYYY."""
    return day(datetime.strptime(text, "%m/%d/%Y").date()) if text else None


def local_time(text: str | None, zone: ZoneInfo) -> Json | None:
    """A clock time of a place; in the hour that autumn shows twice, the first of the two."""
    return instant(datetime.strptime(text, "%m/%d/%Y %H:%M:%S").replace(tzinfo=zone), "second") if text else None


def local_minute(day: str, clock: str, zone: ZoneInfo) -> Json:
    """The minute that a clock of a place shows on a day."""
    return instant(datetime.strptime(f"{day} {clock}", "%m/%d/%Y %H:%M").replace(tzinfo=zone), "minute")


def frequency_of(words: str) -> Json:
    """How often, from athena's words: `twice a day`, `3 times a day before meals`, `every 4 hours`, `once`."""
    frequency, period, unit = None, None, None
    if match := _TIMES_A.match(words):
        frequency = {"once": "1", "twice": "2"}.get(match["times"]) or match["times"].split()[0]
        period, unit = "1", _PERIOD_UNITS[match["unit"]]
    elif match := _EVERY.match(words):
        frequency, period, unit = "1", (match["count"] or "1").strip(), _PERIOD_UNITS[match["unit"]]
    elif words == "once":  # published as once a day
        frequency, period, unit = "1", "1", "d"
    return {"frequency": frequency, "period": period, "periodUnit": unit}


def range_of(text: str | None) -> Json:
    """A reference range told as text: `3.5-5.1`, `<200`, `>=60`."""
    text = (text or "").strip()
    if match := _RANGE.fullmatch(text):
        return {"low": match["low"], "high": match["high"]}
    if (match := _NUMBER.fullmatch(text)) and match["comparator"]:
        side = "high" if match["comparator"].startswith("<") else "low"
        return {"low": None, "high": None, side: match["number"]}
    return {"low": None, "high": None}


def _codes(**by_system: Any) -> list[Json]:
    """Codings from what is there: numbers or text, one or several."""
    return [
        {"system": system, "code": str(code)}
        for system, told in by_system.items()
        for code in (told if isinstance(told, list) else [told])
        if code
    ]
