"""How the reference reads what is new: a mark of the vendor's own time for each kind, and some minutes of overlap.

sync {scope, kinds} → records, cursor, deleted; sync {…, cursor} → GET …&_lastUpdated=ge(mark - overlap)
"""

from __future__ import annotations

import json

import httpx
import pytest

PATIENT = {"id": "P1"}


def entry(id, updated, status="final"):
    told = {
        "resourceType": "Observation", "id": id, "status": status, "meta": {"lastUpdated": updated},
        "subject": {"reference": "Patient/P1"}, "code": {"text": "Pulse"}, "valueQuantity": {"value": 60},
    }  # fmt: skip
    return {"search": {"mode": "match"}, "resource": told}


def bundle(*entries):
    return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "entry": list(entries)})


def syncing(*kinds, cursor=None):
    args = {"scope": [PATIENT], "kinds": list(kinds) or ["observation"]}
    return {"action": "sync", "args": args | ({"cursor": cursor} if cursor else {}), "deadline_ms": 30_000}


def cursor_of(**newest):
    return json.dumps({kind: [at, "2026-01-05T12:02:00+00:00"] for kind, at in newest.items()})


def asked_of(request):
    return request.url.params.get("_lastUpdated")


def test_the_mark_is_the_newest_that_the_vendor_told(net):
    wire = net(lambda request: bundle(entry("a", "2026-01-05T12:00:00Z"), entry("b", "2025-01-05T12:00:00Z")))
    (answer,) = wire.run(syncing(), vendor="cerner")
    assert (len(answer["records"]), answer["deleted"]) == (2, [])
    assert json.loads(answer["cursor"])["observation"][0] == "2026-01-05T12:00:00+00:00"
    assert asked_of(wire.calls[0]) is None


def test_some_minutes_before_the_mark_are_read_again(net):
    wire = net(lambda request: bundle())
    (answer,) = wire.run(syncing(cursor=cursor_of(observation="2026-01-05T12:00:00+00:00")), vendor="cerner")
    assert asked_of(wire.calls[0]) == "ge2026-01-05T11:50:00Z"
    assert json.loads(answer["cursor"])["observation"][0] == "2026-01-05T12:00:00+00:00"


def test_what_was_taken_back_is_told_as_deleted(net):
    wire = net(lambda request: bundle(entry("a", "2026-01-05T12:00:00Z", "entered-in-error")))
    (answer,) = wire.run(syncing(), vendor="cerner")
    assert answer["deleted"] == [{"vendor": "cerner", "type": "Observation", "id": "a"}]
    assert answer["records"] == []


def test_what_is_not_listed_any_more_is_not_deleted_for_that(net):
    answers = iter([bundle(entry("a", "2026-01-05T12:00:00Z")), bundle()])
    wire = net(lambda request: next(answers))
    _, later = wire.run(syncing(), syncing(), vendor="cerner")
    assert later["deleted"] == []


def test_the_mark_of_a_kind_that_failed_stays_where_it_was(net):
    wire = net(lambda request: httpx.Response(403))
    before = cursor_of(observation="2026-01-05T12:00:00+00:00")
    (answer,) = wire.run(syncing(cursor=before), vendor="cerner")
    assert answer["status"] == "error"
    assert json.loads(answer["cursor"]) == json.loads(before)


def test_a_vendor_that_cannot_tell_what_changed_is_read_whole(net):
    wire = net(lambda request: bundle(entry("a", "2026-01-05T12:00:00Z")))
    wire.run(syncing(cursor=cursor_of(observation="2026-01-05T12:00:00+00:00")), vendor="epic")
    assert {asked_of(request) for request in wire.calls} == {None}


@pytest.mark.parametrize("cursor", ["x", "[]", '{"observation": 1}', '{"observation": ["yesterday", "today"]}'])
def test_a_cursor_of_another_is_refused(net, cursor):
    wire = net(lambda request: bundle())
    (answer,) = wire.run(syncing(cursor=cursor), vendor="cerner")
    assert [error["class"] for error in answer["errors"]] == ["config"]
    assert wire.calls == []
