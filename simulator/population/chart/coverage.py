"""Coverage: who pays, when, and how the clinic comes to know it.

A life is a row of spells, one after the other without gap or overlap, drawn from birth on: a child is on the plan of a
parent, on Medicaid or CHIP; jobs change; at 65 comes Medicare. A spell is written down at the first visit on which it
is in force, and with it the end of what was in force before: nobody tells the clinic earlier.
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
from simulator.population.chart.encounters import Step, Visit
from simulator.population.chart.life import Life
from simulator.population.records import Coverage
from simulator.population.tables.rows import PayerRow

_MILLION = 10**6
_CHIP_UNTIL, _CHILD_UNTIL, _MEDICARE_FROM = 19, 26, 65
_AT = {"chip": _CHIP_UNTIL, "child": _CHILD_UNTIL, "medicare": _MEDICARE_FROM}
"""The ages at which the law ends one kind of coverage; what follows begins on the first of the month."""
_CHANGES_PER_MILLION = {"employment": 110_000, "state": 140_000, "federal": 60_000, "person": 260_000}  # a year
_MOST_CHANGES = max(_CHANGES_PER_MILLION.values())
_SPOUSE_PERCENT = 30  # of those who are married and insured through work
_EMPLOYERS = 4_000
_SPELLS = 128  # at most, of a life: the space of member ids
# Letters as in Medicare numbers, which leave out S L O I B Z. The S in their second place is no letter of theirs: such
# a number is never issued. Source: CMS, "Understanding the Medicare Beneficiary Identifier (MBI) Format".
_LETTERS = "ACDEFGHJKMNPQRTUVWXY"
_ALPHABETS = {"9": "0123456789", "A": _LETTERS, "N": "0123456789" + _LETTERS}


@dataclass(slots=True)
class Spell:
    """One way of being insured, from the first to the last day, both included; `last` is None for the present one."""

    row: PayerRow
    first: int
    last: int | None
    draw: int
    relationship: str


def coverages_of(life: Life, visits: list[Visit]) -> Iterator[Step]:
    """What is written down about coverage, when somebody comes to the desk."""
    if not visits:
        return
    spells = spells_of(life)
    firsts = [spell.first for spell in spells]
    current: list[Coverage] = []
    known = -1
    made = 0
    for visit in visits:
        place = max(0, bisect_right(firsts, visit.local_day) - 1)
        if place == known:
            continue
        for one in current:
            last = spells[known].last
            yield (
                visit.begins,
                "updated",
                replace(one, status="cancelled", end=None if last is None else date.fromordinal(last)),
            )
        known = place
        current = list(_records(life, spells[place], place, made))
        made += len(current)
        for one in current:
            yield visit.begins, "created", one


def spells_of(life: Life) -> list[Spell]:
    """The spells of a life, in order of time."""
    salt = _salt(life.key)
    spells: list[Spell] = []
    for day, why, year_draw in _turns(life, salt):
        age = _AT.get(why, life.age_days(day) * 4 // 1461)
        if spells and (day == spells[-1].first or not _ends(spells[-1], why, year_draw)):
            continue
        draw = mix(life.number << 20 ^ day, salt)
        row = _pick(age, draw)
        if life.wishes is not None and "three_coverages" in life.wishes.flags and row.by == "federal":
            row = tables.PAYERS["medicare"]  # the one that others come on top of
        if spells and row is spells[-1].row and why == "yearly":
            continue
        if spells:
            spells[-1].last = day - 1
        spells.append(Spell(row, day, None, draw, _relationship(life, row, age, draw)))
    return spells


def _turns(life: Life, salt: int) -> Iterator[tuple[int, str, int]]:
    """The days on which coverage may change: birth, the first of a month in some years, and the ages of the law."""
    born = date.fromordinal(life.birth)
    yield life.birth, "birth", 0
    ages = {born.year + age: why for why, age in _AT.items()}
    number = life.number << 20
    for year in range(born.year + 1, date.fromordinal(life.last).year + 1):
        draw = mix(number ^ year, salt)
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


def _pick(age: int, draw: int) -> PayerRow:
    rows, edges = _payers(age)
    return rows[bisect_right(edges, (draw >> 40) % edges[-1])]


@cache
def _payers(age: int) -> tuple[tuple[PayerRow, ...], tuple[int, ...]]:
    rows = tuple(row for row in tables.PAYERS.values() if row.weight and row.ages[0] <= age <= row.ages[1])
    return rows, tuple(accumulate(row.weight for row in rows))


def _relationship(life: Life, row: PayerRow, age: int, draw: int) -> str:
    if row.by != "employment":
        return "self"
    if age < _CHIP_UNTIL or (age < _CHILD_UNTIL and draw & 16):
        return "child"
    marital = life.person.marital
    is_married = marital is not None and marital.code == "M"
    return "spouse" if is_married and (draw >> 8) % 100 < _SPOUSE_PERCENT else "self"


def _records(life: Life, spell: Spell, place: int, ordinal: int) -> Iterator[Coverage]:
    has_all = life.wishes is not None and "three_coverages" in life.wishes.flags
    rows = [spell.row]
    rows.extend(
        tables.PAYERS[key]
        for turn, (key, share) in enumerate(spell.row.secondary)
        if has_all or mix(spell.draw, turn) % _MILLION < share
    )
    for order, row in enumerate(rows):
        yield Coverage(
            ordinal=ordinal + order,
            key=row.key,
            payer=row.name,
            plan=row.plan,
            category=row.category,
            type=row.type,
            member_id=member_id(life, row, place),
            group=f"{row.key[:2].upper()}-{(spell.draw >> 12) % _EMPLOYERS:05d}" if row.has_group else None,
            relationship=spell.relationship if order == 0 else "self",
            order=order + 1,
            status="active",
            start=date.fromordinal(spell.first),
            end=None,
        )


def member_id(life: Life, row: PayerRow, place: int) -> str | None:
    """The member id of the `place`-th spell: no two people and no two spells with a payer have the same one."""
    if not row.member:
        return None
    sizes = [len(_ALPHABETS[sign]) for sign in row.member if sign in _ALPHABETS]
    room = 1
    for size in sizes:
        room *= size
    rest = life.population.permutation(room, f"member {row.name}").forward(
        (life.number * _SPELLS + place) % room if row.by != "federal" else life.number
    )
    letters = []
    for sign in row.member:
        if sign in _ALPHABETS:
            rest, digit = divmod(rest, len(_ALPHABETS[sign]))
            sign = _ALPHABETS[sign][digit]
        letters.append(sign)
    return "".join(letters)


@lru_cache(maxsize=16)
def _salt(key: bytes) -> int:
    return h64(key, "coverage")
