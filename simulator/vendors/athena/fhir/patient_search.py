"""FHIR searches among all patients: by id, identifier and name, lazily, from the cursor on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile

from simulator.exchange import Exchange
from simulator.fhir import build
from simulator.fhir import search as spelled
from simulator.population.records import Person
from simulator.vendors.athena import ids
from simulator.vendors.athena.charts import patient_chart
from simulator.vendors.athena.fhir import patients, shelf
from simulator.vendors.athena.fhir.asked import (
    NOT_FILTERS,
    Found,
    Hit,
    cursor_of,
    invalid,
    matches_last_updated,
    range_of,
    values_of,
)


def find_patients(x: Exchange, params: list[spelled.Param], count: int) -> Found:
    """One page of the patients who match."""
    numbers = list(islice(_patient_numbers(x, params), count + 1))
    shown = [_hit(x, number) for number in numbers[:count]]
    following = ids.patient_fhir_id(x.site, numbers[count]) if len(numbers) > count else None
    cursor = cursor_of(params)
    total = len(shown) if cursor is None and following is None else None
    return Found(shown, total, following, _page_number(x, params, numbers, count) if cursor else 1)


def _hit(x: Exchange, number: int) -> Hit:
    return Hit(ids.patient_fhir_id(x.site, number), shelf.patient_bytes(patient_chart(x.site, number)))


def _page_number(x: Exchange, params: list[spelled.Param], numbers: list[int], count: int) -> int:
    """Which page begins with the first of `numbers`; for the journal, so not beyond the first `_COUNTED` matches."""
    earlier = _patient_numbers(x, [param for param in params if param.name != "cursor"])
    before = sum(1 for _ in islice(takewhile(lambda number: number != numbers[0], earlier), _COUNTED)) if numbers else 0
    return before // count + 1


_COUNTED = 2000


def _patient_numbers(x: Exchange, params: list[spelled.Param]) -> Iterator[int]:
    """The patients who match, from the cursor on."""
    world = x.site.sandbox.world
    for number in _candidates(x, params):
        person = world.person(number)
        if person is not None and _is_patient(x, person, params):
            yield number


def _candidates(x: Exchange, params: list[spelled.Param]) -> Iterator[int]:
    for name in ("_id", "identifier"):
        for values in values_of(params, name):
            yield from dict.fromkeys(_by_identifier(x, name, values))
            return
    for values in values_of(params, "name"):
        yield from _by_name(x, values[0], params)
        return
    family = values_of(params, "family")[0][0]
    given = next((values[0] for values in values_of(params, "given")), None)
    yield from x.site.sandbox.world.find(family=family, given=given, born=_born(x, params), after=_after(x, params))


def _after(x: Exchange, params: list[spelled.Param]) -> int:
    cursor = cursor_of(params)
    if cursor is None:
        return -1
    number = ids.patient_of(x.site, cursor)
    if number is None:
        raise invalid(f"cursor {cursor}", "bad_cursor")
    return x.site.sandbox.world.rank(number) - 1


def _by_identifier(x: Exchange, name: str, values: tuple[str, ...]) -> Iterator[int]:
    for value in values:
        system, code = (None, value) if name == "_id" else spelled.token(value)
        if name == "_id" and ids.parse_fhir_id(value) is None:
            raise invalid(f"_id {value}", "bad_id")
        if system == build.SYSTEMS["ssn"]:
            yield from x.site.sandbox.world.find(ssn=code)
            continue
        number = ids.patient_of(x.site, code) if ids.parse_fhir_id(code) else None
        if number is not None:
            yield number


def _by_name(x: Exchange, text: str, params: list[spelled.Param]) -> Iterator[int]:
    """Family names first, then given names; the cursor tells by its own name in which of the two we are."""
    world = x.site.sandbox.world
    first = text.split()[0]
    after = _after(x, params)
    cursor = cursor_of(params)
    in_given = False
    if cursor is not None:
        held = world.person(ids.patient_of(x.site, cursor) or 0)
        in_given = held is not None and not spelled.matches_string(first, held.family)
    if not in_given:
        yield from world.find(family=first, after=after)
        after = -1
    for number in world.find(given=first, after=after):
        person = world.person(number)
        if person is not None and not spelled.matches_string(first, person.family):
            yield number


def _born(x: Exchange, params: list[spelled.Param]) -> tuple[date, date] | None:
    """The days that `birthdate` allows, as far as a range of days can say it; `_is_patient` looks closer."""
    lowest, highest = date(1850, 1, 1), x.sandbox.as_of
    given = values_of(params, "birthdate")
    if not given:
        return None
    for values in given:
        if len(values) > 1:
            continue
        interval = range_of(values[0])
        first, last = interval.lo.date(), (interval.hi - timedelta(days=1)).date()
        if interval.prefix in ("eq", "ge", "gt", "sa"):
            lowest = max(lowest, first)
        if interval.prefix in ("eq", "le", "lt", "eb"):
            highest = min(highest, last)
    return lowest, highest


def _is_patient(x: Exchange, person: Person, params: list[spelled.Param]) -> bool:
    return all(_patient_matches(x, person, param) for param in params if param.name not in NOT_FILTERS)


def _patient_matches(x: Exchange, person: Person, param: spelled.Param) -> bool:
    if param.name == "identifier":
        return True
    if param.name == "family":
        return any(spelled.matches_string(value, person.family, param.modifier) for value in param.values)
    if param.name == "given":
        return any(spelled.matches_string(v, name, param.modifier) for v in param.values for name in person.given)
    if param.name == "name":
        parts = (person.family, *person.given)
        return all(
            any(spelled.matches_string(word, part, param.modifier) for part in parts) for word in param.value.split()
        )
    if param.name == "gender":
        return any(code == person.gender for _, code in param.tokens)
    if param.name == "birthdate":
        midnight = datetime(person.birth_date.year, person.birth_date.month, person.birth_date.day, tzinfo=UTC)
        day = (midnight, midnight + timedelta(days=1))
        return any(spelled.matches_date(range_of(value), *day) for value in param.values)
    if param.name == "_lastUpdated":
        return matches_last_updated(patients.changed(patient_chart(x.site, person.number)), param)
    wanted = {spelled.reference(value)[1] for value in param.values}
    own = {
        "ah-department": ids.fhir_id("Department", ids.departmentid(person.facility)),
        "ah-chart-sharing-group": ids.fhir_id("CSG", ids.chart_sharing_group(person.facility)),
        "ah-provider-group": ids.fhir_id("PG", ids.provider_group(person.facility)),
    }
    return own[param.name] in wanted
