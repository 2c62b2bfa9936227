"""The truth of a sandbox: its people, the ids that each vendor gave them, and what is so about them."""

from __future__ import annotations

import asyncio
import calendar
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import chain, islice
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from simulator.control.place import ONE, sandbox_of
from simulator.control.problem import Problem
from simulator.journal.entry import instant
from simulator.population import answers
from simulator.population.cohorts import Cohort, Step
from simulator.population.known_defects import defects_of
from simulator.population.records import KINDS, Chart, Medication, Person, Record
from simulator.population.wanted import wanted_of
from simulator.population.world import Event, World
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox
from simulator.vendor import Rendering

router = APIRouter(tags=["truth"])
LINES = "application/x-ndjson"
PAGE_POINTS = 200_000
"""Work that one call does to find patients, at most, in the points of `population.cohorts`: about a second."""
NOTHING: list[str] = []


@router.get(
    f"{ONE}/truth/patients",
    response_model=None,
    responses={200: {"description": "patients in order", "content": {LINES: {}, "application/json": {}}}},
)
async def patients(
    request: Request,
    id: str,
    family: Annotated[str | None, Query(description="the family name begins with this")] = None,
    birthdate: Annotated[str | None, Query(description="YYYY, YYYY-MM or YYYY-MM-DD")] = None,
    condition: Annotated[list[str], Query(description="t2dm, 44054006, E11.9; of several all")] = NOTHING,
    medication: Annotated[
        list[str], Query(description="metformin500, 861007; the RxNorm code of an ingredient")
    ] = NOTHING,
    consent: Annotated[list[str], Query(description="a label, permit or deny, or both: HIV:deny")] = NOTHING,
    sensitivity: Annotated[list[str], Query(description="a label that a record of theirs carries: HIV")] = NOTHING,
    vip: Annotated[bool | None, Query(description="whether they are VIPs")] = None,
    status: Annotated[str | None, Query(description="of the condition, medication or consent: active")] = None,
    limit: Annotated[int, Query(ge=0, le=10_000)] = 100,
    after: Annotated[str | None, Query(description="the `next` of a page: those after it", max_length=40)] = None,
    accept: Annotated[str, Header()] = "",
) -> Response:
    """The people who fit, with the ids that each vendor gave them: who is on file twice comes once for each number.

    Conditions, medications, consents and labels are those of the chart now, whatever their clinical status unless
    `status` says which, with what was written; a number that was merged away holds nothing, its survivor does. Who has
    something is found by looking: at nobody twice, and in a second's work a request at most. When that is used up the
    answer is what was found, `complete` is false, and `next` is where to go on. How far a second goes hangs on how rare
    it is what is asked for, not on how many patients there are.

    `total` counts human beings, by their first numbers; it is null where only looking at all of them would tell. `next`
    is null at the end of the list. `Accept: application/x-ndjson` streams a line for each, then one with `next` and
    `complete`.
    """
    found = sandbox_of(request, id)
    born = days_of(birthdate) if birthdate else None
    wanted = wanted_of(
        conditions=condition, medications=medication, consents=consent, sensitivities=sensitivity, is_vip=vip,
        status=status,
    )  # fmt: skip
    page = _Page(found, Cohort(found.world, wanted, family, born).search(after), limit, after)
    if LINES in accept:
        return StreamingResponse(page.lines(), media_type=LINES)
    people = [one async for one in page]
    total = None if wanted else found.world.count(family=family, born=born)
    told = {"total": total, "patients": people, **page.end()}
    return Response(orjson.dumps(told), media_type="application/json")


class _Page:
    """One page of a search: at most `limit` patients, and at most a bounded amount of work."""

    def __init__(self, sandbox: Sandbox, steps: Iterator[Step], limit: int, after: str | None) -> None:
        self._sandbox = sandbox
        self._steps = steps
        self._limit = limit
        self._next = after
        self._points = 0
        self._is_cut = False

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        told = 0
        while told < self._limit and self._points < PAGE_POINTS:
            step = next(self._steps)
            self._points += step.points
            self._next = step.cursor or None
            if step.found is not None:
                told += 1
                yield patient_of(self._sandbox, step.found)
            if step.cursor == "":
                return
            await asyncio.sleep(0)  # a long search must not keep the vendors waiting
        self._is_cut = told < self._limit

    def end(self) -> dict[str, Any]:
        """What a page ends with: where to go on, and whether all was looked for that was asked."""
        return {"next": self._next, "complete": not self._is_cut}

    async def lines(self) -> AsyncIterator[bytes]:
        """The page as lines of JSON."""
        async for one in self:
            yield orjson.dumps(one) + b"\n"
        yield orjson.dumps(self.end()) + b"\n"


