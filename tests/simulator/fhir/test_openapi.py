"""The OpenAPI document of a FHIR server: what a table of types becomes."""

from __future__ import annotations

from simulator.fhir.capability import ResourceType, SearchParam
from simulator.fhir.openapi import document

TABLE = [
    ResourceType("Patient", ("create", "read", "search-type", "update"), (SearchParam("birthdate", "date", "When."),)),
    ResourceType("Provenance", ("read",)),
]


def test_only_what_can_be_done_is_a_call() -> None:
    told = document("t", "1", "http://emr.test/r4", TABLE, ("/Patient/$match",))
    calls = {path: sorted(methods) for path, methods in told["paths"].items()}
    assert calls == {
        "/metadata": ["get"],
        "/Patient": ["get", "post"],
        "/Patient/_search": ["post"],
        "/Patient/{id}": ["get", "put"],
        "/Provenance/{id}": ["get"],
        "/Patient/$match": ["post"],
    }
    assert told["servers"] == [{"url": "http://emr.test/r4"}]
    ids = [call["operationId"] for methods in told["paths"].values() for call in methods.values()]
    assert len(ids) == len(set(ids))


def test_a_call_says_what_it_takes_and_who_may() -> None:
    paths = document("t", "1", "http://emr.test/r4", TABLE)["paths"]
    (param,) = paths["/Patient"]["get"]["parameters"]
    assert (param["name"], param["in"], param["description"]) == ("birthdate", "query", "When.")
    assert "birthdate" in str(paths["/Patient/_search"]["post"]["requestBody"])
    body = paths["/Patient"]["post"]["requestBody"]["content"]["application/fhir+json"]["schema"]
    assert body["properties"]["resourceType"] == {"const": "Patient"}
    assert "security" not in paths["/metadata"]["get"]
    assert paths["/Patient"]["post"]["security"] == [{"bearer": []}]
