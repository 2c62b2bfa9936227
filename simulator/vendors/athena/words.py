"""The vocabulary of athena: its words for zones, units, sigs, languages, and how it writes days, times and phones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from simulator.fhir.build import zone_of
from simulator.population.answers import Loss
from simulator.population.records import Document

EASTERN = "America/New_York"
"""What athena calls its own time: audit stamps and `lastUpdated` are told in it whatever the practice's zone."""

ZONE_NAMES: Mapping[str, str] = {
    "America/New_York": "US/Eastern",
    "America/Chicago": "US/Central",
    "America/Denver": "US/Mountain",
    "America/Los_Angeles": "US/Pacific",
    "America/Phoenix": "US/Arizona",
    "America/Anchorage": "US/Alaska",
    "Pacific/Honolulu": "US/Hawaii",
    "America/Detroit": "US/Michigan",
    "America/Indiana/Indianapolis": "US/East-Indiana",
}
"""IANA zone → the name a department publishes; a zone that is not here keeps its IANA name."""

LANGUAGES: Mapping[str, str] = {
    "en": "eng", "es": "spa", "zh": "zho", "tl": "tgl", "vi": "vie", "ar": "ara", "fr": "fra", "ko": "kor",
    "ru": "rus", "ht": "hat", "de": "deu", "hi": "hin", "pt": "por",
}  # fmt: skip
"""BCP 47 → ISO 639-2, as `language6392code` has it."""

MARITAL: Mapping[str, tuple[str, str]] = {
    "M": ("M", "MARRIED"),
    "S": ("S", "SINGLE"),
    "D": ("D", "DIVORCED"),
    "W": ("W", "WIDOWED"),
    "L": ("X", "SEPARATED"),
    "T": ("P", "PARTNER"),
}
"""v3 MaritalStatus → (`maritalstatus`, `maritalstatusname`)."""

SEX: Mapping[str, str] = {"female": "F", "male": "M", "other": "X"}
"""Administrative gender → `sex`."""


@dataclass(frozen=True, slots=True)
class Frequency:
    """How athena tells a dosing frequency: words, and a number a day (or week) where it has one."""

    description: str
    value: int | None
    unit: str = "per day"


FREQUENCIES: Mapping[str, Frequency] = {
    "QD": Frequency("every day", 1),
    "QAM": Frequency("every morning", 1),
    "QPM": Frequency("every evening", 1),
    "QHS": Frequency("every day at bedtime", 1),
    "BID": Frequency("twice a day", 2),
    "TID": Frequency("3 times a day", 3),
    "TIDAC": Frequency("3 times a day before meals", 3),
    "QAMAC": Frequency("every morning before breakfast", 1),
    "QID": Frequency("4 times a day", 4),
    "Q4H": Frequency("every 4 hours", 6),
    "Q6H": Frequency("every 6 hours", 4),
    "Q8H": Frequency("every 8 hours", 3),
    "Q12H": Frequency("every 12 hours", 2),
    "Q24H": Frequency("every 24 hours", 1),
    "Q5MIN": Frequency("every 5 minutes", None),
    "QWK": Frequency("once a week", 1, "per week"),
    "TIW": Frequency("3 times a week", 3, "per week"),
    "Q28D": Frequency("every 28 days", None),
    "Q90D": Frequency("every 90 days", None),
    "ONCE": Frequency("once", None),
}
"""Frequency code → athena's telling. The words are unambiguous; `value` is not (6 a day may be every 4 hours)."""

DOSE_UNITS: Mapping[str, str] = {
    "tablet": "tablet(s)",
    "capsule": "capsule(s)",
    "puff": "puff(s)",
    "film": "film(s)",
    "patch": "patch(es)",
    "application": "application(s)",
    "[iU]": "unit(s)",
}
"""Dose unit → `dosagequantityunit`; others (mg, mL, g) stay."""

LAB_UNITS: Mapping[str, str] = {
    "10*3/uL": "K/uL",
    "10*6/uL": "M/uL",
    "/uL": "cells/uL",
    "m[IU]/L": "mIU/L",
    "mL/min/{1.73_m2}": "mL/min/1.73m2",
    "ug/dL": "mcg/dL",
    "ug/mL": "mcg/mL",
    "{copies}/mL": "copies/mL",
    "{INR}": "INR",
    "[pH]": "pH",
    "{SG}": "SG",
    "{score}": "score",
    "{T-score}": "T-score",
    "s": "sec",
}
"""UCUM → `units` of an analyte; others stay as they are."""