@router.get(f"{ONE}/truth/patients/{{key}}", response_model=None)
async def patient(
    request: Request,
    id: str,
    key: str,
    at: Annotated[AwareDatetime | None, Query(description="the moment; by default now")] = None,
) -> Response:
    """One person: the ids, and everything that is so at a moment, as canonical records, each with version and time of
    its last change. `retracted` are those that were entered in error. Of a number that was merged away there are no
    records: `survivor` has them. `key`: ours, or any vendor's patient id."""
    found = sandbox_of(request, id)
    number = _number(found, key)
    world = found.world
    if at is None and world.survivor(number) is not None:
        gone = {**patient_of(found, number), "at": instant(found.clock.now()), "records": [], "retracted": []}
        return Response(orjson.dumps(gone), media_type="application/json")
    try:
        chart = world.chart(number) if at is None else world.chart_at(number, at.astimezone(UTC))
    except IndexError:
        raise Problem(404, f'no patient "{key}" in sandbox {found.id} at that moment') from None
    told = {
        **patient_of(found, number),
        "at": instant(at or found.clock.now()),
        "records": [_with_state(record, chart, world, number) for kind in KINDS for record in chart.of(kind)],
        "retracted": [_id_of(number, record) for record in chart.retracted],
    }
    return Response(orjson.dumps(told), media_type="application/json")


@router.get(f"{ONE}/truth/patients/{{key}}/defects", response_model=None)
async def defects(request: Request, id: str, key: str) -> Response:
    """What is wrong with a patient's record: each defect with what stands there (`told`) and what is so (`true`, null
    where nobody knows). `vendor` is null when it is wrong whoever tells it."""
    found = sandbox_of(request, id)
    told = defects_told(found, _number(found, key))
    return Response(orjson.dumps({"defects": told}), media_type="application/json")


@router.get(f"{ONE}/truth/patients/{{key}}/records/{{record}}", response_model=None)
async def versions(request: Request, id: str, key: str, record: str) -> Response:
    """Every version of one record so far, oldest first; `record` as in the list of the patient's records, for example
    `17-observation-12`."""
    found = sandbox_of(request, id)
    number = _number(found, key)
    kind, _, ordinal = record.removeprefix(f"{number}-").partition("-")
    told = []
    if kind in KINDS and ordinal.isascii() and ordinal.isdigit():
        for one in found.world.versions(kind, number, int(ordinal)):
            told.append(_told(found.world, number, one.record, one.at, one.what, one.number, one.who))
    if not told and record != f"{number}-patient-0":
        raise Problem(404, f'no record "{record}" of patient {number}', hint=f"{number}-observation-12")
    return Response(orjson.dumps({"versions": told}), media_type="application/json")


