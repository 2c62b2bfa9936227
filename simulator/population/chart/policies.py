"""Policies: how somebody is insured, from birth on, and on whose policy.

A life is a row of spells, one after the other without gap or overlap: a child is on the plan of a parent, on Medicaid
or CHIP; jobs change; at 65 comes Medicare. Whoever is insured through another one of the household is on the policy of
that one: payer, member id and group are the same, for as long as that one has such a policy. Where the other one is not
known, the policy is somebody's who is not on file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, lru_cache
from itertools import accumulate

from simulator.ids import h64, mix
from simulator.population import tables
from simulator.population.cast import INSURES
from simulator.population.chart.life import Life
from simulator.population.households import PARENT_FROM, Policy
from simulator.population.people import Population
from simulator.population.tables.rows import PayerRow

_MILLION = 10**6
_CHIP_UNTIL, _CHILD_UNTIL, _MEDICARE_FROM = 19, 26, 65
_AT = {"chip": _CHIP_UNTIL, "child": _CHILD_UNTIL, "medicare": _MEDICARE_FROM}
"""The ages at which the law ends one kind of coverage; what follows begins on the first of the month."""
_CHANGES_PER_MILLION = {"employment": 110_000, "state": 140_000, "federal": 60_000, "person": 260_000}  # a year
_MOST_CHANGES = max(_CHANGES_PER_MILLION.values())
_SPOUSE_PERCENT = 30  # of those who are married and insured through work
_OTHER_CHILDREN = 3  # how many children a family has that is not on file, at most
_FOREVER = date.max.toordinal()


@dataclass(slots=True)
class Spell:
    """One way of being insured, from the first to the last day, both included; `last` is None for the present one.

    of, place    name the policy: whose it is, and which among the spells of that one. A policy of somebody who is not
                 on file has the number of who is insured by it
    draw         of the policy
    turn         who one is on it: 0 who holds it, 1 the spouse, from 2 on the children
    """

    row: PayerRow
    first: int
    last: int | None
    of: int
    place: int
    draw: int
    relationship: str
    turn: int

    def is_over(self, day: int) -> bool:
        return self.last is not None and self.last < day


def spells_of(life: Life) -> list[Spell]:
    """The spells of a life, in order of time. Those that were over before the record begins know no other policy."""
    married = life.person.marital is not None and life.person.marital.code == "M"
    spells = _own(life.population, life.number, life.birth, life.last, is_married=married)
    if all(spell.relationship == "self" or spell.is_over(life.first) for spell in spells):
        return spells
    policy = life.population.policy(life.number)
    if policy is None:
        return spells
    if policy.turn == 0:
        return [replace(one, relationship="self", turn=0) if one.relationship == "spouse" else one for one in spells]
    return _joined(life, spells, policy)


def _joined(life: Life, spells: list[Spell], policy: Policy) -> list[Spell]:
    """The spells of somebody who is on the policy of another one for as long as there is one."""
    population, holder = life.population, policy.holder
    relationship = "spouse" if policy.turn == 1 else "child" if life.birth - policy.born >= PARENT_FROM else ""
    last = population.horizon.toordinal() if policy.dies is None else policy.dies
    theirs: list[Spell] | None = None
    found: list[Spell] = []
    for spell in spells:
        if spell.relationship != relationship or spell.is_over(life.first):
            _append(found, spell)
            continue
        if theirs is None:
            theirs = _own(population, holder, policy.born, last, is_married=False)
            if policy.dies is not None:
                theirs[-1].last = last
        for piece in _under(spell, theirs, policy.turn):
            _append(found, piece)
    return found


def _append(found: list[Spell], spell: Spell) -> None:
    """Adds a spell, or makes the one before it longer: who stays with Medicaid stays the same member."""
    before = found[-1] if found else None
    if before is not None and before.row is spell.row and (before.of, before.turn) == (spell.of, spell.turn):
        before.last = spell.last
    else:
        found.append(spell)


def _under(spell: Spell, theirs: list[Spell], turn: int) -> Iterator[Spell]:
    """A spell on the policies of another one, whose spells are `theirs`."""
    day, end = spell.first, _FOREVER if spell.last is None else spell.last
    for one in theirs:
        last = end if one.last is None else min(end, one.last)
        if last < day:
            continue
        if one.first > day:
            yield _alone(spell, day, min(end, one.first - 1))
        first = max(day, one.first)
        if first > last:
            return
        day = last + 1
        told = None if last == _FOREVER else last
        if one.relationship == "self" and one.row.is_for_families:
            yield replace(one, first=first, last=told, relationship=spell.relationship, turn=turn)
        else:
            yield _alone(spell, first, last)
    if day <= end:
        yield _alone(spell, day, end)


def _alone(spell: Spell, first: int, last: int) -> Spell:
    """How somebody is insured for whom there is no policy of another one: a child by the state, a spouse through
    work."""
    row = tables.PAYERS["medicaid"] if spell.relationship == "child" else spell.row
    told = None if last == _FOREVER else last
    return replace(spell, row=row, first=first, last=told, relationship="self", turn=0)


def _own(population: Population, number: int, birth: int, last: int, *, is_married: bool) -> list[Spell]:
    """The spells of somebody in whose household nobody is looked at."""
    salt = _salt(population.key)
    flags, through_work = _wished(population, number)
    spells: list[Spell] = []
    for day, why, year_draw in _turns(number, birth, last, salt):
        age = _AT.get(why, (day - birth) * 4 // 1461)
        if spells and (day == spells[-1].first or not _ends(spells[-1], why, year_draw)):
            continue
        draw = mix(number << 20 ^ day, salt)
        row = _pick(age, draw, through_work)
        if "three_coverages" in flags and row.by == "federal":
            row = tables.PAYERS["medicare"]  # the one that others come on top of
        if spells and row is spells[-1].row and why == "yearly":
            continue
        if spells:
            spells[-1].last = day - 1
        relationship = _relationship(row, age, draw, is_married=is_married, is_insurer=INSURES in flags)
        turn = {"self": 0, "spouse": 1, "child": 2 + draw % _OTHER_CHILDREN}[relationship]
        spells.append(Spell(row, day, None, number, len(spells), draw, relationship, turn))
    return spells


def _wished(population: Population, number: int) -> tuple[frozenset[str], bool]:
    """The flags of one of the cast, and whether it is wished that they are insured through work, or a parent's."""
    wishes = population.cast.wishes(number)
    if wishes is None:
        return frozenset(), False
    policy = population.policy(number)
    holder = None if policy is None else population.cast.wishes(policy.holder)
    return wishes.flags, holder is not None and INSURES in holder.flags


