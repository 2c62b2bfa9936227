"""Entries of allergies, medications, problems, immunizations, procedures and encounters, with the chart's codes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from simulator.population import tables
from simulator.population.documents.ccda.header import root_of
from simulator.population.documents.ccda.xml import between, coded, day, element, moment, template, text
from simulator.population.documents.parts import encounters_of_year
from simulator.population.documents.view import View
from simulator.population.records import (
    Allergy,
    Code,
    Condition,
    Dosage,
    Encounter,
    Immunization,
    Medication,
    Procedure,
)

_T = "2.16.840.1.113883.10.20.22.4."
_CONCERN = element("code", code="CONC", codeSystem="2.16.840.1.113883.5.6")
_ASSERTION = element("code", code="ASSERTION", codeSystem="2.16.840.1.113883.5.4")
_KINDS_OF_ALLERGY = {  # Allergy and Intolerance Type, 2.16.840.1.113883.3.88.12.3221.6.2
    ("allergy", "medication"): Code("snomed", "416098002", "Allergy to drug"),
    ("allergy", "food"): Code("snomed", "414285001", "Allergy to food"),
    ("intolerance", "medication"): Code("snomed", "59037007", "Intolerance to drug"),
    ("intolerance", "food"): Code("snomed", "235719002", "Intolerance to food"),
}
_ANY_ALLERGY = Code("snomed", "419199007", "Allergy to substance")
_CRITICALITY = {"low": "CRITL", "high": "CRITH"}
_HOURS = {"h": Decimal(1), "d": Decimal(24), "wk": Decimal(168)}


def problems(view: View) -> Iterator[str]:
    """Problem Concern Acts, one a problem that is on."""
    for one in view.problems:
        yield element(
            "act",
            template(_T + "3", "2015-08-01"),
            element("id", root=root_of(view, "concern", one.ordinal)),
            _CONCERN,
            element("statusCode", code="active"),
            element("effectiveTime", element("low", value=moment(one.recorded, view.zone))),
            element("entryRelationship", _problem(view, one), typeCode="SUBJ"),
            classCode="ACT",
            moodCode="EVN",
        )


def _problem(view: View, one: Condition) -> str:
    main, *others = sorted(one.codes, key=lambda code: code.system != "snomed")
    return element(
        "observation",
        template(_T + "4", "2015-08-01"),
        element("id", root=root_of(view, "condition", one.ordinal)),
        coded(
            "code", Code("snomed", "64572001", "Condition"), coded("translation", Code("loinc", "75323-6", "Condition"))
        ),
        element("statusCode", code="completed"),
        between(day(one.onset), day(one.abatement) if one.abatement else None),
        coded("value", main, *(coded("translation", other) for other in others), type_="CD"),
        classCode="OBS",
        moodCode="EVN",
    )


def allergies(view: View) -> Iterator[str]:
    """Allergy Concern Acts; that there is none is a negated observation."""
    for one in view.allergies:
        yield element(
            "act",
            template(_T + "30", "2015-08-01"),
            element("id", root=root_of(view, "allergy concern", one.ordinal)),
            _CONCERN,
            element("statusCode", code="active"),
            element("effectiveTime", element("low", value=moment(one.recorded, view.zone))),
            element("entryRelationship", _allergy(view, one), typeCode="SUBJ"),
            classCode="ACT",
            moodCode="EVN",
        )


def _allergy(view: View, one: Allergy) -> str:
    kind = _KINDS_OF_ALLERGY.get((one.type, one.category), _ANY_ALLERGY)
    substance = element("code", nullFlavor="NA") if one.none_known else coded("code", one.code)
    return element(
        "observation",
        template(_T + "7", "2014-06-09"),
        element("id", root=root_of(view, "allergy", one.ordinal)),
        _ASSERTION,
        element("statusCode", code="completed"),
        between(day(one.onset) if one.onset else None, None),
        coded("value", _ANY_ALLERGY if one.none_known else kind, type_="CD"),
        element(
            "participant",
            element("participantRole", element("playingEntity", substance, classCode="MMAT"), classCode="MANU"),
            typeCode="CSM",
        ),
        *(_reaction(view, one, place, code) for place, code in enumerate(one.reactions)),
        _criticality(one) if one.criticality in _CRITICALITY and not one.none_known else "",
        classCode="OBS",
        moodCode="EVN",
        negationInd="true" if one.none_known else None,
    )


def _reaction(view: View, one: Allergy, place: int, code: Code) -> str:
    return element(
        "entryRelationship",
        element(
            "observation",
            template(_T + "9", "2014-06-09"),
            element("id", root=root_of(view, f"reaction {place}", one.ordinal)),
            _ASSERTION,
            element("statusCode", code="completed"),
            coded("value", code, type_="CD"),
            classCode="OBS",
            moodCode="EVN",
        ),
        typeCode="MFST",
        inversionInd="true",
    )


def _criticality(one: Allergy) -> str:
    return element(
        "entryRelationship",
        element(
            "observation",
            template(_T + "145"),
            coded("code", Code("loinc", "82606-5", "Allergy or intolerance criticality")),
            element("statusCode", code="completed"),
            element(
                "value",
                xsi_type="CD",
                code=_CRITICALITY[one.criticality],
                codeSystem="2.16.840.1.113883.5.1063",
                displayName=f"{one.criticality} criticality",
            ),
            classCode="OBS",
            moodCode="EVN",
        ),
        typeCode="SUBJ",
        inversionInd="true",
    )


def medications(view: View) -> Iterator[str]:
    """Medication Activities of what is taken now."""
    for one in view.medications:
        yield element(
            "substanceAdministration",
            template(_T + "16", "2014-06-09"),
            element("id", root=root_of(view, "medication", one.ordinal)),
            element("text", text(one.dosage.text)),
            element("statusCode", code="active"),
            between(day(one.start), day(one.stop) if one.stop else None, type_="IVL_TS"),
            _timing(one.dosage),
            element(
                "routeCode",
                element("originalText", text(one.dosage.route_key)),
                coded("translation", one.dosage.route),
                nullFlavor="OTH",
            ),
            _dose(one.dosage),
            _product(view, one),
            classCode="SBADM",
            moodCode="EVN",
        )


def _timing(dosage: Dosage) -> str:
    hours = _HOURS.get(dosage.period_unit)
    if hours is None or dosage.frequency == 1:
        value, unit = dosage.period, dosage.period_unit
    else:
        value, unit = (dosage.period * hours / dosage.frequency).quantize(Decimal("0.1")).normalize(), "h"
    return element(
        "effectiveTime",
        element("period", value=f"{value:f}", unit=unit),
        xsi_type="PIVL_TS",
        institutionSpecified="true",
        operator="A",
    )


def _dose(dosage: Dosage) -> str:
    is_counted = dosage.unit.isalpha() and dosage.unit not in ("mg", "mL", "g", "mcg")
    return element("doseQuantity", value=f"{dosage.dose:f}", unit=None if is_counted else dosage.unit)


def _product(view: View, one: Medication) -> str:
    return element(
        "consumable",
        element(
            "manufacturedProduct",
            template(_T + "23", "2014-06-09"),
            element("id", root=root_of(view, "product", one.ordinal)),
            element("manufacturedMaterial", coded("code", one.product)),
            classCode="MANU",
        ),
    )


def immunizations(view: View) -> Iterator[str]:
    """Immunization Activities, every dose on record."""
    for one in view.immunizations:
        yield element(
            "substanceAdministration",
            template(_T + "52", "2015-08-01"),
            element("id", root=root_of(view, "immunization", one.ordinal)),
            element("statusCode", code="completed"),
            element("effectiveTime", value=day(one.day)),
            _vaccine(one),
            classCode="SBADM",
            moodCode="EVN",
            negationInd="false",
        )


def _vaccine(one: Immunization) -> str:
    return element(
        "consumable",
        element(
            "manufacturedProduct",
            template(_T + "54", "2014-06-09"),
            element(
                "manufacturedMaterial",
                coded("code", one.code),
                element("lotNumberText", text(one.lot)) if one.lot else "",
            ),
            classCode="MANU",
        ),
    )


def procedures(view: View) -> Iterator[str]:
    """Procedure Activity Procedures of the last year."""
    for one in view.procedures:
        if (view.today - one.start.astimezone(view.zone).date()).days <= 365:
            yield _procedure(view, one)


def _procedure(view: View, one: Procedure) -> str:
    return element(
        "procedure",
        template(_T + "14", "2014-06-09"),
        element("id", root=root_of(view, "procedure", one.ordinal)),
        coded("code", one.codes[0]),
        element("statusCode", code="completed"),
        between(moment(one.start, view.zone), moment(one.end, view.zone)),
        classCode="PROC",
        moodCode="EVN",
    )


def encounters(view: View) -> Iterator[str]:
    """Encounter Activities of the last year."""
    for one in encounters_of_year(view):
        yield _encounter(view, one)


def _disposition(key: str) -> Code:
    """As bills tell it: the guide asks for codes of the NUBC. Source: C-CDA R2.1, CONF:1198-32177."""
    row = tables.DISPOSITIONS[key]
    return Code("nubc", row.nubc, row.text)


def _encounter(view: View, one: Encounter) -> str:
    return element(
        "encounter",
        template(_T + "49", "2015-08-01"),
        element("id", root=root_of(view, "encounter", one.ordinal)),
        coded(
            "code",
            one.type,
            element("translation", code=one.class_code, codeSystem="2.16.840.1.113883.5.4", codeSystemName="ActCode"),
        ),
        between(moment(one.start, view.zone), moment(one.end, view.zone) if one.end else None),
        coded("sdtc:dischargeDispositionCode", _disposition(one.disposition)) if one.disposition else "",
        classCode="ENC",
        moodCode="EVN",
    )
