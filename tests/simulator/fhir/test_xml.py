"""FHIR XML: order, namespaces, attributes, round trip (FHIR R4 xml.html; std:FHIR-H-02)."""

import json
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given
from hypothesis import strategies as st

from simulator.fhir import xml
from simulator.fhir.elements import elements, types

F = "{http://hl7.org/fhir}"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">Hb <b class="x">low</b> &amp; falling<br/></div>'
MASKED = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
LOINC = {"coding": [{"system": "http://loinc.org", "code": "4548-4", "userSelected": True}], "text": "A1c"}

PATIENT = {
    "resourceType": "Patient",
    "id": "e1",
    "meta": {"versionId": "3", "lastUpdated": "2026-01-05T12:00:00Z", "profile": ["http://p"]},
    "text": {"status": "generated", "div": DIV},
    "contained": [{"resourceType": "Organization", "id": "o1", "name": "Clinic"}],
    "extension": [
        {
            "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
            "extension": [
                {"url": "ombCategory", "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": "2106-3"}},
                {"id": "x1", "url": "text", "valueString": "White"},
            ],
        }
    ],
    "identifier": [{"id": "i", "use": "usual", "type": {"text": "MRN"}, "system": "urn:oid:1.2", "value": " 00 12"}],
    "active": True,
    "name": [
        {"use": "official", "family": 'O"Brien & <Söhne>', "given": ["Ann", None], "_given": [None, MASKED]},
        {"_family": MASKED, "given": ["B"]},
    ],
    "telecom": [{"system": "phone", "value": "+1 608 555 0100", "rank": 1}],
    "birthDate": "1980-05",
    "_birthDate": {"id": "bd", **MASKED},
    "deceasedBoolean": False,
    "address": [{"line": ["1 Main St", "Apt 2"], "city": "Madison"}],
    "multipleBirthInteger": 2,
    "communication": [{"language": {"text": "English"}, "preferred": True}],
}
OBSERVATION = {
    "resourceType": "Observation",
    "id": "b1",
    "status": "final",
    "category": [{"text": "Vital Signs"}],
    "code": LOINC,
    "subject": {"reference": "Patient/e1"},
    "effectiveDateTime": "2026-01-05T12:00:00+05:45",
    "valueQuantity": {"value": Decimal("7.10"), "comparator": "<", "unit": "%"},
    "note": [{"text": "first\nsecond\ttab"}],
    "referenceRange": [{"low": {"value": Decimal("0.0")}, "high": {"value": Decimal("100")}, "text": "< 100"}],
    "component": [
        {"code": LOINC, "valueCodeableConcept": {"text": "yes"}},
        {"code": LOINC, "valueInteger": 5},
        {"code": LOINC, "dataAbsentReason": {"text": "unknown"}},
    ],
}
PRESCRIPTION = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "medicationReference": {"reference": "Medication/m1"},
    "subject": {"reference": "Patient/e1"},
    "dosageInstruction": [
        {
            "text": "twice",
            "timing": {
                "repeat": {
                    "boundsPeriod": {"start": "2026-01-05"},
                    "frequency": 2,
                    "period": Decimal("1.50"),
                    "periodUnit": "d",
                    "timeOfDay": ["08:00:00"],
                },
                "code": {"text": "BID"},
            },
            "asNeededBoolean": True,
            "doseAndRate": [{"doseQuantity": {"value": Decimal("0.50"), "unit": "mL"}}],
        }
    ],
    "dispenseRequest": {"numberOfRepeatsAllowed": 0, "quantity": {"value": Decimal("30")}},
}
BUNDLE = {
    "resourceType": "Bundle",
    "type": "searchset",
    "total": 1,
    "link": [{"relation": "self", "url": "https://ehr.example/Patient?a=1&b=2"}],
    "entry": [
        {
            "link": [{"relation": "self", "url": "u"}],
            "fullUrl": "https://ehr.example/Patient/e1",
            "resource": {"resourceType": "Patient", "id": "e1"},
            "search": {"mode": "match", "score": Decimal("0.70")},
        }
    ],
}
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "fatal", "code": "invalid", "expression": ["a", "b"]}],
}
MEDICATION = {
    "resourceType": "Medication",
    "code": LOINC,
    "ingredient": [{"itemCodeableConcept": LOINC, "isActive": False}],
}
IMMUNIZATION = {
    "resourceType": "Immunization",
    "status": "completed",
    "vaccineCode": {"text": "flu"},
    "patient": {"reference": "Patient/e1"},
    "occurrenceDateTime": "2026-01-05",
    "primarySource": True,
}
CONDITION = {
    "resourceType": "Condition",
    "id": "c",
    "subject": {"reference": "Patient/e1"},
    "onsetAge": {"value": Decimal("40"), "unit": "a"},
    "note": [{"text": "n"}],
}
ENCOUNTER = {
    "resourceType": "Encounter",
    "status": "finished",
    "class": {"code": "AMB"},
    "diagnosis": [{"condition": {"display": "d"}, "rank": 1}],
}
ALLERGY = {
    "resourceType": "AllergyIntolerance",
    "category": ["food"],
    "patient": {"reference": "Patient/e1"},
    "reaction": [{"manifestation": [LOINC], "onset": "2026-01-05"}],
}
CAPABILITY = {
    "resourceType": "CapabilityStatement",
    "status": "active",
    "date": "2026-01-05",
    "kind": "instance",
    "fhirVersion": "4.0.1",
    "format": ["json"],
    "implementation": {"description": "d", "url": "http://x"},
    "rest": [
        {
            "mode": "server",
            "security": {"cors": True},
            "resource": [{"type": "Patient", "interaction": [{"code": "read"}], "updateCreate": False}],
        }
    ],
}
OTHERS = [OUTCOME, MEDICATION, IMMUNIZATION, CONDITION, ENCOUNTER, ALLERGY, CAPABILITY]
RESOURCES = [PATIENT, OBSERVATION, PRESCRIPTION, BUNDLE, *OTHERS]


