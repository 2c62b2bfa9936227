"""Search parameters: how FHIR spells them and what a value means. What a vendor supports or requires is its room's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from simulator.refusal import Refusal

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?")
_MICROSECOND = timedelta(microseconds=1)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter as it came. A repeated parameter is several of these, and all must match.

    `values` are the alternatives (comma), escapes resolved; `raw` the same with escapes, for `token`. `modifier` is
    what follows the first colon: `exact`, `missing`, `Patient`, or a chain such as `Patient.name`; a chain without a
    type stays in `name` (`patient.identifier`).
    """

    name: str
    modifier: str
    values: tuple[str, ...]
    raw: tuple[str, ...]

    @property
    def value(self) -> str:
        """The first alternative."""
        return self.values[0]

    @property
    def tokens(self) -> list[tuple[str | None, str]]:
        """The alternatives as tokens, see `token`."""
        return [token(one) for one in self.raw]


def parse(params: Iterable[tuple[str, str]]) -> list[Param]:
    """The parameters of a query, in order, repeated ones kept apart."""
    parsed = []
    for key, text in params:
        name, _, modifier = key.partition(":")
        if "\\" in text:
            raw = tuple(_split(text, ","))
            parsed.append(Param(name, modifier, tuple(_unescape(one) for one in raw), raw))
        else:
            raw = tuple(text.split(","))
            parsed.append(Param(name, modifier, raw, raw))
    return parsed


def token(text: str) -> tuple[str | None, str]:
    """The (system, code) of a token: `code` → (None, code): any system; `|code` → ("", code): no system;
    `system|code`; `system|` → (system, ""): any code of it."""
    if "|" not in text:
        return None, _unescape(text)
    parts = _split(text, "|")
    if len(parts) == 1:
        return None, _unescape(text)
    return _unescape(parts[0]), _unescape("|".join(parts[1:]))


def matches_token(wanted: tuple[str | None, str], system: str | None, code: str) -> bool:
    """Whether a coding is what the token asks for, codes letter by letter; `system` None or "": the coding has none."""
    wanted_system, wanted_code = wanted
    if wanted_system is not None and wanted_system != (system or ""):
        return False
    return wanted_code == code or (wanted_code == "" and bool(wanted_system))


def reference(text: str) -> tuple[str, str]:
    """The (type, id) of a reference: `id` → ("", id), `Type/id`, an absolute URL; a version is cut off."""
    text = text.partition("/_history/")[0]
    head, slash, id = text.rpartition("/")
    return (head.rpartition("/")[2], id) if slash else ("", text)


class Interval(NamedTuple):
    """What a date value stands for: its prefix and the half-open range [lo, hi), aware UTC. Unpacks as a 3-tuple."""

    prefix: str
    lo: datetime
    hi: datetime


def date_range(text: str, zone: tzinfo = UTC) -> Interval:
    """The prefix and range of a date value; precision decides the range (`2024-03` is the whole month).

    Without an offset the value is local time of `zone`. The prefix is `eq` when there is none.

    Raises:
        Refusal: malformed, with reason bad_date: no FHIR date, a day that the calendar has not, an unknown prefix.
    """
    prefix, rest = _prefix_of(text)
    match = _DATE.fullmatch(rest)
    if match is None or not rest.isascii():
        raise _bad_date(text)
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        lo = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
            int((fraction or "0").ljust(6, "0")[:6]), tzinfo=_zone_of(offset) if offset else zone,
        )  # fmt: skip
    except ValueError:
        raise _bad_date(text) from None
    if hour is None:
        return Interval(prefix, _utc(lo), _utc(_after_days(lo, month, day)))
    lo = _utc(lo)
    return Interval(prefix, lo, _utc(lo, _step(second, fraction)))


def precision(text: str) -> str:
    """How precise a date value is: year, month, day, minute, second or fraction.

    Raises:
        Refusal: malformed, with reason bad_date.
    """
    match = _DATE.fullmatch(_prefix_of(text)[1])
    if match is None:
        raise _bad_date(text)
    present = [name for name, at in _PRECISIONS if match.group(at) is not None]
    return present[-1]


_PRECISIONS = (("year", 1), ("month", 2), ("day", 3), ("minute", 5), ("second", 6), ("fraction", 7))


