"""Patient search over the whole population: by current names, numbers, contacts; too many hits are refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import islice

from simulator.fhir import search as fhir
from simulator.fhir.build import SYSTEMS
from simulator.population.records import Person
from simulator.refusal import NotSimulated, Refusal
from simulator.sandbox import Site
from simulator.vendors.cerner import ids
from simulator.vendors.cerner.resources.patient import CMRN_SYSTEM, MRN_SYSTEM
from simulator.vendors.cerner.search import Found, Query

MOST = 1000  # documented: more hits than this are 422
_SELECTIVE = ("identifier", "name", "family", "given", "birthdate", "phone", "email")
_FIRST, _LAST = date(1800, 1, 1), date(9999, 12, 30)


def find(site: Site, query: Query) -> Found:
    """The ids of the patients that match everything asked, in the order of names.

    Raises:
        Refusal: unprocessable, when more than 1,000 match.
        NotSimulated: nothing but a postal code or a gender is asked.
    """
    if not any(query.first(name) for name in _SELECTIVE):
        raise NotSimulated("Patient search by postal code alone at Cerner")
    hits = list(islice(_numbers(site, query), MOST + 1))
    if len(hits) > MOST:
        raise Refusal(
            "unprocessable",
            f"more than {MOST} patients match",
            reason="too_many_matches",
            code="too-costly",
            text=f"the search matches more than {MOST} patients and must be narrowed",
        )
    return Found(tuple(ids.patient_id(site, number) for number in hits))


def _numbers(site: Site, query: Query) -> Iterator[int]:
    world = site.sandbox.world
    for number in _candidates(site, query):
        person = world.person(number)
        if person is not None and _fits(person, query):
            yield number


def _candidates(site: Site, query: Query) -> Iterable[int]:
    """Numbers that may match: what the population cannot look up is left to `_fits`."""
    numbered = query.first("identifier")
    if numbered is not None:
        return _identified(site, *numbered.tokens[0])
    world = site.sandbox.world
    family, given, name = query.first("family"), query.first("given"), query.first("name")
    phone, email = query.first("phone"), query.first("email")
    born = _born(query)
    if name is not None:
        exact = name.modifier == "exact"
        by_family = islice(world.find(family=name.value, born=born, exact=exact), MOST + 1)
        by_given = islice(world.find(given=name.value, born=born, exact=exact), MOST + 1)
        return sorted({*by_family, *by_given}, key=world.rank)
    return world.find(
        family=family.value if family else None,
        given=given.value if given else None,
        born=born,
        phone=phone.tokens[0][1] if phone else None,
        email=email.tokens[0][1] if email else None,
        exact=any(one is not None and one.modifier == "exact" for one in (family, given)),
    )


def _identified(site: Site, system: str | None, value: str) -> list[int]:
    """Who has this number today. Ended numbers find nobody; a social security number finds but is never shown."""
    found: list[int] = []
    if system in (None, MRN_SYSTEM):
        found += _number(ids.number_of_mrn(site, value))
    if system in (None, CMRN_SYSTEM):
        found += _number(ids.number_of_community_mrn(site, value))
    if system in (None, SYSTEMS["ssn"]):
        found += site.sandbox.world.find(ssn=value)
    person = ids.person_of(site, value) if system in (None, "") else None
    found += _number(person)
    return list(dict.fromkeys(found))


def _number(found: int | None) -> list[int]:
    return [] if found is None else [found]


def _fits(person: Person, query: Query) -> bool:
    return all(_fits_one(person, param) for param in query.params)


def _fits_one(person: Person, param: fhir.Param) -> bool:
    value = param.value
    if param.name == "gender":
        return person.gender == param.tokens[0][1]
    if param.name == "address-postalcode":
        return any(address.zip.startswith(value[:5]) for address in person.addresses)
    if param.name == "family":
        return fhir.matches_string(value, person.family, param.modifier)
    if param.name == "given":
        return fhir.matches_string(value, person.given[0] if person.given else "", param.modifier)
    if param.name == "name":
        names = (person.family, person.given[0] if person.given else "")
        return any(fhir.matches_string(value, name, param.modifier) for name in names)
    if param.name == "birthdate":
        first, last = _days(param)
        return person.is_born_within(first, last)
    return True


def _born(query: Query) -> tuple[date, date] | None:
    """The days that all birthdate parameters allow."""
    asked = query.all("birthdate")
    if not asked:
        return None
    first, last = zip(*map(_days, asked), strict=True)
    return max(first), min(last)


def _days(param: fhir.Param) -> tuple[date, date]:
    prefix, lo, hi = fhir.date_range(param.value)
    begin, after = lo.date(), hi.date()
    day = timedelta(days=1)
    return {
        "eq": (begin, after - day),
        "ge": (begin, _LAST),
        "gt": (after, _LAST),
        "le": (_FIRST, after - day),
        "lt": (_FIRST, begin - day),
    }[prefix]
