"""What FHIR R4 resources mean, as all vendors agree on it: resources into the facts of canonical records.

A vendor's module overrides what that vendor does otherwise. Codes are chosen by system, names and addresses by use and
period; nothing is chosen by its position.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from decimal import Decimal
from hashlib import sha256
from typing import Any

from conformance.reference.behaviour import Behaviour, Json, is_over
from conformance.reference.records import NO_KNOWN_ALLERGIES, NOT_ASKED, codes_of, phone, when, without_none

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
BLOOD_PRESSURE = "85354-9"


class Meaning:
    """One method a kind: a resource in, its canonical facts out (a list where one resource holds several)."""

    midnight_is_day = False

    def __init__(self, vendor: str, behaviour: Behaviour, mappings: Json) -> None:
        self.vendor = vendor
        self.behaviour = behaviour
        self.mappings = mappings

    def patient(self, resource: Json) -> Json:
        name = self.behaviour.named(resource.get("name", []))
        return {
            "name": {
                "family": name.get("family"),
                "given": name.get("given", []),
                "suffix": " ".join(name.get("suffix", [])) or None,
            },
            "birthDate": self.when(resource.get("birthDate")),
            "administrativeGender": resource.get("gender"),
            "sexAtBirth": self.sex_at_birth(resource),
            "race": _omb(resource, "race"),
            **_why_no_race(resource),
            "ethnicity": next(iter(_omb(resource, "ethnicity")), None),
            "language": code_in([_preferred(resource.get("communication", [])).get("language")], "urn:ietf:bcp:47"),
            "maritalStatus": self.marital_status(resource.get("maritalStatus")),
            "telecom": [
                without_none(
                    {
                        "system": point["system"],
                        "use": point.get("use"),
                        "value": phone(point["value"]) if point["system"] == "phone" else point["value"],
                    }
                )
                for point in resource.get("telecom", [])
                if not is_over(point) and point.get("value")
            ],
            "addresses": [
                without_none(
                    {
                        "use": address.get("use"),
                        "lines": address.get("line", []),
                        "city": address.get("city"),
                        "state": address.get("state"),
                        "zip": address.get("postalCode"),
                    }
                )
                for address in resource.get("address", [])
                if not is_over(address)
            ],
            "identifiers": self.identifiers(resource.get("identifier", [])),
            "deceased": {
                "value": self.behaviour.truth(resource.get("deceasedBoolean", "deceasedDateTime" in resource))
            },
        }

    def sex_at_birth(self, resource: Json) -> str | None:
        value = extension(resource, US_CORE + "birthsex").get("valueCode")
        return str(value) if value else None

    def marital_status(self, concept: Json | None) -> str | None:
        return code_in([concept], TERMINOLOGY + "v3-MaritalStatus")

    def identifiers(self, listed: list[Json]) -> list[Json]:
        """The identifiers that name a person here: with a system, in force, each number once, as it is told without
        blanks where it comes with and without."""
        found: dict[tuple[str, str], Json] = {}
        told = [one for one in listed if one.get("system") and one.get("value") and not is_over(one)]
        for one in sorted(told, key=lambda one: bool(one["value"] != one["value"].strip())):
            key = one["system"], one["value"].strip()
            found.setdefault(key, {"type": self.identifier_type(one), "system": key[0], "value": key[1]})
        return list(found.values())

    def identifier_type(self, identifier: Json) -> str | None:
        return code_in([identifier.get("type")], TERMINOLOGY + "v2-0203")

    def encounter(self, resource: Json) -> Json:
        period, stay = resource.get("period", {}), resource.get("hospitalization", {})
        return {
            "status": resource.get("status"),
            "class": resource.get("class", {}).get("code"),
            "type": self.coded(first(resource.get("type"))),
            "start": self.when(period.get("start")),
            "end": self.when(period.get("end")),
            "reasonCodes": self.codes_in(resource.get("reasonCode", [])),
            "location": next((one["location"].get("display") for one in resource.get("location", [])), None),
            **{name: self.coded(stay[name]) for name in ("admitSource", "dischargeDisposition") if name in stay},
        }

    def condition(self, resource: Json) -> Json:
        return {
            **self.coded(resource.get("code", {})),
            "clinicalStatus": code_in([resource.get("clinicalStatus")]),
            "verification": code_in([resource.get("verificationStatus")]),
            "category": code_in(resource.get("category", []), TERMINOLOGY + "condition-category"),
            "onset": self.when(resource.get("onsetDateTime")),
            "abatement": self.when(resource.get("abatementDateTime")),
            "recorded": self.when(resource.get("recordedDate")),
        }

    def allergy(self, resource: Json) -> Json | list[Json]:
        coded = self.coded(resource.get("code", {}))
        codes = {one["code"] for one in coded["codes"]}
        if codes & NOT_ASKED:
            return []  # it says that nobody asked: neither an allergy nor the statement that there is none
        return {
            **coded,
            "assertion": "none-known" if codes & NO_KNOWN_ALLERGIES else "present",
            "type": resource.get("type"),
            "category": next(iter(resource.get("category", [])), None),
            "criticality": resource.get("criticality"),
            "clinicalStatus": code_in([resource.get("clinicalStatus")]),
            "verification": code_in([resource.get("verificationStatus")]),
            "reactions": [
                one["code"]
                for reaction in resource.get("reaction", [])
                for one in self.codes_in(reaction.get("manifestation", []))
                if one["system"] == "snomed" and one["code"].isdigit()
            ],
            "onset": self.calendar_day(resource.get("onsetDateTime")),
        }

    def medication(self, resource: Json) -> Json:
        dosage = first(resource.get("dosageInstruction"))
        repeat = dosage.get("timing", {}).get("repeat", {})
        bounds = repeat.get("boundsPeriod", {})
        dispense = resource.get("dispenseRequest", {})
        return {
            **self.product(resource),
            "status": resource.get("status"),
            "intent": resource.get("intent"),
            "authored": self.when(resource.get("authoredOn")),
            "dosage": {
                **self.dose(dosage),
                "route": self.snomed(dosage.get("route", {})),
                **self.timing(dosage),
                "asNeeded": self.behaviour.truth(dosage.get("asNeededBoolean", "asNeededCodeableConcept" in dosage)),
                "text": dosage.get("patientInstruction") or dosage.get("text"),
            },
            "start": self.calendar_day(bounds.get("start")),
            "stop": self.calendar_day(bounds.get("end")),
            "quantity": self.digits(dispense.get("quantity", {}).get("value")),
            "daysSupply": self.digits(dispense.get("expectedSupplyDuration", {}).get("value")),
            "refills": self.digits(dispense.get("numberOfRepeatsAllowed")),
            "reason": self.codes_in(resource.get("reasonCode", [])),
        }

    def product(self, resource: Json) -> Json:
        """Codes and text of the drug, wherever the dialect puts them."""
        reference = resource.get("medicationReference", {}).get("reference", "")
        contained = first([one for one in resource.get("contained", []) if f"#{one.get('id')}" == reference])
        return self.coded(resource.get("medicationCodeableConcept") or contained.get("code", {}))

    def dose(self, dosage: Json) -> Json:
        """The dose as ordered. A dose told several times is not several doses; a strength is no dose."""
        quantity = first(dosage.get("doseAndRate")).get("doseQuantity", {})
        return {"dose": self.digits(quantity.get("value")), "doseUnit": quantity.get("code") or quantity.get("unit")}

    def timing(self, dosage: Json) -> Json:
        repeat = dosage.get("timing", {}).get("repeat", {})
        return {
            "frequency": self.digits(repeat.get("frequency")),
            "period": self.digits(repeat.get("period")),
            "periodUnit": repeat.get("periodUnit"),
        }

    def observation(self, resource: Json) -> Json | list[Json]:
        shared = {
            "status": resource.get("status"),
            "category": code_in(resource.get("category", []), TERMINOLOGY + "observation-category"),
            "effective": self.when(resource.get("effectiveDateTime")),
            "issued": self.when(resource.get("issued")),
        }
        components = resource.get("component", [])
        if not components:
            return {**shared, **self.measured(resource), "panel": None}
        panel = {one["code"] for one in self.coded(resource["code"])["codes"] if one["system"] == "loinc"}
        flags = {"interpretation": resource.get("interpretation", [])}  # where one flag is told for the whole
        rows = []
        for component in components:
            row = self.measured(flags | component)
            # Some repeat the panel's code in each component: only the component's own codes say what was measured.
            row["codes"] = [one for one in row["codes"] if one["code"] not in panel]
            part = next((one["code"] for one in row["codes"] if one["system"] == "loinc"), None)
            name = BLOOD_PRESSURE if BLOOD_PRESSURE in panel else min(panel, default=None)
            rows.append({**shared, **row, "panel": name, "source": without_none({"part": part})})
        return rows

    def measured(self, thing: Json) -> Json:
        """Code, value, flag and range of an Observation or of one of its components."""
        return {
            **self.coded(thing.get("code", {})),
            "value": self.value(thing),
            "interpretation": code_in(thing.get("interpretation", []), TERMINOLOGY + "v3-ObservationInterpretation"),
            "range": self.range(first(thing.get("referenceRange"))),
        }

    def value(self, thing: Json) -> Json | None:
        if quantity := thing.get("valueQuantity"):
            number = self.digits(quantity["value"])
            return {"number": number, "unit": self.unit(quantity), "comparator": quantity.get("comparator")}
        if concept := thing.get("valueCodeableConcept"):
            return {"coded": self.coded(concept)}
        return {"text": thing["valueString"]} if "valueString" in thing else None

    def unit(self, quantity: Json) -> str | None:
        return self.behaviour.unit(quantity) or quantity.get("unit")

    def range(self, told: Json) -> Json:
        return {side: self.digits(told.get(side, {}).get("value")) for side in ("low", "high")}

    def immunization(self, resource: Json) -> Json:
        return {
            **self.coded(resource.get("vaccineCode", {})),
            "date": self.calendar_day(resource.get("occurrenceDateTime")),
            "status": resource.get("status"),
            "lot": resource.get("lotNumber"),
        }

    def procedure(self, resource: Json) -> Json:
        period = resource.get("performedPeriod", {})
        return {
            **self.coded(resource.get("code", {})),
            "status": resource.get("status"),
            "performed": self.when(period.get("start") or resource.get("performedDateTime")),
            "end": self.when(period.get("end")),
            "reason": self.codes_in(resource.get("reasonCode", [])),
        }

    def document(self, resource: Json) -> Json:
        """One document; its words are those of the attachment that is read, which `_content` holds."""
        attachment = self.attachment(resource)
        mime, data = attachment.get("contentType", ""), resource.get("_content")
        type = self.coded(resource.get("type", {}))
        return {
            "type": next((one["code"] for one in type["codes"] if one["system"] == "loinc"), None),
            "text": type["text"],
            "status": resource.get("status"),
            "mime": mime or None,
            "date": self.when(resource.get("date")),
            **({} if data is None else {"sha256": sha256(data).hexdigest()}),
            **({} if data is None or not mime.startswith("text/") else {"content": words_of(mime, data)}),
        }

    def attachment(self, resource: Json) -> Json:
        """The form in which a document is read: the first."""
        return first([one["attachment"] for one in resource.get("content", [])])

    def appointment(self, resource: Json) -> Json:
        shown = {
            one["actor"].get("reference", "").split("/")[0]: one["actor"].get("display")
            for one in resource.get("participant", [])
        }
        start = self.when(resource.get("start"))
        who = shown.get("Practitioner")
        return {
            "status": resource.get("status"),
            "type": self.coded(first(resource.get("serviceType"))),
            "start": start,
            "minutes": self.digits(resource.get("minutesDuration")),
            "reason": self.codes_in(resource.get("reasonCode", [])),
            "text": resource.get("description"),
            "cancelReason": self.cancel_reason(resource.get("cancelationReason")),
            "practitioner": who.split(",")[0] if who else None,
            "location": shown.get("Location"),
        }

    def cancel_reason(self, concept: Json | None) -> str | None:
        if not concept:
            return None
        code = code_in([concept], TERMINOLOGY + "appointment-cancellation-reason")
        return {"pat": "patient", "prov": "provider"}.get(code or "") or str(concept.get("text", "")).lower() or None

    def coverage(self, resource: Json) -> Json:
        classes = {code_in([one["type"]]): one.get("value") for one in resource.get("class", [])}
        period = resource.get("period", {})
        return {
            "status": resource.get("status"),
            "payer": first(resource.get("payor")).get("display"),
            "plan": classes.get("plan"),
            "memberId": resource.get("subscriberId"),
            "dependent": resource.get("dependent"),
            "group": classes.get("group"),
            "relationship": code_in([resource.get("relationship")]),
            "order": self.digits(resource.get("order")),
            "period": {"start": self.when(period.get("start")), "end": self.when(period.get("end"))},
        }

    # Words

    def when(self, text: str | None) -> Json | None:
        return when(text and self.behaviour.time(text))

    def calendar_day(self, text: str | None) -> Json | None:
        """A time where only the day is meant."""
        return when(text and self.behaviour.time(text), midnight_is_day=self.midnight_is_day)

    def digits(self, value: Any) -> str | None:
        """A number with the digits that were sent: 7.10 stays 7.10."""
        return None if value is None else self.behaviour.number(Decimal(value))

    def coded(self, concept: Json) -> Json:
        """{codes, text} of a CodeableConcept."""
        displays = [coding["display"] for coding in concept.get("coding", []) if coding.get("display")]
        return {"codes": self.codes_in([concept]), "text": self.behaviour.label(concept.get("text"), displays)}

    def codes_in(self, concepts: Iterable[Json]) -> list[Json]:
        return codes_of((coding for concept in concepts for coding in concept.get("coding", [])), self.vendor)

    def snomed(self, concept: Json) -> str | None:
        return next((one["code"] for one in self.codes_in([concept]) if one["system"] == "snomed"), None)


def words_of(mime: str, data: bytes) -> str:
    """The words of a document of text: without tags, without the control words of RTF."""
    if mime.startswith("text/html"):
        return html.unescape(_TAG.sub(" ", data.decode()))
    if mime.startswith("text/rtf"):
        plain = _RTF_LETTER.sub(lambda match: chr(int(match[1]) % 65536), data.decode("ascii"))
        return _RTF_WORD.sub(" ", plain)
    return data.decode()


_TAG = re.compile(r"<[^<>]*>")
_RTF_LETTER = re.compile(r"\\u(-?\d+)\?")
_RTF_WORD = re.compile(r"\\[a-z]+-?\d* ?|[{}]")


def first(listed: list[Json] | None) -> Json:
    """The first of some elements, where FHIR allows several and the vendor tells one; empty when there is none."""
    return listed[0] if listed else {}


def code_in(concepts: Iterable[Json | None], system: str | None = None) -> str | None:
    """The first code of `system` (of any, if none is named) in some CodeableConcepts."""
    codings = (coding for concept in concepts for coding in (concept or {}).get("coding", []))
    return next((str(one["code"]) for one in codings if one.get("code") and system in (None, one.get("system"))), None)


def extension(resource: Json, url: str) -> Json:
    return next((one for one in resource.get("extension", []) if one.get("url") == url), {})


def _omb(resource: Json, what: str) -> list[str]:
    """The OMB categories of race or ethnicity; a null flavour is no category."""
    parts = extension(resource, US_CORE + what).get("extension", [])
    codings = [part["valueCoding"] for part in parts if part.get("url") == "ombCategory"]
    return [coding["code"] for coding in codings if "NullFlavor" not in coding.get("system", "")]


def _why_no_race(resource: Json) -> Json:
    """Why no race is told, where a null flavour says so."""
    reasons = {"UNK": "unknown", "ASKU": "asked-unknown", "NASK": "not-asked"}
    parts = extension(resource, US_CORE + "race").get("extension", [])
    told = [reasons.get(part["valueCoding"]["code"]) for part in parts if part.get("url") == "ombCategory"]
    return {"absent": {"race": told[0]}} if told and told[0] else {}


def _preferred(communication: list[Json]) -> Json:
    return next((one for one in communication if one.get("preferred")), next(iter(communication), {}))
