"""What every part of a chart starts from: whose life it is, which days are on record, which clock hangs in the clinic.

Days are proleptic ordinals (`date.toordinal`) inside the chart package, minutes as in `zones`. The record begins ten
years before `as_of`, or with birth, and goes on to the horizon or to the patient's death.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from simulator.ids import Stream, h64
from simulator.population import tables
from simulator.population.cast import Wishes
from simulator.population.lanes import HISTORY_DAYS
from simulator.population.people import Population
from simulator.population.records import Person
from simulator.population.zones import DAY, instant, minute_of, offset

_AHEAD_DAYS = {"M": 110, "F": 320}
"""How long after a moment a visit decides what happened by then: it is booked up to 63 days before, an appointment is
put off to it for up to 70 days, a dose waits 45 days for it; and a pregnancy is known from its end."""


@dataclass(slots=True)
class Life:
    """One patient as the chart's parts see them.

    person   as they are in the end: `deceased` is told even if it lies ahead
    first    first day on record
    today    the day for which conditions that last are drawn: two days before `as_of`, or before death if that is
             earlier; before `first` for the newest born
    last     the last day on record: of the horizon, or of death
    until    the last day on which visits are looked for: `last`, or when only what happens by a moment is asked for, as
             far behind it as a visit may still decide what happens before
    limit    the minute of death or the horizon: what happens, happens before it
    visits_percent   how readily the patient goes to see somebody: 0 never
    wishes   what the chart is to hold, if it is that of one of the cast
    """

    population: Population
    person: Person
    number: int
    sex: str
    birth: int
    first: int
    today: int
    last: int
    until: int
    limit: int
    zone: str  # of the home clinic
    salts: dict[str, int]
    visits_percent: int
    wishes: Wishes | None

    @property
    def key(self) -> bytes:
        return self.population.key

    @property
    def registered(self) -> datetime:
        """When the patient was registered: in the morning of the first day on record."""
        return _registered(self.first, self.zone)

    def stream(self, domain: str, words: int) -> Stream:
        """The patient's own stream of chance for `domain`."""
        return Stream(self.key, self.number, domain, words)

    def age_days(self, day: int) -> int:
        """How old the patient is on `day`."""
        return day - self.birth

    def zone_of(self, facility: int) -> str:
        """The time zone of a facility."""
        return self.population.facilities[facility].zone


def life_of(population: Population, number: int, by: datetime | None = None) -> Life:
    """The life of patient `number`, to be told up to a moment, or to its end.

    Raises:
        IndexError: there is no patient of that number.
    """
    person = population.person(number, population.horizon)
    wishes = population.cast.wishes(number)
    birth = person.birth_date.toordinal()
    ends = person.deceased or population.horizon
    as_of = population.as_of.toordinal()
    last = ends.toordinal()
    today = min(as_of, last) - 2
    return Life(
        population=population,
        person=person,
        number=number,
        sex=person.sex,
        birth=birth,
        first=max(birth, as_of - HISTORY_DAYS),
        today=today,
        last=last,
        until=last if by is None else min(last, max(by.toordinal(), today) + _AHEAD_DAYS[person.sex]),
        limit=minute_of(ends),
        zone=population.facilities[person.facility].zone,
        salts=_salts(population.key),
        visits_percent=_visits_percent(population.key, number, wishes),
        wishes=wishes,
    )


def registered(population: Population, number: int) -> datetime:
    """When patient `number` was registered: in the morning of the first day on record.

    Raises:
        IndexError: there is no patient of that number.
    """
    birth = population.core(number)[3].toordinal()
    return _registered(max(birth, population.as_of.toordinal() - HISTORY_DAYS), population.zone(number))


def _registered(day: int, zone: str) -> datetime:
    return instant(day * DAY + 600 - offset(zone, day))


def _visits_percent(key: bytes, number: int, wishes: Wishes | None) -> int:
    """How readily a patient goes to see somebody: 0 never, 100 whenever it is due, 200 for long series of results."""
    if wishes is not None:
        return 0 if "never_seen" in wishes.flags else 200 if wishes.conditions else 100
    habit = Stream(key, number, "habits", 1).below(100)
    return 0 if habit < 3 else 30 if habit < 18 else 100


@lru_cache(maxsize=16)
def _salts(key: bytes) -> dict[str, int]:
    """A key for every row that draws by itself, for check-ups, and for what moves measurements, of one population."""
    rows = (*tables.CONDITIONS, *tables.LABS, *tables.IMMUNIZATIONS, "wellness", "daily")
    return {row: h64(key, "row", row) for row in rows}
