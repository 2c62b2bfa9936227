"""The control API `/_sandbox`: every call of contract section 4, and every way in which it says no."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from simulator.control import truth
from simulator.control.access import guarded, is_loopback
from simulator.control.app import control_api
from simulator.journal.journal import Journal
from simulator.sandbox import Sandbox
from simulator.server import Running, Server, running
from simulator.settings import Settings
from tests.simulator.tiny_room import tiny

Login = Callable[..., dict[str, str]]


@pytest.fixture
def api(tiny_server: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=tiny_server.control, timeout=5) as client:
        yield client


@pytest.fixture
def here(tiny_sandbox: Sandbox) -> str:
    """The path of this test's sandbox."""
    return f"/sandboxes/{tiny_sandbox.id}"


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["title"]
    assert "\n" not in told["detail"]
    return told


# Liveness


def test_health_and_metrics(api: httpx.Client, url: str, http: httpx.Client, tiny_sandbox: Sandbox) -> None:
    assert api.get("/health").json()["status"] == "ok"
    http.get(f"{url}/fhir/metadata")
    http.get(f"{url}/nowhere")
    tiny_sandbox.faults.add({"fault": "latency", "args": {"latency_ms": 0}})
    lines = api.get("/metrics").text.splitlines()
    for status in (200, 404):
        sample = f'emr_sandbox_exchanges_total{{sandbox="{tiny_sandbox.id}",vendor="tiny",status="{status}"}} 1'
        assert sample in lines
    assert f'emr_sandbox_fault_hits_total{{sandbox="{tiny_sandbox.id}",fault="f1",kind="latency"}} 0' in lines
    names = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert all(line.split("{")[0].split()[0] in names for line in lines if not line.startswith("#"))


def test_the_api_describes_itself(api: httpx.Client) -> None:
    told = api.get("/openapi.json").json()
    one = "/_sandbox/sandboxes/{id}"
    expected = {
        "/_sandbox/health", "/_sandbox/metrics", "/_sandbox/sandboxes", one, f"{one}/reset", f"{one}/clients",
        f"{one}/clock", f"{one}/clock/advance", f"{one}/faults", f"{one}/faults/{{fault}}", f"{one}/limits",
        f"{one}/scenario", f"{one}/journal", f"{one}/truth/patients", f"{one}/truth/patients/{{key}}",
        f"{one}/truth/patients/{{key}}/records/{{record}}", f"{one}/truth/events", f"{one}/truth/changes",
        f"{one}/vendors/{{vendor}}/revoke", f"{one}/vendors/{{vendor}}/rotate-keys",
        f"{one}/vendors/{{vendor}}/upgrade",
    }  # fmt: skip
    assert expected <= set(told["paths"])
    assert api.get("/docs").status_code == 200


# Sandboxes


def test_a_sandbox_is_made_with_urls_and_clients(api: httpx.Client, tiny_server: Running) -> None:
    answer = api.post("/sandboxes", json={"seed": 9, "patients": 20, "as_of": "2025-06-01", "vendors": ["tiny"]})
    assert answer.status_code == 201
    made = answer.json()
    assert (made["seed"], made["patients"], made["as_of"]) == (9, 20, "2025-06-01")
    base = f"{tiny_server.url}/s/{made['id']}/tiny"
    assert made["vendors"] == {"tiny": {"base_url": base, "fhir_url": f"{base}/fhir", "token_url": f"{base}/token"}}
    assert made["clients"]["tiny"][0]["client_secret"]
    assert answer.headers["location"] == f"{tiny_server.control}/sandboxes/{made['id']}"
    assert api.get(f"/sandboxes/{made['id']}").json()["id"] == made["id"]
    assert made["id"] in [one["id"] for one in api.get("/sandboxes").json()["sandboxes"]]
    assert api.delete(f"/sandboxes/{made['id']}").status_code == 204
    assert made["id"] not in tiny_server.sandboxes.ids


