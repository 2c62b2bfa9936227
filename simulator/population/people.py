"""Who the patients are: patient `number` of `size` is a pure function of (version, seed, size, number) and the day.

Nothing is stored and nothing is scanned: a hundred million patients start as fast as a thousand. Every dimension that
can be asked for (name, birth date, phone, e-mail, social security number) is either an interval of ranks (see
`ranks`) or the image of a keyed bijection, so that looking up is computing backwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

from simulator.ids import Permutation, h64, mix, seed_bytes
from simulator.population import tables
from simulator.population.contacts import Contacts, e164
from simulator.population.names import (
    FAMILIES,
    FAMILY_SLOTS,
    GIVEN_RANGES,
    GIVEN_SLOTS,
    GIVENS,
    SLOTS_OF_SEX,
    ascii_name,
    families_like,
    givens_like,
    named_in_email,
)
from simulator.population.places import facilities, make_address, practitioner_of
from simulator.population.ranks import BirthAxis
from simulator.population.records import Address, Facility, Person, Practitioner, Telecom
from simulator.population.traits import Traits, traits_of
from simulator.refusal import UsageError

VERSION = 1
"""Of the people and their charts: goes up whenever a rule or a table changes what comes out."""

MAX_SIZE = 100_000_000

_BLOCK = 16  # members of a (family, given) cell whose birth dates are independent; see `_birth_position`


class Population:
    """`size` people, drawn from `seed`, as they are on the day `as_of`. Immutable; nothing in it grows with `size`.

    `key` names the population (version, seed, size): what derives ids from it stays the same from day to day.

    Raises:
        UsageError: `size` is not between 1 and MAX_SIZE.
    """

    def __init__(self, seed: int, size: int, as_of: date) -> None:
        if not 1 <= size <= MAX_SIZE:
            raise UsageError(f"population size is out of range: {size}", f"1 to {MAX_SIZE:,} patients are possible")
        self.seed = seed
        self.size = size
        self.as_of = as_of
        self.key = seed_bytes("population", VERSION, seed, size)
        self.facilities: tuple[Facility, ...] = facilities(self.key, size)
        self.practitioners = max(12, len(self.facilities) * 3, size // 400)
        self._permutations: dict[tuple[int, str], Permutation] = {}
        self._ranks = Permutation(size, self.key, "rank")
        self._contacts = Contacts(self.key, size)
        self._genders = Permutation(size, self.key, "gender")
        self._others = -(-size * tables.OTHER_GENDER_PER_MILLE // 1000)  # whose gender is neither female nor male
        self._clock_changes = Permutation(size, self.key, "clock change")
        self._in_on_change = -(-size // 200)
        self._npis = Permutation(10**8, self.key, "npi")
        self._family_start = h64(self.key, "families") % FAMILY_SLOTS.total
        self._given_starts = [h64(self.key, "givens", f) % GIVEN_SLOTS.total for f in range(len(FAMILIES))]
        self._birth_key = h64(self.key, "births")
        self._axes = {sex: BirthAxis(as_of, tables.AGE_WEIGHTS[sex]) for sex in "FM"}
        self._newborn_axis = BirthAxis(as_of, (1,))

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
        family, given, birth_date, _ = self._placed(number)
        row = GIVENS[given]
        return FAMILIES[family].name, row.sex, row.name, birth_date

    def rank(self, number: int) -> int:
        """The place of a patient in the order that `find` follows; the `after` of the next page.

        Raises:
            IndexError: there is no patient of that number.
        """
        if not 0 <= number < self.size:
            raise IndexError(f"no patient {number} in a population of {self.size}")
        return self._ranks.forward(number)

    def person(self, number: int) -> Person:
        """Everything about who a patient is.

        Raises:
            IndexError: there is no patient of that number.
        """
        family, given, birth_date, member = self._placed(number)
        family_row, given_row = FAMILIES[family], GIVENS[given]
        traits = traits_of(self.key, number, family_row, given_row, (self.as_of - birth_date).days)
        facility = traits.place % len(self.facilities)
        return Person(
            number=number,
            family=family_row.name,
            given=self._given(given_row.name, given_row.sex, traits),
            suffix=traits.suffix,
            maiden=FAMILIES[FAMILY_SLOTS.pick(traits.maiden)].name if traits.maiden is not None else None,
            nickname=traits.nickname,
            birth_date=birth_date,
            sex="F" if given_row.sex == "F" else "M",
            gender=self._gender(number, given_row.sex),
            race=traits.race,
            ethnicity=traits.ethnicity,
            language=traits.language,
            marital=traits.marital,
            telecoms=self._telecoms(number, traits, given_row.folded, family_row.folded, member),
            addresses=(self._address(traits, facility),),
            ssn=self._contacts.ssn(number),
            facility=facility,
            practitioner=self.practitioner_at(facility, traits.panel),
            deceased=traits.deceased(self.as_of),
        )

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
        families = families_like(family, exact)
        givens = givens_like(given, sex, exact)
        for f in families:
            start, members = self._family_range(f)
            if start + members <= after + 1 or not members:
                continue
            for low, high in givens:
                if born is None:
                    yield from self._by_name(f, start, members, low, high, after)
                else:
                    yield from self._born(f, start, members, low, high, born, after)

    def count(
        self,
        *,
        family: str | None = None,
        given: str | None = None,
        born: tuple[date, date] | None = None,
        sex: str | None = None,
        exact: bool = False,
    ) -> int:
        """How many patients `find` would give; free unless `born` is asked for."""
        if born is not None:
            return sum(1 for _ in self.find(family=family, given=given, born=born, sex=sex, exact=exact))
        families = families_like(family, exact)
        givens = givens_like(given, sex, exact)
        total = 0
        for f in families:
            _, members = self._family_range(f)
            rho = self._given_starts[f]
            for low, high in givens if members else ():
                total += GIVEN_SLOTS.bound(members, rho, high) - GIVEN_SLOTS.bound(members, rho, low)
        return total

    def by_phone(self, text: str) -> Iterator[int]:
        """The patients who have this phone, however it is punctuated."""
        value = e164(text)
        for number in self._contacts.by_phone(value):
            if any(telecom.value == value for telecom in self.person(number).telecoms):
                yield number

    def by_ssn(self, text: str) -> Iterator[int]:
        """The patient, if there is one, who has this social security number, with or without hyphens."""
        return self._contacts.by_ssn(text)

    def by_email(self, text: str) -> Iterator[int]:
        """The patient, if there is one, who has this e-mail address."""
        wanted = text.strip().lower()
        parts = wanted.split("@")[0].split(".")
        if len(parts) != 3 or not (parts[2].isascii() and parts[2].isdigit()):
            return
        member = int(parts[2])
        given, family = named_in_email(parts[0], parts[1])
        for f in families_like(family, exact=True):
            start, members = self._family_range(f)
            for low, high in givens_like(given, None, exact=True) if members else ():
                for g in range(low, high):
                    first = GIVEN_SLOTS.bound(members, self._given_starts[f], g)
                    if first + member < GIVEN_SLOTS.bound(members, self._given_starts[f], g + 1):
                        number = self._ranks.inverse(start + first + member)
                        if any(telecom.value == wanted for telecom in self.person(number).telecoms):
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
        return practitioner_of(self.key, index, self._npis.forward(index))

    def practitioner_at(self, facility: int, draw: int) -> int:
        """The index of one of the practitioners of a facility, by any non-negative number."""
        stride = len(self.facilities)
        return facility + stride * (draw % ((self.practitioners - facility - 1) // stride + 1))

    # The order

    def _family_range(self, family: int) -> tuple[int, int]:
        start = FAMILY_SLOTS.bound(self.size, self._family_start, family)
        return start, FAMILY_SLOTS.bound(self.size, self._family_start, family + 1) - start

    def _placed(self, number: int) -> tuple[int, int, date, int]:
        """Family, given name, birth date and place within the namesakes of a patient."""
        rank = self.rank(number)
        family = FAMILY_SLOTS.part_of(self.size, self._family_start, rank)
        start, members = self._family_range(family)
        rho = self._given_starts[family]
        given = GIVEN_SLOTS.part_of(members, rho, rank - start)
        first = GIVEN_SLOTS.bound(members, rho, given)
        namesakes = GIVEN_SLOTS.bound(members, rho, given + 1) - first
        member = rank - start - first
        axis = self._axis(given)
        return family, given, axis.day(self._birth_position(rank, member, namesakes, axis.total)), member

    def _axis(self, given: int) -> BirthAxis:
        row = GIVENS[given]
        return self._newborn_axis if row.is_newborn else self._axes[row.sex]

    def _birth_position(self, rank: int, member: int, namesakes: int, total: int) -> int:
        """Where on the birth axis the `member`-th of `namesakes` stands. A block of members owns its share of the axis
        and inside it each is drawn on its own: pairs of the same name and day are as frequent as in life, yet a day
        belongs to two or three blocks at most."""
        block = member // _BLOCK
        low = block * _BLOCK * total // namesakes
        high = min((block + 1) * _BLOCK, namesakes) * total // namesakes
        return low + (mix(rank, self._birth_key) * (high - low) >> 64)

    def _by_name(self, family: int, start: int, members: int, low: int, high: int, after: int) -> Iterator[int]:
        rho = self._given_starts[family]
        first, last = GIVEN_SLOTS.bound(members, rho, low), GIVEN_SLOTS.bound(members, rho, high)
        for place in range(max(first, after + 1 - start), last):
            yield self._ranks.inverse(start + place)

    def _born(
        self, family: int, start: int, members: int, low: int, high: int, born: tuple[date, date], after: int
    ) -> Iterator[int]:
        rho = self._given_starts[family]
        place = max(GIVEN_SLOTS.bound(members, rho, low), 0)
        last = GIVEN_SLOTS.bound(members, rho, high)
        while place < last:  # from one given name that somebody bears to the next
            given = GIVEN_SLOTS.part_of(members, rho, place)
            end = GIVEN_SLOTS.bound(members, rho, given + 1)
            for rank in self._born_namesakes(given, start + place, end - place, born, after):
                yield self._ranks.inverse(rank)
            place = end

    def _born_namesakes(
        self, given: int, base: int, namesakes: int, born: tuple[date, date], after: int
    ) -> Iterator[int]:
        axis = self._axis(given)
        low, high = axis.position(born[0]), axis.position(born[1] + timedelta(days=1))
        if low >= high:
            return
        first = max(0, low * namesakes // axis.total // _BLOCK - 1) * _BLOCK
        last = min(namesakes, (high * namesakes // axis.total // _BLOCK + 1) * _BLOCK)
        for member in range(max(first, after + 1 - base), last):
            if low <= self._birth_position(base + member, member, namesakes, axis.total) < high:
                yield base + member

    def of_other_gender(self) -> Iterator[int]:
        """The patients whose administrative gender is `other`: 3 of a thousand, at least one."""
        return (self._genders.inverse(place) for place in range(self._others))

    def is_in_on_clock_change(self, number: int) -> bool:
        """Whether the patient is one of those who were in hospital when the clocks changed."""
        return self._clock_changes.forward(number) < self._in_on_change

    def in_on_clock_change(self) -> Iterator[int]:
        """The patients who were in hospital when the clocks changed, if they were born by then: 1 in 200."""
        return (self._clock_changes.inverse(place) for place in range(self._in_on_change))

    # Parts of a person

    def _gender(self, number: int, sex: str) -> Literal["female", "male", "other"]:
        if self._genders.forward(number) < self._others:
            return "other"
        return "female" if sex == "F" else "male"

    def _given(self, first: str, sex: str, traits: Traits) -> tuple[str, ...]:
        if traits.middle is None:
            return (first,)
        row = GIVENS[GIVEN_RANGES[sex][0] + SLOTS_OF_SEX[sex].pick(traits.middle)]
        return (first,) if row.is_newborn or row.name == first else (first, row.name)

    def _telecoms(self, number: int, traits: Traits, given: str, family: str, member: int) -> tuple[Telecom, ...]:
        found = []
        if traits.has_mobile:
            found.append(Telecom("phone", "mobile", self._contacts.mobile(number)))
        if traits.has_home_phone:
            found.append(Telecom("phone", "home", self._contacts.home(number)))
        if traits.mail_domain:
            found.append(
                Telecom("email", "home", f"{ascii_name(given)}.{ascii_name(family)}.{member}@{traits.mail_domain}")
            )
        return tuple(found)

    def _address(self, traits: Traits, facility: int) -> Address:
        return make_address(self.facilities[facility].address.state, traits.home)