def digits(value) -> str:
    """The value with its digits, for comparison: 7.10 is not 7.1, and members come in any order."""
    return json.dumps(value, sort_keys=True, default=str)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource["resourceType"])
def test_a_resource_comes_back_as_it_went(resource):
    assert digits(xml.from_xml(xml.to_xml(resource))) == digits(resource)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource["resourceType"])
def test_the_resources_of_this_module_are_valid_and_their_xml_tells_the_same_resource(resource):
    model = get_fhir_model_class(resource["resourceType"])
    assert model.model_validate(xml.from_xml(xml.to_xml(resource))) == model.model_validate(resource)


def test_the_order_is_the_standards_whatever_the_renderer_chose():
    backwards = dict(reversed(PATIENT.items()))
    assert xml.to_xml(backwards) == xml.to_xml(PATIENT)
    names = [child.tag.removeprefix(F) for child in ElementTree.fromstring(xml.to_xml(backwards))]
    assert names == [
        "id", "meta", "text", "contained", "extension", "identifier", "active", "name", "name", "telecom", "birthDate",
        "deceasedBoolean", "address", "multipleBirthInteger", "communication",
    ]  # fmt: skip


def test_primitives_are_attributes_and_only_resources_have_an_id_child():
    root = ElementTree.fromstring(xml.to_xml(PATIENT))
    assert root.find(f"{F}id").attrib == {"value": "e1"}
    assert root.find(f"{F}identifier").attrib == {"id": "i"}
    assert root.find(f"{F}active").attrib == {"value": "true"}
    assert root.find(f"{F}birthDate").attrib == {"value": "1980-05", "id": "bd"}
    assert root.find(f"{F}extension").attrib["url"].endswith("us-core-race")
    nested = root.findall(f"{F}extension/{F}extension")[1]
    assert (nested.attrib, [child.tag for child in nested]) == ({"id": "x1", "url": "text"}, [f"{F}valueString"])


