"""Encounters: when the patient was seen, as what, where and why. They never overlap; what is scheduled keeps office
hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from simulator.ids import Stream
from simulator.population import tables
from simulator.population.chart.conditions import IN_EMERGENCY, IN_HOSPITAL, Episode
from simulator.population.chart.life import Life
from simulator.population.records import Encounter

_DAY = 1440
_YEAR = 365
_OPENS, _LAST_START = 8 * 60, 16 * 60 + 30
_AT_ANY_HOUR = frozenset(("emergency", "observation", "inpatient"))
_REMOTE = frozenset(("telehealth", "telephone"))
_INFANT_DAYS = (4, 30, 61, 122, 183, 274, 365, 456, 548, 730)
_CHRONIC_VISITS = ("followup",) * 9 + ("office",) * 6 + ("telehealth",) * 3 + ("telephone",) * 2
_ACUTE_VISITS = ("symptom",) * 12 + ("urgent_care",) * 5 + ("telehealth",) * 2 + ("emergency",)


@dataclass(slots=True, eq=False)
class Visit:
    """An encounter before it is written down."""

    kind: str
    day: int
    minute: int
    minutes: int
    episode: Episode | None
    facility: int
    practitioner: int
    start: datetime
    end: datetime
    local_day: int  # that the clinic's calendar shows at the start
    is_remote: bool
    ordinal: int = -1


@dataclass(slots=True)
class _Plan:
    kind: str
    day: int
    episode: Episode | None


def visits_of(life: Life, episodes: list[Episode]) -> list[Visit]:
    """The patient's visits in order of time, numbered."""
    if life.until < life.first or life.visits_percent == 0:
        return []
    plans: dict[int, _Plan] = {}
    for plan in (
        *_acute(life, episodes),
        *_clock_change(life),
        *_pregnancies(life, episodes),
        *_infancy(life),
        *_routine(life, episodes),
    ):
        _book(life, plans, plan)
    stream = life.stream("encounters", 5 * len(plans) + 1)
    visits: list[Visit] = []
    for day in sorted(plans):
        visit = _visit(life, plans[day], stream)
        if visit is not None and (not visits or visits[-1].end < visit.start):
            visit.ordinal = len(visits)
            visits.append(visit)
    return visits


def encounters_of(visits: list[Visit]) -> tuple[Encounter, ...]:
    """The records of visits whose reasons are numbered."""
    return tuple(_encounter(visit) for visit in visits)


def _encounter(visit: Visit) -> Encounter:
    row = tables.ENCOUNTERS[visit.kind]
    return Encounter(
        ordinal=visit.ordinal,
        type_key=row.key,
        class_code=row.class_code,
        type=row.type,
        start=visit.start,
        end=visit.end,
        status="finished",
        reason=None if visit.episode is None else visit.episode.ordinal,
        facility=visit.facility,
        practitioner=visit.practitioner,
    )


def _acute(life: Life, episodes: list[Episode]) -> list[_Plan]:
    plans = []
    for episode in episodes:
        if episode.row.kind == "acute" and episode.seen is not None:
            if episode.key in IN_HOSPITAL:
                kind = "surgical" if episode.key == "appendicitis" else "inpatient"
            elif episode.key in IN_EMERGENCY:
                kind = "emergency"
            else:
                kind = _ACUTE_VISITS[(episode.onset * 7 + life.number) % len(_ACUTE_VISITS)]
            plans.append(_Plan(kind, episode.seen, episode))
    return plans


def _clock_change(life: Life) -> list[_Plan]:
    """For one patient in two hundred a stay in hospital on a day on which the clocks change."""
    if not life.population.is_in_on_clock_change(life.number):
        return []
    first, last = date.fromordinal(life.first).year, date.fromordinal(life.until).year
    days = [day for year in range(first, last + 1) for day in clock_changes(year) if life.first <= day <= life.until]
    return [_Plan("observation", days[life.number % len(days)], None)] if days else []


def clock_changes(year: int) -> tuple[int, int]:
    """The days of a year on which clocks change in most of the United States, as ordinals: the second Sunday in March
    and the first in November. Source: 15 U.S.C. 260a."""
    march, november = date(year, 3, 8).toordinal(), date(year, 11, 1).toordinal()
    return march + -march % 7, november + -november % 7


