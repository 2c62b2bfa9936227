"""The cast: forty patients written by hand, who have the first numbers of every population of a thousand or more.

They are for demonstrations, documents and golden cases: each has a name that one remembers and a purpose. Who they are
stands in `tables/cast.toml`; where they live and who treats them goes with the facilities of the population, and what
is in their charts is drawn like anybody's, except for what the table wishes. A search consults them first.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from simulator.ids import h64
from simulator.population import tables
from simulator.population.households import Policy
from simulator.population.places import make_address
from simulator.population.ranks import fold
from simulator.population.records import Address, Code, Facility, Person, Practitioner, Telecom

FROM_SIZE = 1000
"""Smaller populations have no cast."""

INSURES = "insures"
"""The flag of who is insured through work, and insures the children of the household."""

PASSWORD = "sandbox"
"""Of everybody who may log in; nothing here is worth a better one."""

_LABELS = {"vip": "VIP", "employee": "EMP"}  # of the whole patient, by flag
_YEAR_OF_TABLE = 2026
_GROWN = 18 * 365 + 5
_AREA_CODES = (212, 312, 213, 602)  # of the clinics, the exchange 555 and a line for fiction
_RACES = {row.key: row.codes for row in tables.RACES}
_HISPANIC, _NOT_HISPANIC = (row.codes[0] for row in tables.ETHNICITIES if row.codes)
_LANGUAGES = {row.key: row.codes[0] for row in tables.LANGUAGES if row.codes}
_MARITAL = {row.key: row.codes[0] for row in tables.MARITAL if row.codes}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the chart of one of the cast is to hold. Chronic conditions, their medications and allergies are these and
    no others; `allergies` is None where nobody asked, and empty where there are none."""

    conditions: Mapping[str, int] = field(default_factory=dict)  # row of conditions.csv: years since the onset
    medications: tuple[str, ...] = ()
    allergies: tuple[str, ...] | None = ()
    weeks_pregnant: int | None = None
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Role:
    """One of the cast as the table has it."""

    number: int
    key: str
    purpose: str
    row: Mapping[str, Any]
    wishes: Wishes


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who may log in: a practitioner, by index, or a patient, by number, with the children of the household
    in `patients`, whose portals a parent sees too."""

    username: str
    password: str
    role: str
    name: str
    practitioner: int | None = None
    patient: int | None = None
    patients: tuple[int, ...] = ()


class Cast:
    """The cast of one population; empty when that is small."""

    def __init__(self, size: int, as_of: date, facilities: tuple[Facility, ...]) -> None:
        self._as_of = as_of
        self._facilities = facilities
        self._people = tuple(map(self._make, roles())) if size >= FROM_SIZE else ()
        order = sorted(range(len(self._people)), key=self._sort_key)
        self._ranks = {number: rank for rank, number in enumerate(order)}
        self._order = tuple(order)

    def __len__(self) -> int:
        return len(self._people)

    def person(self, number: int) -> Person:
        """Everything about who one of the cast is."""
        return self._people[number]

    def core(self, number: int) -> tuple[str, str, str, date]:
        """(family, sex, first given name, birth date)."""
        person = self._people[number]
        return person.family, person.sex, person.given[0], person.birth_date

    def rank(self, number: int) -> int:
        """The place of one of the cast in the order of `find`."""
        return self._ranks[number]

    def household(self, number: int) -> tuple[int, ...]:
        """Those of the cast who live with this one, who is among them; the eldest first."""
        home = roles()[number].row.get("household")
        if home is None:
            return (number,)
        together = [role.number for role in roles() if role.row.get("household") == home]
        return tuple(sorted(together, key=lambda one: (self._people[one].birth_date, one)))

    def policy(self, number: int) -> Policy | None:
        """The policy on which one of the cast is: that of the one of the household who insures the others."""
        others = [one for one in self.household(number) if INSURES not in roles()[one].wishes.flags]
        holder = next((one for one in self.household(number) if one not in others), None)
        if holder is None:
            return None
        person = self._people[holder]
        dies = None if person.deceased is None else person.deceased.toordinal()
        turn = 0 if number == holder else 2 + others.index(number)
        return Policy(holder, turn, person.birth_date.toordinal(), dies)

    def home(self, number: int) -> int:
        """The practitioner on whose panel one of the cast is."""
        return self._people[number].practitioner

    def panel(self, practitioner: int) -> Iterator[int]:
        """Those of the cast on the panel of a practitioner."""
        return (person.number for person in self._people if person.practitioner == practitioner)

    def find(
        self, family: str | None, given: str | None, born: tuple[date, date] | None, sex: str | None, exact: bool
    ) -> Iterator[int]:
        """Those of the cast whom a search means, in order."""
        names = (fold(family) if family else None, fold(given) if given else None)
        for number in self._order:
            person = self._people[number]
            keys = (fold(person.family), fold(person.given[0]))
            is_named = all(_is_named(key, asked, exact) for key, asked in zip(keys, names, strict=True))
            is_born = born is None or born[0] <= person.birth_date <= born[1]
            if is_named and is_born and sex in (None, person.sex):
                yield number

    def by_contact(self, value: str) -> Iterator[int]:
        """Those of the cast who have this phone in E.164, or this e-mail address."""
        return (one.number for one in self._people if value and any(t.value == value for t in one.telecoms))

    def by_ssn(self, text: str) -> Iterator[int]:
        """The one of the cast who has this social security number, with or without hyphens."""
        digits = text.replace("-", "")
        return (one.number for one in self._people if one.ssn and one.ssn.replace("-", "") == digits)

    def wishes(self, number: int) -> Wishes | None:
        """What the chart of a patient is to hold; None for everybody else's."""
        return roles()[number].wishes if 0 <= number < len(self._people) else None

    def practitioner(self, drawn: Practitioner) -> Practitioner:
        """A practitioner with the name that the table gives, or as drawn."""
        row = _staff().get(drawn.index) if self._people else None
        if row is None:
            return drawn
        return Practitioner(drawn.index, row["family"], row["given"], drawn.npi, row["suffix"])

    def logins(self) -> tuple[Login, ...]:
        """Who may log in: practitioners, then patients."""
        if not self._people:
            return ()
        numbers = {role.key: role.number for role in roles()}
        staff = [
            Login(
                row["username"], PASSWORD, row["role"], f"{row['given']} {row['family']}, {row['suffix']}", row["index"]
            )
            for row in _staff().values()
        ]
        portal = [self._portal(row["username"], numbers[row["patient"]]) for row in _table()["portal"]]
        return (*staff, *portal)

    # One of them

    def _portal(self, username: str, number: int) -> Login:
        person = self._people[number]
        grown_by = self._as_of - timedelta(days=_GROWN)
        is_grown = person.birth_date <= grown_by
        children = [one for one in self.household(number) if is_grown and self._people[one].birth_date > grown_by]
        return Login(username, PASSWORD, "patient", _name(person), None, number, (number, *children))

    def _make(self, role: Role) -> Person:
        row = role.row
        facility = self._facilities[row["clinic"]]
        gender: Literal["female", "male", "other"] = row.get("gender") or ("female" if row["sex"] == "F" else "male")
        marital: Code | None = _MARITAL[row["marital"]] if "marital" in row else None
        return Person(
            number=role.number,
            family=row["family"],
            given=tuple(row["given"]),
            suffix=row.get("suffix"),
            maiden=row.get("maiden"),
            nickname=row.get("nickname"),
            birth_date=self._born(row),
            birth_precision="year" if "birth_year_only" in row.get("flags", ()) else "day",
            sex=row["sex"],
            gender=gender,
            race=_RACES[row["race"]],
            ethnicity=_HISPANIC if row.get("hispanic") else _NOT_HISPANIC,
            language=_LANGUAGES[row["language"]] if "language" in row else None,
            marital=marital,
            telecoms=_telecoms(role),
            addresses=_addresses(role, facility),
            ssn=None if "without_ssn" in role.wishes.flags else f"987-65-43{role.number:02d}",
            facility=facility.index,
            practitioner=facility.index,
            deceased=self._died(row),
            sensitivity=tuple(label for flag, label in _LABELS.items() if flag in role.wishes.flags),
        )

    def _born(self, row: Mapping[str, Any]) -> date:
        if "days_old" in row:
            return self._as_of - timedelta(days=row["days_old"])
        told = date.fromisoformat(row["born"])
        year = told.year + self._as_of.year - _YEAR_OF_TABLE
        try:
            return told.replace(year=year)
        except ValueError:  # 29 February
            return date(year - year % 4, 2, 29)

    def _died(self, row: Mapping[str, Any]) -> datetime | None:
        if "days_dead" not in row:
            return None
        return datetime.combine(self._as_of - timedelta(days=row["days_dead"]), time(9, 40), UTC)

    def _sort_key(self, number: int) -> tuple[str, str, str, date, int]:
        family, sex, given, born = self.core(number)
        return fold(family), sex, fold(given), born, number