def test_the_namespaces_are_fhir_and_xhtml():
    text = xml.to_xml(PATIENT).decode()
    assert text.startswith(
        '<?xml version="1.0" encoding="UTF-8"?><Patient xmlns="http://hl7.org/fhir"><id value="e1"/>'
    )
    assert DIV in text
    assert text.count("xmlns=") == 2


def test_resources_inside_resources_stand_in_an_element_of_their_type():
    root = ElementTree.fromstring(xml.to_xml(BUNDLE))
    assert root.find(f"{F}entry/{F}resource/{F}Patient/{F}id").attrib == {"value": "e1"}
    contained = ElementTree.fromstring(xml.to_xml(PATIENT)).find(f"{F}contained/{F}Organization/{F}name")
    assert contained.attrib == {"value": "Clinic"}


def test_decimals_keep_their_digits_and_take_no_exponent():
    quantity = {"resourceType": "Observation", "valueQuantity": {"value": Decimal("1E+2")}}
    assert b'<value value="100"/>' in xml.to_xml(quantity)
    assert b'<value value="7.10"/>' in xml.to_xml(OBSERVATION)


def test_what_xml_cannot_say_becomes_the_replacement_character():
    told = xml.to_xml({"resourceType": "Patient", "name": [{"family": "a\x00b\ud800c\x0b"}]})
    assert xml.from_xml(told)["name"][0]["family"] == "a\ufffdb\ufffdc\ufffd"


def test_unknown_elements_come_last_in_the_renderers_order():
    told = xml.to_xml({"resourceType": "Patient", "zeta": "1", "alpha": {"b": "2", "a": "3"}, "active": True})
    assert told.endswith(
        b'<active value="true"/><zeta value="1"/><alpha><b value="2"/><a value="3"/></alpha></Patient>'
    )


def test_a_type_beyond_the_table_is_told_in_the_renderers_order():
    goal = {"resourceType": "Goal", "lifecycleStatus": "active", "id": "g", "target": [{"a": "1"}, {"a": "2"}]}
    told = xml.to_xml(goal)
    assert told.endswith(
        b'<id value="g"/><lifecycleStatus value="active"/><target><a value="1"/></target>'
        b'<target><a value="2"/></target></Goal>'
    )
    assert xml.from_xml(told) == goal


def test_a_searchset_joins_ready_fragments():
    ready = xml.fragment({"resourceType": "Patient", "id": "e1"})
    entry = xml.entry("https://ehr.example/Patient/e1", ready, links=[("self", "u")])
    links = [("self", "https://ehr.example/Patient?a=1&b=2")]
    made = xml.searchset(entries=[entry], links=links, total=1)
    scoreless = {**BUNDLE, "entry": [{**BUNDLE["entry"][0], "search": {"mode": "match"}}]}
    assert made == xml.to_xml(scoreless)


def test_an_empty_searchset_is_a_bundle_without_entries():
    made = xml.searchset(entries=[], total=0, id="b", timestamp="2026-01-05T12:00:00Z")
    assert xml.from_xml(made) == {
        "resourceType": "Bundle", "id": "b", "type": "searchset", "timestamp": "2026-01-05T12:00:00Z", "total": 0,
    }  # fmt: skip


