"""What is known to be wrong with a patient's record: each defect with what stands there and what is true instead.

A defect is not repaired anywhere: the record as it stands is what vendors tell, and what an integration has to keep.
Names of kinds are those of `dirt`, and two that follow from being on file twice: `unheard_death`, a registration that
nobody told of a death, and `merged`, which says who survived.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from simulator.population.chart import typos_of
from simulator.population.records import Observation, Person
from simulator.population.world import World

Value = str | int | Decimal | tuple[str, ...] | None


class Defect(NamedTuple):
    """One defect: `kind` and `ordinal` name the record, `field` is the canonical one. `true` is None where nobody
    knows."""

    what: str
    kind: str
    ordinal: int
    field: str
    told: Value
    true: Value


def defects_of(world: World, number: int) -> tuple[Defect, ...]:
    """Everything that is wrong with what is on file under a number as of now, whatever the vendor.

    Raises:
        IndexError: there is no such number.
    """
    return (*_of_registration(world, number), *_of_person(world.registered_person(number)), *_of_chart(world, number))


def _patient(what: str, field: str, told: Value, true: Value) -> Defect:
    return Defect(what, "patient", 0, field, told, true)


def _of_registration(world: World, number: int) -> Iterator[Defect]:
    survivor = world.survivor(number)
    if survivor is not None:
        yield _patient("merged", "number", number, survivor)
    registrations = world.population.registrations
    if number not in registrations:
        return
    first = registrations.owner(number)
    yield _patient("second_registration", "number", number, first)
    changed = registrations.registration(number).changed
    told, true = registrations.person(number), world.registered_person(first)
    for what, field, tell in _PERTURBED:
        if what in changed and tell(told) != tell(true):
            yield _patient(what, field, tell(told), tell(true))
    if true.deceased is not None and survivor is None:
        yield _patient("unheard_death", "deceased", None, true.deceased.isoformat())


def _phones(person: Person) -> tuple[str, ...]:
    return tuple(one.value for one in person.telecoms if one.system == "phone")


def _lines(person: Person) -> tuple[str, ...]:
    home = person.addresses[0]
    return (*home.lines, home.city, home.state, home.zip)


_PERTURBED = (
    ("nickname", "name.given", lambda one: one.given[:1]),
    ("no_middle", "name.given", lambda one: one.given[1:]),
    ("maiden_name", "name.family", lambda one: one.family),
    ("swapped_date", "birthDate", lambda one: one.birth),
    ("transposed_digits", "telecom", _phones),
    ("transposed_digits", "identifiers", lambda one: one.ssn),
    ("old_address", "addresses", _lines),
)


def _of_person(person: Person) -> Iterator[Defect]:
    if person.birth_precision != "day":
        yield _patient("partial_birth_date", "birthDate", person.birth, person.birth_date.isoformat())
    missing = {
        "no_race": ("race", not person.race),
        "no_language": ("language", person.language is None),
        "no_phone": ("telecom", not _phones(person)),
        "no_email": ("telecom", all(one.system != "email" for one in person.telecoms)),
    }
    for what, (field, is_missing) in missing.items():
        if is_missing:
            yield _patient(what, field, None, None)


def _of_chart(world: World, number: int) -> Iterator[Defect]:
    if world.person(number) is None:
        return
    chart = world.chart(number)
    for one in chart.retracted:
        yield Defect("retracted", one.kind, one.ordinal, "status", "entered-in-error", None)
    typos = {(life, one.ordinal): one for life in _lives(world, number) for one in typos_of(world.population, life)}
    for record in chart.observations if typos else ():
        typo = typos.get(_birth(world, record, number))
        if typo is not None:
            yield Defect(typo.what, "observation", record.ordinal, "value.number", record.value, typo.true)


def _lives(world: World, number: int) -> tuple[int, ...]:
    """The human beings of the population whose records stand in a chart."""
    firsts = {world.human(one) for one in (number, *world.merged_into(number))}
    return tuple(sorted(one for one in firsts if one < world.population.size))


def _birth(world: World, record: Observation, number: int) -> tuple[int, int]:
    """In whose history a record stands, and at which ordinal."""
    filed, home = world.at_home(record, number)
    return world.human(home), filed.ordinal
