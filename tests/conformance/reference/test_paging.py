"""How the reference reads lists: FHIR R4 http.html#paging and the join rules of the dialects.

search → page → next link, byte for byte, to our own host only → …; a dead link → from the start again, then partial.
"""

from __future__ import annotations

import json

import httpx
import pytest

BASE = "https://emr.test/epic/R4"


def ids(answer):
    return [record["source"]["id"] for record in answer["records"]]


@pytest.mark.parametrize(
    "link",
    [
        f"{BASE}/Immunization?sessionID=12-BED00ABDDDD011F0BA93005056BECC4A",
        f"{BASE}/Immunization?patient=1&-pageContext=ab%3D%3d_-x~&-pageDirection=NEXT",
        f"{BASE}/Immunization?x=a'b|c,d:e",
    ],
)
def test_a_next_link_is_called_byte_for_byte(net, reading, bundle, link):
    wire = net(lambda request: bundle("i1", next=link) if "category" not in str(request.url) and len(wire.calls) == 1
               else bundle("i2"))  # fmt: skip
    (answer,) = wire.run(reading("immunization"))
    assert ids(answer) == ["i1", "i2"]
    assert wire.calls[1].extensions["target"] == link.removeprefix("https://emr.test").encode()


def test_a_relative_link_is_joined_to_the_page_it_came_from(net, reading, bundle):
    wire = net(lambda request: bundle("i1", next="Immunization?p=2") if "p=2" not in str(request.url) else bundle("i2"))
    (answer,) = wire.run(reading("immunization"))
    assert ids(answer) == ["i1", "i2"]
    assert str(wire.calls[1].url) == f"{BASE}/Immunization?p=2"


def test_a_link_to_another_host_gets_no_call_and_no_token(net, reading, bundle):
    wire = net(lambda request: bundle("i1", next="https://evil.test/Immunization?p=2"))
    (answer,) = wire.run(reading("immunization"))
    assert {request.url.host for request in wire.sent} == {"emr.test"}
    assert (answer["status"], ids(answer)) == ("partial", ["i1"])
    assert answer["errors"][0]["class"] == "invalid_response"


def test_a_dead_link_starts_the_search_again_once(net, reading, bundle):
    def data(request):
        if "p=" not in str(request.url):
            return bundle("i1", next=f"{BASE}/Immunization?p={len(wire.calls)}")
        return httpx.Response(410) if "p=1" in str(request.url) else bundle("i2")

    wire = net(data)
    (answer,) = wire.run(reading("immunization"))
    assert (answer["status"], ids(answer), len(wire.calls)) == ("ok", ["i1", "i2"], 4)


@pytest.mark.parametrize(("status", "error_class"), [(400, "rejected"), (404, "not_found"), (410, "not_found")])
def test_a_link_that_stays_dead_makes_the_answer_partial(net, reading, bundle, status, error_class):
    wire = net(lambda request: httpx.Response(status) if "p=2" in str(request.url)
               else bundle("i1", next=f"{BASE}/Immunization?p=2"))  # fmt: skip
    (answer,) = wire.run(reading("immunization"))
    assert (answer["status"], ids(answer), len(wire.calls)) == ("partial", ["i1"], 4)
    assert [(error["class"], error["kind"]) for error in answer["errors"]] == [(error_class, "immunization")]


def test_a_link_in_a_circle_ends_in_an_error(net, reading, bundle):
    wire = net(lambda request: bundle("i1", next=f"{BASE}/Immunization?p=2"))
    (answer,) = wire.run(reading("immunization"))
    assert len(wire.calls) == 2
    assert answer["errors"][0]["class"] == "invalid_response"


def test_an_empty_page_in_the_middle_is_passed_through(net, reading, bundle):
    pages = {"": bundle("i1", next=f"{BASE}/Immunization?p=2"), "2": bundle(next=f"{BASE}/Immunization?p=3")}
    wire = net(lambda request: pages.get(request.url.params.get("p", ""), bundle("i3")))
    (answer,) = wire.run(reading("immunization"))
    assert ids(answer) == ["i1", "i3"]


def test_what_comes_twice_is_one_record_and_a_counted_duplicate(net, reading, bundle):
    wire = net(lambda request: bundle("i1", "i2", next=f"{BASE}/Immunization?p=2") if "p=2" not in str(request.url)
               else bundle("i2", "i3"))  # fmt: skip
    (answer,) = wire.run(reading("immunization"))
    assert sorted(ids(answer)) == ["i1", "i2", "i3"]
    assert answer["dropped"] == [{"reason": "duplicate", "kind": "immunization", "count": 1}]


def test_outcomes_and_included_resources_are_no_records(net, reading, bundle):
    extra = (
        {
            "search": {"mode": "outcome"},
            "resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]},
        },
        {"search": {"mode": "include"}, "resource": {"resourceType": "Practitioner", "id": "d1"}},
    )
    wire = net(lambda request: bundle("i1", extra=extra))
    (answer,) = wire.run(reading("immunization"))
    assert (answer["status"], ids(answer)) == ("ok", ["i1"])


def test_a_search_that_was_refused_inside_a_200_is_no_empty_result(net, reading, bundle):
    issue = {"severity": "error", "code": "invalid"}
    outcome = {"search": {"mode": "outcome"}, "resource": {"resourceType": "OperationOutcome", "issue": [issue]}}
    wire = net(lambda request: bundle(extra=(outcome,)))
    (answer,) = wire.run(reading("immunization"))
    assert (answer["status"], answer["errors"][0]["class"]) == ("error", "rejected")


def test_a_resource_of_another_patient_is_reported_and_kept_out(net, reading, bundle):
    page = json.loads(bundle("i1", "i2").content)
    page["entry"][1]["resource"]["patient"]["reference"] = "Patient/P2"
    wire = net(lambda request: httpx.Response(200, json=page))
    (answer,) = wire.run(reading("immunization"))
    assert (answer["status"], ids(answer)) == ("partial", ["i1"])
    assert answer["dropped"] == [{"reason": "filtered", "kind": "immunization", "count": 1}]


def test_athenas_next_is_a_path_that_belongs_behind_the_own_prefix(net, reading):
    urls = {"base_url": "https://emr.test/s/x/athena", "fhir_url": "https://emr.test/s/x/athena/fhir/r4",
            "rest_url": "https://emr.test/s/x/athena/v1/195900", "token_url": "https://emr.test/s/x/token"}  # fmt: skip

    def data(request):
        if "/patients/" in request.url.path:
            return httpx.Response(200, json=[{"patientid": "7", "departmentid": "1"}])
        if b"OFFSET" in request.url.query:
            return httpx.Response(200, json={"allergies": [{"allergenid": 2, "allergenname": "Dust"}]})
        link = "/v1/195900/chart/7/allergies?DEPARTMENTID=1&OFFSET=1"
        return httpx.Response(200, json={"allergies": [{"allergenid": 1, "allergenname": "Cats"}], "next": link})

    wire = net(data)
    (answer,) = wire.run(reading("allergy"), vendor="athena", urls=urls)
    assert ids(answer) == ["1", "2"]
    assert str(wire.calls[-1].url) == f"{urls['rest_url']}/chart/7/allergies?DEPARTMENTID=1&OFFSET=1"
