"""Bulk export: the kick-off at a group, polling, the files, and taking it back (E30).

A job takes as long as Epic takes, on the sandbox's clock: of a panel of four hundred patients hours, in which the token
dies. Its data is what was so when it began; files are written when they are fetched, a few patients at a time.

Source: SOURCES.md, "Bulk export" (BULKDOC; GN: what clients met).
"""

from __future__ import annotations

import asyncio
import re
from array import array
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from simulator.exchange import Exchange, Reply, Route, json_reply
from simulator.fhir import build, outcome
from simulator.fhir.bulk import SHARED, Job, JobStore, Part
from simulator.ids import text_of
from simulator.refusal import Refusal
from simulator.vendors.epic import errors, ids, paths, resources, search, sight, store
from simulator.vendors.epic.params import INTERACTIONS
from simulator.vendors.epic.query import read_query
from simulator.vendors.epic.resources import TOLD, group

if TYPE_CHECKING:
    from simulator.sandbox import Site

DAY = timedelta(days=1)
KEPT = timedelta(days=14)  # doc
MOST_LINES = 3_000  # doc: of one file
NDJSON = "application/fhir+ndjson"
SHARED_TYPES = ("Medication", "Practitioner", "Location", "Organization")
"""What records refer to and nobody's chart holds: exported once, as far as the records of the cohort refer to it."""
TYPES = ("Patient", *TOLD, *SHARED_TYPES)
_KNOWN = {type.lower(): type for type in TYPES}
_REQUESTS = paths.ROOT + "/api/FHIR/BulkRequest/"
_GROUP = re.compile(re.escape(paths.FHIR) + r"/Group/([^/]+)/\$export")
_STEP = 4  # patients between which others get their turn
_COUNTED_A_POLL = 50
_MEMORY = "bulk export"


def route(x: Exchange, path: str) -> Route | None:
    """The door of an export, or None when the path is another."""
    asked = _GROUP.fullmatch(path) if x.method == "GET" else None
    if asked is not None:
        return Route("Group.export", kick_off, (asked[1],), ("Group", "r"))
    if not path.startswith(_REQUESTS):
        return None
    parts = tuple(path[len(_REQUESTS) :].split("/"))
    if x.method == "GET" and len(parts) == 1:
        return Route("bulk.status", status, parts, ("Group", "r"), _count)
    if x.method == "GET" and len(parts) == 2:
        return Route("bulk.file", file, parts, ("Group", "r"), _write)
    if x.method == "DELETE" and len(parts) == 1:
        return Route("bulk.delete", delete, parts, ("Group", "r"))
    return None


def kick_off(x: Exchange) -> Reply:
    """202 and where to ask; or why not.

    Raises:
        Refusal: not_found (no such group), malformed with issues (no `respond-async`, an unknown type or filter),
            forbidden (a type that the client may not search), too_many with issues (again within a day).
    """
    assert x.route is not None
    assert x.caller is not None
    cohort = x.route.args[0]
    named = ids.named(x.site.key, cohort)
    members = group.members(x.site, named.number) if named is not None and named.type == "Group" else None
    if members is None:
        raise Refusal("not_found", f"no Group/{cohort}", reason="unknown_id", resource="Group", id=cohort)
    sight.check(x, "Group", cohort)  # whose grant is for one patient sees no group
    if "respond-async" not in (x.header("prefer") or ""):
        raise errors.refused([errors.issue("fatal", "required", "59108", "Prefer: respond-async")], "not_async")
    types = _types(x)
    filters = _filters(x, types)
    jobs = _jobs(x.site)
    _check_window(x, jobs, cohort)
    pace = timedelta(seconds=float(x.site.settings["bulk_patient_s"]))
    ready = x.at + max(timedelta(seconds=1), pace * len(members))
    request = f"{x.base_url}{x.path}" + (f"?{x.query}" if x.query else "")
    job = Job(
        jobs.new_id().upper(), x.caller.client_id, cohort, request, types, filters, x.at, ready, ready + KEPT, members
    )
    jobs.add(job)
    return Reply(202, b"", [(b"content-location", f"{x.base_url}{_REQUESTS}{job.id}".encode())])