@cache
def roles() -> tuple[Role, ...]:
    """The cast as the table has it, in the order of their numbers."""
    return tuple(_role(number, row) for number, row in enumerate(_table()["patient"]))


def _role(number: int, row: Mapping[str, Any]) -> Role:
    told = row["allergies"]
    allergies = None if told == "not asked" else () if told == "none known" else tuple(told)
    wishes = Wishes(
        conditions=row.get("conditions", {}),
        medications=tuple(row.get("medications", ())),
        allergies=allergies,
        weeks_pregnant=row.get("weeks_pregnant"),
        flags=frozenset(row.get("flags", ())),
    )
    return Role(number, row["key"], row["purpose"], row, wishes)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files(tables).joinpath("cast.toml").read_text("utf-8"))


@cache
def _staff() -> dict[int, dict[str, Any]]:
    return {row["index"]: row for row in _table()["practitioner"]}


def _telecoms(role: Role) -> tuple[Telecom, ...]:
    if "without_contacts" in role.wishes.flags:
        return ()
    row = role.row
    answers = next(one for one in roles_of_household(role) if "without_contacts" not in one.wishes.flags)
    phone = f"+1{_AREA_CODES[row['clinic']]}55501{answers.number:02d}"
    mail = f"{fold(row['given'][0])}.{fold(row['family'])}@example.net"
    mail = mail if mail.isascii() else f"patient{role.number}@example.net"
    return (Telecom("phone", "mobile", phone), Telecom("email", "home", mail))


def roles_of_household(role: Role) -> list[Role]:
    """Those who live with one of the cast, the eldest first."""
    home = role.row.get("household")
    together = [one for one in roles() if one is role or (home is not None and one.row.get("household") == home)]
    return sorted(together, key=lambda one: (one.row.get("born", "9999"), one.number))


def _addresses(role: Role, facility: Facility) -> tuple[Address, ...]:
    if "without_address" in role.wishes.flags:
        return ()
    home = role.row.get("household", role.key)
    return (make_address(facility.address.state, h64(b"cast", home)),)


def _is_named(key: str, asked: str | None, exact: bool) -> bool:
    if asked is None:
        return True
    return bool(asked) and (key == asked if exact else key.startswith(asked))


def _name(person: Person) -> str:
    return f"{person.given[0]} {person.family}"