def test_a_sandbox_needs_no_wishes(api: httpx.Client) -> None:
    made = api.post("/sandboxes").json()
    assert made["seed"] == 7
    assert api.post("/sandboxes", json={}).status_code == 201
    assert api.delete(f"/sandboxes/{made['id']}").status_code == 204


@pytest.mark.parametrize(
    ("wish", "status", "says"),
    [
        ({"patients": 0}, 422, "body.patients: Input should be greater than or equal to 1"),
        ({"as_of": "soon"}, 422, "body.as_of"),
        ({"as_of": "1700-01-01"}, 422, "as_of must be from"),
        ({"sed": 3}, 422, "body.sed: Extra inputs are not permitted"),
        ({"vendors": ["epik"]}, 422, 'vendor "epik" is not served here; served: tiny, twin'),
        ({"vendors": []}, 422, "a sandbox needs a vendor; served: tiny, twin"),
        ({"id": "default"}, 409, 'sandbox "default" exists'),
        ({"id": "A B"}, 422, "body.id"),
        ({"scenario": "nothing-like-it"}, 422, 'unknown scenario "nothing-like-it"'),
        ({"scenario": "/etc/passwd.toml"}, 422, 'unknown scenario "/etc/passwd.toml"'),
        ([], 422, "body"),
    ],
)
def test_an_impossible_sandbox_is_a_problem(
    api: httpx.Client, tiny_server: Running, wish: Any, status: int, says: str
) -> None:
    before = tiny_server.sandboxes.ids
    assert says in problem_of(api.post("/sandboxes", json=wish), status)["detail"]
    assert tiny_server.sandboxes.ids == before


def test_default_can_be_reset_but_not_dropped(api: httpx.Client) -> None:
    assert "cannot be dropped" in problem_of(api.delete("/sandboxes/default"), 409)["detail"]
    assert api.post("/sandboxes/default/reset").json()["id"] == "default"


CALLS = [
    ("GET", ""), ("DELETE", ""), ("POST", "/reset"), ("GET", "/clients"), ("GET", "/clock"), ("PUT", "/clock"),
    ("POST", "/clock/advance"), ("GET", "/faults"), ("POST", "/faults"), ("DELETE", "/faults"),
    ("DELETE", "/faults/f1"),
    ("GET", "/limits"), ("PUT", "/limits"), ("DELETE", "/limits"), ("POST", "/scenario"), ("DELETE", "/scenario"),
    ("GET", "/journal"), ("GET", "/journal/x1"), ("GET", "/truth/patients"), ("GET", "/truth/patients/1"),
    ("GET", "/truth/events"), ("POST", "/vendors/tiny/revoke"), ("POST", "/vendors/tiny/rotate-keys"),
    ("POST", "/vendors/tiny/upgrade"),
]  # fmt: skip
BODIES: dict[str, Any] = {
    "/clock/advance": {"seconds": 1},
    "/scenario": {"name": "x"},
    "/vendors/tiny/upgrade": {"as_of": "2026-01-01"},
}


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_an_unknown_sandbox_is_a_problem_with_the_known_ids(api: httpx.Client, method: str, path: str) -> None:
    body = BODIES.get(path, {}) if method in ("PUT", "POST") else None
    told = problem_of(api.request(method, f"/sandboxes/gone{path}", json=body), 404)
    assert told["detail"] == 'unknown sandbox "gone"'
    assert "default" in told["known"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("PATCH", "/sandboxes"), ("GET", "/sandboxes/")])
def test_an_unknown_call_is_a_problem(api: httpx.Client, method: str, path: str) -> None:
    answer = api.request(method, path)
    assert answer.status_code in (404, 405)
    assert "/_sandbox/openapi.json" in problem_of(answer, answer.status_code)["detail"]


def test_a_body_that_is_no_json_is_a_problem(api: httpx.Client) -> None:
    answer = api.post("/sandboxes", content=b"{", headers={"content-type": "application/json"})
    assert "JSON" in problem_of(answer, 422)["detail"]


# Clients, clock


