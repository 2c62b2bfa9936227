"""Conditions: what the patient has or had.

A chronic row of the table is drawn by odds as of today: the base odds of age and sex, times the links to conditions
drawn earlier, divided by what the links are expected to multiply, so that the prevalence of the table is kept. What
somebody gets in the years ahead is drawn apart, so that the past never moves. Acute rows have rates; their episodes
hang on the visits to which they lead (see `slots`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from simulator.ids import mix
from simulator.population import tables
from simulator.population.chart.life import Life
from simulator.population.lanes import AHEAD_DAYS
from simulator.population.records import Condition
from simulator.population.tables.rows import ConditionRow

_ODDS = 10**9
_MILLION = 10**6
_YEAR = 365
_FEWEST_YEARS = 5  # over which what begins is spread
_REMITTING = frozenset(
    ["asthma", "eczema", "migraine", "gout", "gerd", "mdd", "gad", "allergic_rhinitis", "iron_def_anemia", "clbp"]
)
_REMISSION_PER_MILLION = 80_000


@dataclass(slots=True, eq=False)
class Episode:
    """A condition before it is written down. `visit` is the place among the visits of the one that wrote it down."""

    key: str
    row: ConditionRow
    onset: int
    end: int | None  # last day, when it is over
    visit: int | None = None
    ordinal: int = -1

    @property
    def is_acute(self) -> bool:
        return self.row.kind in ("acute", "episode")

    def is_active(self, day: int) -> bool:
        return self.onset <= day and (self.end is None or day <= self.end)


def chronic_of(life: Life) -> list[Episode]:
    """What the patient has for long, up to the horizon, in the table's order."""
    if life.today < life.birth:
        return []
    if life.wishes is not None:
        return _wished(life, life.wishes.conditions)
    stream = life.stream("conditions", len(tables.CONDITIONS))
    lasting = _lasting(band_of(life.age_days(life.today)), life.sex)
    chronic: dict[str, Episode] = {}
    for place, row, odds in lasting:
        # One draw a row of the table, whatever becomes of it: a new rule moves nothing else.
        episode = _chronic(life, row, odds, stream.word(place), chronic)
        if episode is not None:
            chronic[row.key] = episode
    for episode in _incident(life, lasting, chronic):
        chronic[episode.key] = episode
    return list(chronic.values())


def _wished(life: Life, years: Mapping[str, int]) -> list[Episode]:
    """What one of the cast has, in the table's order: each began so many years ago, on some day of that year."""
    found = []
    for row in tables.CONDITIONS.values():
        if row.key in years:
            onset = life.today - years[row.key] * _YEAR - mix(life.number, life.salts[row.key]) % 180
            found.append(Episode(row.key, row, max(onset, life.birth), None))
    return found


def condition_of(life: Life, episode: Episode, day: int, recorded: Recorded) -> Condition:
    """The record of a numbered episode as it is told on `day`: over, if it was over by then."""
    row = episode.row
    end = episode.end if episode.end is not None and episode.end <= day else None
    over = "resolved" if episode.is_acute else "inactive"
    return Condition(
        ordinal=episode.ordinal,
        key=row.key,
        codes=(row.snomed, row.icd10cm),
        text=row.icd10cm.display,
        clinical_status="active" if end is None else over,
        verification="confirmed",
        category="encounter-diagnosis" if row.kind == "acute" else "problem-list-item",
        onset=date.fromordinal(episode.onset),
        abatement=None if end is None else date.fromordinal(end),
        recorded=recorded.at,
        encounter=recorded.encounter,
        practitioner=recorded.practitioner,
        sensitivity=recorded.labels,
    )


class Recorded(NamedTuple):
    """Who wrote something down, when, at which encounter, and what of it is sensitive."""

    at: datetime
    encounter: int | None
    practitioner: int
    labels: tuple[str, ...]


def band_of(age_days: int) -> int:
    """The age band of the tables."""
    return (age_days >= 18 * 365) + (age_days >= 45 * 365) + (age_days >= 65 * 365)


@cache
def acute_rates(band: int, sex: str) -> tuple[tuple[ConditionRow, int], ...]:
    """The acute rows and pregnancy with the episodes per million years that they have before links, where any."""
    rows = (row for row in tables.CONDITIONS.values() if row.kind in ("acute", "episode"))
    rates = ((row, _base_odds(row.key, band, sex)) for row in rows)
    return tuple((row, rate) for row, rate in rates if rate)


def linked_rates(band: int, sex: str, have: Collection[str]) -> Iterator[tuple[ConditionRow, int]]:
    """The same with the links to what somebody has."""
    for row, rate in acute_rates(band, sex):
        for key, percent in row.links:
            if key in have:
                rate = rate * percent // 100
        yield row, rate