@dataclass(frozen=True, slots=True)
class Vital:
    """One vital sign: its group in `vitals[]`, its clinical element, and the unit that the payload shows (or not)."""

    key: str
    abbreviation: str
    ordering: int
    element: str
    unit: str | None  # as REST shows it
    ucum: str  # what the number is in, on both sides
    unit_name: str  # as FHIR spells it out


VITALS: Mapping[str, Vital] = {
    "8480-6": Vital("BLOODPRESSURE", "BP", 0, "VITALS.BLOODPRESSURE.SYSTOLIC", None, "mm[Hg]", "millimeter of mercury"),
    "8462-4": Vital(
        "BLOODPRESSURE", "BP", 0, "VITALS.BLOODPRESSURE.DIASTOLIC", None, "mm[Hg]", "millimeter of mercury"
    ),
    "39156-5": Vital("BMI", "BMI", 1, "VITALS.BMI", None, "kg/m2", "kilogram / (meter ^ 2)"),
    "8302-2": Vital("HEIGHT", "Ht", 2, "VITALS.HEIGHT", "cm", "cm", "centimeter"),
    "29463-7": Vital("WEIGHT", "Wt", 3, "VITALS.WEIGHT", "g", "g", "gram"),
    "8867-4": Vital("PULSE", "Pulse", 7, "VITALS.PULSE.RATE", None, "/min", "Beats / minute"),
    "59408-5": Vital("O2SATURATION", "O2Sat", 6, "VITALS.O2SATURATION", None, "%", "percent"),
    "8310-5": Vital("TEMPERATURE", "T", 8, "VITALS.TEMPERATURE", "F", "[degF]", "degree Fahrenheit"),
    "9279-1": Vital("RESPIRATIONRATE", "RR", 9, "VITALS.RESPIRATIONRATE", None, "/min", "Breaths / minute"),
    "9843-4": Vital("HEADCIRCUMFERENCE", "HC", 10, "VITALS.HEADCIRCUMFERENCE", "cm", "cm", "centimeter"),
    "72514-3": Vital("PAINSCALE", "Pain Scale", 11, "VITALS.PAINSCALE", None, "{score}", "score"),
}
"""LOINC → vital sign. Groups, elements and units of the first eight: seen; the last three by analogy."""

HEART_RATE = Vital("HEARTRATE", "HR", 5, "VITALS.HEARTRATE", None, "/min", "Beats / minute")
"""The other group that heart rates come in, with the same LOINC."""

_GRAMS_A_POUND = Decimal("453.59237")


def grams(kilograms: Decimal) -> tuple[Decimal, str]:
    """A weight as athena stores it: entered in tenths of a pound, kept in grams. Gives (grams, the step lost)."""
    pounds = (kilograms * 1000 / _GRAMS_A_POUND).quantize(Decimal("0.1"))
    return _trimmed((pounds * _GRAMS_A_POUND).quantize(Decimal("0.0001"))), "45.359237 g"


def fahrenheit(celsius: Decimal) -> tuple[Decimal, str]:
    """A temperature in tenths of a degree Fahrenheit. Gives (degrees, the step lost)."""
    return (celsius * Decimal("1.8") + 32).quantize(Decimal("0.1")), "0.1 [degF]"


def told_vital(ucum: str | None, shown: str, value: Decimal) -> tuple[Decimal, str | None]:
    """The number that athena tells for `value` in the unit `ucum`, and the rounding step, None when nothing is lost.

    Raises:
        ValueError: there is no way from `ucum` to `shown`.
    """
    if ucum == shown or ucum is None:
        return value, None
    if (ucum, shown) == ("kg", "g"):
        return grams(value)
    if (ucum, shown) == ("Cel", "[degF]"):
        return fahrenheit(value)
    raise ValueError(f"no way from {ucum} to {shown}")


