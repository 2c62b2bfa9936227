"""The FHIR side, as far as a login needs it: who the patient is. Everything else of it is not simulated.

Source: SOURCES.md, "Patient access" (EVANG: the statement; OAUTHCLIENT: `GET /Patient`; the resource's form: guess).
"""

from __future__ import annotations

from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.fhir import build, bundle
from simulator.population.records import Person
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.nextgen import ids, paths

FHIR_JSON = b"application/fhir+json; charset=utf-8"
VERSION = "5.0.1.698"


def metadata(x: Exchange) -> Reply:
    """The CapabilityStatement; of its 28 types only what answers here is declared."""
    doors = {"authorize": paths.AUTHORIZE, "token": paths.TOKEN, "revoke": paths.REVOKE}
    uris = [{"url": name, "valueUri": x.base_url + path} for name, path in doors.items()]
    made: dict[str, Any] = {
        "resourceType": "CapabilityStatement",
        "version": VERSION,
        "name": "NextGen.Fhir",
        "status": "active",
        "date": x.at.date().isoformat(),
        "publisher": "NextGen",
        "kind": "instance",
        "instantiates": ["http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server"],
        "software": {"name": "Nextgen FHIR Server", "version": VERSION},
        "implementation": {"description": "Nextgen FHIR Server", "url": x.base_url + paths.FHIR[:-2] + "R4"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "extension": [{"extension": uris, "url": _URIS}],
                    "cors": True,
                    "service": [{"coding": [{"system": build.SYSTEMS["smart-service"], "code": "SMART-on-FHIR"}]}],
                },
                "resource": [
                    {
                        "type": "Patient",
                        "interaction": [{"code": "read"}, {"code": "search-type"}],
                        "versioning": "no-version",
                        "readHistory": False,
                        "searchParam": [{"name": "_id", "type": "token"}],
                    }
                ],
            }
        ],
    }
    return Reply(200, build.dumps(made), [(b"content-type", FHIR_JSON)])


_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def read(x: Exchange) -> Reply:
    """One patient."""
    id = x.route.args[0] if x.route is not None else ""
    number = ids.person_of(x.site, id)
    person = x.sandbox.world.person(number) if number is not None else None
    if number is None or person is None:
        raise Refusal("not_found", f"no Patient/{id}", reason="unknown_id", resource="Patient", id=id)
    _check(x, number)
    body = build.dumps(_patient(x, person))
    return Reply(200, body, [(b"content-type", FHIR_JSON)], served=(("Patient", id.lower()),))


def find(x: Exchange) -> Reply:
    """The patients that the caller may see: whoever was told no patient asks here. A Bundle, without `entry` when there
    is nobody."""
    asked = [name for name, value in x.params if value and name != "_maxresults"]
    if any(name != "_id" for name in asked):
        raise NotSimulated(f"NextGen FHIR: Patient?{asked[0]}")
    mine = x.caller.patient if x.caller is not None else None
    if mine is None:
        raise NotSimulated("NextGen FHIR: Patient search without a patient in context")
    id = ids.person(x.site, mine)
    person = x.sandbox.world.person(mine)
    base = f"{x.base_url}{paths.FHIR}/Patient"
    entries = []
    if person is not None and x.param("_id") in (None, "", id):
        entries.append(bundle.entry(f"{base}/{id}", build.dumps(_patient(x, person)), "match"))
    made = bundle.searchset(entries=entries, links=[("self", base + (f"?{x.query}" if x.query else ""))])
    return Reply(200, made, [(b"content-type", FHIR_JSON)], served=(("Patient", id),) if entries else ())


def _check(x: Exchange, number: int) -> None:
    sight = x.caller.sight if x.caller is not None else None
    clauses = sight.clauses("Patient", "r") if sight is not None else None
    if (
        sight is not None
        and clauses is not None
        and not any(not one.confined or number == sight.patient for one in clauses)
    ):
        raise Refusal("forbidden", f"patient {number} is outside the grant", reason="not_yours", resource="Patient")


def _patient(x: Exchange, person: Person) -> dict[str, Any]:
    """The least that US Core asks of a patient; the record number is known by the text of its type (seen)."""
    number = person.number
    return {
        "resourceType": "Patient",
        "id": ids.person(x.site, number),
        "identifier": [
            {
                "use": "usual",
                "type": {
                    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}],
                    "text": "Medical Record Number",
                },
                "system": f"urn:uuid:{ids.guid(x.site, 'mrn')}",
                "value": ids.mrn(x.site, number),
            }
        ],
        "active": True,
        "name": [{"use": "official", "family": person.family, "given": list(person.given)}],
        "gender": person.gender,
        "birthDate": person.birth,
    }
