"""What every part of a chart starts from: whose life it is, which days are on record, which clock hangs in the clinic.

Days are proleptic ordinals (`date.toordinal`) inside the chart package. The record covers the last ten years and ends
before the day `as_of` begins anywhere in the United States, or with the patient's death.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from simulator.ids import Stream, h64
from simulator.population import tables
from simulator.population.people import Population
from simulator.population.records import Person

YEARS_OF_HISTORY = 10
_DAY = 1440


@dataclass(slots=True)
class Life:
    """One patient as the chart's parts see them."""

    population: Population
    person: Person
    number: int
    sex: str
    birth: int
    first: int  # first day on record
    until: int  # last day on which something may begin; before `first` for the newest born
    limit: datetime  # no instant is at or after it
    salts: dict[str, int]
    visits_percent: int  # how readily the patient goes to see somebody: 0 never

    @property
    def key(self) -> bytes:
        return self.population.key

    def stream(self, domain: str, words: int) -> Stream:
        """The patient's own stream of chance for `domain`."""
        return Stream(self.key, self.number, domain, words)

    def age_days(self, day: int) -> int:
        """How old the patient is on `day`."""
        return day - self.birth

    def instant(self, facility: int, day: int, minute: int) -> datetime:
        """The instant at which a clock in `facility` shows `minute` of `day`, moved out of the two hours of the night
        which a change of clocks skips or repeats: so local time always tells the instant."""
        days, minute = divmod(minute, _DAY)
        if 60 <= minute < 180:
            minute += 120
        local = datetime.fromordinal(day + days) + timedelta(minutes=minute)
        return local.replace(tzinfo=_zone(self.population.facilities[facility].zone)).astimezone(UTC)


def life_of(population: Population, number: int) -> Life:
    """The life of patient `number`.

    Raises:
        IndexError: there is no patient of that number.
    """
    person = population.person(number)
    birth = person.birth_date.toordinal()
    limit = datetime.combine(population.as_of, time(), UTC)
    if person.deceased is not None:
        limit = min(limit, person.deceased)
    until = limit.date().toordinal() - 2
    habit = Stream(population.key, number, "habits", 1).below(100)
    return Life(
        population=population,
        person=person,
        number=number,
        sex=person.sex,
        birth=birth,
        first=max(birth, until - YEARS_OF_HISTORY * 365 - 2),
        until=until,
        limit=limit,
        salts=_salts(population.key),
        visits_percent=0 if habit < 3 else 30 if habit < 18 else 100,
    )


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=16)
def _salts(key: bytes) -> dict[str, int]:
    """A key for every row that draws by itself, of one population."""
    rows = (*tables.CONDITIONS, *tables.LABS, *tables.IMMUNIZATIONS)
    return {row: h64(key, "row", row) for row in rows}
