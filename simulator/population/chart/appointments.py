"""Appointments: what was booked, when, and what became of it.

Every scheduled visit and every planned stay has one: booked, then arrived, then fulfilled. And there are those that
never became a visit: called off by the patient or the clinic, put off to another day, or missed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from simulator.population import tables
from simulator.population.chart.conditions import Episode
from simulator.population.chart.encounters import Step, Visit
from simulator.population.chart.labels import labels_of
from simulator.population.chart.life import Life
from simulator.population.chart.moments import SCHEDULED, Moment
from simulator.population.lanes import OFFICE
from simulator.population.records import Appointment
from simulator.population.zones import DAY

# Of fifteen slots that were booked and not used, eight were called off, five were missed and two put off. Guesses.
_OUTCOMES = ("cancelled",) * 8 + ("noshow",) * 5 + ("rescheduled",) * 2
_SOON_DAYS = 70  # in which a slot that was put off leads to a visit

_TEXTS = {
    "office": "Office visit",
    "followup": "Follow-up",
    "wellness": "Annual wellness visit",
    "checkup": "Well child check",
    "symptom": "Sick visit",
    "telehealth": "Video visit",
    "telephone": "Telephone visit",
    "prenatal": "Prenatal visit",
    "home_visit": "Home visit",
    "psych": "Behavioral health visit",
    "surgical": "Surgery",
    "observation": "Overnight stay",
}


class _Draft(NamedTuple):
    booked: Moment
    visit: Visit
    is_next_soon: bool


def appointments_of(life: Life, visits: list[Visit], missed: list[Visit]) -> Iterator[Step]:
    """What happens to the appointments."""
    for ordinal, draft in enumerate(sorted(_drafts(life, visits, missed), key=_when_booked)):
        visit = draft.visit
        told = _teller(life, visit, ordinal, draft.booked.at)
        is_known = _is_known(visits, visit, draft.booked)
        yield draft.booked, "created", told("booked", is_known)
        if not visit.is_missed:
            is_known = _is_known(visits, visit, visit.begins)
            yield visit.begins, "updated", told("arrived", is_known, encounter=visit.ordinal)
            yield (
                visit.ends,
                "updated",
                told("fulfilled", _is_known(visits, visit, visit.ends), encounter=visit.ordinal),
            )
            continue
        outcome = _OUTCOMES[(visit.habits >> 40) % len(_OUTCOMES)]
        if outcome == "noshow":
            yield visit.ends, "updated", told("noshow", is_known)
        else:
            is_put_off = outcome == "rescheduled" and draft.is_next_soon
            why = "rescheduled" if is_put_off else "provider" if visit.habits >> 44 & 3 == 0 else "patient"
            yield visit.called_off, "updated", told("cancelled", is_known, cancel_reason=why)


def _is_known(visits: list[Visit], visit: Visit, when: Moment) -> bool:
    """Whether the condition for which somebody comes had been written down: before, nobody can name it."""
    noticed = None if visit.episode is None else visit.episode.visit
    return noticed is not None and visits[noticed].charted.minute <= when.minute


def _drafts(life: Life, visits: list[Visit], missed: list[Visit]) -> Iterator[_Draft]:
    kept = [visit for visit in visits if visit.is_planned or (visit.kind in SCHEDULED and visit.slot.lane == OFFICE)]
    for visit in kept:
        yield _Draft(_booked(life, visit), visit, False)
    days = [visit.local_day for visit in kept]
    taken = set(days)
    for visit in missed:
        booked = _booked(life, visit)
        if visit.kind in SCHEDULED and visit.local_day not in taken and booked.minute < visit.called_off.minute:
            place = bisect_right(days, visit.local_day)
            yield _Draft(booked, visit, place < len(days) and days[place] <= visit.local_day + _SOON_DAYS)


def _when_booked(draft: _Draft) -> tuple[int, int]:
    return draft.booked.minute, draft.visit.minute


def _booked(life: Life, visit: Visit) -> Moment:
    """When a visit was booked: weeks before, or on the day itself when there was nothing yet to book it for."""
    early = visit.booked
    return early if early.minute // DAY > nothing_to_book_before(life, visit.episode) else visit.booked_today


def nothing_to_book_before(life: Life, episode: Episode | None) -> int:
    """The day up to which there was nothing to book a visit for: no record, no child, no condition."""
    return max(life.first, life.birth + 1, episode.onset if episode is not None else 0)


def _teller(life: Life, visit: Visit, ordinal: int, created: datetime) -> Callable[..., Appointment]:
    """Tells one appointment in each of its states."""
    row = tables.ENCOUNTERS[visit.kind]
    said = {False: _what_for(life, visit, None)}

    def told(
        status: str, is_known: bool, *, encounter: int | None = None, cancel_reason: str | None = None
    ) -> Appointment:
        if is_known not in said:
            said[is_known] = _what_for(life, visit, visit.episode)
        reason, text, labels = said[is_known]
        return Appointment(
            ordinal,
            row.key,
            row.type,
            status,
            visit.start,
            row.slot,
            created,
            reason,
            text,
            cancel_reason,
            encounter,
            visit.facility,
            visit.practitioner,
            labels,
        )

    return told


def _what_for(life: Life, visit: Visit, episode: Episode | None) -> tuple[int | None, str, tuple[str, ...]]:
    """What somebody comes for, if for a condition that can be named: its ordinal, a few words, and their labels."""
    text = _TEXTS[visit.kind]
    if episode is not None and visit.kind not in ("prenatal", "psych"):
        text = f"{text}: {episode.row.icd10cm.display}"
    labels = labels_of(life, visit.local_day, visit.facility, (), episode, visit.kind)
    return None if episode is None else episode.ordinal, text, labels
