"""Who the patients are: patient `number` of `size` is a pure function of (version, seed, size, number) and the day.

Nothing is stored and nothing is scanned: a hundred million patients start as fast as a thousand. Every dimension that
can be asked for (name, birth date, phone, e-mail, social security number) is either an interval of ranks (see `order`)
or the image of a keyed bijection, so that looking up is computing backwards. The first numbers are the hand-written
cast (see `cast`), who come before everybody else in the order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal

from simulator.ids import Permutation, h64, mix, seed_bytes
from simulator.population import tables
from simulator.population.cast import Cast
from simulator.population.contacts import Contacts, e164
from simulator.population.deaths import Deaths
from simulator.population.defects import absences, birth_precision
from simulator.population.dirt import Dirt
from simulator.population.households import Household, Policy
from simulator.population.lanes import AHEAD_DAYS, Lanes
from simulator.population.names import GIVENS, ORIGINS, ascii_name, givens_like, named_in_email
from simulator.population.order import Order, Place
from simulator.population.places import facilities, make_address, practitioner_of
from simulator.population.records import Address, Facility, Person, Practitioner, Telecom
from simulator.population.registrations import Registrations
from simulator.population.traits import Absences, HouseholdTraits, Traits, household_traits, traits_of
from simulator.population.zones import instant
from simulator.refusal import UsageError

VERSION = 1
"""Of the people and their charts: goes up whenever a rule or a table changes what comes out."""

MAX_SIZE = 100_000_000

_VIP = ("VIP",)
_VIPS_PER_MILLION = 3_000  # guess
_PRACTITIONERS_KEPT = 512
_OWN_CONTACTS_FROM = 13 * 365  # younger ones are reached through the head of the household


class Population:
    """`size` people, drawn from `seed`, as they are on the day `as_of`. Immutable; nothing in it grows with `size`.

    `key` names the population (version, seed, size): what derives ids from it stays the same from day to day, and
    however dirty it is. The world moves on from `starts`, noon of `as_of`, to `horizon`, after which nothing more
    happens.

    Raises:
        UsageError: `size` is not between 1 and MAX_SIZE.
    """

    def __init__(self, seed: int, size: int, as_of: date, dirt: Dirt | None = None) -> None:
        if not 1 <= size <= MAX_SIZE:
            raise UsageError(f"population size is out of range: {size}", f"1 to {MAX_SIZE:,} patients are possible")
        self.seed = seed
        self.size = size
        self.as_of = as_of
        self.dirt = dirt or Dirt()
        self.key = seed_bytes("population", VERSION, seed, size)
        self.facilities: tuple[Facility, ...] = facilities(self.key, size)
        self.practitioners = max(12, len(self.facilities) * 3, size // 400)
        self._permutations: dict[tuple[int, str], Permutation] = {}
        self._ranks = Permutation(size, self.key, "rank")
        self._order = Order(self.key, size, as_of)
        self._contacts = Contacts(self.key, size)
        self._homes = Permutation(size, self.key, "home")
        self._absences = Absences.of(self.dirt)
        self._gender_key = h64(self.key, "genders")
        self._vips = Permutation(size, self.key, "vip")
        self._vip_count = size * _VIPS_PER_MILLION // 1_000_000
        self.lanes = Lanes(self.key, size, as_of)
        self._deaths = Deaths(self.key, self.lanes)
        self.starts = datetime.combine(as_of, time(12), UTC)
        self.horizon = datetime.combine(as_of + timedelta(AHEAD_DAYS), time(), UTC)
        self._npis = Permutation(10**8, self.key, "npi")
        self._practitioner = lru_cache(maxsize=_PRACTITIONERS_KEPT)(
            lambda index: self.cast.practitioner(practitioner_of(self.key, index, self._npis.forward(index)))
        )
        self.cast = Cast(size, as_of, self.facilities)
        self._first = len(self.cast)  # the first number that is drawn
        self._hidden_kept: list[Place] | None = None
        self.registrations = Registrations(self)

    def permutation(self, n: int, tweak: str) -> Permutation:
        """The population's keyed bijection of [0, n) for `tweak`, built once."""
        made = self._permutations.get((n, tweak))
        if made is None:
            made = self._permutations[n, tweak] = Permutation(n, self.key, tweak)
        return made

    def core(self, number: int) -> tuple[str, str, str, date]:
        """(family, sex, first given name, birth date) of a patient, in microseconds.

        Raises:
            IndexError: there is no patient of that number.
        """
        if 0 <= number < self._first:
            return self.cast.core(number)
        place = self._place(number)
        given = GIVENS[place.given]
        return self._order.families.names[place.family], given.sex, given.name, date.fromordinal(place.birth)

    def rank(self, number: int) -> int:
        """The place of a patient in the order that `find` follows; the `after` of the next page.

        Raises:
            IndexError: there is no patient of that number.
        """
        self._check(number)
        return self.cast.rank(number) if number < self._first else self._first + self._ranks.forward(number)

    def person(self, number: int, at: datetime | None = None) -> Person:
        """Everything about who a patient is, at the moment `at`: by default the one at which the population starts.

        Raises:
            IndexError: there is no patient of that number.
        """
        self._check(number)
        at = at or self.starts
        if number < self._first:
            one = self.cast.person(number)
            return one if one.deceased is None or one.deceased <= at else replace(one, deceased=None)
        rank = self._ranks.forward(number)
        place = self._order.place(rank)
        circle = self._order.circle_of(rank, place)
        home = self._order.household(rank, place, circle)
        given, origin = GIVENS[place.given], ORIGINS[place.origin]
        family = self._order.families.names[place.family]
        shared = household_traits(self.key, home.head, origin)
        birth_date = date.fromordinal(place.birth)
        age_days = self.as_of.toordinal() - place.birth
        couple = home.couple is not None and rank in home.couple
        traits = traits_of(self.key, number, shared, origin, given, birth_date.year, age_days, couple, self._absences)
        practitioner = self._practitioner_of(circle)
        facility = practitioner % len(self.facilities)
        address, former = self._addresses(shared, self.facilities[facility].address.state)
        death = self._deaths.minute(number, place.birth, given.sex)
        deceased = instant(death) if death is not None else None
        return Person(
            number=number,
            family=family,
            given=(given.name,) if traits.middle is None else (given.name, traits.middle),
            suffix=traits.suffix,
            maiden=None if traits.maiden is None else self._maiden(place.family, traits.maiden),
            nickname=traits.nickname,
            birth_date=birth_date,
            sex="F" if given.sex == "F" else "M",
            gender=self._gender(number, given.sex),
            race=traits.race,
            ethnicity=traits.ethnicity,
            language=traits.language,
            marital=traits.marital,
            telecoms=self._telecoms(rank, place, home, traits, age_days),
            addresses=(address,),
            ssn=self._contacts.ssn(number),
            facility=facility,
            practitioner=practitioner,
            deceased=deceased if deceased is not None and deceased <= at else None,
            former_addresses=former,
            birth_precision=birth_precision(self, number, birth_date),
            absent=absences(self, number, race=traits.race, ethnicity=traits.ethnicity, language=traits.language),
            sensitivity=_VIP if self.is_vip(number) else (),
        )

    def household(self, number: int) -> tuple[int, ...]:
        """The patients who live at one address with this one, who is among them; the eldest first.

        Raises:
            IndexError: there is no patient of that number.
        """
        self._check(number)
        if number < self._first:
            return self.cast.household(number)
        home = self._household(self._ranks.forward(number))
        numbers = (self._ranks.inverse(rank) for _, rank, _ in home.members)
        return tuple(one for one in numbers if one >= self._first)

    def policy(self, number: int) -> Policy | None:
        """The policy on which a patient may be, their own or that of another one of the household; None for who lives
        alone, or with somebody who is not on file.

        Raises:
            IndexError: there is no patient of that number.
        """
        self._check(number)
        if number < self._first:
            return self.cast.policy(number)
        rank = self._ranks.forward(number)
        home = self._household(rank)
        if home.insurer is None:
            return None
        holder = self._ranks.inverse(home.insurer)
        if holder < self._first:
            return None
        born, is_woman = next((birth, woman) for birth, one, woman in home.members if one == home.insurer)
        death = self._deaths.minute(holder, born, "F" if is_woman else "M")
        return Policy(holder, home.turn_of(rank), born, None if death is None else instant(death).toordinal())

    # Searching

    def find(
        self,
        *,
        family: str | None = None,
        given: str | None = None,
        born: tuple[date, date] | None = None,
        sex: str | None = None,
        exact: bool = False,
        after: int = -1,
    ) -> Iterator[int]:
        """The numbers of the patients who match, lazily, in rank order.

        `family` and `given` (the first given name) match folded, from the start of the name or, when `exact`, wholly.
        `born` is a first and last day. `after` is the rank of the last one already seen. A birth date without a family
        name has to walk the names: seconds for a million patients.
        """
        for number in self.cast.find(family, given, born, sex, exact):
            if self.cast.rank(number) > after:
                yield number
        families = self._order.families.like(family, exact)
        givens = givens_like(given, sex, exact)
        for rank in self._order.find(families, givens, born, max(after - self._first, -1)):
            number = self._ranks.inverse(rank)
            if number >= self._first:
                yield number

    def find_maiden(
        self,
        *,
        family: str,
        given: str | None = None,
        born: tuple[date, date] | None = None,
        exact: bool = False,
        after: int = -1,
    ) -> Iterator[int]:
        """The numbers of the women whose name before marriage may match `family`, and the rest as in `find`, lazily and
        in rank order; some of them have no such name."""
        for number in self.cast.find(None, given, born, "F", exact):
            if self.cast.rank(number) > after:
                yield number
        families = self._order.families.like(family, exact)
        givens = givens_like(given, "F", exact)
        for rank in self._order.find_maiden(families, givens, born, max(after - self._first, -1)) if givens else ():
            number = self._ranks.inverse(rank)
            if number >= self._first:
                yield number

    def count(
        self,
        *,
        family: str | None = None,
        given: str | None = None,
        born: tuple[date, date] | None = None,
        sex: str | None = None,
        exact: bool = False,
    ) -> int:
        """How many patients `find` would give; free unless `born` is asked for, or all family names of a large pool."""
        if born is not None:
            return sum(1 for _ in self.find(family=family, given=given, born=born, sex=sex, exact=exact))
        families = self._order.families.like(family, exact)
        givens = givens_like(given, sex, exact)
        cast = sum(1 for _ in self.cast.find(family, given, None, sex, exact))
        return cast + self._order.count(families, givens) - self._hidden(families, givens)

    def by_phone(self, text: str) -> Iterator[int]:
        """The patients who have this phone, however it is punctuated."""
        value = e164(text)
        yield from self.cast.by_contact(value)
        found: dict[int, None] = {}
        for rank in self._contacts.by_phone(value):
            members = self._household(rank).members
            found.update(dict.fromkeys(self._ranks.inverse(rank) for _, rank, _ in members))
        for number in found:
            if number >= self._first and any(telecom.value == value for telecom in self.person(number).telecoms):
                yield number

    def by_ssn(self, text: str) -> Iterator[int]:
        """The patient, if there is one, who has this social security number, with or without hyphens."""
        yield from self.cast.by_ssn(text)
        yield from (number for number in self._contacts.by_ssn(text) if number >= self._first)

    def by_email(self, text: str) -> Iterator[int]:
        """The patient, if there is one, who has this e-mail address."""
        wanted = text.strip().lower()
        yield from self.cast.by_contact(wanted)
        parts = wanted.split("@")[0].split(".")
        if len(parts) != 3 or not (parts[2].isascii() and parts[2].isdigit()):
            return
        given, family = named_in_email(parts[0], parts[1])
        for rank in self._order.namesake(self._order.families.like(family, exact=True), given, int(parts[2])):
            number = self._ranks.inverse(rank)
            if number >= self._first and any(telecom.value == wanted for telecom in self.person(number).telecoms):
                yield number

    # Places and people of care

    def facility(self, index: int) -> Facility:
        """The facility of that index.

        Raises:
            IndexError: there is none.
        """
        if not 0 <= index < len(self.facilities):
            raise IndexError(f"no facility {index}; there are {len(self.facilities)}")
        return self.facilities[index]

    def practitioner(self, index: int) -> Practitioner:
        """The practitioner of that index, who works at facility `index % len(facilities)`.

        Raises:
            IndexError: there is none.
        """
        if not 0 <= index < self.practitioners:
            raise IndexError(f"no practitioner {index}; there are {self.practitioners}")
        return self._practitioner(index)

    def practitioner_at(self, facility: int, draw: int) -> int:
        """The index of one of the practitioners of a facility, by any non-negative number."""
        stride = len(self.facilities)
        return facility + stride * (draw % ((self.practitioners - facility - 1) // stride + 1))

    def colleague(self, practitioner: int, steps: int = 1) -> int:
        """The practitioner so many places further on at the same facility, and round again."""
        stride = len(self.facilities)
        facility = practitioner % stride
        count = (self.practitioners - facility - 1) // stride + 1
        return facility + stride * ((practitioner // stride + steps) % count)

    def home(self, number: int) -> int:
        """The practitioner on whose panel a patient is, one for all who live together. The home clinic is where that
        one works.

        Raises:
            IndexError: there is no patient of that number.
        """
        self._check(number)
        if number < self._first:
            return self.cast.home(number)
        return self._practitioner_of(self._order.circle(self._ranks.forward(number)))

    def panel(self, practitioner: int) -> Iterator[int]:
        """The patients of a practitioner: the way back from `home`."""
        yield from self.cast.panel(practitioner)
        first = -(-practitioner * self.size // self.practitioners)
        last = -(-(practitioner + 1) * self.size // self.practitioners)
        for place in range(first, last):
            rank = self._homes.inverse(place)
            circle = self._order.circle(rank)
            if rank == min(circle):
                yield from (number for number in map(self._ranks.inverse, circle) if number >= self._first)

    def zone(self, number: int) -> str:
        """The time zone of a patient's home clinic."""
        return self.facilities[self.home(number) % len(self.facilities)].zone

    def death(self, number: int) -> datetime | None:
        """When a patient dies, in the years on record or ahead; None who outlives them."""
        if 0 <= number < self._first:
            return self.cast.person(number).deceased
        place = self._place(number)
        minute = self._deaths.minute(number, place.birth, GIVENS[place.given].sex)
        return None if minute is None else instant(minute)

    def of_other_gender(self) -> Iterator[int]:
        """The patients whose administrative gender is `other`: 3 of a thousand, and some of the cast."""
        yield from (number for number in range(self._first) if self.cast.person(number).gender == "other")
        yield from (number for number in range(self._first, self.size) if self._is_of_other_gender(number))

    def vips(self) -> Iterator[int]:
        """The patients who are VIPs or employees, whose charts not everybody may open: 3 of a thousand, and some of the
        cast."""
        yield from (number for number in range(self._first) if self.cast.person(number).sensitivity)
        yield from (number for number in map(self._vips.inverse, range(self._vip_count)) if number >= self._first)

    def is_vip(self, number: int) -> bool:
        """Whether the patient is a VIP."""
        if number < self._first:
            return "VIP" in self.cast.person(number).sensitivity
        return self._vips.forward(number) < self._vip_count

    def is_in_on_clock_change(self, number: int) -> bool:
        """Whether the patient is one of those who were in hospital when the clocks changed."""
        return self.lanes.clock_change.has(number)

    def in_on_clock_change(self) -> Iterator[int]:
        """The patients who were in hospital when the clocks changed, if they were born by then: 1 in 200."""
        return self.lanes.clock_change.numbers()

    # Parts of a person

    def _check(self, number: int) -> None:
        if not 0 <= number < self.size:
            raise IndexError(f"no patient {number} in a population of {self.size}")

    def _place(self, number: int) -> Place:
        self._check(number)
        return self._order.place(self._ranks.forward(number))

    def _hidden(self, families: range, givens: list[tuple[int, int]]) -> int:
        """How many of those who are drawn at these names have the number of one of the cast, and so do not exist."""
        return sum(
            place.family in families and any(low <= place.given < high for low, high in givens)
            for place in self._hidden_places()
        )

    def _hidden_places(self) -> list[Place]:
        if self._hidden_kept is None:
            self._hidden_kept = [self._order.place(self._ranks.forward(number)) for number in range(self._first)]
        return self._hidden_kept

    def _household(self, rank: int) -> Household:
        place = self._order.place(rank)
        return self._order.household(rank, place, self._order.circle_of(rank, place))

    def _practitioner_of(self, circle: list[int]) -> int:
        return self._homes.forward(min(circle)) * self.practitioners // self.size

    def _is_of_other_gender(self, number: int) -> bool:
        return mix(number, self._gender_key) * 1000 >> 64 < tables.OTHER_GENDER_PER_MILLE

    def _gender(self, number: int, sex: str) -> Literal["female", "male", "other"]:
        if self._is_of_other_gender(number):
            return "other"
        return "female" if sex == "F" else "male"

    def _maiden(self, family: int, turn: int) -> str | None:
        former = self._order.maiden(family, turn)
        return self._order.families.names[former] if former != family else None

    def _telecoms(self, rank: int, place: Place, home: Household, traits: Traits, age_days: int) -> tuple[Telecom, ...]:
        found = []
        is_child = age_days < _OWN_CONTACTS_FROM
        if traits.has_mobile:
            found.append(Telecom("phone", "mobile", self._contacts.mobile(home.head if is_child else rank)))
        if traits.has_home_phone:
            found.append(Telecom("phone", "home", self._contacts.home(home.head)))
        if traits.mail_domain and not is_child:
            given = ascii_name(GIVENS[place.given].folded)
            family = ascii_name(self._order.families.keys[place.family])
            found.append(Telecom("email", "home", f"{given}.{family}.{place.member}@{traits.mail_domain}"))
        return tuple(found)

    def _addresses(self, shared: HouseholdTraits, state: str) -> tuple[Address, tuple[Address, ...]]:
        """Where a household lives, and where it did before it moved."""
        address = make_address(state, shared.home)
        if shared.days_since_move is None:
            return address, ()
        moved = self.as_of - timedelta(days=shared.days_since_move)
        former = make_address(state, shared.former, "old")
        return replace(address, since=moved), (replace(former, until=moved),)
