"""Where stays come from, and where stays and emergencies end.

A stay that came through the emergency room is one encounter, as in the charts of hospitals: its source says so. Both
follow from bits of the visit's habits, so they cost next to nothing and move nothing else. Who dies in hospital follows
from the death: see `last_stays`.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.population import tables
from simulator.population.chart.conditions import Episode, band_of
from simulator.population.chart.troubles import is_planned
from simulator.population.tables.rows import HospitalRow

DIED = "died"
"""The row of dispositions.csv with which a last stay ends."""

_OLD = 3  # the last age band
_BY_AGE = ("stay_0", "stay_18", "stay_45", "stay_65")
_STAYS = frozenset(("inpatient", "surgical", "observation"))
_SOURCE_BITS, _DISPOSITION_BITS = 48, 56  # eight bits each from there


def admit_source(kind: str, episode: Episode | None, age_days: int, habits: int) -> str | None:
    """Whence somebody of that age is admitted to a visit of a kind for a condition, as a row of admit_sources.csv; None
    but for stays."""
    if kind not in _STAYS:
        return None
    return _drawn(_SOURCES[_way_in(kind, episode, band_of(age_days))], habits >> _SOURCE_BITS)


def disposition(kind: str, episode: Episode | None, age_days: int, habits: int) -> str | None:
    """Where they go when a stay or an emergency is over, as a row of dispositions.csv; None of other visits."""
    if kind == "emergency" or kind == "observation":
        return _drawn(_DISPOSITIONS[kind], habits >> _DISPOSITION_BITS)
    if kind not in _STAYS:
        return None
    band = band_of(age_days)
    way = _way_in(kind, episode, band)
    if way.startswith("unplanned"):
        way = _BY_AGE[band]
    elif way == "planned" and band == _OLD:
        way = "planned_65"
    return _drawn(_DISPOSITIONS[way], habits >> _DISPOSITION_BITS)


def _way_in(kind: str, episode: Episode | None, band: int) -> str:
    """The column of admit_sources.csv."""
    if is_planned(kind, episode):
        return "planned"
    if episode is not None and episode.row.kind == "episode":
        return "delivery"
    return "unplanned_65" if band == _OLD else "unplanned"


def _drawn(column: tuple[str, ...], bits: int) -> str:
    return column[(bits & 255) * len(column) >> 8]


def _columns(rows: Mapping[str, HospitalRow]) -> dict[str, tuple[str, ...]]:
    """The keys of the rows by column, each as often as its share of a hundred."""
    names = next(iter(rows.values())).percent
    return {name: tuple(row.key for row in rows.values() for _ in range(row.percent[name])) for name in names}


_SOURCES, _DISPOSITIONS = _columns(tables.ADMIT_SOURCES), _columns(tables.DISPOSITIONS)
