"""Days and instants: compared at the coarser of both precisions, errors told by what they look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from simulator.population.judging.expectation import Expectation, Mismatch, Severity, Verdict
from simulator.population.judging.quantities import are_transposed

_HOUR = timedelta(hours=1)


def moment(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    if not isinstance(got, dict) or not isinstance(got.get("value"), str):
        yield Mismatch(field, "wrong", "major", want, got, "not {value, precision}")
        return
    told, held = _parsed(want["value"]), _parsed(got["value"])
    if told is None or held is None:
        yield Mismatch(field, "wrong", "major", want, got, "not a time, or a time without offset")
    elif isinstance(told, datetime):
        yield from _instant(e, field, want, got, told, held)
    else:
        yield from _day(e, field, want, got, told, held)


def _instant(
    e: Expectation, field: str, want: Any, got: Any, told: datetime, held: datetime | str
) -> Iterator[Mismatch]:
    if isinstance(held, str):
        local = told.astimezone(ZoneInfo(_zone(e, field))).date().isoformat()
        if held in (local[: len(held)], told.date().isoformat()[: len(held)]):
            yield Mismatch(field, "lost-precision", "major", want, got, "the time of day is lost")
        else:
            yield Mismatch(field, "wrong", "major", want, got, "another day")
        return
    step = timedelta(seconds=1 if want["precision"] in ("second", "millisecond") else 60)
    if "minute" in (want["precision"], got.get("precision")):
        step = timedelta(minutes=1)
    off = held - told
    if abs(off) < step:
        return
    offset = told.astimezone(ZoneInfo(_zone(e, field))).utcoffset() or timedelta(0)
    if offset and abs(off) in (abs(offset), abs(offset) + _HOUR, abs(offset) - _HOUR):
        hint = f"off by the offset of {_zone(e, field)}: local time taken for UTC, or the reverse"
        yield Mismatch(field, "zone-error", "major", want, got, hint)
    elif abs(off) == _HOUR:
        yield Mismatch(field, "zone-error", "major", want, got, "off by one hour: daylight saving time")
    elif abs(off) == timedelta(days=1):
        yield Mismatch(field, "date-shift", "major", want, got, "off by one day")
    elif held.minute == told.minute and abs(off) <= timedelta(hours=14) and not off % timedelta(minutes=15):
        yield Mismatch(field, "zone-error", "major", want, got, "off by whole hours: the offset of another zone")
    else:
        yield Mismatch(field, "wrong", "major", want, got, "another time")


def _day(e: Expectation, field: str, want: Any, got: Any, told: str, held: datetime | str) -> Iterator[Mismatch]:
    if isinstance(held, datetime):
        yield from _instant_for_a_day(e, field, want, got, told, held)
        return
    if held == told:
        if got.get("precision") not in (None, want["precision"]):
            yield Mismatch(field, "wrong", "minor", want, got, "the value has another precision than it says")
    elif len(held) > len(told) and held.startswith(told):
        yield Mismatch(field, "invented-precision", "critical", want, got, "more digits than the vendor tells")
    elif len(held) < len(told) and told.startswith(held):
        yield Mismatch(field, "lost-precision", "major", want, got, "")
    else:
        verdict, hint = _day_error(told, held)
        severity: Severity = "critical" if field == "birthDate" else "major"
        yield Mismatch(field, verdict, severity, want, got, hint)


def _instant_for_a_day(
    e: Expectation, field: str, want: Any, got: Any, told: str, held: datetime
) -> Iterator[Mismatch]:
    zone = ZoneInfo(_zone(e, field))
    days = {held.date().isoformat(), held.astimezone(zone).date().isoformat()}
    if any(day.startswith(told) for day in days):
        yield Mismatch(field, "invented-precision", "critical", want, got, "a time of day where only a day is told")
    else:
        yield Mismatch(field, "wrong", "major", want, got, "another day, and a time of day that nobody told")


def _zone(e: Expectation, field: str) -> str:
    loss = e.lost(field, "zone_dropped")
    return loss.detail if loss is not None and loss.detail else e.zone


def _parsed(text: str) -> datetime | str | None:
    """An aware datetime in UTC, a partial or whole date as text, or None."""
    if re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", text):
        return text
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if at.tzinfo is None else at.astimezone(UTC)


def _day_error(told: str, held: str) -> tuple[Verdict, str]:
    if len(told) == 10 and len(held) == 10:
        try:
            off = date.fromisoformat(held) - date.fromisoformat(told)
        except ValueError:
            return "wrong", "not a date"
        if abs(off.days) == 1:
            return "date-shift", "off by one day: a date went through a time zone"
        if held == f"{told[:4]}-{told[8:]}-{told[5:7]}":
            return "transposed", "day and month are exchanged"
        if off.days % 36524 == 0 or off.days % 36525 == 0:
            return "wrong", "another century"
    if are_transposed(told, held):
        return "transposed", "the same digits in another order"
    return "wrong", "another day"
