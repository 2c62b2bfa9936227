"""Conditions: what the patient has or had, one draw a row of the table, in the table's order.

A chronic row is drawn by odds: the base odds of age and sex, times the links to conditions drawn earlier, divided by
what the links are expected to multiply, so that the prevalence of the table is kept. An acute row is a number of
episodes in the years on record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from math import comb

from simulator.ids import Stream, mix
from simulator.population import tables
from simulator.population.chart.life import Life
from simulator.population.records import Condition
from simulator.population.tables.rows import ConditionRow

_ODDS = 10**9
_MILLION = 10**6
_YEAR = 365
_GAP_DAYS = 21  # between two episodes of the same condition
_REMITTING = frozenset(
    ["asthma", "eczema", "migraine", "gout", "gerd", "mdd", "gad", "allergic_rhinitis", "iron_def_anemia", "clbp"]
)
_REMISSION_PER_MILLION = 80_000
IN_HOSPITAL = frozenset(["sepsis", "pe", "hip_fx", "appendicitis"])
IN_EMERGENCY = frozenset(["forearm_fx", "laceration_hand", "concussion", "suicidal_ideation", "dvt"])


@dataclass(slots=True, eq=False)
class Episode:
    """A condition before it is written down. Acute ones have the day on which the patient is seen."""

    key: str
    row: ConditionRow
    onset: int
    end: int | None  # last day, when it is over
    seen: int | None = None
    ordinal: int = -1
    encounter: int | None = None
    recorded: datetime | None = None
    practitioner: int = -1

    @property
    def is_acute(self) -> bool:
        return self.row.kind in ("acute", "episode")

    def is_active(self, day: int) -> bool:
        return self.onset <= day and (self.end is None or day <= self.end)


def episodes_of(life: Life) -> list[Episode]:
    """What the patient has had, not yet numbered."""
    if life.until < life.birth:
        return []
    stream = life.stream("conditions", len(tables.CONDITIONS))
    band = _band(life.age_days(life.until))
    found: list[Episode] = []
    chronic: dict[str, Episode] = {}
    for key, row in tables.CONDITIONS.items():
        draw = stream.u64()  # one a row, whatever becomes of it: a new rule moves nothing else
        if row.kind in ("acute", "episode"):
            found.extend(_acute(life, row, band, draw, chronic))
            continue
        episode = _chronic(life, row, band, draw, chronic)
        if episode is not None:
            chronic[key] = episode
            found.append(episode)
    return found


def conditions_of(life: Life, episodes: list[Episode]) -> tuple[Condition, ...]:
    """The records of numbered episodes."""
    return tuple(_condition(life, episode) for episode in episodes)


def _condition(life: Life, episode: Episode) -> Condition:
    row = episode.row
    assert episode.recorded is not None
    over = "resolved" if episode.is_acute else "inactive"
    return Condition(
        ordinal=episode.ordinal,
        key=row.key,
        codes=(row.snomed, row.icd10cm),
        text=row.icd10cm.display,
        clinical_status="active" if episode.end is None else over,
        verification="confirmed",
        category="encounter-diagnosis" if row.kind == "acute" else "problem-list-item",
        onset=date.fromordinal(episode.onset),
        abatement=None if episode.end is None else date.fromordinal(episode.end),
        recorded=episode.recorded,
        encounter=episode.encounter,
        practitioner=episode.practitioner,
        sensitivity=row.sensitivity,
    )


def _band(age_days: int) -> int:
    return (age_days >= 18 * 365) + (age_days >= 45 * 365) + (age_days >= 65 * 365)


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


def _chronic(life: Life, row: ConditionRow, band: int, draw: int, have: dict[str, Episode]) -> Episode | None:
    odds = _base_odds(row.key, band, life.sex)
    earliest = life.birth + row.onset[0] * _YEAR + row.onset[0] // 4
    if odds == 0 or earliest > life.until or any(key in have for key in row.excludes):
        return None
    if not all(key in have for key in row.requires):
        return None
    for key, percent in row.links:
        if key in have:
            odds = odds * percent // 100
    threshold = (odds << 64) // (_ODDS + odds)
    if draw >= threshold:
        return None
    salt = mix(life.number, life.salts[row.key])
    if row.days[1]:  # a passing state, on now
        onset = life.until - salt % row.days[1]
    else:  # more often of late: the square of a uniform draw
        latest = min(life.until, life.birth + row.onset[1] * _YEAR)
        uniform = (draw << 16) // threshold
        back = (max(latest, earliest + 1) - earliest) * uniform * uniform * 9 // (10 << 32)
        onset = max(latest, earliest) - back
    onset = min(life.until, max(onset, earliest, *(have[key].onset for key in row.requires), life.birth))
    return Episode(row.key, row, onset, _remission(row, onset, life.until, salt))


def _remission(row: ConditionRow, onset: int, until: int, salt: int) -> int | None:
    since = until - onset
    if row.key not in _REMITTING or since < 2 * _YEAR or salt % _MILLION >= _REMISSION_PER_MILLION:
        return None
    return onset + _YEAR + (salt >> 24) % (since - _YEAR)


def _acute(life: Life, row: ConditionRow, band: int, draw: int, have: dict[str, Episode]) -> list[Episode]:
    rate = _base_odds(row.key, band, life.sex)
    if rate == 0 or life.visits_percent == 0:
        return []
    low = max(life.first, life.birth + row.onset[0] * _YEAR + row.onset[0] // 4)
    high = min(life.until, life.birth + (row.onset[1] + 1) * _YEAR)
    if high < low:
        return []
    for key, percent in row.links:
        if key in have:
            rate = rate * percent // 100
    count = _binomial(draw, (high - low) // _YEAR + 1, min(rate, 900_000))
    if count == 0:
        return []
    days = Stream(life.key, life.number, row.key, 2 * count)
    episodes: list[Episode] = []
    for onset in sorted(low + days.below(high - low + 1) for _ in range(count)):
        end = onset + row.days[0] + days.below(row.days[1] - row.days[0] + 1)
        if episodes and onset <= (episodes[-1].end or life.until) + _GAP_DAYS:
            continue
        wait = 0 if row.key in IN_HOSPITAL | IN_EMERGENCY else (onset + end) % 3
        seen = min(life.until, onset + wait)
        episodes.append(Episode(row.key, row, onset, end if end <= life.until else None, seen))
    return episodes


def _binomial(draw: int, n: int, per_million: int) -> int:
    """How many of n years have an episode, for a 64-bit draw: the inverse of the distribution in exact integers."""
    if per_million <= 0:
        return 0
    whole, rest = _MILLION**n, _MILLION - per_million
    reached = 0
    for k in range(n):
        reached += comb(n, k) * per_million**k * rest ** (n - k)
        if draw * whole < reached << 64:
            return k
    return n