def test_an_entry_may_lack_url_and_mode():
    assert xml.entry(None, b"<Patient/>", None) == b"<entry><resource><Patient/></resource></entry>"
    assert xml.document(b"<Patient/>").endswith(b'<Patient xmlns="http://hl7.org/fhir"/>')


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Patient xmlns="http://hl7.org/fhir"><id value="&b;"/></Patient>"""
BAD = [
    (LAUGHS, "DOCTYPE"),
    (LAUGHS.decode().encode("utf-16"), "DOCTYPE"),
    (b'<!DOCTYPE p SYSTEM "file:///etc/passwd"><Patient xmlns="http://hl7.org/fhir"/>', "DOCTYPE"),
    (b"<Patient/>", "namespace"),
    (b'<Patient xmlns="urn:hl7-org:v3"/>', "namespace"),
    (b'<Patient xmlns="http://hl7.org/fhir">', "not well-formed"),
    (b"", "not well-formed"),
    (b'<Patient xmlns="http://hl7.org/fhir"><active value="maybe"/></Patient>', "not a boolean"),
    (b'<Patient xmlns="http://hl7.org/fhir"><multipleBirthInteger value="1.5"/></Patient>', "not a number"),
    (b'<Observation xmlns="http://hl7.org/fhir"><valueQuantity><value value="x"/></valueQuantity></Observation>',
     "not a number"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "words"), BAD)
def test_what_is_no_fhir_xml_is_refused(document, words):
    with pytest.raises(ValueError, match=words):
        xml.from_xml(document)


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), min_size=1
)
NUMBER = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-10_000, max_value=10_000)
SIBLING = st.fixed_dictionaries({}, optional={"id": TEXT, "extension": st.just(MASKED["extension"])}).filter(bool)
CODINGS = st.fixed_dictionaries({}, optional={"system": TEXT, "code": TEXT, "userSelected": st.booleans()}).filter(bool)
CONCEPTS = st.fixed_dictionaries({"text": TEXT}, optional={"coding": st.lists(CODINGS, min_size=1, max_size=2)})
QUANTITIES = st.fixed_dictionaries({"value": NUMBER}, optional={"unit": TEXT, "id": TEXT})
OBSERVATIONS = st.fixed_dictionaries(
    {"resourceType": st.just("Observation"), "status": TEXT, "code": CONCEPTS},
    optional={
        "id": TEXT,
        "_status": SIBLING,
        "category": st.lists(CONCEPTS, min_size=1, max_size=2),
        "valueQuantity": QUANTITIES,
        "referenceRange": st.lists(st.fixed_dictionaries({"low": QUANTITIES}), min_size=1, max_size=2),
        "_issued": SIBLING,
    },
)


@given(OBSERVATIONS)
def test_any_observation_comes_back_as_it_went(resource):
    assert digits(xml.from_xml(xml.to_xml(resource))) == digits(resource)


def test_a_choice_needs_a_type_behind_its_stem():
    observation = elements("Observation")
    assert observation.find("valueQuantity").type == "Quantity"
    assert observation.find("valueInteger").type == "n"
    assert not observation.find("value").known
    assert not observation.find("valueless").known


MARKS = {"b": "bool", "n": "int", "d": "Decimal"}


@pytest.mark.parametrize("name", types())
def test_the_element_table_agrees_with_the_models(name):
    """Every type of the table: names and order, which repeat, and of which type they are, against fhir.resources."""
    model = get_fhir_model_class("".join(part[0].upper() + part[1:] for part in name.split(".")))
    fields = {field.alias or key: field for key, field in model.model_fields.items()}
    table, expected = elements(name), []
    for element in model.elements_sequence():
        if (name, element) == ("Extension", "url"):  # an attribute in XML
            continue
        choice = (fields[element].json_schema_extra or {}).get("one_of_many")
        expected.append(f"{choice}[x]" if choice else element)
        assert_type(table.find(element), str(fields[element].annotation))
    everywhere = {"text", "contained", "extension", "modifierExtension"}  # the table offers them to every type
    assert [one for one in table.names if one in expected or one not in everywhere] == list(dict.fromkeys(expected))


def assert_type(element, annotation: str) -> None:
    assert element.known
    assert element.repeats is ("List[" in annotation)
    if element.type in MARKS:
        assert MARKS[element.type] in annotation
    elif element.type:
        assert f"abc.{''.join(part[0].upper() + part[1:] for part in element.type.split('.'))}Type" in annotation
    else:
        assert "abc." not in annotation
        assert not any(mark in annotation for mark in ("bool", "Optional[int]", "[int,", "Decimal"))
