"""Every kind of error an integration can make has its name; what a telling lost is never held against anybody.

Each case is: the fields that differ from the perfect record, the losses of the telling, the verdicts.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.population.answers import Expectation, Loss, compare, told

SOURCE = {"vendor": "v", "type": "T", "id": "1"}
PATIENT = {"vendor": "v", "id": "p1"}
COMMON = {"source": SOURCE, "patient": PATIENT}
RECORDS: dict[str, dict[str, Any]] = {
    "patient": {
        "kind": "patient",
        **COMMON,
        "name": {"family": "García-López", "given": ["María", "Elena"], "suffix": "Jr."},
        "birthDate": {"value": "1980-05-03", "precision": "day"},
        "administrativeGender": "female",
        "sexAtBirth": "F",
        "race": ["2106-3", "2054-5"],
        "ethnicity": "2135-2",
        "language": None,
        "maritalStatus": "M",
        "telecom": [
            {"system": "phone", "use": "mobile", "value": "+12025550142"},
            {"system": "email", "use": "home", "value": "maria.garcia.0@example.org"},
        ],
        "addresses": [
            {"use": "home", "lines": ["12 Main St", "Apt 4A"], "city": "Boston", "state": "MA", "zip": "02118"}
        ],
        "identifiers": [{"type": "MR", "system": "urn:mrn", "value": "00482913"}],
        "deceased": {"value": False},
    },
    "observation": {
        "kind": "observation",
        **COMMON,
        "status": "final",
        "category": "laboratory",
        "codes": [{"system": "loinc", "code": "4548-4"}],
        "text": "Hemoglobin A1c",
        "effective": {"value": "2025-01-20T14:30:00Z", "precision": "minute"},
        "issued": {"value": "2025-01-21T08:00:00Z", "precision": "minute"},
        "value": {"number": "7.1", "unit": "%", "comparator": None},
        "interpretation": "H",
        "range": {"low": None, "high": "5.7"},
        "panel": None,
        "sensitivity": [],
    },
    "medication": {
        "kind": "medication",
        **COMMON,
        "codes": [{"system": "rxnorm", "code": "861007"}],
        "text": "metformin hydrochloride 500 MG Oral Tablet",
        "status": "active",
        "intent": "order",
        "authored": {"value": "2025-02-03T15:04:00Z", "precision": "minute"},
        "dosage": {
            "dose": "1",
            "doseUnit": "tablet",
            "route": "26643006",
            "frequency": "2",
            "period": "1",
            "periodUnit": "d",
            "asNeeded": False,
            "text": "Take 1 tablet by mouth twice daily",
        },
        "start": {"value": "2025-02-03", "precision": "day"},
        "stop": None,
        "quantity": "180",
        "daysSupply": "90",
        "refills": "3",
        "reason": [{"system": "snomed", "code": "44054006"}, {"system": "icd10cm", "code": "E11.9"}],
        "sensitivity": ["BH"],
    },
    "allergy": {
        "kind": "allergy",
        **COMMON,
        "assertion": "present",
        "codes": [{"system": "rxnorm", "code": "7980"}],
        "text": "Penicillin G",
        "type": "allergy",
        "category": "medication",
        "criticality": "high",
        "clinicalStatus": "active",
        "verification": "confirmed",
        "reactions": ["247472004"],
        "onset": None,
        "sensitivity": [],
    },
    "condition": {
        "kind": "condition",
        **COMMON,
        "codes": [{"system": "snomed", "code": "44054006"}, {"system": "icd10cm", "code": "E11.9"}],
        "text": "Type 2 diabetes mellitus without complications",
        "clinicalStatus": "active",
        "verification": "confirmed",
        "category": "problem-list-item",
        "onset": {"value": "2016-03", "precision": "month"},
        "abatement": None,
        "recorded": {"value": "2016-03-14T15:00:00Z", "precision": "minute"},
        "sensitivity": [],
    },
}


def expectation(kind: str, *losses: Loss, analyte: str = "a1c", **changes: Any) -> Expectation:
    truth = _changed(RECORDS[kind], changes)
    return Expectation(deepcopy(truth), truth, losses, "America/New_York", analyte if kind == "observation" else "")


def _changed(record: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    made = deepcopy(record)
    for field, value in changes.items():
        *path, last = field.replace("__", ".").split(".")
        holder = made
        for name in path:
            holder = holder[name]
        if value is GONE:
            del holder[last]
        else:
            holder[last] = value
    return made


class _Absent:
    def __repr__(self) -> str:
        return "absent"


GONE = _Absent()


def verdicts(want: Expectation, **changes: Any) -> list[tuple[str, str, str]]:
    got = _changed(want.record, changes)
    return [(one.field, one.verdict, one.severity) for one in compare(want, got)]


def instant(text: str, precision: str = "second") -> dict[str, str]:
    return {"value": text, "precision": precision}


def quantity(number: str, unit: str | None, comparator: str | None = None) -> dict[str, str | None]:
    return {"number": number, "unit": unit, "comparator": comparator}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_perfect_record_has_no_mismatch(kind: str) -> None:
    assert compare(expectation(kind), deepcopy(RECORDS[kind])) == []


PASSES: list[tuple[str, dict[str, Any]]] = [
    # times: the precision of the wire, the same instant with an offset, more digits of the same minute
    ("observation", {"effective": instant("2025-01-20T14:30:00Z")}),
    ("observation", {"effective": instant("2025-01-20T14:30:00.000Z", "millisecond")}),
    ("observation", {"effective": instant("2025-01-20T09:30:00-05:00", "minute")}),
    # any unit that converts
    ("observation", {"value": quantity("54", "mmol/mol")}),
    ("observation", {"value": quantity("54.1", "mmol/mol")}),
    ("observation", {"value": quantity("0.071", "1")}),
    # numbers as numbers
    ("medication", {"dosage__dose": 1, "daysSupply": 90, "refills": 3, "quantity": "180.0"}),
    # codes in another spelling or with a local one beside them, texts with entities
    ("condition", {"codes": [{"system": "snomed", "code": "44054006"}, {"system": "icd10cm", "code": "e119"}]}),
    ("condition", {"codes": [*RECORDS["condition"]["codes"], {"system": "local:v", "code": "X1"}]}),
    ("condition", {"text": "TYPE 2 diabetes&nbsp;mellitus without complications"}),
    # names composed otherwise, sets in another order
    ("patient", {"name__family": "Garci\u0301a-Lo\u0301pez"}),
    ("patient", {"race": ["2054-5", "2106-3"]}),
    ("patient", {"telecom": RECORDS["patient"]["telecom"][::-1]}),
    ("patient", {"language": GONE, "identifiers": [{"type": "MR", "system": "urn:mrn", "value": "00482913"}]}),
    ("patient", {"favouriteColour": "blue"}),
    # known to be absent, said or not said
    ("medication", {"stop": GONE}),
    ("allergy", {"onset": GONE}),
]


@pytest.mark.parametrize(("kind", "changes"), PASSES, ids=lambda value: str(value)[:60])
def test_what_is_as_good_passes(kind: str, changes: dict[str, Any]) -> None:
    assert verdicts(expectation(kind), **changes) == []


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 10**30) | st.floats() | st.text(max_size=4)
    | st.sampled_from(["1980-13-45", "2020-01-01T25:00:00Z", "9999-12-31T23:59:59-14:00", "1e999999", "NaN", "²"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(("value", "number", "unit", "comparator", "coded", "codes", "text", "system", "code")), inner,
        max_size=3,
    ),
    max_leaves=6,
)  # fmt: skip


@given(data=st.data(), kind=st.sampled_from(sorted(RECORDS)))
@settings(max_examples=150, deadline=None)
def test_whatever_is_held_is_judged(data: st.DataObject, kind: str) -> None:
    """Junk is an error of the integration, never a crash of the judge."""
    record = deepcopy(RECORDS[kind])
    for name in data.draw(st.lists(st.sampled_from(sorted(record)), min_size=1, max_size=3)):
        record[name] = data.draw(JUNK)
    found = compare(expectation(kind), record)
    assert all(one.severity in ("critical", "major", "minor") for one in found)


def test_what_should_be_a_list_and_is_none_is_wrong() -> None:
    for kind, field in (("patient", "telecom"), ("patient", "addresses"), ("condition", "codes")):
        assert (field, "wrong", "major") in verdicts(expectation(kind), **{field: 7})


ZEROS_LOST, OTHER_SYSTEM = ("identifiers", "wrong", "major"), ("identifiers", "wrong", "minor")
ERRORS: list[tuple[str, dict[str, Any], tuple[str, str, str]]] = [
    # names
    ("patient", {"name__given": ["María"]}, ("name.given", "missing", "major")),
    ("patient", {"name__given": ["Elena", "María"]}, ("name.given", "wrong", "major")),
    ("patient", {"name__given": ["María Elena"]}, ("name.given", "wrong", "minor")),
    ("patient", {"name__given": ["Juan"]}, ("name.given", "wrong", "critical")),
    ("patient", {"name__family": "GARCÍA-LÓPEZ"}, ("name.family", "wrong", "minor")),
    ("patient", {"name__family": "Garcia-Lopez"}, ("name.family", "wrong", "major")),
    ("patient", {"name__family": "GarcÃ\xada-LÃ³pez"}, ("name.family", "wrong", "major")),
    ("patient", {"name__family": "García-López Jr."}, ("name.family", "wrong", "major")),
    ("patient", {"name__family": "Smith"}, ("name.family", "wrong", "critical")),
    ("patient", {"name__family": "María", "name__given": ["García-López"]}, ("name", "swapped", "critical")),
    ("patient", {"name__family": None}, ("name.family", "missing", "major")),
    ("patient", {"name__suffix": None}, ("name.suffix", "missing", "minor")),
    # dates
    ("patient", {"birthDate": instant("1980-03-05", "day")}, ("birthDate", "transposed", "critical")),
    ("patient", {"birthDate": instant("1980-05-02", "day")}, ("birthDate", "date-shift", "critical")),
    ("patient", {"birthDate": instant("1980-05-04", "day")}, ("birthDate", "date-shift", "critical")),
    ("patient", {"birthDate": instant("1980-05-30", "day")}, ("birthDate", "transposed", "critical")),
    ("patient", {"birthDate": instant("1977-11-30", "day")}, ("birthDate", "wrong", "critical")),
    ("patient", {"birthDate": instant("1980-05", "month")}, ("birthDate", "lost-precision", "major")),
    ("patient", {"birthDate": instant("1980-05-03T00:00:00Z")}, ("birthDate", "invented-precision", "critical")),
    ("patient", {"birthDate": "1980-05-03"}, ("birthDate", "wrong", "major")),
    ("patient", {"birthDate": GONE}, ("birthDate", "missing", "major")),
    ("condition", {"onset": instant("2016-03-01", "day")}, ("onset", "invented-precision", "critical")),
    ("condition", {"onset": instant("2016", "year")}, ("onset", "lost-precision", "major")),
    ("condition", {"onset": instant("2016-04", "month")}, ("onset", "wrong", "major")),
    ("condition", {"abatement": instant("2020-01-01", "day")}, ("abatement", "hallucinated", "major")),
    # instants
    ("observation", {"effective": instant("2025-01-20T09:30:00Z")}, ("effective", "zone-error", "major")),
    ("observation", {"effective": instant("2025-01-20T19:30:00Z")}, ("effective", "zone-error", "major")),
    ("observation", {"effective": instant("2025-01-20T13:30:00Z")}, ("effective", "zone-error", "major")),
    ("observation", {"effective": instant("2025-01-20T18:30:00Z")}, ("effective", "zone-error", "major")),
    ("observation", {"effective": instant("2025-01-20T22:30:00Z")}, ("effective", "zone-error", "major")),
    ("observation", {"effective": instant("2025-01-21T14:30:00Z")}, ("effective", "date-shift", "major")),
    ("observation", {"effective": instant("2025-01-20T14:31:00Z")}, ("effective", "wrong", "major")),
    ("observation", {"effective": instant("2025-01-20", "day")}, ("effective", "lost-precision", "major")),
    ("observation", {"effective": instant("2025-01-20T09:30:00", "minute")}, ("effective", "wrong", "major")),
    # values and units
    ("observation", {"value": quantity("7.1", "mmol/mol")}, ("value.number", "unit-error", "critical")),
    ("observation", {"value": quantity("54", "%")}, ("value.number", "unit-error", "critical")),
    ("observation", {"value": quantity("71", "%")}, ("value.number", "unit-error", "critical")),
    ("observation", {"value": quantity("1.7", "%")}, ("value.number", "transposed", "critical")),
    ("observation", {"value": quantity("7.4", "%")}, ("value.number", "wrong", "critical")),
    ("observation", {"value": quantity("7.1", "mg/dL")}, ("value.unit", "unit-error", "critical")),
    ("observation", {"value": quantity("7.1", None)}, ("value.unit", "missing", "major")),
    ("observation", {"value": quantity("7.10", "%")}, ("value.number", "invented-precision", "minor")),
    ("observation", {"value": quantity("7.1", "%", ">")}, ("value.comparator", "hallucinated", "critical")),
    ("observation", {"value": quantity("seven", "%")}, ("value.number", "wrong", "major")),
    ("observation", {"value": {"text": "7.1 H"}}, ("value", "wrong", "major")),
    ("observation", {"value": None}, ("value", "missing", "major")),
    ("observation", {"value": GONE}, ("value", "missing", "major")),
    ("observation", {"interpretation": "N"}, ("interpretation", "wrong", "major")),
    ("observation", {"range__high": "5.9"}, ("range.high", "wrong", "minor")),
    ("observation", {"range__low": "4.0"}, ("range.low", "hallucinated", "major")),
    ("observation", {"panel": "24323-8"}, ("panel", "hallucinated", "minor")),
    ("observation", {"status": "preliminary"}, ("status", "wrong", "major")),
    # codes
    ("observation", {"codes": [{"system": "loinc", "code": "4549-2"}]}, ("codes", "wrong", "major")),
    ("observation", {"codes": [{"system": "local:v", "code": "A1C"}]}, ("codes", "missing", "major")),
    ("observation", {"codes": []}, ("codes", "missing", "major")),
    ("condition", {"codes": [{"system": "snomed", "code": "44054006"}]}, ("codes", "missing", "minor")),
    (
        "condition",
        {"codes": [*RECORDS["condition"]["codes"], {"system": "snomed", "code": "73211009"}]},
        ("codes", "hallucinated", "major"),
    ),
    (
        "medication",
        {"codes": [*RECORDS["medication"]["codes"], {"system": "rxnorm", "code": "6809"}]},
        ("codes", "hallucinated", "critical"),
    ),
    ("condition", {"text": "Diabetes"}, ("text", "wrong", "minor")),
    ("condition", {"clinicalStatus": "resolved"}, ("clinicalStatus", "wrong", "major")),
    # medications
    ("medication", {"dosage__dose": "2"}, ("dosage.dose", "wrong", "critical")),
    ("medication", {"dosage__frequency": "1"}, ("dosage.frequency", "wrong", "major")),
    ("medication", {"dosage__period": "12", "dosage__periodUnit": "d"}, ("dosage.period", "wrong", "major")),
    ("medication", {"dosage__asNeeded": True}, ("dosage.asNeeded", "wrong", "major")),
    ("medication", {"dosage__asNeeded": "false"}, ("dosage.asNeeded", "wrong", "major")),
    ("medication", {"dosage__doseUnit": "tablets"}, ("dosage.doseUnit", "wrong", "minor")),
    ("medication", {"quantity": "108"}, ("quantity", "transposed", "major")),
    ("medication", {"stop": instant("2025-05-01", "day")}, ("stop", "hallucinated", "major")),
    ("medication", {"sensitivity": []}, ("sensitivity", "missing", "major")),
    ("medication", {"dosage__text": GONE}, ("dosage.text", "missing", "minor")),
    # allergies
    ("allergy", {"assertion": "none-known"}, ("assertion", "wrong", "critical")),
    ("allergy", {"reactions": []}, ("reactions", "missing", "major")),
    ("allergy", {"reactions": ["247472004", "39579001"]}, ("reactions", "hallucinated", "critical")),
    ("allergy", {"criticality": "low"}, ("criticality", "wrong", "major")),
    ("allergy", {"onset": instant("2001", "year")}, ("onset", "hallucinated", "major")),
    # who and where
    ("patient", {"race": ["2106-3"]}, ("race", "missing", "major")),
    ("patient", {"race": ["2106-3", "2054-5", "2135-2"]}, ("race", "hallucinated", "major")),
    ("patient", {"language": "en"}, ("language", "hallucinated", "major")),
    ("patient", {"administrativeGender": "male"}, ("administrativeGender", "wrong", "major")),
    ("patient", {"identifiers": [{"type": "MR", "system": "urn:mrn", "value": "482913"}]}, ZEROS_LOST),
    ("patient", {"identifiers": [{"type": "MR", "system": "urn:x", "value": "00482913"}]}, OTHER_SYSTEM),
    ("patient", {"telecom": RECORDS["patient"]["telecom"][:1]}, ("telecom", "missing", "major")),
    (
        "patient",
        {"addresses": [{"lines": ["1 Elm St"], "city": "Boston", "state": "MA", "zip": "02118"}]},
        ("addresses", "wrong", "major"),
    ),
    ("patient", {"deceased": {"value": True}}, ("deceased.value", "wrong", "major")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "changes", "verdict"), ERRORS, ids=lambda value: str(value)[:60])
def test_every_error_has_its_name(kind: str, changes: dict[str, Any], verdict: tuple[str, str, str]) -> None:
    assert verdicts(expectation(kind), **changes) == [verdict]


@pytest.mark.parametrize(
    ("held", "hint"),
    [
        ("2025-01-20T13:30:00Z", "daylight saving"),
        ("2025-01-20T09:30:00Z", "offset of America/New_York"),
        ("2025-01-20T18:30:00Z", "offset of America/New_York"),
        ("2025-01-20T22:30:00Z", "another zone"),
        ("2025-01-19T14:30:00Z", "one day"),
    ],
)
def test_the_hint_says_where_to_look(held: str, hint: str) -> None:
    want = expectation("observation")
    (found,) = compare(want, _changed(want.record, {"effective": instant(held)}))
    assert hint in found.hint


def test_a_phone_that_is_not_e164_is_a_small_error_and_an_unknown_one_a_large() -> None:
    want = expectation("patient")
    phone, email = RECORDS["patient"]["telecom"]
    spelled = verdicts(want, telecom=[{**phone, "value": "(202) 555-0142"}, email])
    assert spelled == [("telecom", "wrong", "minor")]
    swapped = verdicts(want, telecom=[{**phone, "use": "home"}, email])
    assert swapped == [("telecom", "wrong", "minor")]
    other = verdicts(want, telecom=[phone, email, {"system": "phone", "value": "+12025550199"}])
    assert other == [("telecom", "hallucinated", "major")]


# Analytes and units


@pytest.mark.parametrize(
    ("analyte", "told", "held"),
    [
        ("glucose", ("153", "mg/dL"), ("8.49", "mmol/L")),
        ("glucose", ("153", "mg/dL"), ("8.5", "mmol/L")),
        ("creatinine", ("0.90", "mg/dL"), ("80", "umol/L")),
        ("chol", ("240", "mg/dL"), ("6.21", "mmol/L")),
        ("wbc", ("6.4", "10*3/uL"), ("6.4", "10*9/L")),
        ("wbc", ("6.4", "10*3/uL"), ("6400", "/uL")),
        ("hgb", ("9.7", "g/dL"), ("97", "g/L")),
        ("ferritin", ("9", "ng/mL"), ("9", "ug/L")),
        ("weight", ("84.3", "kg"), ("185.8", "[lb_av]")),
        ("weight", ("84.3", "kg"), ("84300", "g")),
        ("height", ("155.0", "cm"), ("61.0", "[in_i]")),
        ("height", ("155.0", "cm"), ("1.55", "m")),
        ("temp", ("36.7", "Cel"), ("98.1", "[degF]")),
        ("tsh", ("2.00", "m[IU]/L"), ("2.00", "u[IU]/mL")),
        ("ddimer", ("0.34", "ug/mL"), ("340", "ng/mL")),
        ("a1c", ("7.1", "%"), ("54", "mmol/mol")),
    ],
)
def test_any_unit_that_converts_is_accepted(analyte: str, told: tuple[str, str], held: tuple[str, str]) -> None:
    want = expectation("observation", analyte=analyte, value=quantity(*told))
    assert verdicts(want, value=quantity(*held)) == []


@pytest.mark.parametrize(
    ("analyte", "told", "held"),
    [
        ("weight", ("84.3", "kg"), ("185.8", "kg")),  # pounds called kilograms
        ("weight", ("84.3", "kg"), ("84300", "kg")),  # grams
        ("weight", ("84.3", "kg"), ("84.3", "[lb_av]")),
        ("temp", ("36.7", "Cel"), ("98.1", "Cel")),
        ("temp", ("36.7", "Cel"), ("36.7", "[degF]")),
        ("height", ("155.0", "cm"), ("61.0", "cm")),
        ("glucose", ("153", "mg/dL"), ("8.49", "mg/dL")),
        ("glucose", ("153", "mg/dL"), ("153", "mmol/L")),
        ("creatinine", ("0.90", "mg/dL"), ("79.6", "mg/dL")),
        ("ddimer", ("0.34", "ug/mL"), ("340", "ug/mL")),
        ("hgb", ("9.7", "g/dL"), ("9.7", "g/L")),
    ],
)
def test_the_right_number_in_the_wrong_unit_is_a_unit_error(
    analyte: str, told: tuple[str, str], held: tuple[str, str]
) -> None:
    want = expectation("observation", analyte=analyte, value=quantity(*told))
    assert verdicts(want, value=quantity(*held)) == [("value.number", "unit-error", "critical")]


def test_a_unit_that_is_not_ucum_is_named_and_the_number_still_judged() -> None:
    want = expectation("observation", analyte="weight", value=quantity("84.3", "kg"))
    assert verdicts(want, value=quantity("185.8", "lbs")) == [("value.unit", "wrong", "minor")]
    assert [v for _, v, _ in verdicts(want, value=quantity("84.3", "lbs"))] == ["wrong", "unit-error"]
    assert verdicts(want, value=quantity("84.3", "stones")) == [("value.unit", "unit-error", "critical")]


def test_a_converted_number_cannot_be_rounded_to_nothing() -> None:
    want = expectation("observation", analyte="glucose", value=quantity("153", "mg/dL"))
    assert verdicts(want, value=quantity("10", "mmol/L")) == [("value.number", "wrong", "critical")]


def test_a_limit_of_detection_keeps_its_comparator() -> None:
    want = expectation("observation", analyte="troponin", value=quantity("4", "ng/L", "<"))
    assert verdicts(want) == []
    assert verdicts(want, value=quantity("4", "ng/L")) == [("value.comparator", "lost-comparator", "critical")]
    assert verdicts(want, value=quantity("4", "ng/L", ">")) == [("value.comparator", "wrong", "critical")]


def test_coded_values_are_compared_by_code_and_texts_by_words() -> None:
    negative = {"codes": [{"system": "snomed", "code": "260385009"}], "text": "Negative (qualifier value)"}
    positive = {"codes": [{"system": "snomed", "code": "10828004"}], "text": "Positive (qualifier value)"}
    want = expectation("observation", value={"coded": negative})
    assert verdicts(want, value={"coded": {**negative, "text": "neg"}}) == []
    assert verdicts(want, value={"coded": positive}) == [("value.coded", "wrong", "critical")]
    assert verdicts(want, value={"coded": {"codes": [], "text": "?"}}) == [("value.coded", "missing", "major")]
    assert verdicts(want, value={"text": "Negative"}) == [("value", "wrong", "major")]
    grown = expectation("observation", value={"text": "Escherichia coli >100,000 CFU/mL"})
    assert verdicts(grown, value={"text": "Escherichia coli &gt;100,000 CFU/mL"}) == []
    assert verdicts(grown, value={"text": "No growth"}) == [("value.text", "wrong", "major")]


# Losses


def after(kind: str, *losses: Loss, **changes: Any) -> Expectation:
    """The expectation as `expected` makes it: losses applied to the record, truth kept."""
    want = expectation(kind, *losses, **changes)
    return replace(want, record=told(want.truth, losses, want.zone))


def test_what_the_vendor_omits_may_be_absent_or_null_and_not_invented() -> None:
    want = after("allergy", Loss("criticality", "omitted"))
    assert verdicts(want, criticality=GONE) == []
    assert verdicts(want, criticality=None) == []
    assert verdicts(want, criticality="low") == [("criticality", "hallucinated", "major")]
    assert verdicts(want, criticality="high") == [("criticality", "hallucinated", "minor")]  # true, but by luck
    want = after("observation", Loss("range", "omitted"), Loss("value.unit", "omitted"))
    assert verdicts(want, range=None) == []
    assert verdicts(want, range={"low": None, "high": None}) == []
    assert verdicts(want, value=quantity("7.1", "%")) == []
    assert verdicts(want, value=quantity("7.1", "mg/dL")) == [("value.unit", "hallucinated", "major")]
    want = after("medication", Loss("dosage.dose", "omitted"))
    assert verdicts(want, dosage__dose="1") == [("dosage.dose", "hallucinated", "minor")]
    assert verdicts(want, dosage__dose="2") == [("dosage.dose", "hallucinated", "critical")]
    want = after("observation", Loss("value", "omitted"))
    assert verdicts(want, value=quantity("0", "%")) == [("value", "hallucinated", "critical")]


def test_a_time_told_as_a_day_is_the_day_on_the_clinics_calendar() -> None:
    late = instant("2025-01-21T02:30:00Z", "minute")  # 21:30 of the 20th in New York
    want = after("observation", Loss("effective", "precision", "day"), effective=late)
    assert want.record["effective"] == instant("2025-01-20", "day")
    assert verdicts(want) == []
    assert verdicts(want, effective=instant("2025-01-21", "day")) == [("effective", "date-shift", "major")]
    assert verdicts(want, effective=late) == [("effective", "invented-precision", "critical")]
    want = after("patient", Loss("birthDate", "precision", "year"))
    assert verdicts(want, birthDate=instant("1980", "year")) == []
    assert verdicts(want, birthDate=instant("1980-01-01", "day")) == [("birthDate", "invented-precision", "critical")]


def test_local_time_without_offset_is_recoverable_from_the_published_zone() -> None:
    want = after("observation", Loss("effective", "zone_dropped", "America/Phoenix"))
    assert verdicts(want) == []
    assert verdicts(want, effective=instant("2025-01-20T07:30:00Z")) == [("effective", "zone-error", "major")]


@pytest.mark.parametrize(
    ("number", "unit", "verdict"),
    [
        ("84.28", "kg", None),  # 185.8 lb
        ("84.3", "kg", None),
        ("84.27746231", "kg", None),
        ("185.8", "[lb_av]", None),
        ("84277.5", "g", None),
        ("84.2", "kg", "wrong"),
        ("84.4", "kg", "wrong"),
        ("185.8", "kg", "unit-error"),
    ],
)
def test_a_rounded_number_accepts_its_preimage(number: str, unit: str, verdict: str | None) -> None:
    want = after(
        "observation", Loss("value.number", "rounded", "0.1 [lb_av]"), analyte="weight", value=quantity("84.3", "kg")
    )
    assert [one for _, one, _ in verdicts(want, value=quantity(number, unit))] == ([verdict] if verdict else [])


def test_codes_told_as_text_may_be_missing_local_or_right_but_not_invented() -> None:
    want = after("condition", Loss("codes", "text_only"))
    assert verdicts(want) == []
    assert verdicts(want, codes=[{"system": "local:v", "code": "Z"}]) == []
    assert verdicts(want, codes=RECORDS["condition"]["codes"][:1]) == []
    invented = [{"system": "snomed", "code": "73211009"}]
    assert verdicts(want, codes=invented) == [("codes", "hallucinated", "major")]
    want = after("patient", Loss("maritalStatus", "text_only"))
    for held in (None, "M", "Married"):
        assert verdicts(want, maritalStatus=held) == []
    assert verdicts(want, maritalStatus="S") == [("maritalStatus", "hallucinated", "major")]
    want = after("allergy", Loss("reactions", "text_only"))
    for reactions in ([], ["247472004"], ["hives"]):
        assert verdicts(want, reactions=reactions) == []
    assert verdicts(want, reactions=["39579001"]) == [("reactions", "hallucinated", "critical")]


def test_what_is_told_as_something_else_is_what_must_be_held() -> None:
    want = after("allergy", Loss("verification", "replaced", value="unconfirmed"))
    assert verdicts(want) == []
    assert verdicts(want, verification="confirmed") == [("verification", "wrong", "major")]
    want = after("medication", Loss("sensitivity", "replaced", value=[]))
    assert verdicts(want) == []
    want = after("observation", Loss("value", "replaced", value={"text": "7.1 H"}))
    assert verdicts(want) == []
    assert verdicts(want, value=quantity("7.1", "%")) == [("value", "wrong", "major")]
    want = after("condition", Loss("category", "replaced", value=None))
    assert verdicts(want, category=GONE) == []


def test_what_the_vendor_adds_is_accepted_beside_the_truth() -> None:
    sig = "1 tab(s), Oral, BID"
    want = after("medication", Loss("dosage.text", "also", value=sig))
    assert verdicts(want) == []
    assert verdicts(want, dosage__text=sig) == []
    assert verdicts(want, dosage__text="whatever") == [("dosage.text", "wrong", "minor")]
    want = after("medication", Loss("codes", "also", value=[{"system": "rxnorm", "code": "6809"}]))
    assert verdicts(want, codes=[*RECORDS["medication"]["codes"], {"system": "rxnorm", "code": "6809"}]) == []
    want = after("medication", Loss("dosage.frequency", "also"))
    assert verdicts(want, dosage__frequency=None) == []
    assert verdicts(want, dosage__frequency="3") == [("dosage.frequency", "wrong", "major")]
    want = after("condition", Loss("clinicalStatus", "also", value="inactive"))
    assert verdicts(want, clinicalStatus="inactive") == []


def test_the_record_of_another_patient_is_the_worst_error() -> None:
    want = replace(expectation("allergy"), patient_ids=("p1", "also-p1"))
    assert verdicts(want, patient={"vendor": "v", "id": "also-p1"}) == []
    assert verdicts(want, patient={"vendor": "v", "id": "p2"}) == [("patient.id", "wrong-patient", "critical")]


def test_why_something_is_absent_is_judged_where_both_say() -> None:
    want = after("patient", Loss("race", "absent", "asked-declined|asked-unknown"))
    assert verdicts(want) == []
    assert want.record["race"] == []
    for reason in ("asked-declined", "asked-unknown"):
        assert verdicts(want, absent={"race": reason}) == []
        assert verdicts(want, absent=reason) == []
    assert verdicts(want, absent={"race": "not-asked"}) == [("race", "wrong-null", "minor")]
    assert verdicts(want, absent={"language": "not-asked"}) == []
    assert verdicts(want, race=["2106-3"]) == [("race", "hallucinated", "minor")]  # true, but not told
    assert verdicts(want, race=["2028-9"]) == [("race", "hallucinated", "major")]


@pytest.mark.parametrize("placeholder", ["UNKNOWN", "n/a", "*****3333", {"value": "0001-01-01"}, ["UNK"]])
def test_a_placeholder_is_no_value(placeholder: Any) -> None:
    want = after("patient", Loss("language", "absent", "unknown"), language="en")
    (found,) = compare(want, _changed(want.record, {"language": placeholder}))
    assert (found.verdict, found.hint) == ("hallucinated", "a placeholder is no value")


def test_a_text_that_was_cut_is_held_as_it_was_told() -> None:
    want = after("condition", Loss("text", "truncated", "15"))
    assert want.record["text"] == "Type 2 diabetes"
    assert verdicts(want) == []


def test_what_is_known_to_be_wrong_is_not_to_be_repaired() -> None:
    want = after(
        "observation", Loss("value.number", "dirtied", "wrong_unit"), analyte="weight", value=quantity("185.8", "kg")
    )
    assert verdicts(want) == []
    assert verdicts(want, value=quantity("84.3", "kg")) == [("value.number", "unit-error", "critical")]


@pytest.mark.parametrize(
    "got", [{}, {"value": "x"}, {"codes": "E11.9", "telecom": "555", "name": "Smith", "dosage": 3}]
)
@pytest.mark.parametrize("kind", RECORDS)
def test_nonsense_is_judged_not_crashed_on(kind: str, got: dict[str, Any]) -> None:
    assert compare(expectation(kind), got)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just("2025-01-20T09:30:00"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "precision", "code", "system", "number", "unit", "codes", "text", "use"]), inner
        )
    ),
    max_leaves=6,
)


@given(kind=st.sampled_from(sorted(RECORDS)), data=st.data())
@settings(max_examples=150, deadline=None)
def test_no_answer_makes_the_judge_fail(kind: str, data: st.DataObject) -> None:
    record = RECORDS[kind]
    field = data.draw(st.sampled_from(sorted(set(record) - {"kind"})))
    held = record[field]
    if isinstance(held, dict) and data.draw(st.booleans()):
        changed = {**held, data.draw(st.sampled_from(sorted(held))): data.draw(_JSON)}
    else:
        changed = data.draw(_JSON)
    for one in compare(expectation(kind), {**record, field: changed}):
        assert one.severity in ("critical", "major", "minor")
