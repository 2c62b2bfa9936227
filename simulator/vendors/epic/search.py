"""Search: whose resources are asked for, which of them are found, and what is said beside the results.

Source: SOURCES.md, "Search" and "Refusals" (CS, FS, MAP); traps E4, E7, E37.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simulator.exchange import Exchange
from simulator.fhir import search
from simulator.population.records import Immunization
from simulator.vendors.epic import errors, filters, ids, refinements, resources, roles, sub_resources
from simulator.vendors.epic.dialect import Telling
from simulator.vendors.epic.params import PARAMS
from simulator.vendors.epic.query import Query
from simulator.vendors.epic.resources import TOLD, Item, immunization
from simulator.vendors.epic.resources.identifiers import number_of_identifier


@dataclass(slots=True)
class Found:
    """What a search gives: the ids in listing order, and the issues of the outcome entry."""

    ids: list[str]
    issues: list[dict[str, Any]]


def find(x: Exchange, query: Query) -> Found:
    """What the query finds among a patient's resources, or by `_id`.

    Raises:
        Refusal: malformed with issues: a required parameter is missing, a value is not taken.
    """
    asked = query.first("_id")
    if asked is not None:  # E37: beside _id everything else counts for nothing
        return Found([*sub_resources.held(x, query.type, tuple(_present(x, query.type, asked.values)))], [])
    first = PARAMS[query.type].first
    if not first:
        raise query.refuse(errors.issue("fatal", "invalid", "59102", "Only an _ID search is allowed."))
    if first.keys().isdisjoint(_WHOSE):
        return Found(list(roles.find(x, query)), [])
    t = _patient(x, query)
    if x.site.desk.glass.is_up:
        x.site.desk.glass.check(x, t.person.number)
    tests = filters.tests(t, query)
    said = sub_resources.said(x, query)
    told = TOLD.get(query.type)
    if told is None:  # nothing of this kind is on record for anybody
        return Found([], said)
    items: Iterable[Item] = told.items(t)
    for test in tests:
        items = filter(test, items)
    items = list(items)
    further = refinements.tests(x.site, query)
    if further:
        items = [*items]
    if further:
        items = [item for item in items if all(test(told.render(t, item).payload) for test in further)]
    found = sub_resources.held(x, query.type, [told.id_of(t, item) for item in items])
    return Found([*found], [*_uncoded(t, items), *said])


def nothing_found() -> dict[str, Any]:
    """The warning that an empty search holds."""
    return errors.issue("warning", "processing", "4101")


def _present(x: Exchange, type: str, wanted: Iterable[str]) -> Iterable[str]:
    for id in dict.fromkeys(wanted):
        found = ids.named(x.site.key, id)
        if found is not None and found.type == type and resources.payload_of(x.site, found) is not None:
            yield id


def _uncoded(t: Telling, items: list[Item]) -> list[dict[str, Any]]:
    """That there are vaccines without a code."""
    is_any = any(isinstance(one, Immunization) and immunization.is_uncoded(t, one) for item in items for one in item)
    return [errors.issue("warning", "processing", "4117")] if is_any else []


# Who


_WHOSE = ("patient", "subject", "beneficiary")


def _patient(x: Exchange, query: Query) -> Telling:
    """The patient whose resources are asked for."""
    number = _patient_number(x, query)
    t = resources.telling(x.site, number) if number is not None else None
    if t is None and number is not None and x.sandbox.world.survivor(number) is not None:
        raise query.refuse(errors.issue("fatal", "processing", "4107"))
    if t is None:
        raise query.refuse(errors.issue("fatal", "not-found", "4102"))  # guess; ERRGUIDE has 4100 or 59102 here
    return t


def _patient_number(x: Exchange, query: Query) -> int | None:
    names = [name for name in _WHOSE if name in PARAMS[query.type].first]
    given = [one.value for name in names for one in query.all(name)]
    chained = [one for name in names for one in query.all(f"{name}.identifier")]
    if not given and chained:
        system, value = chained[0].tokens[0]
        return number_of_identifier(x.site, system, value)
    if not given:
        if query.type == "AllergyIntolerance":  # seen (MAP): 403 with an outcome; its number: guess
            raise query.refuse(errors.issue("fatal", "processing", "4118"), status=403)
        raise query.refuse(errors.missing("patient/_id"))
    found = {search.reference(value) for value in given}
    if len({id for _, id in found}) > 1 or "," in given[0]:
        raise query.refuse(errors.issue("fatal", "invalid", "4112"))
    type, id = next(iter(found))
    named = ids.named(x.site.key, id) if type in ("", "Patient") else None
    return named.number if named is not None and named.type == "Patient" else None
