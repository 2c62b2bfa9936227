"""Coverage: who pays, when, and how the clinic comes to know it.

A spell (see `policies`) is written down at the first visit on which it is in force, and with it the end of what was in
force before: nobody tells the clinic earlier.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from simulator.ids import mix
from simulator.population import tables
from simulator.population.chart.encounters import Step, Visit
from simulator.population.chart.life import Life
from simulator.population.chart.policies import Spell, spells_of
from simulator.population.people import Population
from simulator.population.records import Coverage
from simulator.population.tables.rows import PayerRow

_MILLION = 10**6
_EMPLOYERS = 4_000
_SPELLS = 128  # at most, of a life: the space of member ids
# Letters as in Medicare numbers, which leave out S L O I B Z. The S in their second place is no letter of theirs: such
# a number is never issued. Source: CMS, "Understanding the Medicare Beneficiary Identifier (MBI) Format".
_LETTERS = "ACDEFGHJKMNPQRTUVWXY"
_ALPHABETS = {"9": "0123456789", "A": _LETTERS, "N": "0123456789" + _LETTERS}


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
        current = list(_records(life, spells[place], made))
        made += len(current)
        for one in current:
            yield visit.begins, "created", one


def _records(life: Life, spell: Spell, ordinal: int) -> Iterator[Coverage]:
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
            member_id=member_id(life.population, spell.of, row, spell.place),
            group=f"{row.key[:2].upper()}-{(spell.draw >> 12) % _EMPLOYERS:05d}" if row.has_group else None,
            relationship=spell.relationship if order == 0 else "self",
            order=order + 1,
            status="active",
            start=date.fromordinal(spell.first),
            end=None,
            dependent=None if row.first_dependent is None else f"{row.first_dependent + spell.turn:02d}",
            holder=spell.of if spell.of != life.number else None,
        )


def member_id(population: Population, number: int, row: PayerRow, place: int) -> str | None:
    """The member id of the `place`-th spell of somebody: no two policies with a payer have the same one."""
    if not row.member:
        return None
    sizes = [len(_ALPHABETS[sign]) for sign in row.member if sign in _ALPHABETS]
    room = 1
    for size in sizes:
        room *= size
    rest = population.permutation(room, f"member {row.name}").forward(
        (number * _SPELLS + place) % room if row.by != "federal" else number
    )
    letters = []
    for sign in row.member:
        if sign in _ALPHABETS:
            rest, digit = divmod(rest, len(_ALPHABETS[sign]))
            sign = _ALPHABETS[sign][digit]
        letters.append(sign)
    return "".join(letters)
