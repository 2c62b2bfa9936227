"""Procedures: what was done at the encounters, because of what the patient has.

A row is done where its class and kind of encounter, age and sex fit and a condition calls for it: an acute one only at
the encounter that it brought, a standing one at any while it is active. Everything lies within its encounter.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache

from simulator.ids import h64, mix
from simulator.population import tables
from simulator.population.chart.conditions import Episode
from simulator.population.chart.encounters import Visit
from simulator.population.chart.labels import labels_of
from simulator.population.chart.life import Life
from simulator.population.chart.moments import Moment
from simulator.population.records import Procedure
from simulator.population.tables.rows import ProcedureRow
from simulator.population.zones import instant, minute_of, settled

_MILLION = 10**6
_FIRST_MINUTE = {"AMB": 5, "VR": 0, "HH": 5, "EMER": 35, "OBSENC": 45, "IMP": 60}
_BETWEEN = 2  # minutes
_LONG = 1000  # minutes: other things are done meanwhile

_OF_STAYS = frozenset(("IMP", "OBSENC"))
_GOES_ON_DAYS = 7  # what is done as often as this is done in any stay
_PLANNED = frozenset(
    key
    for key, row in tables.PROCEDURES.items()
    if row.every_days > _GOES_ON_DAYS
    and (row.classes <= _OF_STAYS or (row.kinds and row.kinds <= {"surgical", "inpatient"}))
)
"""Nobody gets a new hip while in hospital for something else."""
_ALWAYS = tuple(row for row in tables.PROCEDURES.values() if not row.conditions)
_FOR: dict[str, tuple[ProcedureRow, ...]] = {
    key: tuple(row for row in tables.PROCEDURES.values() if key in row.conditions) for key in tables.CONDITIONS
}


Done = tuple[Moment, str, Procedure]
"""A step of a procedure."""


def procedures_of(life: Life, visits: list[Visit], episodes: list[Episode]) -> Iterator[Done]:
    """What happens to the procedures: they are written down when the encounter ends, after its findings."""
    salts = _salts(life.key)
    standing = [one for one in episodes if not one.is_acute and _FOR[one.key]]
    last: dict[str, int] = {}
    ordinal = 0
    for visit in visits:
        minute = visit.minute + _FIRST_MINUTE[tables.ENCOUNTERS[visit.kind].class_code]
        until = minute_of(visit.end)
        for row, episode in _called_for(visit, standing):
            if not _fits(life, visit, row, salts[row.key]) or visit.local_day < last.get(row.key, 0) + row.every_days:
                continue
            start = settled(minute, visit.zone)
            end = settled(start + row.minutes, visit.zone)
            if end > until or last.get(row.key) == visit.local_day:
                continue  # no time for it, or done for another reason already
            last[row.key] = visit.local_day
            written = max(visit.ends, visit.charted, key=_minute)
            yield written, "created", _procedure(life, visit, row, episode, ordinal, start, end)
            minute = (start if row.minutes >= _LONG else end) + _BETWEEN
            ordinal += 1


def _minute(moment: Moment) -> int:
    return moment.minute


def _called_for(visit: Visit, standing: list[Episode]) -> Iterator[tuple[ProcedureRow, Episode | None]]:
    if visit.kind == "telephone":
        return
    reason, kind = visit.episode, visit.kind
    if reason is not None and reason.is_acute:
        for row in _rows(reason.key, kind):
            yield row, reason
    for episode in standing:
        rows = _rows(episode.key, kind)
        if rows and episode.is_active(visit.local_day):
            is_reason = episode is reason
            for row in rows:
                if is_reason or row.key not in _PLANNED:
                    yield row, episode
    for row in _rows(None, kind):
        yield row, None


@cache
def _rows(condition: str | None, kind: str) -> tuple[ProcedureRow, ...]:
    """The rows that a condition, or none, calls for at a visit of a kind."""
    rows = _ALWAYS if condition is None else _FOR[condition]
    klass = tables.ENCOUNTERS[kind].class_code
    return tuple(row for row in rows if klass in row.classes and (not row.kinds or kind in row.kinds))


def _fits(life: Life, visit: Visit, row: ProcedureRow, salt: int) -> bool:
    if row.sex not in ("B", life.sex) or life.age_days(visit.local_day) < row.min_age * 365 + row.min_age // 4:
        return False
    return mix(life.number << 20 ^ visit.local_day, salt) % _MILLION < row.per_million


def _procedure(
    life: Life, visit: Visit, row: ProcedureRow, episode: Episode | None, ordinal: int, start: int, end: int
) -> Procedure:
    return Procedure(
        ordinal=ordinal,
        key=row.key,
        codes=(row.code,),
        text=row.code.display,
        status="completed",
        start=instant(start),
        end=instant(end),
        reason=None if episode is None else episode.ordinal,
        encounter=visit.ordinal,
        facility=visit.facility,
        practitioner=visit.practitioner,
        sensitivity=labels_of(life, visit.local_day, visit.facility, row.sensitivity, episode, visit.kind),
    )


@lru_cache(maxsize=16)
def _salts(key: bytes) -> dict[str, int]:
    return {row: h64(key, "procedure", row) for row in tables.PROCEDURES}
