"""Documents: which notes, letters and reports there are, of what, in which format, signed when. Their words are written
when somebody asks: see `simulator.population.documents`.

A document belongs to an encounter and is signed after it, though the patient may have died since; reports of
laboratories come with the later results, a day or two after, while they live. One in a hundred is amended.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from simulator.ids import h64, mix
from simulator.population import tables
from simulator.population.chart import moments
from simulator.population.chart.encounters import Step, Visit
from simulator.population.chart.labels import labels_of
from simulator.population.chart.life import Life
from simulator.population.chart.moments import Moment
from simulator.population.chart.observations import Measured
from simulator.population.chart.procedures import Done
from simulator.population.records import Document, Procedure
from simulator.population.tables.rows import DocumentRow

_AMENDED_PER_MILLION = 80_000  # of those of one visit in eight
_MILLION = 10**6


class _Draft(NamedTuple):
    signed: Moment
    visit: Visit
    row: DocumentRow
    about: Procedure | None
    draw: int


def documents_of(
    life: Life, visits: list[Visit], procedures: Iterable[Done], observations: Iterable[Measured]
) -> Iterator[Step]:
    """What happens to the documents: they are signed, and now and then amended."""
    done: dict[int, list[Procedure]] = {}
    for _, _, procedure in procedures:
        if procedure.encounter is not None:
            done.setdefault(procedure.encounter, []).append(procedure)
    tested = {one.encounter for _, _, one in observations if one.category == "laboratory"}
    drafts: list[_Draft] = []
    for visit in visits:
        drafts.extend(_of_visit(life, visit, done.get(visit.ordinal, ()), visit.ordinal in tested))
    drafts.sort(key=lambda draft: draft.signed.minute)
    for ordinal, draft in enumerate(drafts):
        document = _document(life, draft, ordinal)
        yield draft.signed, "created", document
        visit = draft.visit
        if moments.may_be_retracted(visit.habits) and (draft.draw >> 44) % _MILLION < _AMENDED_PER_MILLION:
            later = visit.moment(moments.retracted(visit.habits))
            if later.minute > draft.signed.minute:
                yield later, "updated", replace(document, doc_status="amended", amended=later.at)


def _of_visit(life: Life, visit: Visit, procedures: Sequence[Procedure], is_tested: bool) -> Iterator[_Draft]:
    salts, number = _salts(life.key), life.number << 20 ^ visit.local_day
    for row in _rows(visit.kind):
        about = None
        if row.procedures:
            about = next((one for one in procedures if one.key in row.procedures), None)
            if about is None:
                continue
        if row.key == "lab_report" and (not is_tested or visit.is_remote):
            continue
        draw = mix(number, salts[row.key])
        if draw % _MILLION >= row.per_million:
            continue
        signed = _signed(visit, row)
        is_too_late = signed.minute >= life.limit and signed is not visit.signed  # results end with the life
        if signed.minute >= visit.ends.minute and not is_too_late:
            yield _Draft(signed, visit, row, about, draw)


def _signed(visit: Visit, row: DocumentRow) -> Moment:
    """When a document is there: reports with the later results, everything else when it is signed."""
    if row.when == "resulted" and visit.kind not in moments.IN_HASTE:
        return visit.moment(moments.resulted(visit.habits, "later"))
    return visit.signed


def _document(life: Life, draft: _Draft, ordinal: int) -> Document:
    visit, row, about = draft.visit, draft.row, draft.about
    flags = row.sensitivity if about is None else (*row.sensitivity, *about.sensitivity)
    return Document(
        ordinal=ordinal,
        key=row.key,
        type=row.type,
        text=row.title,
        status="current",
        doc_status="final",
        mime=_format(row, draft.draw >> 32),
        created=draft.signed.at,
        encounter=visit.ordinal,
        facility=visit.facility,
        practitioner=visit.practitioner,
        sensitivity=labels_of(life, visit.local_day, visit.facility, flags, visit.episode, visit.kind),
    )


def _format(row: DocumentRow, draw: int) -> str:
    edges = _edges(row.key)
    return row.formats[bisect_right(edges, draw % edges[-1])][0]


@lru_cache(maxsize=64)
def _edges(key: str) -> tuple[int, ...]:
    """The weights of the formats of a document, laid end to end."""
    return tuple(accumulate(weight for _, weight in tables.DOCUMENTS[key].formats))


@lru_cache(maxsize=64)
def _rows(kind: str) -> tuple[DocumentRow, ...]:
    """The rows that an encounter of a kind may bring."""
    klass = tables.ENCOUNTERS[kind].class_code
    return tuple(
        row
        for row in tables.DOCUMENTS.values()
        if (not row.classes or klass in row.classes) and (not row.kinds or kind in row.kinds)
    )


@lru_cache(maxsize=16)
def _salts(key: bytes) -> dict[str, int]:
    return {row: h64(key, "document", row) for row in tables.DOCUMENTS}
