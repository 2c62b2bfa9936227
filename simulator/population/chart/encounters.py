"""Encounters: when the patient was seen, as what, where and why. They never overlap; what is scheduled keeps office
hours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from simulator.population import tables
from simulator.population.chart import moments
from simulator.population.chart.admissions import DIED, admit_source, disposition
from simulator.population.chart.conditions import Episode
from simulator.population.chart.labels import labels_of
from simulator.population.chart.life import Life
from simulator.population.chart.moments import Moment
from simulator.population.chart.slots import Slot
from simulator.population.chart.troubles import is_planned
from simulator.population.lanes import ANY_HOUR, DEATH, OFFICE
from simulator.population.records import Encounter, Record, named
from simulator.population.zones import DAY, instant, local_minute, settled

_ELSEWHERE_PERCENT = 12  # of what was not planned: where the accident happened
_BY_OTHERS = frozenset(("urgent_care", "surgical", "emergency", "inpatient", "observation"))

Step = tuple[Moment, str, Record]
"""One change to be: when, what (see `records.Change`), and the record as it is from then on."""


@dataclass(slots=True, eq=False)
class Visit:
    """An encounter before it is written down; one that `is_missed` never becomes one."""

    kind: str
    day: int  # the local day on which it starts
    minute: int  # UTC
    minutes: int
    episode: Episode | None
    facility: int
    zone: str
    practitioner: int
    local_day: int  # the same as `day`, as what is measured and ordered counts it
    is_remote: bool
    slot: Slot
    habits: int
    ordinal: int = -1
    is_missed: bool = False
    is_final: bool = True  # nothing of it is corrected or retracted later
    is_planned: bool = False  # a stay that was planned, and so booked
    before: int = 0  # minutes from the start to what the moments hang on: of a last stay the death, else the start
    start: datetime = field(init=False)
    end: datetime = field(init=False)
    begins: Moment = field(init=False)
    charted: Moment = field(init=False)  # when what is found and decided is written down
    ends: Moment = field(init=False)
    _moments: dict[int, Moment] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.begins = self.moment(0)
        self.charted = self.moment(moments.charted(self.habits))
        self.ends = self.moment(self.minutes)
        self.start, self.end = self.begins.at, self.ends.at

    def moment(self, delay: int) -> Moment:
        """The moment at one of the delays of `moments` after the start."""
        made = self._moments.get(delay)
        if made is None:
            minute = settled(self.minute + delay, self.zone) if delay else self.minute
            made = named(Moment, (minute, self.slot.lane, self.slot.period, delay - self.before, instant(minute)))
            self._moments[delay] = made
        return made

    @property
    def signed(self) -> Moment:
        """When its documents are signed."""
        return self.moment(moments.signed(self.kind, self.habits, self.minutes))

    @property
    def booked(self) -> Moment:
        """When it was booked, for visits of the office and planned stays."""
        return self.moment(moments.booked(self.habits))

    @property
    def booked_today(self) -> Moment:
        """When it was booked, if it could not be booked earlier."""
        return self.moment(moments.booked_today())

    @property
    def called_off(self) -> Moment:
        """When it was called off, for visits that were missed."""
        return self.moment(moments.called_off(self.habits))


def visits_of(life: Life, slots: Iterable[Slot]) -> tuple[list[Visit], list[Visit]]:
    """The patient's visits in order of time, numbered; and the appointments that were not kept."""
    visits: list[Visit] = []
    missed: list[Visit] = []
    free_from = 0
    slots = list(slots)
    until = slots[-1].minute if slots and slots[-1].lane == DEATH else life.limit
    for slot in slots:
        visit = _visit(life, slot, until)
        if visit is None:
            continue
        if visit.is_missed:
            missed.append(visit)
        elif visit.minute > free_from and not (visit.is_planned and _is_unnoticed(visit, visits)):
            visit.ordinal = len(visits)
            visits.append(visit)
            free_from = visit.ends.minute
    return visits, missed


