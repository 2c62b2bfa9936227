"""Patient: an official name before old ones, two kinds of record number under one standard type, one number without a
system; and the person ids that were combined away."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from simulator.population.answers import Loss
from simulator.population.records import Address, Chart, Code, Person, Telecom
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import codes, habits, ids
from simulator.vendors.cerner.elements import absent, concept, extension, in_millis, narrative, standard, words_of_day
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import people
from simulator.vendors.cerner.resources.telling import MISTAKEN, TRUE, Item, Telling, rendering, state_of

MRN_SYSTEM = "urn:oid:2.16.840.1.113883.19.6.10"
CMRN_SYSTEM = "urn:oid:2.16.840.1.113883.19.6.2"
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_RENDERED = "http://hl7.org/fhir/StructureDefinition/rendered-value"
_TEL_ADDRESS = "http://hl7.org/fhir/StructureDefinition/iso21090-TEL-address"
_SEX = {"F": "248152002", "M": "248153007"}
_NUL_PER_THOUSAND = 4


def _items(site: Site, chart: Chart) -> list[Item]:
    """The patient, and those who were combined into them."""
    number = chart.person.number
    combined = [Item(Row(one, 0, MISTAKEN), (chart.person,)) for one in site.sandbox.world.merged_into(number)]
    return [Item(Row(number, 0), (chart.person,)), *combined]


def _id_of(site: Site, item: Item) -> str:
    return ids.patient_id(site, item.row.number)


def _row_of(site: Site, id: str) -> Row | None:
    number = ids.person_of(site, id)
    if number is None:
        return None
    return Row(number, 0, TRUE if site.sandbox.world.survivor(number) is None else MISTAKEN)


def _updated(site: Site, item: Item) -> datetime:
    state = state_of(site, "patient", item.row)
    if state and state.version > 1:
        return state.updated
    noon = datetime.combine(site.sandbox.as_of, time(12), UTC)
    return noon - timedelta(minutes=1 + habits.pick(site, "patient updated", item.row, 1_000_000))


def _since(site: Site, item: Item) -> datetime:
    return _updated(site, item) - timedelta(minutes=500_000 + habits.pick(site, "registered", item.row, 1_000_000))


def _render(site: Site, chart: Chart, item: Item) -> Rendering:
    return _combined_away(site, item) if item.row.variant == MISTAKEN else _living(site, chart.person, item)


def _living(site: Site, person: Person, item: Item) -> Rendering:
    updated, since = _updated(site, item), _since(site, item)
    state = state_of(site, "patient", item.row)
    version = habits.pick(site, "patient version", item.row, 900) + (state.version if state else 0)
    ended = since + timedelta(days=200)
    payload: dict[str, Any] = {
        "resourceType": "Patient",
        "id": ids.patient_id(site, person.number),
        "meta": {"versionId": str(version), "lastUpdated": in_millis(updated)},
        "text": narrative(
            "Patient",
            [
                ("Name", people.patient_name(person)),
                ("Status", "Active"),
                ("DOB", words_of_day(person.birth_date) if person.birth_precision == "day" else person.birth),
                ("Administrative Gender", person.gender.capitalize()),
                ("Marital Status", person.marital.display if person.marital else None),
            ],
        ),
        "extension": _extensions(person),
        "identifier": _identifiers(site, person.number, since, ended),
        "active": True,
        "name": _names(site, person, item, since, ended),
    }
    if person.telecoms:
        payload["telecom"] = _telecoms(site, person)
    payload["gender"] = person.gender
    payload["birthDate"] = person.birth
    if person.deceased is None:
        payload["deceasedBoolean"] = False
    else:
        payload["deceasedDateTime"] = in_millis(person.deceased)
    if person.addresses:
        payload["address"] = [
            {
                "id": f"CI-{_part(site, person, 'address')}-{n}",
                **people.address_of(one, one.use),
                "period": _period(one, since),
            }
            for n, one in enumerate((*person.addresses, *person.former_addresses))
        ]
    if person.marital:
        payload["maritalStatus"] = _both(site, codes.MARITAL_STATUS, person.marital)
    if person.language:
        payload["communication"] = [{"language": _both(site, codes.LANGUAGE, person.language), "preferred": True}]
    general = people.practitioner_ref(site, person.practitioner)
    payload["generalPractitioner"] = [{"id": f"CI-{_part(site, person, 'doctor')}-0", **general}]
    return rendering("Patient", payload, (person,), [(0, loss) for loss in _losses(site, person)])


def _period(address: Address, registered: datetime) -> dict[str, str]:
    """From when to when an address is that of the patient: from the registration on, unless they moved."""
    start, end = (
        datetime.combine(day, time(12), UTC) if day is not None else None for day in (address.since, address.until)
    )
    if end is not None:
        return {"start": in_millis(min(start or registered, end)), "end": in_millis(end)}
    return {"start": in_millis(start or registered)}


def _losses(site: Site, person: Person) -> list[Loss]:
    """The numbers that count, and those that may be kept beside them."""
    number = person.number
    valid = [
        {"type": "MR", "system": CMRN_SYSTEM, "value": ids.community_mrn_of(site, number)},
        {"type": "MR", "system": MRN_SYSTEM, "value": ids.mrn_of(site, number)},
    ]
    beside = [
        {"type": "MR", "system": MRN_SYSTEM, "value": ids.mrn_of(site, number, ended=True)},
        {"type": None, "system": None, "value": ids.patient_id(site, number)},
    ]
    losses = [Loss("identifiers", "replaced", value=valid), Loss("identifiers", "also", value=beside)]
    return [*losses, Loss("sensitivity", "omitted")] if person.sensitivity else losses


def _extensions(person: Person) -> list[dict[str, Any]]:
    made = []
    if person.race:
        made.append(extension(_US_CORE + "race", extension=_categories(person.race)))
    if person.ethnicity:
        made.append(extension(_US_CORE + "ethnicity", extension=_categories((person.ethnicity,))))
    made.append(extension(_US_CORE + "birthsex", valueCode=person.sex))
    made.append(extension(_US_CORE + "sex", valueCode=_SEX[person.sex]))
    return made


def _categories(categories: tuple[Code, ...]) -> list[dict[str, Any]]:
    made = [extension("ombCategory", valueCoding=standard("cdcrec", one.code, one.display)) for one in categories]
    return [*made, extension("text", valueString=", ".join(one.display for one in categories))]


def _identifiers(site: Site, number: int, since: datetime, ended: datetime) -> list[dict[str, Any]]:
    mr = standard("v2-identifier", "MR", "Medical record number")
    community = concept([codes.local(site, codes.IDENTIFIER_TYPE, "CMRN", "Community Medical Record Number"), mr],
                        "Community Medical Record Number")  # fmt: skip
    mrn = concept([codes.local(site, codes.IDENTIFIER_TYPE, "MRN"), mr], "MRN")
    person = concept([codes.local(site, codes.IDENTIFIER_TYPE, "Person Identifier", "Millennium Person Identifier")],
                     "Millennium Person Identifier")  # fmt: skip
    start = {"start": in_millis(since)}
    return [
        _identifier(site, number, 0, community, CMRN_SYSTEM, ids.community_mrn_of(site, number), None),
        _identifier(
            site, number, 1, mrn, MRN_SYSTEM, ids.mrn_of(site, number, ended=True), {**start, "end": in_millis(ended)}
        ),
        _identifier(site, number, 2, mrn, MRN_SYSTEM, ids.mrn_of(site, number), {"start": in_millis(ended)}),
        _identifier(site, number, 3, person, None, ids.patient_id(site, number), start),
    ]


def _identifier(
    site: Site,
    number: int,
    place: int,
    kind: dict[str, Any],
    system: str | None,
    value: str,
    period: dict[str, str] | None,
) -> dict[str, Any]:
    shown = value.zfill(11) if system == MRN_SYSTEM else value
    made: dict[str, Any] = {
        "id": f"CI-{habits.pick(site, 'identifier', Row(number, place), 10**9)}-{place}",
        "use": "usual",
        "type": kind,
    }
    if system:
        made["system"] = system
    else:
        made["_system"] = absent()
    made["value"] = value
    made["_value"] = {"extension": [extension(_RENDERED, valueString=shown)]}
    return made | {"period": period} if period else made


def _names(site: Site, person: Person, item: Item, since: datetime, ended: datetime) -> list[dict[str, Any]]:
    official: dict[str, Any] = {
        "id": f"CI-{ids.patient_id(site, person.number)}-0",
        "use": "official",
        "text": people.patient_name(person),
        "family": person.family,
        "given": list(person.given),
    }
    if person.suffix:
        official["suffix"] = [person.suffix]
    official["period"] = {"start": in_millis(ended)}
    return [official, *_old_names(site, person, item, since, ended)]


def _old_names(site: Site, person: Person, item: Item, since: datetime, ended: datetime) -> list[dict[str, Any]]:
    """Two names that are no longer so: the one before marriage or a short form, and one that was mistyped."""
    given = list(person.given)
    before = (person.maiden or person.family, [person.nickname or given[0][:1] + ".", *given[1:]])
    mistyped = given[0] + (
        "\u0000" if habits.happens(site, "nul in name", item.row, _NUL_PER_THOUSAND) else given[0][-1]
    )
    middle = since + timedelta(days=60)
    return [
        _old_name(site, person, n, family, names, start, end)
        for n, ((family, names), start, end) in enumerate(
            [(before, middle, ended), ((person.family, [mistyped, *given[1:]]), since, middle)]
        )
    ]


def _old_name(
    site: Site, person: Person, place: int, family: str, given: list[str], start: datetime, end: datetime
) -> dict[str, Any]:
    return {
        "id": f"CI-{_part(site, person, f'name {place}')}-{place}",
        "use": "old",
        "text": f"{family}, {' '.join(given)}",
        "family": family,
        "given": given,
        "period": {"start": in_millis(start), "end": in_millis(end)},
    }


def _telecoms(site: Site, person: Person) -> list[dict[str, Any]]:
    """Phones as digits with the typed form in an extension; `rank` starts anew for each use."""
    made, ranks = [], dict[str, int]()
    for n, one in enumerate(person.telecoms):
        ranks[one.use] = ranks.get(one.use, 0) + 1
        made.append(_telecom(site, person, n, one, ranks[one.use]))
    return made


def _telecom(site: Site, person: Person, place: int, one: Telecom, rank: int) -> dict[str, Any]:
    is_phone = one.system == "phone"
    made: dict[str, Any] = {"id": f"CI-{'PH' if is_phone else 'EM'}-{_part(site, person, f'telecom {place}')}-{place}"}
    value = one.value
    if is_phone:
        value = value.removeprefix("+1")
        typed = f"({value[:3]}) {value[3:6]}-{value[6:]}"
        made["extension"] = [extension(_TEL_ADDRESS, valueUrl=typed)]
    return made | {"system": one.system, "value": value, "use": one.use, "rank": rank}


def _both(site: Site, code_set: int, code: Code) -> dict[str, Any]:
    local = codes.local(site, code_set, code.code, code.display)
    return concept([local, standard(code.system, code.code, code.display)], code.display)


def _part(site: Site, person: Person, what: str) -> int:
    return habits.pick(site, f"part {what}", Row(person.number, 0), 10**9)


def _combined_away(site: Site, item: Item) -> Rendering:
    (person,) = item.records
    survivor = f"Patient/{ids.patient_id(site, person.number)}"
    payload = {
        "resourceType": "Patient",
        "id": _id_of(site, item),
        "meta": {"versionId": "0"},
        "text": narrative("Patient", [("Status", "Inactive"), ("Replaced By", survivor)]),
        "identifier": [absent()],
        "active": False,
        "name": [absent()],
        "_gender": absent(),
        "link": [{"other": {"reference": survivor}, "type": "replaced-by"}],
    }
    return rendering("Patient", payload, (), [])


PATIENT = Telling("Patient", "patient", _items, _id_of, _row_of, _render, _updated)