def _pregnancies(life: Life, episodes: list[Episode]) -> list[_Plan]:
    plans: list[_Plan] = []
    for episode in episodes:
        if episode.row.kind == "episode":
            last = life.until if episode.end is None else episode.end - 14
            plans.extend(_Plan("prenatal", day, episode) for day in range(episode.onset + 50, last + 1, 33))
            if episode.end is not None:
                plans.append(_Plan("inpatient", episode.end - 1, episode))
    return plans


def _infancy(life: Life) -> list[_Plan]:
    days = (life.birth + age for age in _INFANT_DAYS)
    return [_Plan("checkup", day, None) for day in days if life.first <= day <= life.until]


def _routine(life: Life, episodes: list[Episode]) -> list[_Plan]:
    """Yearly check-ups, follow-ups of what is chronic, psychiatric and home visits."""
    stream = life.stream("routine", 320)
    plans = []
    for year in range(life.first, life.until + 1, _YEAR):
        age = life.age_days(year) // _YEAR
        chronic = [e for e in episodes if e.row.kind == "chronic" and e.is_active(year + _YEAR // 2)]
        wellness = (90 if age > 65 else 0 if age < 2 else 60) * life.visits_percent // 100
        wanted, day = stream.below(100) < wellness, year + stream.below(_YEAR)
        if wanted:
            plans.append(_Plan("wellness", day, None))
        for turn in range(4):
            wanted, day = stream.below(100) < life.visits_percent, year + stream.below(_YEAR)
            kind, which, once = stream.below(len(_CHRONIC_VISITS)), stream.u64(), stream.below(100) < 40
            if wanted and (turn < min(len(chronic), 6) // 2 or (turn == 3 and once)):
                episode = chronic[which % len(chronic)] if chronic else None
                plans.append(_Plan(_CHRONIC_VISITS[kind] if episode else "office", day, episode))
        mental = [e for e in chronic if "BH" in e.row.sensitivity]
        wanted, day = stream.below(100) < life.visits_percent // 2, year + stream.below(_YEAR)
        if mental and wanted:
            plans.append(_Plan("psych", day, mental[0]))
        wanted, day = stream.below(100) < life.visits_percent // 3, year + stream.below(_YEAR)
        if age >= 82 and wanted:
            plans.append(_Plan("home_visit", day, None))
    return plans


def _book(life: Life, plans: dict[int, _Plan], plan: _Plan) -> None:
    """Puts a plan on its day, or for office visits on the next free weekday; without a free day it is not made."""
    day = plan.day
    for _ in range(5):
        if plan.kind not in _AT_ANY_HOUR and (day - 1) % 7 > 4:  # ordinal 1 was a Monday
            day += 1
            continue
        if day not in plans and day <= life.until and (plan.episode is None or plan.episode.onset <= day):
            plans[day] = _Plan(plan.kind, day, plan.episode)
            return
        day += 1


def _visit(life: Life, plan: _Plan, stream: Stream) -> Visit | None:
    row = tables.ENCOUNTERS[plan.kind]
    draw, elsewhere, who = stream.u64(), stream.below(100), stream.u64()
    minutes = row.minutes[0] + stream.below(row.minutes[1] - row.minutes[0] + 1)
    is_any_hour = plan.kind in _AT_ANY_HOUR
    minute = 180 + draw % (22 * 60) if is_any_hour else _OPENS + draw % ((_LAST_START - _OPENS) // 5) * 5
    facility, practitioner = life.person.facility, life.person.practitioner
    if is_any_hour and elsewhere < 12:  # where the accident happened
        facility = who % len(life.population.facilities)
    if is_any_hour or plan.kind in ("psych", "urgent_care", "surgical"):
        practitioner = life.population.practitioner_at(facility, who >> 16)
    start = life.instant(facility, plan.day, minute)
    end = life.instant(facility, plan.day, minute + minutes)
    if end >= life.limit:
        return None
    return Visit(
        kind=plan.kind,
        day=plan.day,
        minute=minute,
        minutes=minutes,
        episode=plan.episode,
        facility=facility,
        practitioner=practitioner,
        start=start,
        end=end,
        local_day=plan.day + minute // _DAY,
        is_remote=plan.kind in _REMOTE,
    )