def status(x: Exchange) -> Reply:
    """202 with a word on the progress while it runs; then what there is. Truth values are strings, nothing is counted
    (E39)."""
    job = _job(x)
    if not job.is_done(x.at):
        headers = [(b"x-progress", f"Processing patients: {job.progress(x.at)}% complete".encode())]
        wait = x.site.settings["bulk_retry_after_s"]
        if wait:
            headers.append((b"retry-after", str(int(wait)).encode()))
        return Reply(202, b"", headers)
    base = f"{x.base_url}{_REQUESTS}{job.id}/"
    files = [{"type": type, "url": base + _file_id(x.site, job, at)} for at, (type, _) in enumerate(_files(x, job))]
    flaws = [{"type": "OperationOutcome", "url": base + _file_id(x.site, job, _FLAWS)}] if job.flaws else []
    told = {
        "transactionTime": build.instant(job.started),
        "request": job.request,
        "requiresAccessToken": "true",
        "output": files,
        "error": flaws,
    }
    return json_reply(200, told, "application/json; charset=utf-8")


def file(x: Exchange) -> Reply:
    """One file, a resource a line."""
    lines: list[bytes] = x.notes.pop(_MEMORY)
    return Reply(200, b"".join(lines), [(b"content-type", NDJSON.encode())])


def delete(x: Exchange) -> Reply:
    """The job and its files go."""
    _jobs(x.site).end(_job(x))
    return Reply(202)


# Asking


def _types(x: Exchange) -> tuple[str, ...]:
    """The types asked for, in our order; without `_type` all that the client may search. Names in small letters are
    taken too (doc)."""
    assert x.caller is not None
    asked = [one for name, value in x.params if name == "_type" for one in value.split(",") if one]
    for one in asked:
        if one.lower() not in _KNOWN:
            known = one in INTERACTIONS
            said = f"Type {one} is not part of the export." if known else f"Invalid _type: {one}"
            raise errors.refused([errors.issue("fatal", "value", "59111", said)], "type_unknown")
    wanted = {_KNOWN[one.lower()] for one in asked} or set(TYPES)
    may = {type for type in wanted if x.caller.allows(type, "s")}
    if asked and may < wanted:
        lacking = sorted(wanted - may)
        raise Refusal(
            "forbidden", f"{lacking[0]}.s is not in the registration", reason="insufficient_scope", resource=lacking[0]
        )
    return tuple(type for type in TYPES if type in may)