def test_clients_open_the_door_they_are_for(api: httpx.Client, here: str, http: httpx.Client) -> None:
    client = api.get(f"{here}/clients").json()["tiny"][0]
    answer = http.post(client["token_url"], auth=(client["client_id"], client["client_secret"]))
    assert answer.json()["token_type"] == "Bearer"


def test_the_clock_can_be_turned_and_stopped(api: httpx.Client, here: str) -> None:
    assert api.get(f"{here}/clock").json()["frozen"] is False
    frozen = api.put(f"{here}/clock", json={"now": "2026-02-01T08:00:00+01:00", "frozen": True, "skew_s": -30}).json()
    assert (frozen["now"], frozen["frozen"], frozen["skew_s"]) == ("2026-02-01T07:00:00.000Z", True, -30.0)
    assert api.post(f"{here}/clock/advance", json={"seconds": 3600.5}).json()["now"] == "2026-02-01T08:00:00.500Z"
    running_again = api.put(f"{here}/clock", json={"frozen": False, "scale": 60}).json()
    assert (running_again["frozen"], running_again["scale"]) == (False, 60.0)


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("POST", "/clock/advance", {"seconds": -1}, "body.seconds"),
        ("POST", "/clock/advance", {}, "body.seconds: Field required"),
        ("POST", "/clock/advance", {"seconds": "an hour"}, "body.seconds"),
        ("POST", "/clock/advance", {"seconds": 1e300}, "body.seconds"),
        ("PUT", "/clock", {"now": "2026-01-05T12:00:00"}, "needs an offset"),
        ("PUT", "/clock", {"now": "noon"}, "body.now"),
        ("PUT", "/clock", {"scale": 0}, "body.scale"),
        ("PUT", "/clock", {"tempo": 2}, "body.tempo"),
        ("PUT", "/limits", {"calls": -1}, "body.calls"),
        ("PUT", "/limits", {"vendor": "epik", "off": True}, 'unknown vendor "epik"'),
        ("PUT", "/limits", {"vendor": "twin", "name": "per-hour"}, 'twin has no limit "per-hour"; known: per-minute'),
        ("POST", "/faults", {"fault": "flood"}, "unknown fault: 'flood'"),
        ("POST", "/faults", [], "body"),
        ("POST", "/faults", {"fault": "empty_body", "when": {"vendor": "epik"}}, 'unknown vendor "epik"'),
        ("POST", "/faults", {"fault": "empty_body", "when": {"any": [{"vendor": ["tiny", "epik"]}]}}, "epik"),
        ("POST", "/faults", {"fault": "empty_body", "when": {"not": {"vendor": "epik"}}}, 'unknown vendor "epik"'),
        ("POST", "/scenario", {"name": "nothing-like-it"}, 'unknown scenario "nothing-like-it"'),
        ("POST", "/scenario", {}, "body.name"),
        ("GET", "/journal?limit=-1", None, "query.limit"),
        ("GET", "/journal?limit=99999999999999999999", None, "query.limit"),
        ("GET", "/journal?vendor=epik", None, 'unknown vendor "epik"'),
        ("GET", "/journal?stauts=429", None, "unknown query parameter: stauts"),
        ("GET", "/truth/patients?famly=Smith", None, "unknown query parameter: famly"),
        ("GET", "/journal?since=yesterday", None, "query.since"),
        ("GET", "/journal?status=often", None, "a status such as 429"),
        ("GET", "/truth/patients?birthdate=1980-13", None, 'not a day, month or year: "1980-13"'),
        ("GET", "/truth/patients?limit=100000", None, "query.limit"),
        ("GET", "/truth/patients?condition=diabetis", None, 'unknown condition "diabetis"; known: abdominal_pain, '),
        ("GET", "/truth/patients?condition=htn&status=old", None, 'unknown status "old"; known: active, '),
        ("GET", "/truth/patients?condition=htn&after=17", None, 'not a cursor of this search: "17"'),
        ("GET", "/truth/patients?after=n17", None, 'not a cursor of this search: "n17"'),
    ],
)
def test_what_a_call_cannot_take_is_a_problem(
    api: httpx.Client, here: str, method: str, path: str, body: Any, says: str
) -> None:
    assert says in problem_of(api.request(method, here + path, json=body), 422)["detail"]


