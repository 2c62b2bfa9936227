"""Allergies and intolerances; for half of those without any, the statement that there is none, and for the others
silence: nobody asked."""

from __future__ import annotations

from datetime import date

from simulator.population import tables
from simulator.population.chart.encounters import Visit
from simulator.population.chart.life import Life
from simulator.population.records import Allergy, Code
from simulator.population.tables.rows import AllergyRow

NO_KNOWN_ALLERGY = Code("snomed", "716186003", "No known allergy (situation)")
_STATED_PERCENT = 55


def allergy_rows(life: Life) -> tuple[AllergyRow, ...]:
    """What the patient is allergic to."""
    stream = life.stream("allergies", len(tables.ALLERGIES))
    return tuple(row for row in tables.ALLERGIES.values() if stream.chance(row.per_million))


def allergies_of(life: Life, rows: tuple[AllergyRow, ...], visits: list[Visit]) -> tuple[Allergy, ...]:
    """The records: none at all for patients who were never seen."""
    if not visits:
        return ()
    stream = life.stream("allergy records", 3 * len(rows) + 1)
    first = visits[0]
    if not rows:
        return (_none_known(first),) if stream.below(100) < _STATED_PERCENT else ()
    found = sorted((_dated(life, row, stream.u64(), stream.u64()) for row in rows), key=lambda item: item[1])
    records = []
    for ordinal, (row, onset, draw) in enumerate(found):
        visit = next((visit for visit in visits if visit.local_day >= onset), first)
        told_onset = visit.local_day >= onset and draw % 100 < 60
        records.append(
            Allergy(
                ordinal=ordinal,
                code=row.code,
                text=row.code.display.split(" (")[0],
                type=row.type,
                category=row.category,
                criticality="unable-to-assess" if draw >> 8 & 15 == 0 else row.criticality,
                clinical_status="active",
                verification="confirmed",
                reactions=row.reactions[: draw >> 16 & 3],
                onset=date.fromordinal(onset) if told_onset else None,
                recorded=visit.start,
                practitioner=visit.practitioner,
            )
        )
    return tuple(records)


def _dated(life: Life, row: AllergyRow, when: int, draw: int) -> tuple[AllergyRow, int, int]:
    return row, life.birth + when % (life.until - life.birth + 1), draw


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
        recorded=visit.start,
        practitioner=visit.practitioner,
        none_known=True,
    )