def _filters(x: Exchange, types: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The searches of `_typeFilter`, by type; commas inside one are escaped (doc)."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in x.params:
        if name != "_typeFilter":
            continue
        for one in re.split(r"(?<!\\),", value):
            type, mark, query = one.replace("\\,", ",").partition("?")
            if not mark or type not in types or type not in TOLD:
                raise errors.refused([errors.issue("fatal", "value", "59111", f"Invalid _typeFilter: {one}")], "filter")
            found[type] = (*found.get(type, ()), query)
    return found


def _check_window(x: Exchange, jobs: JobStore, cohort: str) -> None:
    """One export a day for a client and group (doc), and none beside one that runs."""
    assert x.caller is not None
    window = timedelta(seconds=float(x.site.settings["bulk_window_s"]))
    last = jobs.latest(x.caller.client_id, cohort)
    is_soon = last is not None and x.at < last + window
    if is_soon or jobs.running(x.caller.client_id, cohort, x.at) is not None:
        said = (
            "Error processing Bulk Data Kickoff request: Request not allowed: The Client requested this Group too "
            "recently."
        )
        raise Refusal(
            "malformed", said, status=int(x.site.settings["bulk_refusal_status"]), reason="export_too_soon",
            issues=[errors.issue("fatal", "business-rule", "59159", said)],
        )  # fmt: skip


# Working


def _jobs(site: Site) -> JobStore:
    made: JobStore = site.memory.setdefault(_MEMORY, JobStore(site.secret))
    return made


def _job(x: Exchange) -> Job:
    assert x.route is not None
    assert x.caller is not None
    return _jobs(x.site).find(x.route.args[0].upper(), x.caller.client_id, x.at)


def _files(x: Exchange, job: Job) -> Iterator[tuple[str, tuple[Part, ...]]]:
    return job.files(int(x.site.settings["bulk_file_lines"]))


_FLAWS = -1


def _file_id(site: Site, job: Job, at: int) -> str:
    return text_of(site.secret, "bulk file", job.id, at).upper()


async def _in_turn(members: Sequence[int]) -> AsyncIterator[tuple[int, int]]:
    """(place, number) of the members of a cohort; now and then others get their turn."""
    for place, number in enumerate(members):
        if place % _STEP == 0:
            await asyncio.sleep(0)
        yield place, number


async def _count(x: Exchange) -> None:
    """Counts the lines of some more patients of a job whose time has come: a large cohort takes several polls."""
    job = _job(x)
    if x.at < job.ready:
        return
    if not job.lines:
        job.lines = {type: array("I", bytes(4 * len(job.members))) for type in job.types if type not in SHARED_TYPES}
        job.shared = {type: set() for type in SHARED_TYPES if type in job.types}
    async for _, place in _in_turn(range(job.counted, min(len(job.members), job.counted + _COUNTED_A_POLL))):
        if place != job.counted:  # somebody else's poll was faster
            continue
        with x.sandbox.world.as_of(job.started):
            _count_patient(x, job, place, job.members[place])
        job.counted = place + 1


def _count_patient(x: Exchange, job: Job, place: int, number: int) -> None:
    for type, counts in job.lines.items():
        try:
            counts[place] = len(_lines_of(x, job, type, number))
        except Refusal as refusal:
            job.flaws.setdefault(type, _flaw(type, refusal))
    for type, referred in _referred(x.site, number):
        if type in job.shared:
            job.shared[type] |= referred


async def _write(x: Exchange) -> None:
    """Writes the lines of the file that is asked for.

    Raises:
        Refusal: not_found: there is no such job or file, or it is not ready.
    """
    assert x.route is not None
    job, asked = _job(x), x.route.args[1].upper()
    if not job.is_done(x.at):
        raise Refusal("not_found", f"export {job.id} is not done", reason="unknown_id", id=asked)
    if job.flaws and asked == _file_id(x.site, job, _FLAWS):
        x.notes[_MEMORY] = [orjson.dumps(flaw) + b"\n" for flaw in job.flaws.values()]
        return
    found = next((one for at, one in enumerate(_files(x, job)) if asked == _file_id(x.site, job, at)), None)
    if found is None:
        raise Refusal("not_found", f"no file {asked} of export {job.id}", reason="unknown_id", id=asked)
    type, parts = found
    x.notes["patients"] = [job.members[part.place] for part in parts if part.place != SHARED]
    written: list[bytes] = []
    async for at, _ in _in_turn(range(len(parts))):
        with x.sandbox.world.as_of(job.started):
            written += [body + b"\n" for body in _bodies(x, job, type, parts[at])]
    x.notes[_MEMORY] = written


def _bodies(x: Exchange, job: Job, type: str, part: Part) -> Iterator[bytes]:
    if part.place == SHARED:
        wanted = [ids.fhir_id(x.site.key, type, number) for number in sorted(job.shared[type])[part.start : part.stop]]
    else:
        wanted = _lines_of(x, job, type, job.members[part.place])[part.start : part.stop]
    return (body for _, body in store.listed(x.site, type, wanted, "json"))


def _lines_of(x: Exchange, job: Job, type: str, number: int) -> list[str]:
    """The ids of one type of one patient that the client may have, as of the moment of the job."""
    t = resources.telling(x.site, number)
    if t is None:
        return []
    if type == "Patient":
        return sight.seen(x, type, "s", [ids.fhir_id(x.site.key, "Patient", number)])
    filters = job.filters.get(type)
    if filters is None:
        found: Iterable[str] = [TOLD[type].id_of(t, item) for item in TOLD[type].items(t)]
    else:
        patient = ("patient", ids.fhir_id(x.site.key, "Patient", number))
        queries = (read_query(type, [patient, *parse_qsl(one, keep_blank_values=True)]) for one in filters)
        found = dict.fromkeys(id for query in queries for id in search.find(x, query).ids)
    return sight.seen(x, type, "s", [*found])


def _referred(site: Site, number: int) -> Iterator[tuple[str, set[int]]]:
    """By type the numbers of what a patient's records refer to."""
    t = resources.telling(site, number)
    if t is None:
        return
    records = [record for told in TOLD.values() if told.kind for record in t.chart.of(told.kind)]
    yield "Medication", {int(order.product.code) for order in t.chart.medications}
    yield (
        "Practitioner",
        {t.person.practitioner, *(one.practitioner for one in records if hasattr(one, "practitioner"))},
    )
    yield "Location", {t.person.facility, *(one.facility for one in records if hasattr(one, "facility"))}
    yield "Organization", {0}


def _flaw(type: str, refusal: Refusal) -> dict[str, Any]:
    issues = refusal.facts.get("issues") or [errors.issue("fatal", "processing", "59133", f"{type}: {refusal.detail}")]
    return dict(outcome.outcome(issues))