def test_a_misspelt_filter_is_told_its_right_name(api: httpx.Client, here: str) -> None:
    told = problem_of(api.get(f"{here}/truth/patients?famly=Smith"), 422)
    assert told["hint"] == 'did you mean "family"?'
    assert told["known"] == [
        "family", "birthdate", "condition", "medication", "consent", "sensitivity", "vip", "status", "limit", "after",
    ]  # fmt: skip


def test_a_crash_of_a_control_call_is_a_problem_document_too(
    tiny_app: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*asked: Any, **more: Any) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(Journal, "find", broken)

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(tiny_app), base_url="http://127.0.0.1") as client:
            return await client.get("/_sandbox/sandboxes/default/journal")

    answer = asyncio.run(asked())
    assert "internal error of the sandbox" in problem_of(answer, 500)["detail"]
    assert answer.headers["x-emr-sandbox"] == "bug"
    assert "ZeroDivisionError: on purpose" in capsys.readouterr().err


def test_turning_the_clock_ends_tokens_at_once(
    api: httpx.Client, here: str, url: str, http: httpx.Client, tiny_sandbox: Sandbox, login: Login
) -> None:
    headers = login(tiny_sandbox)
    assert http.get(f"{url}/fhir/Patient/1", headers=headers).status_code == 200
    api.post(f"{here}/clock/advance", json={"seconds": 300})
    assert http.get(f"{url}/fhir/Patient/1", headers=headers).status_code == 401


# Faults, limits, tokens


def test_faults_come_act_and_go(api: httpx.Client, here: str, url: str, http: httpx.Client) -> None:
    rule = {"when": {"path": "/metadata"}, "fault": "status", "args": {"status": 503}}
    answer = api.post(f"{here}/faults", json=rule)
    assert answer.status_code == 201
    assert answer.json()["id"] == "f1"
    assert http.get(f"{url}/fhir/metadata").status_code == 503
    (told,) = api.get(f"{here}/faults").json()["faults"]
    assert (told["hits"], told["matches"]) == (1, 1)
    assert problem_of(api.delete(f"{here}/faults/f9"), 404)["known"] == ["f1"]
    assert api.delete(f"{here}/faults/f1").status_code == 204
    assert http.get(f"{url}/fhir/metadata").status_code == 200
    api.post(f"{here}/faults", json=rule)
    assert api.delete(f"{here}/faults").status_code == 204
    assert api.get(f"{here}/faults").json() == {"faults": []}


def test_limits_can_be_seen_changed_switched_off_and_restored(
    api: httpx.Client, here: str, tiny_server: Running, tiny_sandbox: Sandbox, http: httpx.Client, login: Login
) -> None:
    door = f"{tiny_server.base_url(tiny_sandbox, 'twin')}/fhir/Patient"
    headers = login(tiny_sandbox, "twin", lifetime_s=9000)

    def statuses(count: int) -> list[int]:
        return [http.get(door, headers=headers).status_code for _ in range(count)]

    tiny_sandbox.clock.freeze()
    (told,) = api.get(f"{here}/limits").json()["limits"]["twin"]
    assert (told["name"], told["calls"], told["per_s"], told["off"]) == ("per-minute", 5, 60.0, False)
    assert told["source"] == {"where": "tests", "mark": "guess"}
    changed = api.put(f"{here}/limits", json={"vendor": "twin", "name": "per-minute", "calls": 2, "per_s": 10}).json()
    assert changed["limits"]["twin"][0]["calls"] == 2
    assert statuses(3) == [200, 200, 429]
    assert api.put(f"{here}/limits", json={"vendor": "twin", "off": True}).json()["limits"]["twin"][0]["off"] is True
    assert statuses(9) == [200] * 9
    assert api.delete(f"{here}/limits").status_code == 204
    assert statuses(6) == [200] * 5 + [429]


