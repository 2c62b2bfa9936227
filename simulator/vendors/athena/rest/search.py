"""Finding patients: `/patients` with its refusals, `/patients/enhancedbestmatch` with scores, and one patient."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.fhir.search import fold
from simulator.population.records import Person
from simulator.refusal import Refusal
from simulator.vendors.athena.charts import patient_chart
from simulator.vendors.athena.rest import wire
from simulator.vendors.athena.rest.patient import patient, previous_ids
from simulator.vendors.athena.rest.restrictions import Restrictions

DEFAULT_LIMIT = 10
MOST = 1000
"""A search that would find more is refused, whatever page was asked for."""

_PHONES = ("anyphone", "homephone", "mobilephone", "workphone")
CRITERIA = ("firstname", "lastname", "dob", "ssn", "email", "zip", "departmentid", *_PHONES)
_SCANNED = 20_000  # people looked at one by one before a search is called too wide


def search(x: Exchange) -> Reply:
    """The patients who match every criterion; names match from their start. Refuses a search that is too wide."""
    wire.practice_of(x)
    query = wire.Query(x)
    criteria = Criteria(x, query)
    restrictions = Restrictions(x, query)
    found = [number for number in criteria.numbers() if not restrictions.hide(number)]
    is_counted = [name for name in CRITERIA if query.has(name)] != ["departmentid"]
    page = wire.page(x, query, "patients", len(found), default=DEFAULT_LIMIT, is_counted=is_counted)
    told = [patient(patient_chart(x.site, number)) for number in found[page.offset : page.end]]
    envelope = page.envelope("/patients", [one.payload for one in told])
    profile = x.site.settings["type_profile"]
    return wire.answer(envelope, [(one.type, one.id) for one in told], profile=profile)


def read(x: Exchange) -> Reply:
    """One patient, as an array of one."""
    wire.practice_of(x)
    assert x.route is not None
    query = wire.Query(x)
    number = wire.patient_number(x, x.route.args[1])
    if query.has("departmentid"):
        wire.department_index(x, query)
    is_full, shows_previous = query.flag("showfullssn"), query.flag("showpreviouspatientids")
    if Restrictions(x, query).hide(number):
        raise Refusal("not_found", f"patient {number} is restricted", reason="no_patient", id=x.route.args[1])
    seen = patient_chart(x.site, number)

    def make() -> tuple[Any, Any]:
        told = patient(seen, full_ssn=is_full)
        previous = {"previouspatientids": previous_ids(seen)} if shows_previous else {}
        return [{**told.payload, **previous}], [(told.type, told.id)]

    return wire.kept(x, ("patient", number, seen.person_stamp, is_full, shows_previous), make)


class Criteria:
    """What a patient search asks for.

    Raises (on construction):
        Refusal: no criterion at all, a bad day, a bad department.
    """

    def __init__(self, x: Exchange, query: wire.Query) -> None:
        if not any(query.text(name) for name in CRITERIA):
            if query.has("departmentid"):
                query.integer("departmentid")
            raise Refusal(
                "malformed", "a patient search without criteria", reason="missing_fields", missing=["lastname"]
            )
        self._world = x.site.sandbox.world
        self.first = query.text("firstname")
        self.last = query.text("lastname")
        self.born = query.day("dob")
        self.ssn = query.text("ssn")
        self.email = query.text("email")
        self.zip = query.text("zip")
        self.phones = [(name, value) for name in _PHONES if (value := query.text(name))]
        self.department = self._department(x, query)

    @staticmethod
    def _department(x: Exchange, query: wire.Query) -> int | None:
        if not query.has("departmentid") or query.integer("departmentid") == -1:  # -1: all of them
            return None
        return wire.department_index(x, query)

    def numbers(self) -> list[int]:
        """The patients who match, in order. Raises Refusal, reason too_many_found."""
        if not (self.first or self.last or self.born or self.ssn or self.email or self.phones):
            self._refuse_if_hopeless()
        found: list[int] = []
        for looked, number in enumerate(self._candidates()):
            if looked > _SCANNED:
                raise _too_wide()
            person = self._world.person(number)
            if person is not None and self._matches(person):
                found.append(number)
                if len(found) > MOST:
                    raise _too_wide()
        return found

    def _candidates(self) -> Iterator[int]:
        return self._world.find(
            family=self.last,
            given=self.first,
            born=(self.born, self.born) if self.born else None,
            phone=self.phones[0][1] if self.phones else None,
            ssn=self.ssn,
            email=self.email,
        )

    def _refuse_if_hopeless(self) -> None:
        """A department alone: its size is known without looking at anybody."""
        population = self._world.population
        expected = population.size // len(population.facilities) if self.zip is None else population.size // 20
        if expected > 2 * MOST:
            raise _too_wide()

    def _matches(self, person: Person) -> bool:
        if self.department is not None and person.facility != self.department:
            return False
        if self.zip and not any(address.zip == self.zip[:5] for address in person.addresses):
            return False
        for name, value in self.phones:
            digits = "".join(letter for letter in value if letter.isdigit())[-10:]
            uses = {name.removesuffix("phone")} - {"any"}
            if not any(t.value[-10:] == digits and (not uses or t.use in uses) for t in person.telecoms):
                return False
        return True


def _too_wide() -> Refusal:
    return Refusal("malformed", f"more than {MOST} patients", reason="too_many_found", most=MOST)


# Enhanced best match

_GOOD = 23
_WEIGHTS = {"ssn": 6, "mobilephone": 3, "homephone": 3, "email": 3, "zip": 2}


def best_match(x: Exchange) -> Reply:
    """The patients who come close to first name, last name and birth date, with a score, best first; a bare array."""
    wire.practice_of(x)
    query = wire.Query(x)
    query.require("firstname", "lastname", "dob")
    if query.flag("usesoundexsearch"):
        raise wire.gap("enhancedbestmatch with usesoundexsearch=true")
    born = query.day("dob")
    least = query.integer("minscore")
    assert born is not None
    told, restrictions = [], Restrictions(x, query)
    for number, score in scored(x, query, born):
        if score >= (_GOOD if least is None else least) and not restrictions.hide(number):
            one = patient(patient_chart(x.site, number))
            told.append((score, {**one.payload, "score": f"{score}"}, one.id))
    told.sort(key=lambda hit: (-hit[0], hit[2]))
    served = [("patient", id) for _, _, id in told]
    return wire.answer([payload for _, payload, _ in told], served, profile=x.site.settings["type_profile"])


def scored(x: Exchange, query: wire.Query, born: date) -> Iterator[tuple[int, int]]:
    """(number, score) of everybody who shares two of name, first name and day: 23 for all three, more for contacts."""
    world = x.site.sandbox.world
    first, last = query.text("firstname") or "", query.text("lastname") or ""
    seen: set[int] = set()
    for asked in ({"family": last, "given": first}, {"family": last, "born": (born, born)}):
        for number in world.find(exact=True, **asked):
            if number in seen or len(seen) > MOST:
                continue
            seen.add(number)
            person = world.person(number)
            if person is not None:
                yield number, _score(person, query, first, last, born)


def _score(person: Person, query: wire.Query, first: str, last: str, born: date) -> int:
    score = 8 * (fold(person.family) == fold(last)) + 8 * person.is_born_within(born, born)
    score += 7 * bool(person.given and fold(person.given[0]) == fold(first))
    values = {telecom.value[-10:] for telecom in person.telecoms} | {t.value for t in person.telecoms}
    for name, weight in _WEIGHTS.items():
        asked = query.text(name)
        if not asked:
            continue
        if name == "zip":
            same = any(address.zip == asked[:5] for address in person.addresses)
        elif name == "ssn":
            same = (person.ssn or "").replace("-", "") == asked.replace("-", "")
        else:
            same = asked.lower() in values or "".join(c for c in asked if c.isdigit())[-10:] in values
        score += weight * same
    return score
