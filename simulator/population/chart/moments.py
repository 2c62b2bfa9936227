"""When something about a visit is written down: at its slot plus one delay out of a finite list.

The list is what makes a feed of events possible without storage: what is written in a window of time was written at
slots that lie one of these delays before it. Which delays a visit can have follows from its lane and a few bits of its
habits, known before anybody looks at the patient. Delays before the slot would be negative.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import NamedTuple

from simulator.population import tables
from simulator.population.lanes import ANY_HOUR, CLOCK_CHANGE, DEATH, OFFICE
from simulator.population.zones import DAY

_GRID = 5
_SHORTEST = 10
_HOSPITAL_DAYS = 5  # on which vital signs are taken daily
_HOUR = 60

REMOTE = frozenset(("telehealth", "telephone"))
IN_HASTE = frozenset(("emergency", "inpatient", "surgical", "observation"))
SCHEDULED = frozenset(
    (
        "office",
        "wellness",
        "followup",
        "checkup",
        "symptom",
        "telehealth",
        "telephone",
        "prenatal",
        "home_visit",
        "psych",
    )
)
"""The kinds that are booked; the others are walked in to, but for those that may be planned."""
MAY_BE_PLANNED = frozenset(("surgical", "observation"))
"""Stays that are booked when they are for something standing: see `troubles`."""
KINDS_OF: dict[int, tuple[str, ...]] = {
    OFFICE: tuple(key for key in tables.ENCOUNTERS if key not in IN_HASTE),
    ANY_HOUR: tuple(sorted(IN_HASTE)),
    CLOCK_CHANGE: ("observation",),
    DEATH: tuple(tables.DEATHS_IN_HOSPITAL),
}

_CHARTED = (7, 8, 10, 7, 8, 10, 7, 8)  # within the shortest visit
_AT_ONCE = (35, 50, 65, 95)  # results in an emergency
_SAME_DAY = (95, 160, 250, 400)
_LATER = (26 * _HOUR, 27 * _HOUR + 30, 50 * _HOUR, 52 * _HOUR)
_CULTURE_FIRST = (25 * _HOUR, 26 * _HOUR + 30)
_CULTURE = (50 * _HOUR + 10, 52 * _HOUR + 10)
_CORRECTED = (3 * DAY + 95, 6 * DAY + 50)
_RETRACTED = (5 * DAY + 20, 14 * DAY + 40)
REPORTED = 6 * _HOUR + 5
"""The delay of what other places report, after a slot of the office that need not be used."""

_EIGHTH = 7  # of the visits: only they have anything to correct, or to retract
_SIGNED = (2 * _HOUR, 26 * _HOUR + 30)  # after the start of what is short
_SIGNED_LATER = 90  # after the end of what is long
_BOOKED = (14 * DAY, 21 * DAY, 42 * DAY, 63 * DAY)  # before the start
BOOKED_DAYS = 63
"""So many days before the start a visit is booked at most."""
_BOOKED_TODAY = _HOUR  # before the start
_CALLED_OFF = (DAY, 5 * DAY)  # before the start


class Moment(NamedTuple):
    """When something was written, and how it hangs on a slot: minutes are of UTC."""

    minute: int
    lane: int
    period: int
    delay: int
    at: datetime


def minutes_of(kind: str, habits: int) -> int:
    """How long a visit of a kind takes: one of eight lengths within the range of the table."""
    low, high = tables.ENCOUNTERS[kind].minutes
    minutes = low + (high - low) * (habits >> 3 & 7) // 7
    return max(_SHORTEST, -(-minutes // _GRID) * _GRID)


def charted(habits: int) -> int:
    """The delay of what is written down while the patient is there."""
    return _CHARTED[habits & 7]


def rounds(kind: str, minutes: int) -> range:
    """The later days of a stay on which vital signs are taken."""
    return range(1, min(_HOSPITAL_DAYS, minutes // DAY) + 1 if kind == "inpatient" else 1)


def resulted(habits: int, pace: str) -> int:
    """The delay of a result by how the test is done: `once same later culture_first culture`."""
    if pace == "once":
        return _AT_ONCE[habits & 3]
    if pace == "same":
        return _SAME_DAY[habits & 3]
    if pace == "later":
        return _LATER[habits & 3]
    return (_CULTURE_FIRST if pace == "culture_first" else _CULTURE)[habits & 1]


def corrected(habits: int) -> int:
    """The delay of a correction."""
    return _CORRECTED[habits >> 1 & 1]


def retracted(habits: int) -> int:
    """The delay after which an item turns out to have been entered in error."""
    return _RETRACTED[habits >> 2 & 1]


def may_be_corrected(habits: int) -> bool:
    """Whether results of a visit may turn out to be wrong: those of one in eight."""
    return habits >> 6 & _EIGHTH == 0


def may_be_retracted(habits: int) -> bool:
    """Whether items of a visit may turn out to be entered in error: those of one in eight."""
    return habits >> 9 & _EIGHTH == 0


def signed(kind: str, habits: int, minutes: int) -> int:
    """The delay of a document's signature, after a visit of that length."""
    return minutes + _SIGNED_LATER if kind in IN_HASTE else _SIGNED[habits >> 1 & 1]