def test_revoked_tokens_are_refused_and_new_ones_are_not(
    api: httpx.Client, here: str, url: str, http: httpx.Client, tiny_sandbox: Sandbox, login: Login
) -> None:
    old = login(tiny_sandbox)
    assert api.post(f"{here}/vendors/tiny/revoke").json() == {"vendor": "tiny", "revoked": True}
    assert http.get(f"{url}/fhir/Patient/1", headers=old).status_code == 401
    assert http.get(f"{url}/fhir/Patient/1", headers=login(tiny_sandbox)).status_code == 200
    assert problem_of(api.post(f"{here}/vendors/epik/revoke"), 404)["known"] == ["tiny", "twin"]


def test_a_room_without_a_history_can_stand_on_any_day(api: httpx.Client, here: str) -> None:
    told = api.post(f"{here}/vendors/tiny/upgrade", json={"as_of": "2030-01-01"}).json()
    assert (told["as_of"], told["came"], told["in_force"], told["to_come"]) == ("2030-01-01", [], [], [])


# Journal


@pytest.fixture
def three_calls(url: str, http: httpx.Client, tiny_sandbox: Sandbox, login: Login) -> None:
    http.get(f"{url}/fhir/metadata")
    http.get(f"{url}/nowhere")
    http.get(f"{url}/fhir/Patient?page=2", headers=login(tiny_sandbox))


def ids_of(answer: httpx.Response) -> list[str]:
    return [entry["id"] for entry in answer.json()["exchanges"]]


@pytest.mark.usefixtures("three_calls")
def test_the_journal_can_be_asked(api: httpx.Client, here: str, tiny_sandbox: Sandbox) -> None:
    def asked(**params: Any) -> list[str]:
        return ids_of(api.get(f"{here}/journal", params=params))

    client = next(iter(tiny_sandbox.sites["tiny"].clients))
    assert asked() == ["x1", "x2", "x3"]
    assert asked(path="/Patient*") == ["x3"]
    assert asked(status=404) == asked(status="4xx") == ["x2"]
    assert asked(client=client) == ["x3"]
    assert asked(vendor="twin") == []
    assert asked(operation="*.search") == ["x3"]
    assert asked(since="x1") == asked(since="1") == ["x2", "x3"]
    assert asked(limit=2) == ["x1", "x2"]
    page = api.get(f"{here}/journal", params={"limit": 2}).json()
    assert (page["next"], page["last"], page["dropped"]) == ("x2", "x3", 0)
    assert asked(since=page["next"]) == ["x3"]
    whole = api.get(f"{here}/journal/x3").json()
    assert (whole["id"], whole["notes"]["page"]) == ("x3", 2)
    assert "it holds the last 3" in problem_of(api.get(f"{here}/journal/x9"), 404)["detail"]