def _is_unnoticed(planned: Visit, visits: list[Visit]) -> bool:
    """Whether nobody had noticed by the time a stay was booked what it is for: then nobody booked it."""
    assert planned.episode is not None
    latest = next((one for one in reversed(visits) if one.ends.minute < planned.booked.minute), None)
    return latest is None or latest.local_day < planned.episode.onset


def encounters_of(life: Life, visits: list[Visit]) -> Iterable[Step]:
    """How the encounters begin: with their reason, if it has been written down before."""
    for visit in visits:
        told = visit.episode is not None and visit.episode.visit is not None and visit.episode.visit < visit.ordinal
        yield visit.begins, "created", _encounter(life, visit, "in-progress", None, is_reason_told=told)


def closings_of(life: Life, visits: list[Visit]) -> Iterable[Step]:
    """How the encounters end."""
    for visit in visits:
        yield visit.ends, "updated", _encounter(life, visit, "finished", visit.end, is_reason_told=True)


def _encounter(life: Life, visit: Visit, status: str, end: datetime | None, *, is_reason_told: bool) -> Encounter:
    row = tables.ENCOUNTERS[visit.kind]
    episode = visit.episode if is_reason_told else None
    source = goes = None
    if visit.slot.lane != OFFICE:
        about = visit.kind, visit.episode, life.age_days(visit.local_day), visit.habits
        source = admit_source(*about)
        if end is not None:
            goes = DIED if visit.slot.lane == DEATH else disposition(*about)
    return Encounter(
        ordinal=visit.ordinal,
        type_key=row.key,
        class_code=row.class_code,
        type=row.type,
        start=visit.start,
        end=end,
        status=status,
        reason=None if episode is None or episode.ordinal < 0 else episode.ordinal,
        facility=visit.facility,
        practitioner=visit.practitioner,
        sensitivity=labels_of(life, visit.local_day, visit.facility, (), episode, visit.kind),
        admit_source=source,
        disposition=goes,
    )


def _visit(life: Life, slot: Slot, until: int) -> Visit | None:
    """The visit at a slot; None before there is a record, or if it would not be over by `until`: when the last stay
    begins, or the record ends."""
    habits = _habits(life, slot)
    facility, practitioner = life.person.facility, life.person.practitioner
    planned = is_planned(slot.kind, slot.episode)
    if slot.lane == ANY_HOUR and not planned and (habits >> 8) % 100 < _ELSEWHERE_PERCENT:
        facility = (habits >> 16) % len(life.population.facilities)
    if slot.kind == "psych" or planned:
        practitioner = life.population.colleague(practitioner)
    elif slot.kind in _BY_OTHERS:
        practitioner = life.population.practitioner_at(facility, habits >> 32)
    zone = life.zone_of(facility)
    minute = slot.minute if slot.lane == OFFICE else settled(slot.minute, zone)
    minutes = moments.minutes_of(slot.kind, habits)
    day = local_minute(minute, zone) // DAY
    is_last = slot.lane == DEATH
    if day < life.first or day <= life.birth or minute >= life.limit:
        return None
    if life.person.deceased is not None and not is_last and settled(minute + minutes, zone) >= until:
        return None  # nobody dies at a visit but at the last stay
    return Visit(
        kind=slot.kind,
        day=day,
        minute=minute,
        minutes=minutes,
        episode=slot.episode,
        facility=facility,
        zone=zone,
        practitioner=practitioner,
        local_day=day,
        is_remote=slot.kind in moments.REMOTE,
        slot=slot,
        habits=habits,
        is_missed=slot.is_missed,
        is_planned=planned,
        before=minutes if is_last else 0,
        is_final=not (moments.may_be_corrected(habits) or moments.may_be_retracted(habits)),
    )


def _habits(life: Life, slot: Slot) -> int:
    return life.population.lanes.habits(slot.lane, slot.period, life.number)
