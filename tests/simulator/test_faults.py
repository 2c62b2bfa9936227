"""What goes wrong: decided from the seed and the order of calls, dressed by the vendor, written into the journal."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.exchange import Exchange
from simulator.faults.book import FaultBook
from simulator.faults.kinds import kinds
from simulator.faults.plan import NO_PLAN
from simulator.journal.entry import entry_of
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox

Make = Callable[..., Exchange]
Login = Callable[..., dict[str, str]]
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
RESET = {"fault": "reset_peer"}


def is_hit(book: FaultBook, x: Exchange) -> bool:
    return book.decide(x) is not NO_PLAN


def test_without_rules_every_exchange_shares_one_empty_plan(exchange: Make) -> None:
    assert FaultBook(b"s").decide(exchange()) is NO_PLAN
    assert not NO_PLAN.acts_before
    assert not NO_PLAN.spoils
    assert NO_PLAN.wire is None


# When


@given(seed=st.binary(min_size=1, max_size=8), share=st.floats(0, 1))
def test_equal_seeds_hit_the_same_calls(seed: bytes, share: float, exchange: Make) -> None:
    x = exchange()
    books = [FaultBook(seed), FaultBook(seed)]
    for book in books:
        book.add(RESET | {"share": share})
    first, second = ([is_hit(book, x) for _ in range(40)] for book in books)
    assert first == second


def test_a_share_is_kept_and_another_seed_hits_other_calls(exchange: Make) -> None:
    x = exchange()
    runs = []
    for seed in (b"1", b"2"):
        book = FaultBook(seed)
        book.add(RESET | {"share": 0.25})
        runs.append([is_hit(book, x) for _ in range(2000)])
    assert all(420 <= sum(run) <= 580 for run in runs)
    assert runs[0] != runs[1]


def test_two_rules_of_one_share_do_not_hit_the_same_calls(exchange: Make) -> None:
    book = FaultBook(b"s")
    book.add(RESET | {"share": 0.5})
    book.add({"fault": "limit_data", "args": {"bytes": 1}, "share": 0.5})
    x = exchange()
    hits = [[done["id"] for done in book.decide(x).done] for _ in range(200)]
    assert {tuple(one) for one in hits} == {(), ("f1",), ("f2",), ("f1", "f2")}


def test_the_first_calls_are_spared_and_the_budget_is_kept(exchange: Make) -> None:
    book = FaultBook(b"s")
    rule = book.add(RESET | {"skip": 2, "budget": 3})
    assert [is_hit(book, exchange()) for _ in range(8)] == [False, False, True, True, True, False, False, False]
    assert rule.to_json()["hits"] == 3


def test_a_rule_counts_only_the_calls_that_it_asks_for(exchange: Make) -> None:
    book = FaultBook(b"s")
    book.add(RESET | {"when": {"path": "/Patient*"}, "skip": 1})
    asked = ["/fhir/Patient", "/fhir/metadata", "/fhir/Patient", "/fhir/metadata"]
    assert [is_hit(book, exchange(path)) for path in asked] == [False, False, True, False]


def test_a_window_is_open_from_its_first_moment_to_before_its_last(exchange: Make) -> None:
    book = FaultBook(b"s", lambda: NOON)
    book.add(RESET | {"window": {"from_s": 10, "for_s": 5}})
    seconds = (0, 9.999, 10, 14.999, 15, 100)
    seen = [is_hit(book, exchange(at=NOON + timedelta(seconds=second))) for second in seconds]
    assert seen == [False, False, True, True, False, False]


def test_an_operation_can_be_asked_for_before_the_room_has_chosen_it(exchange: Make) -> None:
    book = FaultBook(b"s")
    book.add(RESET | {"when": {"operation": "*.search"}})
    asked = ["/fhir/Patient", "/fhir/Patient/3", "/nowhere"]
    assert [is_hit(book, exchange(path)) for path in asked] == [True, False, False]


# What


@pytest.fixture
def get(url: str, tiny_sandbox: Sandbox, http: httpx.Client, login: Login) -> Callable[..., httpx.Response]:
    headers = login(tiny_sandbox)
    return lambda path="/fhir/Patient/3": http.get(url + path, headers=headers)


Get = Callable[..., httpx.Response]


def test_an_error_status_is_worded_by_the_vendor(get: Get, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "status", "args": {"status": 502, "retry_after_s": 7}})
    answer = get()
    assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (502, {"tiny": "unavailable"}, "7")
    entry = entry_of(tiny_sandbox.journal.entries[-1])
    assert entry["fault"] == entry["fault"] | {"id": "f1", "fault": "status", "step": "refuse"}
    assert entry["fault"]["args"]["status"] == 502
    assert entry["refusal"] == "fault: status 502"
    assert entry["simulated"] is True


def test_a_wait_can_be_told_as_a_date_of_the_callers_clock(get: Get, tiny_sandbox: Sandbox) -> None:
    args = {"status": 429, "retry_after_s": 90, "retry_after_form": "date"}
    tiny_sandbox.faults.add({"fault": "status", "args": args})
    answer = get()
    told, date = (parsedate_to_datetime(answer.headers[name]) for name in ("retry-after", "date"))
    assert timedelta(seconds=89) <= told - date <= timedelta(seconds=90)
    assert answer.json() == {"tiny": "too_many"}


@pytest.mark.parametrize(
    ("args", "media", "body"),
    [
        ({"body": "empty"}, None, ""),
        ({"body": "html"}, "text/html", "<h1>503 Service Unavailable</h1>"),
        ({"body": "given", "text": '{"a":1}'}, "application/json", '{"a":1}'),
        ({"body": "given", "text": "no", "media": "text/plain"}, "text/plain", "no"),
    ],
)
def test_an_error_may_have_another_body_than_the_vendors(
    get: Get, tiny_sandbox: Sandbox, args: dict[str, Any], media: str | None, body: str
) -> None:
    tiny_sandbox.faults.add({"fault": "status", "args": {"status": 503, **args}})
    answer = get()
    assert answer.status_code == 503
    assert answer.headers.get("content-type") == media
    assert body in answer.text
    assert answer.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("kind", ["login_page", "empty_body", "malformed_json"])
def test_a_corrupt_answer_is_200_and_no_json(get: Get, tiny_sandbox: Sandbox, kind: str) -> None:
    tiny_sandbox.faults.add({"fault": kind})
    answer = get()
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert answer.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("kind", ["revoke_token", "expire_token"])
def test_a_token_can_end_in_the_middle_of_the_work(
    get: Get, tiny_sandbox: Sandbox, kind: str, login: Login, url: str, http: httpx.Client
) -> None:
    tiny_sandbox.faults.add({"fault": kind, "when": {"operation": "Patient.read"}, "skip": 1, "budget": 1})
    assert [get().status_code for _ in range(3)] == [200, 401, 401]
    assert http.get(f"{url}/fhir/Patient/3", headers=login(tiny_sandbox)).status_code == 200
    assert kind.removesuffix("e_token") in tiny_sandbox.journal.entries[1].refusal


def test_an_answer_can_be_late(get: Get, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "latency", "args": {"latency_ms": 20, "jitter_ms": 5}})
    began = time.monotonic()
    assert get().status_code == 200
    assert time.monotonic() - began >= 0.015


def test_a_caller_that_does_not_wait_gets_nothing_and_the_journal_says_so(
    url: str, tiny_sandbox: Sandbox, login: Login
) -> None:
    tiny_sandbox.faults.add({"fault": "latency", "args": {"latency_ms": 40}, "budget": 1})
    with httpx.Client(timeout=0.01) as hasty, pytest.raises(httpx.ReadTimeout):
        hasty.get(f"{url}/fhir/Patient/3", headers=login(tiny_sandbox))
    from simulator.selector import Selector

    x = tiny_sandbox.journal.wait(Selector(), timeout_s=2)
    assert x is not None
    for _ in range(100):
        if x.bytes_sent == 0:
            break
        time.sleep(0.002)
    assert (x.complete, x.bytes_sent, entry_of(x)["status"]) == (False, 0, None)


def test_time_can_pass_at_a_call(get: Get, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "clock_advance", "args": {"advance_s": 300}, "budget": 1})
    assert [get().status_code for _ in range(2)] == [200, 401]


def test_one_page_can_be_dead_while_the_others_live(get: Get, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "status", "when": {"page": 2}, "args": {"status": 410}})
    pages = [get(f"/fhir/Patient?page={page}") for page in (1, 2, 3)]
    assert [answer.status_code for answer in pages] == [200, 410, 200]
    assert pages[1].json() == {"tiny": "gone"}
    assert entry_of(tiny_sandbox.journal.entries[1])["fault"]["step"] == "late"


def test_a_fault_may_ask_for_the_status_of_the_answer(get: Get, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "empty_body", "when": {"status": "2xx"}})
    assert get().content == b""
    assert get("/nowhere").json() == {"tiny": "not_found"}


def test_several_faults_act_in_the_order_they_were_added(get: Get, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "latency", "args": {"latency_ms": 1}})
    tiny_sandbox.faults.add({"fault": "status", "args": {"status": 503}})
    assert get().status_code == 503
    assert [one["fault"] for one in entry_of(tiny_sandbox.journal.entries[-1])["faults"]] == ["latency", "status"]


def test_a_rule_that_is_taken_away_acts_no_more(get: Get, tiny_sandbox: Sandbox) -> None:
    rule = tiny_sandbox.faults.add({"id": "mine", "fault": "status", "args": {"status": 503}})
    assert (rule.id, get().status_code) == ("mine", 503)
    assert tiny_sandbox.faults.remove("mine")
    assert not tiny_sandbox.faults.remove("mine")
    assert get().status_code == 200


def test_the_vendor_dresses_every_status_that_a_fault_can_ask_for(exchange: Make, tiny_sandbox: Sandbox) -> None:
    from simulator.pipeline import handle

    for status in range(400, 600):
        tiny_sandbox.faults.clear()
        tiny_sandbox.faults.add({"fault": "status", "args": {"status": status}})
        answer = asyncio.run(handle(exchange(sandbox=tiny_sandbox)))
        assert answer.status == status
        assert json.loads(answer.body)["tiny"]


# Said in words


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"fault": "flood"}, "unknown fault: 'flood'"),
        ({}, "unknown fault: None"),
        ({"fault": "status"}, "fault `status` needs `status`"),
        ({"fault": "status", "args": {"status": 99}}, "`status` of fault `status` cannot be 99; accepted: an HTTP"),
        ({"fault": "status", "args": {"status": "503"}}, "cannot be '503'"),
        ({"fault": "status", "args": {"status": True}}, "cannot be True"),
        ({"fault": "status", "args": {"status": 503, "after": 1}}, "does not know `after`; known: status,"),
        ({"fault": "limit_data", "args": {"bytes": 1, "length": "x"}}, "cannot be 'x'; accepted: full, cut"),
        ({"fault": "limit_data", "args": {"bytes": -1}}, "cannot be -1"),
        ({"fault": "malformed_json", "args": None, "when": None}, None),
        ({"fault": "malformed_json", "args": []}, "`args` of a fault is an object: \\[\\]"),
        ({"fault": "malformed_json", "when": []}, "a selector is an object: \\[\\]"),
        ({"fault": "malformed_json", "args": [1]}, "`args` of a fault is an object"),
        ({"fault": "malformed_json", "share": 1.5}, "`share` of a fault is a number from 0 to 1: 1.5"),
        ({"fault": "malformed_json", "share": "all"}, "`share` of a fault"),
        ({"fault": "malformed_json", "budget": -1}, "`budget` of a fault is a whole number"),
        ({"fault": "malformed_json", "skip": 1.5}, "`skip` of a fault is a whole number"),
        ({"fault": "malformed_json", "window": {"ends_s": 4}}, "`window` of a fault has `from_s` and `for_s`"),
        ({"fault": "malformed_json", "window": {"for_s": -4}}, "`for_s` of a fault's window"),
        ({"fault": "malformed_json", "when": {"vendr": "x"}}, "does not know `vendr`"),
        ({"fault": "malformed_json", "id": 'a"b'}, "`id` of a fault is 1 to 64 letters"),
        ({"fault": "malformed_json", "wen": {}}, "a fault does not know `wen`"),
        ("corrupt", "a fault is an object"),
    ],
)
def test_what_is_no_fault_is_said_in_one_line(rule: Any, says: str | None) -> None:
    book = FaultBook(b"s")
    if says is None:
        book.add(rule)
        return
    with pytest.raises(UsageError, match=says) as caught:
        book.add(rule)
    assert "\n" not in caught.value.message
    assert book.rules == ()


def test_a_rule_survives_json() -> None:
    given = {
        "id": "f1",
        "when": {"vendor": "cerner", "path": "/Observation*"},
        "fault": "status",
        "args": {"status": 503, "retry_after_s": 2},
        "share": 0.5,
        "window": {"from_s": 0.0, "for_s": 30.0},
        "budget": None,
        "skip": 1,
    }
    told = FaultBook(b"s").add(given).to_json()
    assert told == given | {"matches": 0, "hits": 0, "args": told["args"]}
    assert FaultBook(b"s").add({k: v for k, v in told.items() if k not in ("matches", "hits")}).to_json() == told


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
def test_every_kind_says_what_it_does_and_has_a_schema(kind: Any) -> None:
    assert kind.says
    schema = kind.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    sample = {int: 200, float: 200, str: "2026-12-01", dict: {}}
    needed = {
        name: sample[arg.type[0] if isinstance(arg.type, tuple) else arg.type]
        for name, arg in kind.args.items()
        if arg.default is ...
    }
    jsonschema.Draft202012Validator(schema).validate(kind.arguments(needed))


def test_a_fault_may_have_a_seed_of_its_own(exchange: Make) -> None:
    x = exchange()
    runs = []
    for sandbox_seed, more in ((b"1", {"seed": 5}), (b"2", {"seed": 5}), (b"1", {"seed": 6}), (b"1", {}), (b"2", {})):
        book = FaultBook(sandbox_seed)
        rule = book.add(RESET | {"share": 0.5} | more)
        assert rule.to_json().get("seed") == more.get("seed")
        runs.append([is_hit(book, x) for _ in range(60)])
    assert runs[0] == runs[1]
    assert len({tuple(run) for run in runs}) == 4


@pytest.mark.parametrize(("path", "status"), [("/gap", 501), ("/crash", 500)])
def test_a_gap_of_ours_is_not_dressed_up(
    get: Get, tiny_sandbox: Sandbox, path: str, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    tiny_sandbox.faults.add({"fault": "login_page"})
    answer = get(path)
    assert (answer.status_code, "x-emr-sandbox" in answer.headers) == (status, True)
    assert entry_of(tiny_sandbox.journal.entries[-1])["fault"]["spared"] == "not simulated"
    capfd.readouterr()
