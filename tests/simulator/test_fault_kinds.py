"""Each kind of fault, seen from outside: the bytes, the end of the connection, times as an order; under concurrency, on
keep-alive connections; and the journal says the same as the wire.

One row a kind: what it is asked for, which request meets it, and what a caller sees. A kind without a row fails.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator.faults.kinds import kinds
from simulator.journal.entry import entry_of
from simulator.sandbox import Sandbox
from simulator.server import Running
from tests.simulator.raw_client import Line, Seen

Login = Callable[..., dict[str, str]]
CLIENTS, CALLS = 6, 4


def ids(seen: Seen) -> list[str]:
    return [entry["resource"]["id"] for entry in json.loads(seen.body)["entry"]]


def next_of(seen: Seen) -> str:
    return next(link["url"] for link in json.loads(seen.body)["link"] if link["relation"] == "next")


def unpacks(seen: Seen) -> bool:
    try:
        gzip.decompress(seen.body)
    except (EOFError, zlib.error):
        return False
    return True


def is_json(seen: Seen) -> bool:
    try:
        json.loads(seen.body)
    except ValueError:
        return False
    return True


def is_html(seen: Seen) -> bool:
    return seen.headers["content-type"].startswith("text/html") and b"<html" in seen.body


@dataclass
class Row:
    """`shows` is asked what came and what comes without the fault; `is_spared`: the kind lets this request alone."""

    shows: Callable[[Seen, Seen], bool]
    args: dict[str, Any] = field(default_factory=dict)
    path: str = "/fhir/Thing"
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 5.0
    is_spared: bool = False
    calls: int = CALLS


def total(seen: Seen) -> int | None:
    found: int | None = json.loads(seen.body).get("total")
    return found


def nothing(end: str) -> Callable[[Seen, Seen], bool]:
    return lambda seen, clean: (seen.status, seen.body, seen.end) == (0, b"", end)


def cut(size: int) -> Callable[[Seen, Seen], bool]:
    return lambda seen, clean: seen.body == clean.body[:size] and not seen.whole and seen.end == "closed"


ROWS: dict[str, list[Row]] = {
    "add_elements": [
        Row(lambda seen, clean: all("laterElement3" in e["resource"] for e in json.loads(seen.body)["entry"]))
    ],
    "accept_silently": [
        Row(nothing("closed"), {"hold_s": 0.05}),
        Row(nothing("silent"), method="POST", wait_s=0.5, calls=2),
    ],
    "announce": [
        Row(lambda seen, clean: seen.headers["warning"] == "soon" and seen.body == clean.body, {"says": "soon"})
    ],
    "bandwidth": [
        Row(
            lambda seen, clean: seen.body == clean.body and seen.last_s > len(clean.body) / 9000,
            {"rate_bytes_s": 8000},
        )
    ],
    "black_hole": [Row(nothing("closed"), {"hold_s": 0.05}), Row(nothing("silent"), wait_s=0.5, calls=2)],
    "change_element": [
        Row(lambda seen, clean: all("id" not in e["resource"] for e in json.loads(seen.body)["entry"]), {"name": "id"}),
        Row(
            lambda seen, clean: [e["resource"]["idNew"] for e in json.loads(seen.body)["entry"]] == ids(clean),
            {"name": "no,id", "into": "renamed"},
        ),
        Row(
            lambda seen, clean: ids(seen) == [[id] for id in ids(clean)],
            {"name": "id", "into": "list"},
        ),
        Row(
            lambda seen, clean: ids(seen) == [None] * len(ids(clean)),
            {"name": "id", "into": "null"},
        ),
        Row(
            lambda seen, clean: set(ids(seen)) == set(ids(clean)),
            {"name": "id", "into": "reversed"},
        ),
        Row(lambda seen, clean: set(ids(seen)) == {"later-code"}, {"name": "id", "into": "new_code"}),
        Row(lambda seen, clean: False, {"name": "other"}, is_spared=True),
    ],
    "chunk_abort": [
        Row(lambda seen, clean: cut(100)(seen, clean) and "content-length" not in seen.headers),
        Row(lambda seen, clean: seen.end == "malformed", {"bytes": 5, "tail": "malformed"}),
    ],
    "clock_advance": [Row(lambda seen, clean: seen.body == clean.body, {"advance_s": 1})],
    "clock_skew": [
        Row(
            lambda seen, clean: (
                3500
                < (parsedate_to_datetime(seen.headers["date"]) - parsedate_to_datetime(clean.headers["date"])).seconds
                < 3700
            ),
            {"skew_s": 3600},
        )
    ],
    "cut_gzip": [
        Row(lambda seen, clean: seen.whole and not unpacks(seen), headers={"accept-encoding": "gzip"}),
        Row(lambda seen, clean: False, is_spared=True),
    ],
    "dead_link": [
        Row(lambda seen, clean: next_of(seen).endswith("/fhir/Thing/gone")),
        Row(lambda seen, clean: urlsplit(next_of(seen)).hostname == "fhir.invalid", {"into": "unresolved"}),
        Row(lambda seen, clean: urlsplit(next_of(seen)).netloc == "127.0.0.1:1", {"into": "refused"}),
        Row(lambda seen, clean: next_of(seen) == "http://169.254.169.254/", {"into": "given", "url": "http://169.254.169.254/"}),
    ],
    "duplicate_entries": [Row(lambda seen, clean: ids(seen) == [id for id in ids(clean) for _ in range(2)])],
    "empty_body": [Row(lambda seen, clean: (seen.status, seen.body, seen.whole) == (200, b"", True))],
    "empty_response": [Row(nothing("closed"))],
    "expire_token": [Row(lambda seen, clean: seen.status == 401)],
    "failure_envelope": [Row(lambda seen, clean: (seen.status, json.loads(seen.body)) == (200, {"tiny": "broken"}))],
    "false_total": [
        Row(lambda seen, clean: (total(seen), ids(seen)) == (5, ids(clean))),
        Row(lambda seen, clean: total(seen) is None and ids(seen) == ids(clean), {"says": "absent"}),
        Row(lambda seen, clean: total(seen) == 0, {"says": "zero"}),
        Row(lambda seen, clean: total(seen) > 100, {"says": "estimate"}),
    ],
    "foreign_entries": [
        Row(lambda seen, clean: False, path="/fhir/Thing?patient=a", is_spared=True),
        Row(lambda seen, clean: False, is_spared=True),
    ],
    "ignore_parameter": [
        Row(lambda seen, clean: ids(seen)[0] == "t0", {"parameter": "page"}, path="/fhir/Thing?page=2"),
        Row(lambda seen, clean: False, {"parameter": "sort"}, is_spared=True),
    ],
    "latency": [Row(lambda seen, clean: seen.body == clean.body and seen.head_s >= 0.029, {"latency_ms": 30})],
    "limit_data": [
        Row(cut(20), {"bytes": 20}),
        Row(lambda seen, clean: seen.body == clean.body[:20] and seen.whole, {"bytes": 20, "length": "cut"}),
    ],
    "login_page": [Row(lambda seen, clean: seen.status == 200 and is_html(seen) and b"password" in seen.body)],
    "maintenance_page": [Row(lambda seen, clean: seen.status == 503 and is_html(seen), {"lasts_s": 60})],
    "malformed_json": [Row(lambda seen, clean: seen.status == 200 and seen.whole and not is_json(seen))],
    "moving_data": [
        Row(lambda seen, clean: seen.body == clean.body or len(ids(seen)) == 6, path="/fhir/Thing?page=2"),
        Row(lambda seen, clean: len(ids(seen)) == 4, {"by_what": "deletion"}, path="/fhir/Thing?page=2"),
    ],
    "page_cycle": [
        Row(lambda seen, clean: "/fhir/Thing?" in next_of(seen) and "page=" not in next_of(seen)),
        Row(lambda seen, clean: "page=3" in next_of(seen), {"from_page": 2}, path="/fhir/Thing?page=3"),
    ],
    "read_lag": [
        Row(lambda seen, clean: seen.body == clean.body, {"lag_s": 60}),
        Row(lambda seen, clean: False, {"lag_s": 60}, method="POST", is_spared=True),
    ],
    "redirect": [
        Row(lambda seen, clean: seen.status == 307 and urlsplit(seen.headers["location"]).hostname == "localhost"),
        Row(lambda seen, clean: False, {"to": "http"}, is_spared=True),
    ],
    "relabel": [
        Row(
            lambda seen, clean: (seen.headers["content-type"], seen.body) == ("text/x-json", clean.body)
            and "CONTENT-TYPE: text/x-json" in seen.spelt and "content-length: " in seen.spelt,
            {"media": "text/x-json", "cookies": 2, "case": "upper"},
        ),
        Row(
            lambda seen, clean: gzip.decompress(seen.body) == clean.body,
            {"gzip": True},
            headers={"accept-encoding": "gzip"},
        ),
    ],
    "reorder_entries": [
        Row(lambda seen, clean: ids(seen) == ids(clean)[::-1], {"into": "reversed"}),
        Row(lambda seen, clean: sorted(ids(seen)) == sorted(ids(clean))),
    ],
    "reset_peer": [
        Row(nothing("reset")),
        Row(nothing("reset"), {"after": "request"}),
        Row(lambda seen, clean: (seen.status, seen.body, seen.end) == (200, b"", "reset"), {"after": "headers"}),
    ],
    "revoke_token": [Row(lambda seen, clean: seen.status == 401)],
    "rotate_keys": [Row(lambda seen, clean: seen.body == clean.body)],
    "rotate_signing_keys": [Row(lambda seen, clean: seen.body == clean.body)],
    "second_origin": [Row(lambda seen, clean: urlsplit(next_of(seen)).hostname == "localhost")],
    "shared_number": [Row(lambda seen, clean: False, {"system": "urn:x"}, is_spared=True)],
    "slicer": [
        Row(
            lambda seen, clean: seen.body == clean.body and seen.last_s > 0.01 * (len(clean.body) // 100 - 1),
            {"average_size_bytes": 100, "delay_ms": 10},
        )
    ],
    "stale_data": [Row(lambda seen, clean: seen.status == 200, {"age_s": 60})],
    "status": [Row(lambda seen, clean: seen.status == 502 and is_json(seen), {"status": 502})],
    "store_then_cut": [
        Row(nothing("closed"), method="POST"),
        Row(nothing("reset"), {"end": "reset"}, method="POST"),
        Row(lambda seen, clean: False, is_spared=True),
    ],
    "upgrade": [Row(lambda seen, clean: seen.body == clean.body, {"as_of": "2026-12-01"})],
    "wrong_type": [
        Row(lambda seen, clean: {e["resource"]["resourceType"] for e in json.loads(seen.body)["entry"]} == {"Basic"})
    ],
}  # fmt: skip
FLAT = [(name, row) for name, rows in ROWS.items() for row in rows]


def test_every_kind_has_a_row() -> None:
    """But those that act before the first byte: see `test_doors.py`."""
    assert ROWS.keys() == {name for name, kind in kinds().items() if not kind.is_of_connections}


@pytest.mark.parametrize(("kind", "row"), FLAT, ids=[f"{name}-{n}" for n, (name, _) in enumerate(FLAT)])
def test_each_kind_is_seen_as_it_says_and_the_journal_agrees(
    kind: str, row: Row, tiny_server: Running, tiny_sandbox: Sandbox, login: Login
) -> None:
    base = urlsplit(tiny_server.base_url(tiny_sandbox, "tiny"))
    tiny_sandbox.faults.add({"fault": kind, "args": row.args, "share": 0.5, "when": {"query": "*n=*"}})
    sign = "&" if "?" in row.path else "?"

    async def client(number: int) -> list[tuple[str, Seen]]:
        headers = login(tiny_sandbox, lifetime_s=1e6) | row.headers
        line = Line(base.hostname or "", base.port or 0, headers)
        seen = []
        for call in range(row.calls):
            if kind.endswith("_token"):  # a token that has ended would spoil the calls that follow
                line._headers = login(tiny_sandbox, lifetime_s=1e6)
            query = f"n={number}x{call}"
            seen.append((query, await line.ask(f"{base.path}{row.path}{sign}{query}", row.method, b"", row.wait_s)))
        line.close()
        return seen

    async def all_clients() -> tuple[Seen, list[tuple[str, Seen]]]:
        line = Line(base.hostname or "", base.port or 0, login(tiny_sandbox, lifetime_s=1e6))
        clean = await line.ask(base.path + row.path)
        line.close()
        every = await asyncio.gather(*(client(number) for number in range(CLIENTS)))
        return clean, [one for each in every for one in each]

    clean, every = asyncio.run(all_clients())
    assert clean.whole
    entries = {x.query.rpartition("n=")[2]: entry_of(x) for x in tiny_sandbox.journal.entries if "n=" in x.query}
    hit = 0
    for query, seen in every:
        entry = entries.get(query.removeprefix("n="), {"faults": []})
        acted = [fault for fault in entry["faults"] if fault["fault"] == kind]
        if seen.end == "silent" and not acted and row.wait_s < 1:
            continue  # a machine too busy to answer in time
        assert (entry["status"] or 0) == seen.status
        assert len(entry["faults"]) == len(acted) <= 1
        if acted and "spared" not in acted[0]:
            hit += 1
            assert row.shows(seen, clean), (seen, acted)
        elif not acted and row.method == "GET" and "token" not in kind:
            assert (seen.status, seen.whole, seen.end) == (200, True, "kept")
        if seen.end not in ("silent", "malformed"):
            assert entry["complete"] == (seen.whole and seen.end == "kept")
            assert entry["bytes_sent"] == len(seen.body)
    assert (hit == 0) if row.is_spared else (2 <= hit < CLIENTS * row.calls)
