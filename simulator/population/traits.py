"""What is drawn about a person besides name and birth date: race, language, family status, how to reach them, and which
of it nobody recorded. Every draw is always taken, so that one rule never shifts another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from simulator.ids import Stream
from simulator.population import tables
from simulator.population.ranks import Slots
from simulator.population.records import Code
from simulator.population.tables.rows import FamilyName, GivenName, Weighted

# Per thousand, of those who bear such a family name. Guesses: names go with origins, so independent draws look absurd.
_RACE_BY_ORIGIN: dict[str, dict[str, int]] = {
    "hispanic": {"white": 620, "other": 270, "black": 30, "two": 60, "native": 20},
    "black": {"black": 560, "white": 360, "two": 80},
    **{origin: {"asian": 950, "two": 30, "white": 20} for origin in ("vi", "zh", "ko", "hi", "ar")},
}
_LANGUAGE_BY_ORIGIN: dict[str, dict[str, int]] = {
    "": {"en": 960, "es": 12, "fr": 6, "ru": 5, "de": 4, "pt": 4, "ht": 3, "ar": 3, "tl": 3},
    "black": {"en": 985, "ht": 10, "fr": 5},
    "hispanic": {"en": 560, "es": 440},
    "vi": {"en": 450, "vi": 550},
    "zh": {"en": 520, "zh": 480},
    "ko": {"en": 550, "ko": 450},
    "hi": {"en": 700, "hi": 300},
    "ar": {"en": 650, "ar": 350},
}
_HISPANIC_PER_MILLION = {"hispanic": 930_000}
_ADULT = 18 * 365 + 5


class _Choice:
    """A weighted choice of codes."""

    __slots__ = ("_codes", "_slots")

    def __init__(self, rows: tuple[Weighted, ...], weights: Mapping[str, int] | None = None) -> None:
        known = [row for row in rows if row.codes and (weights is None or row.key in weights)]
        self._codes = [row.codes for row in known]
        self._slots = Slots(row.weight if weights is None else weights[row.key] for row in known)

    def take(self, stream: Stream) -> tuple[Code, ...]:
        return self._codes[self._slots.pick(stream.below(self._slots.total))]


_RACE = _Choice(tables.RACES)
_RACES = {origin: _Choice(tables.RACES, weights) for origin, weights in _RACE_BY_ORIGIN.items()}
_LANGUAGES = {origin: _Choice(tables.LANGUAGES, weights) for origin, weights in _LANGUAGE_BY_ORIGIN.items()}
_MARITAL = _Choice(tables.MARITAL)
_NEVER_MARRIED = next(row.codes[0] for row in tables.MARITAL if row.key == "S")
_HISPANIC, _NOT_HISPANIC = (row.codes[0] for row in tables.ETHNICITIES if row.codes)
_FAMILY_TOTAL = sum(row.weight for row in tables.FAMILY_NAMES)
_GIVEN_TOTAL = {sex: sum(row.weight for row in tables.GIVEN_NAMES if row.sex == sex) for sex in "FM"}


@dataclass(slots=True)
class Traits:
    """The draws of one person; `middle` and `maiden` are positions in the weights of the name tables."""

    race: tuple[Code, ...]
    ethnicity: Code | None
    language: Code | None
    marital: Code | None
    middle: int | None
    maiden: int | None
    suffix: str | None
    nickname: str | None
    has_mobile: bool
    has_home_phone: bool
    mail_domain: str | None
    place: int
    home: int
    panel: int
    days_dead: int | None
    minute_of_death: int

    def deceased(self, as_of: date) -> datetime | None:
        """When the person died, if so."""
        if self.days_dead is None:
            return None
        midnight = datetime.combine(as_of - timedelta(days=self.days_dead), time(), UTC)
        return midnight + timedelta(minutes=self.minute_of_death)


def traits_of(key: bytes, number: int, family: FamilyName, given: GivenName, age_days: int) -> Traits:
    """The traits of person `number`, who is `age_days` old."""
    stream = Stream(key, number, "traits", 29)
    place, home, panel = stream.u64(), stream.u64(), stream.u64()
    race_known, race = not stream.chance(80_000), _RACES.get(family.origin, _RACE).take(stream)
    hispanic = stream.chance(_HISPANIC_PER_MILLION.get(family.origin, 40_000))
    ethnicity_known = not stream.chance(60_000)
    language_known, language = not stream.chance(250_000), _LANGUAGES[family.origin].take(stream)
    marital_known, marital = not stream.chance(40_000), _MARITAL.take(stream)[0]
    never_married = stream.below(45) > age_days // 365 - 17  # the younger, the likelier
    has_middle, middle = stream.chance(700_000), stream.below(_GIVEN_TOTAL[given.sex])
    has_maiden, maiden = stream.chance(700_000), stream.below(_FAMILY_TOTAL)
    suffix = _suffix(stream.below(1000), given.sex)
    nickname = _nickname(stream.chance(300_000), stream.below(60), given.name)
    without_phone, has_home_phone = stream.chance(60_000), stream.chance(400_000)
    without_mobile = stream.chance(100_000)
    without_mail, domain = stream.chance(300_000), ("example.org", "example.com")[stream.below(2)]
    days_dead = _days_dead(stream.below(1_000_000), stream.u64(), age_days)
    is_adult = age_days >= _ADULT
    if never_married:
        marital = _NEVER_MARRIED
    is_wife = is_adult and given.sex == "F" and marital_known and marital.code in "MDWL"
    return Traits(
        race=race if race_known else (),
        ethnicity=(_HISPANIC if hispanic else _NOT_HISPANIC) if ethnicity_known else None,
        language=language[0] if language_known else None,
        marital=marital if is_adult and marital_known else None,
        middle=middle if has_middle else None,
        maiden=maiden if is_wife and has_maiden else None,
        suffix=suffix,
        nickname=nickname,
        has_mobile=not without_phone and (not without_mobile or not has_home_phone),
        has_home_phone=not without_phone and has_home_phone,
        mail_domain=None if without_mail else domain,
        place=place,
        home=home,
        panel=panel,
        days_dead=days_dead,
        minute_of_death=stream.below(1440),
    )


def _suffix(draw: int, sex: str) -> str | None:
    return None if sex == "F" or draw >= 30 else "Jr." if draw < 18 else "III" if draw < 24 else "Sr."


def _nickname(wanted: bool, draw: int, given: str) -> str | None:
    known = tables.NICKNAMES.get(given)
    return known[draw % len(known)] if wanted and known else None


def _days_dead(draw: int, when: int, age_days: int) -> int | None:
    """How many days ago the person died: 4 % of those over 65, 0.8 % over 45, 0.1 % younger, in the last five years."""
    per_million = 40_000 if age_days >= 65 * 365 else 8_000 if age_days >= 45 * 365 else 1_000
    return 1 + when % min(5 * 365, age_days - 1) if draw < per_million and age_days > 60 else None