def _trimmed(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def us_day(on: date) -> str:
    """`MM/DD/YYYY`."""
    return f"{on.month:02d}/{on.day:02d}/{on.year:04d}"


def local_day(at: datetime, zone: str) -> date:
    """The calendar day of an instant in `zone`."""
    return at.astimezone(zone_of(zone)).date()


def us_time(at: datetime, zone: str) -> str:
    """`MM/DD/YYYY HH:MM:SS` of the clock on the wall in `zone`, without offset."""
    local = at.astimezone(zone_of(zone))
    return f"{us_day(local)} {local.hour:02d}:{local.minute:02d}:{local.second:02d}"


def clock(at: datetime, zone: str) -> str:
    """`HH:MM` of the clock on the wall in `zone`."""
    local = at.astimezone(zone_of(zone))
    return f"{local.hour:02d}:{local.minute:02d}"


def offset_time(at: datetime, zone: str) -> str:
    """ISO 8601 to the second with the offset that `zone` has then."""
    return at.astimezone(zone_of(zone)).isoformat(timespec="seconds")


def parse_us_day(text: str) -> date | None:
    """The day that `MM/DD/YYYY` spells, None when it spells none. Month and day may have one digit."""
    parts = text.strip().split("/")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts) or len(parts[2]) != 4:
        return None
    try:
        return date(int(parts[2]), int(parts[0]), int(parts[1]))
    except ValueError:
        return None


def day_only(field: str, at: datetime, zone: str) -> Loss:
    """The loss of an instant that is told as the local day."""
    value = {"value": local_day(at, zone).isoformat(), "precision": "day"}
    return Loss(field, "replaced", "day", value)


def zone_lost(field: str, at: datetime, zone: str) -> Loss:
    """The loss of an instant that is told as local time without offset.

    In the hour that autumn shows twice the second pass cannot be told from the first: the first is what a careful
    reader takes.
    """
    local = at.astimezone(zone_of(zone))
    if local.fold:
        first = local.replace(fold=0).astimezone(UTC)
        return Loss(field, "replaced", zone, {"value": first.strftime("%Y-%m-%dT%H:%M:%SZ"), "precision": "minute"})
    return Loss(field, "zone_dropped", zone)


def ten_digits(e164: str) -> str:
    """An American number without country code and punctuation."""
    return "".join(letter for letter in e164 if letter.isdigit())[-10:]


def punctuated(e164: str) -> str:
    """`(617) 555-0123`."""
    digits = ten_digits(e164)
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"


def number(value: Decimal) -> int | Decimal:
    """A number as JSON: whole ones without decimal point."""
    return int(value) if value == value.to_integral_value() else value


@dataclass(frozen=True, slots=True)
class DocumentClass:
    """Under what athena files a document: its class, and its subclass where it has one."""

    name: str
    subclass: str | None = None

    @property
    def path(self) -> str:
        """The class as paths and names of members spell it."""
        return self.name.lower()


_DOCUMENTS: Mapping[str, DocumentClass] = {
    "progress": DocumentClass("ENCOUNTERDOCUMENT", "ENCOUNTERDOCUMENT_PROGRESSNOTE"),
    "hp": DocumentClass("ENCOUNTERDOCUMENT", "ENCOUNTERDOCUMENT_PATIENTHISTORY"),
    "procedure_note": DocumentClass("ENCOUNTERDOCUMENT", "ENCOUNTERDOCUMENT_PROCEDUREDOC"),
    "consult": DocumentClass("CLINICALDOCUMENT", "CLINICALDOCUMENT_CONSULTNOTE"),
    "discharge": DocumentClass("CLINICALDOCUMENT", "CLINICALDOCUMENT_ADMISSIONDISCHARGE"),
    "ed_note": DocumentClass("CLINICALDOCUMENT", "CLINICALDOCUMENT_URGENTCARE"),
    "psychotherapy": DocumentClass("CLINICALDOCUMENT", "CLINICALDOCUMENT_MENTALHEALTH"),
    "imaging": DocumentClass("IMAGINGRESULT"),
    "lab_report": DocumentClass("MEDICALRECORD", "MEDICALRECORD_HISTORICAL"),
    "pathology": DocumentClass("MEDICALRECORD", "MEDICALRECORD_HISTORICAL"),
}
_CLINICAL = DocumentClass("CLINICALDOCUMENT")


def document_class(record: Document) -> DocumentClass:
    """The class of a document."""
    return document_class_of(record.key)


def document_class_of(key: str) -> DocumentClass:
    """The class of a row of documents.csv: letters and summaries are clinical documents."""
    return _DOCUMENTS.get(key, _CLINICAL)