def _turns(number: int, birth: int, last: int, salt: int) -> Iterator[tuple[int, str, int]]:
    """The days on which coverage may change: birth, the first of a month in some years, and the ages of the law."""
    born = date.fromordinal(birth)
    yield birth, "birth", 0
    ages = {born.year + age: why for why, age in _AT.items()}
    drawn = number << 20
    for year in range(born.year + 1, date.fromordinal(last).year + 1):
        draw = mix(drawn ^ year, salt)
        may_change = (draw >> 24) % _MILLION < _MOST_CHANGES
        if year in ages:
            turns = [(date(year, born.month, 1).toordinal(), ages[year], draw)]
            if may_change:
                turns.append((_first_of_month(year, draw), "yearly", draw))
            yield from sorted(turns)
        elif may_change:
            yield _first_of_month(year, draw), "yearly", draw


def _first_of_month(year: int, draw: int) -> int:
    return date(year, 1 if draw & 3 else 1 + (draw >> 2) % 12, 1).toordinal()


def _ends(spell: Spell, why: str, draw: int) -> bool:
    if why == "chip":
        return spell.row.key in ("chip", "medicaid")
    if why == "child":
        return spell.relationship == "child"
    if why == "medicare":
        return spell.row.by != "federal"
    return (draw >> 24) % _MILLION < _CHANGES_PER_MILLION[spell.row.by]


def _pick(age: int, draw: int, through_work: bool) -> PayerRow:
    rows, edges = _payers(age, through_work)
    return rows[bisect_right(edges, (draw >> 40) % edges[-1])]


@cache
def _payers(age: int, through_work: bool) -> tuple[tuple[PayerRow, ...], tuple[int, ...]]:
    fitting = [row for row in tables.PAYERS.values() if row.weight and row.ages[0] <= age <= row.ages[1]]
    rows = [row for row in fitting if row.by == "employment"] if through_work else []
    kept = tuple(rows or fitting)
    return kept, tuple(accumulate(row.weight for row in kept))


def _relationship(row: PayerRow, age: int, draw: int, *, is_married: bool, is_insurer: bool) -> str:
    if row.by != "employment" or (is_insurer and age >= _CHIP_UNTIL):
        return "self"
    if age < _CHIP_UNTIL or (age < _CHILD_UNTIL and draw & 16):
        return "child"
    return "spouse" if is_married and (draw >> 8) % 100 < _SPOUSE_PERCENT else "self"


@lru_cache(maxsize=16)
def _salt(key: bytes) -> int:
    return h64(key, "coverage")