def matches_date(
    wanted: tuple[str, datetime, datetime],
    start: datetime | None,
    end: datetime | None = None,
    *,
    now: datetime | None = None,
) -> bool:
    """Whether something that happened at `start`, or lasted over the half-open [start, end), is what `wanted` asks for.

    `wanted` is what `date_range` gave. An instant has `end` None. `ap` widens the range by a tenth of its distance from
    `now`. Nothing matches what has no date.

    Source: FHIR R4 search.html#prefix.
    """
    if start is None:
        return False
    prefix, lo, hi = wanted
    upto = end if end is not None else start + _MICROSECOND if start < _LAST else _LAST
    inside = lo <= start and upto <= hi
    if prefix == "eq":
        return inside
    if prefix == "ge":
        return inside or upto > hi
    if prefix == "le":
        return inside or start < lo
    if prefix == "gt":
        return upto > hi
    if prefix == "lt":
        return start < lo
    if prefix == "ne":
        return not inside
    if prefix == "sa":
        return start >= hi
    if prefix == "eb":
        return upto <= lo
    slack = abs((now - lo) / 10) if now is not None else hi - lo
    return start < hi + slack and upto > lo - slack


class NumberRange(NamedTuple):
    """What a number value stands for: its prefix, the half-open range [lo, hi) of its precision, and the number."""

    prefix: str
    lo: Decimal
    hi: Decimal
    value: Decimal


def number_range(text: str) -> NumberRange:
    """The prefix and range of a number: 100 is [99.5, 100.5), 100.00 is [99.995, 100.005).

    Raises:
        Refusal: malformed, with reason bad_number.

    Source: FHIR R4 search.html#number.
    """
    prefix, rest = _prefix_of(text)
    try:
        value = Decimal(rest)
    except InvalidOperation:
        value = Decimal("NaN")
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise Refusal("malformed", f"not a number: {text}", reason="bad_number", value=text)
    half = Decimal(5).scaleb(exponent - 1)
    return NumberRange(prefix, value - half, value + half, value)


def matches_number(wanted: NumberRange, value: Decimal | None) -> bool:
    """Whether `value` is what `wanted` asks for: gt lt ge le ask the number itself, eq and ne its range."""
    if value is None:
        return False
    prefix, lo, hi, exact = wanted
    if prefix in ("eq", "ne"):
        return (lo <= value < hi) is (prefix == "eq")
    if prefix == "ap":
        return abs(value - exact) <= abs(exact) / 10
    if prefix in ("gt", "sa"):
        return value > exact
    if prefix in ("lt", "eb"):
        return value < exact
    return value >= exact if prefix == "ge" else value <= exact


def fold(text: str) -> str:
    """`text` without accents, case and repeated blanks: the form in which strings compare."""
    if text.isascii():
        return " ".join(text.lower().split())
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return " ".join(bare.casefold().split())


def matches_string(wanted: str, text: str, modifier: str = "") -> bool:
    """Whether `text` starts with `wanted`, accents and case aside; `exact`: is equal; `contains`: holds it anywhere."""
    if modifier == "exact":
        return text == wanted
    if modifier == "contains":
        return fold(wanted) in fold(text)
    return fold(text).startswith(fold(wanted))


def _prefix_of(text: str) -> tuple[str, str]:
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)


def _after_days(lo: datetime, month: str | None, day: str | None) -> datetime:
    """The end of the year, month or day that begins at `lo`, by the calendar of its zone."""
    if day is not None:
        return lo + timedelta(days=1) if lo.date() < date.max else _LAST
    if month is not None and lo.month < 12:
        return lo.replace(month=lo.month + 1)
    return lo.replace(year=lo.year + 1, month=1) if lo.year < MAXYEAR else _LAST


def _utc(at: datetime, plus: timedelta = timedelta(0)) -> datetime:
    """`at` in UTC; at either end of the calendar, that end: le9999-12-31 is how many say "no end"."""
    try:
        return at.astimezone(UTC) + plus
    except OverflowError:
        return _LAST if at.year == MAXYEAR else _FIRST


def _step(second: str | None, fraction: str | None) -> timedelta:
    if second is None:
        return timedelta(minutes=1)
    if fraction is None:
        return timedelta(seconds=1)
    return timedelta(microseconds=10 ** max(0, 6 - len(fraction)))


def _zone_of(offset: str) -> tzinfo:
    if offset == "Z":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError(offset)
    away = timedelta(hours=hours, minutes=minutes)
    return timezone(-away if offset[0] == "-" else away)


def _bad_date(text: str) -> Refusal:
    return Refusal("malformed", f"not a date: {text}", reason="bad_date", value=text)


def _split(text: str, separator: str) -> list[str]:
    """`text` cut at each `separator` that no backslash precedes; escapes stay."""
    parts, begin, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == separator:
            parts.append(text[begin:at])
            begin = at + 1
        at += 1
    return [*parts, text[begin:]]


def _unescape(text: str) -> str:
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


_ESCAPE = re.compile(r"\\([\\,|$])")