@pytest.mark.usefixtures("three_calls")
def test_the_journal_comes_as_lines(api: httpx.Client, here: str) -> None:
    answer = api.get(f"{here}/journal?since=x1", headers={"accept": "application/x-ndjson"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["id"] for line in answer.text.splitlines()] == ["x2", "x3"]


def events_of(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    id = ""
    for line in lines:
        if line.startswith("id: "):
            id = line.removeprefix("id: ")
        elif line.startswith("data: "):
            yield id, json.loads(line.removeprefix("data: "))


@pytest.mark.usefixtures("three_calls")
def test_the_journal_can_be_followed(api: httpx.Client, here: str, url: str, http: httpx.Client) -> None:
    headers = {"accept": "text/event-stream", "last-event-id": "x2"}
    with api.stream("GET", f"{here}/journal", headers=headers, params={"status": 200}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = events_of(stream.iter_lines())
        assert next(events)[0] == "x3"
        http.get(f"{url}/nowhere")
        http.get(f"{url}/fhir/metadata")
        id, entry = next(events)
    assert (id, entry["id"], entry["path"], entry["bytes_sent"]) == ("x5", "x5", "/fhir/metadata", 15)


@pytest.mark.usefixtures("three_calls")
def test_following_ends_after_as_many_as_were_asked_for(api: httpx.Client, here: str) -> None:
    answer = api.get(f"{here}/journal?limit=2", headers={"accept": "text/event-stream"})
    assert [id for id, _ in events_of(iter(answer.text.splitlines()))] == ["x1", "x2"]


def test_following_ends_when_the_server_stops() -> None:
    ended = threading.Event()

    def follow(url: str) -> None:
        with httpx.Client(timeout=5) as client:
            headers = {"accept": "text/event-stream"}
            with client.stream("GET", f"{url}/sandboxes/default/journal", headers=headers) as stream:
                for _ in stream.iter_lines():
                    started.set()
        ended.set()

    started = threading.Event()
    with running(Settings(vendors=("tiny",), rooms=(tiny(),), patients=10)) as up:
        thread = threading.Thread(target=follow, args=(up.control,))
        thread.start()
        assert started.wait(5)
    assert ended.wait(1)
    thread.join()


# Truth


def test_people_are_found_by_name_and_birth_date(api: httpx.Client, here: str, tiny_sandbox: Sandbox) -> None:
    everybody = api.get(f"{here}/truth/patients", params={"limit": 3}).json()
    assert everybody["total"] == 200
    assert len(everybody["patients"]) == 3
    one = everybody["patients"][0]
    assert one["ids"] == {"tiny": {"fhir_id": one["key"]}, "twin": {"fhir_id": one["key"]}}
    family, born = one["name"]["family"], one["birth_date"]
    for params in ({"family": family}, {"birthdate": born}, {"family": family, "birthdate": born[:4]}):
        found = api.get(f"{here}/truth/patients", params={**params, "limit": 200}).json()
        assert one["key"] in [other["key"] for other in found["patients"]]
        assert found["total"] == len(found["patients"])
    assert api.get(f"{here}/truth/patients", params={"family": "Zzyzx"}).json() == {
        "total": 0, "patients": [], "next": None, "complete": True,
    }  # fmt: skip


def test_pages_of_people_cover_them_once(api: httpx.Client, here: str) -> None:
    whole = [one["key"] for one in api.get(f"{here}/truth/patients", params={"limit": 10_000}).json()["patients"]]
    paged: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = api.get(f"{here}/truth/patients", params={"limit": 70, **after}).json()
        paged += [one["key"] for one in page["patients"]]
        if page["next"] is None:
            break
        assert page["complete"]
        after = {"after": page["next"]}
    assert paged == whole
    assert len(set(whole)) == len(whole) >= 200


def test_people_are_found_by_what_they_have(api: httpx.Client, here: str) -> None:
    ill = [one["key"] for one in api.get(f"{here}/truth/patients?condition=I10").json()["patients"]]
    charts = {key: api.get(f"{here}/truth/patients/{key}").json()["records"] for key in ill[:5]}
    for records in charts.values():
        assert any({"system": "icd10cm", "code": "I10"} in one.get("codes", ()) for one in records)
    active = api.get(f"{here}/truth/patients?condition=htn&status=active&limit=200").json()
    assert active["total"] is None
    assert {one["key"] for one in active["patients"]} <= set(ill)
    both = api.get(f"{here}/truth/patients?condition=htn&condition=hld&birthdate=1950").json()
    assert all(one["key"] in ill and one["birth_date"].startswith("1950") for one in both["patients"])
    kind = api.get(f"{here}/truth/patients?medication=lisinopril20&consent=deny&sensitivity=BH&vip=false").json()
    assert kind["complete"] is True
    assert kind["next"] is None


def test_who_has_something_is_streamed_and_the_last_line_says_where_to_go_on(api: httpx.Client, here: str) -> None:
    asked = f"{here}/truth/patients?condition=htn&limit=4"
    lines = api.get(asked, headers={"accept": "application/x-ndjson"})
    assert lines.headers["content-type"].startswith("application/x-ndjson")
    told = [json.loads(line) for line in lines.text.splitlines()]
    page = api.get(asked).json()
    assert told == [*page["patients"], {"next": page["next"], "complete": True}]
    again = api.get(asked, params={"condition": "htn", "limit": 4, "after": page["next"]}).json()
    assert len(again["patients"]) == 4
    assert not {one["key"] for one in again["patients"]} & {one["key"] for one in page["patients"]}


def test_a_search_stops_when_its_work_is_done_and_says_where(
    api: httpx.Client, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"condition": "htn"}
    whole = api.get(f"{here}/truth/patients", params=asked).json()
    assert whole["complete"] is True
    monkeypatch.setattr(truth, "PAGE_POINTS", 3_000)
    pages = [api.get(f"{here}/truth/patients", params=asked).json()]
    while (after := pages[-1]["next"]) is not None:
        pages.append(api.get(f"{here}/truth/patients", params={**asked, "after": after}).json())
    assert [one for page in pages for one in page["patients"]] == whole["patients"]
    assert [page["complete"] for page in pages] == [False] * (len(pages) - 1) + [True]
    assert len(pages) > 3


def test_a_patient_comes_with_canonical_records(api: httpx.Client, here: str) -> None:
    told = api.get(f"{here}/truth/patients/3").json()
    assert told["key"] == "3"
    kinds = [record["kind"] for record in told["records"]]
    assert kinds[0] == "patient"
    assert "observation" in kinds
    assert all(record["patient"] == {"vendor": "truth", "id": "3"} for record in told["records"])
    assert told["records"][0]["name"]["family"] == told["name"]["family"]
    assert 'no patient "9999"' in problem_of(api.get(f"{here}/truth/patients/9999"), 404)["detail"]


# The door


@pytest.fixture(scope="module")
def guarded_server() -> Iterator[Running]:
    with running(Settings(vendors=("tiny",), rooms=(tiny(),), patients=10, control_token="open-sesame")) as up:
        yield up


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer open-sesam", "Bearer open-sesame2", "Basic open-sesame"])
def test_a_control_token_is_needed_when_there_is_one(
    guarded_server: Running, http: httpx.Client, header: str | None
) -> None:
    answer = http.get(f"{guarded_server.control}/health", headers={"authorization": header} if header else {})
    problem_of(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_the_control_token_opens_and_vendors_do_not_ask_for_it(guarded_server: Running, http: httpx.Client) -> None:
    right = {"authorization": "Bearer open-sesame", "host": "emr.example"}
    assert http.get(f"{guarded_server.control}/health", headers=right).status_code == 200
    assert http.get(f"{guarded_server.url}/tiny/fhir/metadata").status_code == 200


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        ("127.0.0.1", {"host": "127.0.0.1:8400"}, 200),
        ("::1", {"host": "[::1]:8400"}, 200),
        ("127.0.0.1", {"host": "emr.localhost"}, 200),
        ("127.0.0.1", {"host": "localhost:8400", "origin": "http://localhost:8400"}, 200),
        ("10.0.0.9", {"host": "127.0.0.1"}, 403),
        ("127.0.0.1", {"host": "rebound.example"}, 403),
        ("127.0.0.1", {"host": "localhost:8400", "origin": "https://page.example"}, 403),
        ("127.0.0.1", {"host": "localhost:8400", "origin": "null"}, 403),
    ],
)
def test_without_a_token_control_calls_come_only_from_this_machine(
    tiny_app: Server, client: str, headers: dict[str, str], status: int
) -> None:
    import asyncio

    app = guarded(
        control_api(tiny_app.settings, tiny_app.sandboxes, tiny_app.listeners, tiny_app.doors), tiny_app.settings
    )

    async def called() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(client, 9))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport) as caller:
            return await caller.get("http://127.0.0.1/_sandbox/health", headers=headers)

    assert asyncio.run(called()).status_code == status


@pytest.mark.parametrize(
    ("name", "expected"),
    [("localhost", True), ("127.8.9.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("10.0.0.1", False)],
)
def test_loopback_is_known_in_all_its_spellings(name: str, expected: bool) -> None:
    assert is_loopback(name) is expected
