"""Time as whole minutes: what a clock in a zone shows, and which of its hours do not tell the instant.

A minute is an integer: proleptic ordinal of the day times 1440, plus the minute of that day, in UTC or on a local
clock. So a day is `minute // 1440`, and everything that decides membership is exact.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = 1440
_TIMES = [time(*divmod(minute, 60), tzinfo=UTC) for minute in range(DAY)]
_combine = datetime.combine


class _Dates(dict[int, date]):
    """Dates by their ordinals. Those asked for first are kept: the days on record, of all patients the same."""

    def __missing__(self, day: int) -> date:
        made = date.fromordinal(day)
        if len(self) < _DATES_KEPT:
            self[day] = made
        return made


_DATES_KEPT = 8_192
_DATES = _Dates()
_REPEATED = 120  # minutes by which an instant is put off when its local hour comes twice


def instant(minute: int) -> datetime:
    """The instant of a UTC minute."""
    return _combine(_DATES[minute // DAY], _TIMES[minute % DAY])


def minute_of(at: datetime) -> int:
    """The UTC minute in which an instant lies."""
    return at.toordinal() * DAY + at.hour * 60 + at.minute if at.tzinfo is UTC else minute_of(at.astimezone(UTC))


@lru_cache(maxsize=64)
def zone_info(name: str) -> ZoneInfo:
    """The zone of that IANA name."""
    return ZoneInfo(name)


@lru_cache(maxsize=65_536)
def offset(zone: str, day: int) -> int:
    """Minutes east of UTC at noon of a day in `zone`; office hours have no other."""
    noon = datetime.fromordinal(day).replace(hour=12, tzinfo=zone_info(zone))
    told = noon.utcoffset()
    assert told is not None
    return int(told.total_seconds()) // 60


def local_minute(minute: int, zone: str) -> int:
    """What a clock in `zone` shows at a UTC minute."""
    day = minute // DAY
    here, before = offset(zone, day), offset(zone, day - 1)
    if here == before:
        return minute + here
    at = instant(minute).astimezone(zone_info(zone))
    return at.toordinal() * DAY + at.hour * 60 + at.minute


def settled(minute: int, zone: str) -> int:
    """A UTC minute, put off by two hours when the local clock shows its hour twice: local time always tells the
    instant of what happens."""
    return minute + _REPEATED if is_repeated(minute, zone) else minute


def is_repeated(minute: int, zone: str) -> bool:
    """Whether the local clock shows this minute twice that night. West of Greenwich that is after midnight of UTC on
    the same day, anywhere in the United States."""
    day = minute // DAY
    if day not in _AUTUMN or offset(zone, day) == offset(zone, day - 1):
        return False
    at = instant(minute).astimezone(zone_info(zone))
    return at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()


def clock_changes(year: int) -> tuple[int, int]:
    """The days of a year on which clocks change in most of the United States, as ordinals: the second Sunday in March
    and the first in November. Source: 15 U.S.C. 260a."""
    march, november = date(year, 3, 8).toordinal(), date(year, 11, 1).toordinal()
    return march + -march % 7, november + -november % 7


def put_off_between(first: int, until: int) -> bool:
    """Whether something that happens in the minutes [first, until) may have been put off by `settled` anywhere in the
    United States: then its slot lies up to two hours earlier."""
    place = bisect_left(_AUTUMN_DAYS, first // DAY)
    return place < len(_AUTUMN_DAYS) and _AUTUMN_DAYS[place] * DAY < until


_AUTUMN_DAYS = [clock_changes(year)[1] for year in range(1900, 2200)]
_AUTUMN = frozenset(_AUTUMN_DAYS)