def _share(row: ConditionRow, band: int, sex: str) -> int:
    """Per million of people of that age and sex, before links."""
    if row.sex not in ("B", sex):
        return 0
    return min(950_000, row.per_million[band] * (row.female_percent if sex == "F" else 100) // 100)


@cache
def _base_odds(key: str, band: int, sex: str) -> int:
    """Odds times 10**9, links taken out. For an acute row: episodes per million years."""
    row = tables.CONDITIONS[key]
    share = Fraction(_share(row, band, sex), _MILLION)
    expected = Fraction(1)
    for other, percent in row.links:
        linked = tables.CONDITIONS[other]
        prevalence = Fraction(1, 10) if linked.requires else Fraction(_share(linked, band, sex), _MILLION)
        if linked.kind in ("acute", "episode"):
            prevalence = Fraction(0)  # an earlier episode is no standing condition
        expected *= 1 + min(prevalence, Fraction(9, 10)) * (Fraction(percent, 100) - 1)
    if row.kind in ("acute", "episode"):
        return int(share * _MILLION / expected)
    return int(share / (1 - share) * _ODDS / expected)


@cache
def most_odds(key: str, band: int, sex: str) -> int:
    """Odds times 10**9 of somebody who has everything that raises them, and nothing that lowers them."""
    odds = _base_odds(key, band, sex)
    for _, percent in tables.CONDITIONS[key].links:
        odds = odds * max(percent, 100) // 100
    return odds


def thresholds(odds: int) -> tuple[int, int]:
    """At these odds, below which draw a row that lasts is had; and below which one, at most, it begins in the years
    ahead."""
    share = (odds << 64) // (_ODDS + odds)
    return share, share * AHEAD_DAYS // (_FEWEST_YEARS * _YEAR)


class _Lasting(NamedTuple):
    """A row of what lasts: its place in the table, and the odds of an age band and sex, which are never 0."""

    place: int
    row: ConditionRow
    odds: int


@cache
def _lasting(band: int, sex: str) -> tuple[_Lasting, ...]:
    rows = (
        (place, row) for place, row in enumerate(tables.CONDITIONS.values()) if row.kind not in ("acute", "episode")
    )
    found = (_Lasting(place, row, _base_odds(row.key, band, sex)) for place, row in rows)
    return tuple(one for one in found if one.odds)


def _may_join(row: ConditionRow, have: Mapping[str, Episode]) -> bool:
    """Whether what somebody has allows them to have a row, too."""
    return have.keys().isdisjoint(row.excludes) and all(key in have for key in row.requires)


def _chronic(life: Life, row: ConditionRow, odds: int, draw: int, have: dict[str, Episode]) -> Episode | None:
    earliest = life.birth + row.onset[0] * _YEAR + row.onset[0] // 4
    if earliest > life.today or not _may_join(row, have):
        return None
    for key, percent in row.links:
        if key in have:
            odds = odds * percent // 100
    threshold = (odds << 64) // (_ODDS + odds)
    if draw >= threshold:
        return None
    salt = mix(life.number, life.salts[row.key])
    if row.days[1]:  # a passing state, on now
        onset = life.today - salt % row.days[1]
    else:  # more often of late: the square of a uniform draw
        latest = min(life.today, life.birth + row.onset[1] * _YEAR)
        uniform = (draw << 16) // threshold
        back = (max(latest, earliest + 1) - earliest) * uniform * uniform * 9 // (10 << 32)
        onset = max(latest, earliest) - back
    onset = min(life.today, max(onset, earliest, *(have[key].onset for key in row.requires), life.birth))
    return Episode(row.key, row, onset, _remission(row, onset, life.today, salt))


def _remission(row: ConditionRow, onset: int, until: int, salt: int) -> int | None:
    since = until - onset
    if row.key not in _REMITTING or since < 2 * _YEAR or salt % _MILLION >= _REMISSION_PER_MILLION:
        return None
    return onset + _YEAR + (salt >> 24) % (since - _YEAR)


def _incident(life: Life, lasting: tuple[_Lasting, ...], have: dict[str, Episode]) -> list[Episode]:
    """What begins in the years ahead: as many new ones a year as would make the prevalence of the table in the years in
    which the condition may begin (a guess that is never far off)."""
    found: list[Episode] = []
    stream = life.stream("incident", len(tables.CONDITIONS))
    age = life.age_days(life.today) // _YEAR
    for place, row, odds in lasting:
        draw = stream.word(place)
        in_age = row.onset[0] <= age <= row.onset[1]
        if row.key in have or row.days[1] or not in_age or not _may_join(row, have):
            continue
        for key, percent in row.links:
            if key in have:
                odds = odds * percent // 100
        share = (odds << 64) // (_ODDS + odds)
        years = max(_FEWEST_YEARS, min(age, row.onset[1]) - row.onset[0])
        threshold = share * AHEAD_DAYS // (years * _YEAR)
        if draw < threshold:
            onset = life.today + 1 + draw * AHEAD_DAYS // threshold
            if onset < life.last:
                found.append(Episode(row.key, row, onset, None))
    return found
