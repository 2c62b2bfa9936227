"""Allergies and intolerances; for half of those without any, the statement that there is none, and for the others
silence: nobody asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from simulator.population import tables
from simulator.population.chart import fates
from simulator.population.chart.encounters import Step, Visit
from simulator.population.chart.life import Life
from simulator.population.records import Allergy, Code
from simulator.population.tables.rows import AllergyRow

NO_KNOWN_ALLERGY = Code("snomed", "716186003", "No known allergy (situation)")
_STATED_PERCENT = 55


def allergy_rows(life: Life) -> tuple[AllergyRow, ...]:
    """What the patient is allergic to."""
    if life.wishes is not None:
        return tuple(tables.ALLERGIES[key] for key in life.wishes.allergies or ())
    stream = life.stream("allergies", len(tables.ALLERGIES))
    return tuple(row for row in tables.ALLERGIES.values() if stream.chance(row.per_million))


def allergies_of(life: Life, rows: tuple[AllergyRow, ...], visits: list[Visit]) -> Iterable[Step]:
    """What happens to the allergies, each written down at the first visit after it showed: nothing at all for patients
    who are never seen."""
    if not visits:
        return
    stream = life.stream("allergy records", 3 * len(rows) + 1)
    first = visits[0]
    if not rows:
        is_stated = stream.below(100) < _STATED_PERCENT if life.wishes is None else life.wishes.allergies is not None
        if is_stated:
            yield first.charted, "created", _none_known(first)
        return
    drafts = (_found(life, row, stream.u64(), stream.u64(), visits) for row in rows)
    found = [draft for draft in drafts if draft is not None]
    found.sort(key=lambda item: (item[0].ordinal, item[2]))
    for ordinal, (visit, row, onset, draw) in enumerate(found):
        record = Allergy(
            ordinal=ordinal,
            code=row.code,
            text=row.code.display.split(" (")[0],
            type=row.type,
            category=row.category,
            criticality="unable-to-assess" if draw >> 8 & 15 == 0 else row.criticality,
            clinical_status="active",
            verification="confirmed",
            reactions=row.reactions[: draw >> 16 & 3],
            onset=date.fromordinal(onset) if visit.local_day >= onset and draw % 100 < 60 else None,
            recorded=visit.charted.at,
            practitioner=visit.practitioner,
        )
        yield visit.charted, "created", record
        if fates.is_retracted(life, "allergy", visit, row.key):
            yield fates.retraction(visit, record)


def _found(
    life: Life, row: AllergyRow, when: int, draw: int, visits: list[Visit]
) -> tuple[Visit, AllergyRow, int, int] | None:
    """At which visit an allergy is written down, and when it showed first; None while nobody has come since."""
    latest = life.today if life.wishes is None else life.first  # what is wished for is known from the first visit on
    onset = life.birth + when % max(1, latest - life.birth + 1)
    visit = next((visit for visit in visits if visit.local_day >= onset), None)
    return None if visit is None else (visit, row, onset, draw)


def _none_known(visit: Visit) -> Allergy:
    return Allergy(
        ordinal=0,
        code=NO_KNOWN_ALLERGY,
        text="No known allergies",
        type="allergy",
        category="medication",
        criticality="unable-to-assess",
        clinical_status="active",
        verification="confirmed",
        reactions=(),
        onset=None,
        recorded=visit.charted.at,
        practitioner=visit.practitioner,
        none_known=True,
    )