@router.get(
    f"{ONE}/truth/events",
    response_model=None,
    responses={200: {"description": "changes in order", "content": {LINES: {}, "application/json": {}}}},
)
async def events(
    request: Request,
    id: str,
    since: Annotated[AwareDatetime | None, Query(description="by default a day before `until`")] = None,
    until: Annotated[AwareDatetime | None, Query(description="by default now; what is to come is told, too")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    after: Annotated[str | None, Query(description="the `cursor` of an event: those after it", max_length=100)] = None,
    accept: Annotated[str, Header()] = "",
) -> Response:
    """What happened to anybody from `since` on and before `until`, oldest first. `next` is the cursor with which the
    list goes on. `Accept: application/x-ndjson` streams lines."""
    found = sandbox_of(request, id)
    last = (until or found.clock.now()).astimezone(UTC)
    try:
        first = since.astimezone(UTC) if since else last - timedelta(days=1)
        feed = found.world.feed(first, last, after)
        started = next(feed, None)
    except (ValueError, OverflowError):
        raise Problem(422, f'query: not a cursor or a window: after="{after}"', hint="the cursor of an event") from None
    hits = islice(feed if started is None else chain((started,), feed), limit)
    if LINES in accept:
        return StreamingResponse(_event_lines(found.world, hits), media_type=LINES)
    told = []
    for event in hits:
        told.append(told_of(found.world, event))
        if len(told) % 20 == 0:
            await asyncio.sleep(0)  # a long list must not keep the vendors waiting
    page = {"events": told, "next": told[-1]["cursor"] if len(told) == limit else None}
    return Response(orjson.dumps(page), media_type="application/json")


async def _event_lines(world: World, events: Iterable[Event]) -> AsyncIterator[bytes]:
    for event in events:
        yield orjson.dumps(told_of(world, event)) + b"\n"
        await asyncio.sleep(0)


def told_of(world: World, event: Event) -> dict[str, Any]:
    """One event of the feed, with the record as it was from then on."""
    told = _told(world, event.number, event.record, event.at, event.what, event.version, event.who)
    return {"cursor": event.cursor, **told} | ({"into": str(event.into)} if event.into is not None else {})


def _told(world: World, number: int, record: Record, at: datetime, what: str, version: int, who: str) -> dict[str, Any]:
    try:
        chart = world.chart_at(number, at)
    except IndexError:  # the patient was taken out, or merged
        assert isinstance(record, Person)
        chart = Chart(record, (), (), (), (), (), ())
    return {
        "at": instant(at),
        "what": what,
        "kind": record.kind,
        "patient": str(number),
        "id": _id_of(number, record),
        "version": version,
        "who": who or None,
        "record": _canonical(record, chart, world, number),
    }


def _with_state(record: Record, chart: Chart, world: World, number: int) -> dict[str, Any]:
    told = _canonical(record, chart, world, number)
    state = chart.state(record)
    return told if state is None else told | {"version": state.version, "updated": instant(state.updated)}


def _canonical(record: Record, chart: Chart, world: World, number: int) -> dict[str, Any]:
    source = {"vendor": "truth", "type": record.kind, "id": _id_of(number, record)}
    patient = {"vendor": "truth", "id": str(number)}
    return answers.canonical(record, chart=chart, world=world, source=source, patient=patient)


def _id_of(number: int, record: Record) -> str:
    return f"{number}-{record.kind}-{record.ordinal}"


def _number(sandbox: Sandbox, key: str) -> int:
    number = number_of_patient(sandbox, key)
    if number is None:
        raise Problem(
            404, f'no patient "{key}" in sandbox {sandbox.id}', hint="a key is a number, as `truth/patients` lists them"
        )
    return number


def days_of(text: str) -> tuple[date, date]:
    """The first and the last day of a year, month or day.

    Raises:
        UsageError: it is none of these.
    """
    parts = re.fullmatch(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", text)
    try:
        if parts is None:
            raise ValueError
        year, month, day = (int(part) if part else 0 for part in parts.groups())
        first = date(year, month or 1, day or 1)
        last = date(year, month or 12, day or calendar.monthrange(year, month or 12)[1])
    except ValueError:
        raise UsageError(f'birthdate: not a day, month or year: "{text}"', "1980-05-03") from None
    return first, last


def patient_of(sandbox: Sandbox, number: int) -> dict[str, Any]:
    """One member of the contract's `patients` shape. `human` is the first number of the human being, `registrations`
    are all of them; `survivor` says into whom this one was merged."""
    world = sandbox.world
    survivor = world.survivor(number)
    person = world.person(number) if survivor is None else world.registered_person(number)
    assert person is not None
    return {
        "key": str(number),
        "human": str(world.human(number)),
        "registrations": [str(one) for one in world.registrations_of(number)],
        "survivor": None if survivor is None else str(survivor),
        "name": {"family": person.family, "given": list(person.given)},
        "birth_date": person.birth,
        "ids": {id: site.vendor.patient_ids(site, number) for id, site in sandbox.sites.items()},
    }


def defects_told(sandbox: Sandbox, number: int) -> list[dict[str, Any]]:
    """Every defect of what is on file under a number: in the truth, then at each vendor of the sandbox."""
    world = sandbox.world
    told = [_defect(number, None, *one) for one in defects_of(world, number)]
    if world.person(number) is not None:
        for id, site in sandbox.sites.items():
            found = _words_only(site.vendor.renderings(site, number))
            told += [_defect(number, id, _WORDS_ONLY[one.kind], one.kind, one.ordinal, "codes", None, code)
                     for one, code in found.items()]  # fmt: skip
    return told


_WORDS_ONLY = {"observation": "local_labs", "medication": "local_drugs", "allergy": "free_text"}


def _words_only(renderings: Iterable[Rendering]) -> dict[Record, str]:
    """The records that a vendor tells in words, without the code that they have; with that code."""
    found: dict[Record, str] = {}
    for one in renderings:
        for index, loss in one.losses:
            record = one.records[index]
            if (loss.field, loss.how) == ("codes", "text_only") and record.kind in _WORDS_ONLY:
                code = record.product if isinstance(record, Medication) else getattr(record, "code", None)
                found[record] = "" if code is None else f"{code.system}|{code.code}"
    return found


def _defect(
    number: int, vendor: str | None, what: str, kind: str, ordinal: int, field: str, told: Any, true: Any
) -> dict[str, Any]:
    plain = [str(one) if isinstance(one, Decimal) else one for one in (told, true)]
    return {
        "defect": what,
        "record": f"{number}-{kind}-{ordinal}",
        "vendor": vendor,
        "field": field,
        "told": plain[0],
        "true": plain[1],
    }


def number_of_patient(sandbox: Sandbox, key: str) -> int | None:
    """The patient behind a key of ours, or behind an id that one of the vendors gave."""
    if key.isascii() and key.isdigit() and len(key) <= 12 and sandbox.world.knows(int(key)):
        return int(key)
    found = (site.vendor.patient_of(site, key) for site in sandbox.sites.values())
    return next((number for number in found if number is not None), None)


def records_of(world: World, number: int, kinds: Iterable[str] = KINDS) -> Iterator[dict[str, Any]]:
    """Everything of these kinds that is so about one patient, as canonical records; the source is the truth itself."""
    chart = world.chart(number)
    for kind in kinds:
        for record in chart.of(kind):
            yield _canonical(record, chart, world, number)