def booked(habits: int) -> int:
    """The (negative) delay of the booking."""
    return -_BOOKED[habits & 3]


def booked_today() -> int:
    """The (negative) delay of booking what cannot wait."""
    return -_BOOKED_TODAY


def called_off(habits: int) -> int:
    """The (negative) delay of calling off what was booked."""
    return -_CALLED_OFF[habits >> 2 & 1]


def bits(habits: int) -> int:
    """What of a visit's habits decides its delays, in eight bits."""
    return habits & 63 | may_be_corrected(habits) << 6 | may_be_retracted(habits) << 7


def delays_of(kind: str, bits: int, is_cultured: bool, is_missed: bool) -> frozenset[int]:
    """Every delay that a visit of a kind and such habits may have, with a culture or without. One that is missed was
    booked and called off, or nobody came. A part of the chart that writes at another moment adds it here."""
    minutes = minutes_of(kind, bits)
    bookings = {booked(bits), booked_today()} if kind in SCHEDULED else set()
    if kind in MAY_BE_PLANNED:
        bookings = {booked(bits)}
    if is_missed:
        return frozenset({minutes, called_off(bits)} | bookings)
    found = {0, charted(bits), minutes, signed(kind, bits, minutes)} | bookings
    found.update(day * DAY + charted(bits) for day in rounds(kind, minutes))
    if bits >> 7:
        found.add(retracted(bits))
    if kind not in REMOTE:
        paces = ("once",) if kind in IN_HASTE else ("same", "later")
        found.update(resulted(bits, pace) for pace in paces)
        if is_cultured:
            found.update(resulted(bits, pace) for pace in ("culture_first", "culture"))
        if bits >> 6 & 1:
            found.add(corrected(bits))
    return frozenset(found)


@cache
def delays_before_death(kind: str, bits: int) -> frozenset[int]:
    """Every delay that a visit of a kind and such habits may have that ends with a death, counted from there: negative
    but for its documents, which are signed and amended later."""
    minutes = minutes_of(kind, bits)
    later = {signed(kind, bits, minutes), *((retracted(bits),) if bits >> 7 else ())}
    found = delays_of(kind, bits, is_cultured=True, is_missed=False)
    return frozenset(delay - minutes for delay in found if delay <= minutes or delay in later)


@cache
def delays(lane: int, bits: int) -> frozenset[int]:
    """Every delay that a visit of a lane and such habits may have; on the lane of deaths that of the death, too."""
    if lane == DEATH:
        return frozenset((0,)).union(*(delays_before_death(kind, bits) for kind in KINDS_OF[DEATH]))
    return frozenset().union(
        *(delays_of(kind, bits, True, is_missed) for kind in KINDS_OF[lane] for is_missed in (False, True))
    )


@cache
def all_delays(lane: int) -> tuple[int, ...]:
    """Every delay of a lane, in order."""
    reported = frozenset((REPORTED,) if lane == OFFICE else ())
    return tuple(sorted(reported.union(*(delays(lane, bits) for bits in range(256)))))
