"""The truth of a sandbox: its people, the ids that each vendor gave them, and what is so about them."""

from __future__ import annotations

import asyncio
import calendar
import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response

from simulator.control.place import ONE, sandbox_of
from simulator.control.problem import Problem
from simulator.population import answers
from simulator.population.records import KINDS
from simulator.population.world import World
from simulator.sandbox import Sandbox

router = APIRouter(tags=["truth"])


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
async def patient(request: Request, id: str, key: str) -> Response:
    """One person: the ids, and everything that is so, as canonical records. `key`: ours, or any vendor's patient id."""
    found = sandbox_of(request, id)
    number = number_of_patient(found, key)
    if number is None:
        raise Problem(
            404, f'no patient "{key}" in sandbox {found.id}', hint="a key is a number below the population size"
        )
    told = {**patient_of(found, number), "records": list(records_of(found.world, number))}
    return Response(orjson.dumps(told), media_type="application/json")


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
    patient = {"vendor": "truth", "id": str(number)}
    for kind in kinds:
        for record in chart.of(kind):
            source = {"vendor": "truth", "type": kind, "id": f"{number}-{kind}-{record.ordinal}"}
            yield answers.canonical(record, chart=chart, world=world, source=source, patient=patient)
