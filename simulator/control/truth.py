"""The truth of a sandbox: its people, the ids that each vendor gave them, and what is so about them."""

from __future__ import annotations

import asyncio
import calendar
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
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
from simulator.population.records import KINDS, Chart, Person, Record
from simulator.population.world import Event, World
from simulator.sandbox import Sandbox

router = APIRouter(tags=["truth"])
LINES = "application/x-ndjson"


@router.get(f"{ONE}/truth/patients", response_model=None)
async def patients(
    request: Request,
    id: str,
    family: Annotated[str | None, Query(description="the family name begins with this")] = None,
    birthdate: Annotated[str | None, Query(description="YYYY, YYYY-MM or YYYY-MM-DD")] = None,
    limit: Annotated[int, Query(ge=0, le=10_000)] = 100,
) -> Response:
    """The people who fit, with the ids that each vendor gave them."""
    found = sandbox_of(request, id)
    born = days_of(birthdate) if birthdate else None
    people = []
    for number in islice(found.world.find(family=family, born=born), limit):
        people.append(patient_of(found, number))
        if len(people) % 100 == 0:
            await asyncio.sleep(0)  # a long list must not keep the vendors waiting
    told = {"total": _total(found.world, family, born), "patients": people}
    return Response(orjson.dumps(told), media_type="application/json")


@router.get(f"{ONE}/truth/patients/{{key}}", response_model=None)
async def patient(
    request: Request,
    id: str,
    key: str,
    at: Annotated[AwareDatetime | None, Query(description="the moment; by default now")] = None,
) -> Response:
    """One person: the ids, and everything that is so at a moment, as canonical records, each with version and time of
    its last change. `retracted` are those that were entered in error. `key`: ours, or any vendor's patient id."""
    found = sandbox_of(request, id)
    number = _number(found, key)
    world = found.world
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
    return {"cursor": event.cursor, **told}


def _told(world: World, number: int, record: Record, at: datetime, what: str, version: int, who: str) -> dict[str, Any]:
    try:
        chart = world.chart_at(number, at)
    except IndexError:  # the patient was taken out
        chart = Chart(record if isinstance(record, Person) else world.population.person(number), (), (), (), (), (), ())
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
            404, f'no patient "{key}" in sandbox {sandbox.id}', hint="a key is a number below the population size"
        )
    return number


def days_of(text: str) -> tuple[date, date]:
    """The first and the last day of a year, month or day.

    Raises:
        Problem: it is none of these.
    """
    parts = re.fullmatch(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", text)
    try:
        if parts is None:
            raise ValueError
        year, month, day = (int(part) if part else 0 for part in parts.groups())
        first = date(year, month or 1, day or 1)
        last = date(year, month or 12, day or calendar.monthrange(year, month or 12)[1])
    except ValueError:
        raise Problem(422, f'query.birthdate: not a day, month or year: "{text}"', hint="1980-05-03") from None
    return first, last


def _total(world: World, family: str | None, born: tuple[date, date] | None) -> int:
    if world.writes:
        return sum(1 for _ in world.find(family=family, born=born))
    return world.population.count(family=family, born=born)


def patient_of(sandbox: Sandbox, number: int) -> dict[str, Any]:
    """One member of the contract's `patients` shape."""
    person = sandbox.world.person(number)
    assert person is not None
    return {
        "key": str(number),
        "name": {"family": person.family, "given": list(person.given)},
        "birth_date": person.birth,
        "ids": {id: site.vendor.patient_ids(site, number) for id, site in sandbox.sites.items()},
    }


def number_of_patient(sandbox: Sandbox, key: str) -> int | None:
    """The patient behind a key of ours, or behind an id that one of the vendors gave."""
    if key.isascii() and key.isdigit() and len(key) <= 12 and sandbox.world.person(int(key)) is not None:
        return int(key)
    found = (site.vendor.patient_of(site, key) for site in sandbox.sites.values())
    return next((number for number in found if number is not None), None)


def records_of(world: World, number: int, kinds: Iterable[str] = KINDS) -> Iterator[dict[str, Any]]:
    """Everything of these kinds that is so about one patient, as canonical records; the source is the truth itself."""
    chart = world.chart(number)
    for kind in kinds:
        for record in chart.of(kind):
            yield _canonical(record, chart, world, number)
