"""A world: the population plus what has been written to it. Knows no vendor and no clock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Set
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar

from simulator.population.chart import chart_of
from simulator.population.contacts import e164
from simulator.population.ledger import Ledger, Version
from simulator.population.people import Population
from simulator.population.ranks import fold
from simulator.population.records import KINDS, Chart, Person, Record

FIRST_WRITTEN = 2**31
"""Numbers from here on are patients who were written; ordinals from `FIRST_WRITTEN_ORDINAL` on, items that were."""
FIRST_WRITTEN_ORDINAL = 1 << 20

_WRITTEN_RANK = 1 << 33  # written or changed patients come after the population, in number order
_Written = TypeVar("_Written", bound=Record)
_FIELDS = {
    "encounter": "encounters",
    "condition": "conditions",
    "allergy": "allergies",
    "medication": "medications",
    "observation": "observations",
    "immunization": "immunizations",
    "procedure": "procedures",
    "document": "documents",
    "appointment": "appointments",
    "coverage": "coverages",
}


class World:
    """The population and the ledger, read as one. What is written here every vendor of the sandbox sees."""

    def __init__(self, population: Population, charts_kept: int = 512) -> None:
        self.population = population
        self._charts_kept = charts_kept
        self._charts: OrderedDict[int, Chart] = OrderedDict()
        self.reset()

    def reset(self) -> None:
        """Forgets everything written."""
        self._ledger = Ledger(FIRST_WRITTEN, FIRST_WRITTEN_ORDINAL)
        self._charts = OrderedDict()
        self._families: dict[str, set[int]] = {}  # folded family name -> written patients who bear it or have borne it

    @property
    def writes(self) -> int:
        """How many writes there have been."""
        return self._ledger.writes

    # Reading

    def person(self, number: int) -> Person | None:
        """The person of that number as of the latest write; None if there is none."""
        version = self._ledger.latest(("patient", number, 0))
        if version is not None:
            return version.record if isinstance(version.record, Person) and not version.deleted else None
        return self.population.person(number) if 0 <= number < self.population.size else None

    def chart(self, number: int) -> Chart:
        """Everything that is so about a patient.

        Raises:
            IndexError: there is no such patient.
        """
        kept = self._charts.get(number)
        if kept is None:
            kept = self._make_chart(number)
            self._charts[number] = kept
            if len(self._charts) > self._charts_kept:
                self._charts.popitem(last=False)
        else:
            self._charts.move_to_end(number)
        return kept

    def read(self, kind: str, number: int, ordinal: int) -> Record | None:
        """One record; None if there is none, or no longer.

        Raises:
            KeyError: no such kind.
        """
        if kind not in KINDS:
            raise KeyError(kind)
        if kind == "patient":
            return self.person(number) if ordinal == 0 else None
        if self.person(number) is None:
            return None
        return next((record for record in self.chart(number).of(kind) if record.ordinal == ordinal), None)

    def versions(self, kind: str, number: int, ordinal: int) -> tuple[Version, ...]:
        """What was written to one record, oldest first; empty while it is as generated."""
        return self._ledger.versions((kind, number, ordinal))

    def find(
        self,
        *,
        family: str | None = None,
        given: str | None = None,
        born: tuple[date, date] | None = None,
        sex: str | None = None,
        phone: str | None = None,
        ssn: str | None = None,
        email: str | None = None,
        exact: bool = False,
        after: int = -1,
    ) -> Iterator[int]:
        """The numbers of the patients who match everything asked, lazily, in the order of `rank`: the population as
        `Population.find` does, then the patients who were written or changed."""
        written = self._ledger.patients
        if phone is None and ssn is None and email is None:
            hits = self.population.find(family=family, given=given, born=born, sex=sex, exact=exact, after=after)
        else:
            hits = iter(sorted(self._by_contact(phone, ssn, email), key=self.population.rank))
        for number in hits:
            if number in written or ((phone or ssn or email) and self.population.rank(number) <= after):
                continue
            person = self.population.person(number) if phone or ssn or email else None
            if person is None or _matches(person, family, given, born, sex, phone, ssn, email, exact):
                yield number
        for number in sorted(self._written(family)):
            person = self.person(number)
            if person is None or _WRITTEN_RANK + number <= after:
                continue
            if _matches(person, family, given, born, sex, phone, ssn, email, exact):
                yield number

    def rank(self, number: int) -> int:
        """The place of a patient in the order of `find`: the `after` of the next page.

        Raises:
            IndexError: there is no patient of that number.
        """
        if self._ledger.latest(("patient", number, 0)) is not None:
            return _WRITTEN_RANK + number
        return self.population.rank(number)

    def stamp(self, number: int) -> int:
        """How many writes the records of patient `number` have seen: bytes made of them are good while it stays."""
        return self._ledger.writes_of(number)

    # Writing

    def write(self, record: _Written, number: int | None, who: str, at: datetime) -> _Written:
        """Puts `record` into the chart of patient `number` and gives it back as it is kept.

        An ordinal of -1 means a new record, which gets an ordinal of the written range; any other replaces that
        record. A `Person` with number -1 (and `number` None or -1) is a new patient.

        Raises:
            IndexError: there is no patient `number`.
        """
        if isinstance(record, Person):
            if number is None or number < 0:
                number = self._ledger.next_patient
                self._ledger.next_patient += 1
            elif self.person(number) is None:
                raise IndexError(f"no patient {number}")
            kept: Record = replace(record, number=number, ordinal=0)
        else:
            if number is None or self.person(number) is None:
                raise IndexError(f"no patient {number}")
            ordinal = record.ordinal
            if ordinal < 0:
                ordinal = self._ledger.next_ordinal
                self._ledger.next_ordinal += 1
            kept = replace(record, ordinal=ordinal)
        self._append(kept, number, who, at, deleted=False)
        return kept  # type: ignore[return-value]

    def delete(self, kind: str, number: int, ordinal: int, who: str, at: datetime) -> Record | None:
        """Takes a record away and gives it back; None if there was none."""
        record = self.read(kind, number, ordinal)
        if record is not None:
            self._append(record, number, who, at, deleted=True)
        return record

    def _append(self, record: Record, number: int, who: str, at: datetime, deleted: bool) -> None:
        key = (record.kind, number, record.ordinal)
        earlier = self._ledger.latest(key)
        generated = record.ordinal < FIRST_WRITTEN_ORDINAL and number < FIRST_WRITTEN
        version = earlier.number + 1 if earlier else 2 if generated else 1
        self._ledger.append(key, Version(record, version, who, at, deleted))
        if isinstance(record, Person):
            self._families.setdefault(fold(record.family), set()).add(number)
        self._charts.pop(number, None)

    # Overlay

    def _make_chart(self, number: int) -> Chart:
        if 0 <= number < self.population.size:
            chart = chart_of(self.population, number)
        else:
            person = self.person(number)
            if person is None:
                raise IndexError(f"no patient {number}")
            chart = Chart(person, (), (), (), (), (), ())
        if not self._ledger.has(number):
            return chart
        changed: dict[str, dict[int, Record]] = {}
        for (kind, _, ordinal), version in self._ledger.of_patient(number):
            records = changed.setdefault(kind, {record.ordinal: record for record in chart.of(kind)})
            records.pop(ordinal, None)
            if not version.deleted:
                records[ordinal] = version.record
        person = self.person(number)
        if person is None:
            raise IndexError(f"no patient {number}")
        parts = {_FIELDS[kind]: tuple(records.values()) for kind, records in changed.items() if kind != "patient"}
        return replace(chart, person=person, **parts)  # type: ignore[arg-type]

    def _written(self, family: str | None) -> Set[int]:
        """The written patients among whom those of a family name are, or were."""
        if not family:
            return self._ledger.patients
        key = fold(family)
        found: set[int] = set()
        return found.union(*(numbers for name, numbers in self._families.items() if name.startswith(key)))

    def _by_contact(self, phone: str | None, ssn: str | None, email: str | None) -> set[int]:
        found = []
        if phone:
            found.append(set(self.population.by_phone(phone)))
        if ssn:
            found.append(set(self.population.by_ssn(ssn)))
        if email:
            found.append(set(self.population.by_email(email)))
        return set.intersection(*found) if found else set()


def _matches(
    person: Person,
    family: str | None,
    given: str | None,
    born: tuple[date, date] | None,
    sex: str | None,
    phone: str | None,
    ssn: str | None,
    email: str | None,
    exact: bool,
) -> bool:
    def named(asked: str | None, name: str) -> bool:
        if not asked:
            return True
        key = fold(asked)
        return bool(key) and (fold(name) == key if exact else fold(name).startswith(key))

    values = {telecom.value.lower() for telecom in person.telecoms}
    return (
        named(family, person.family)
        and named(given, person.given[0] if person.given else "")
        and (born is None or born[0] <= person.birth_date <= born[1])
        and sex in (None, person.sex)
        and (not phone or e164(phone) in values)
        and (not ssn or (person.ssn or "").replace("-", "") == ssn.replace("-", ""))
        and (not email or email.strip().lower() in values)
    )
