"""What somebody can make happen in a world, now: each function writes the records that follow, and gives them back.

The rows of the tables are named by key or by code. What does not fit the world is `Unfit`, with a sentence and a hint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, TypeVar

from simulator.population import tables
from simulator.population.chart.allergies import NO_KNOWN_ALLERGY
from simulator.population.chart.fates import ENTERED_IN_ERROR
from simulator.population.chart.medications import dosage_of
from simulator.population.chart.observations import interpretation
from simulator.population.records import (
    Address,
    Allergy,
    Appointment,
    Code,
    Condition,
    Consent,
    Coverage,
    Encounter,
    Medication,
    Observation,
    Person,
    Record,
)
from simulator.population.tables.rows import EncounterRow, LabRow
from simulator.population.world import World
from simulator.population.zones import zone_info

_Row = TypeVar("_Row")
STAYS = ("inpatient", "emergency", "observation", "surgical")
_DIED = "died"


class Unfit(ValueError):
    """What was asked for does not fit the world."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Scene:
    """Where something happens: in which world, to whom, when, and who writes it down."""

    world: World
    number: int
    who: str
    at: datetime

    @property
    def person(self) -> Person:
        person = self.world.person(self.number)
        if person is None:
            raise Unfit(f"no patient {self.number}")
        return person

    @property
    def today(self) -> date:
        """The calendar day at the home clinic."""
        zone = self.world.population.facility(self.person.facility).zone
        return self.at.astimezone(zone_info(zone)).date()

    def living(self) -> Person:
        """The person, who must not be dead.

        Raises:
            Unfit: the patient has died.
        """
        person = self.person
        if person.deceased is not None:
            raise Unfit(f"patient {self.number} died at {person.deceased:%Y-%m-%dT%H:%M:%SZ}")
        return person

    def stay(self) -> Encounter | None:
        """The encounter that goes on now, if there is one."""
        return next((one for one in reversed(self.world.chart(self.number).encounters) if one.end is None), None)

    def find(self, kind: str, ordinal: int) -> Record:
        """A record as it is now.

        Raises:
            Unfit: there is none, or it was taken back.
        """
        found = self.world.read(kind, self.number, ordinal)
        if found is None:
            raise Unfit(f"no record {self.number}-{kind}-{ordinal}, or no longer")
        return found

    def write(self, record: Record, what: str = "") -> Record:
        return self.world.write(record, self.number, self.who, self.at, what)


def result(
    scene: Scene,
    test: str,
    *,
    number: Decimal | None = None,
    comparator: str | None = None,
    coded: str | None = None,
    text: str | None = None,
    status: str = "final",
    effective: datetime | None = None,
) -> Record:
    """A new result or measurement, with unit, range and flag of its test.

    Raises:
        Unfit: no such test, or not a value of its kind.
    """
    person = scene.living()
    row = named(tables.LABS, test, "test", lambda one: (one.code,))
    value = _value(row, number, comparator, coded, text, person.sex)
    stay = scene.stay()
    effective = effective or scene.at
    if effective > scene.at:
        raise Unfit(f"effective lies ahead of the sandbox clock: {effective:%Y-%m-%dT%H:%M:%SZ}")
    record = Observation(
        ordinal=-1,
        key=row.key,
        category=row.category,
        code=row.code,
        text=row.short,
        status=status,
        effective=effective,
        issued=scene.at,
        low=row.low[person.sex],
        high=row.high[person.sex],
        panel=None,
        panel_key=None,
        group=None,
        encounter=stay.ordinal if stay else None,
        practitioner=stay.practitioner if stay else person.practitioner,
        sensitivity=row.sensitivity,
        **value,
    )
    return scene.write(record)


def correction(
    scene: Scene,
    ordinal: int,
    *,
    number: Decimal | None = None,
    comparator: str | None = None,
    coded: str | None = None,
    text: str | None = None,
) -> Record:
    """Another value for a result that was wrong.

    Raises:
        Unfit: no such result, or not a value of its kind.
    """
    found = scene.find("observation", ordinal)
    assert isinstance(found, Observation)
    value = _value(tables.LABS[found.key], number, comparator, coded, text, scene.person.sex)
    return scene.write(replace(found, status="corrected", issued=scene.at, **value), "corrected")


def retraction(scene: Scene, kind: str, ordinal: int) -> Record:
    """An item turns out to have been entered in error, and is taken back. A blood pressure is one measurement: with
    one half goes the other.

    Raises:
        Unfit: there is no such record, or its kind is not taken back.
    """
    found = scene.find(kind, ordinal)
    if isinstance(found, Condition | Allergy):
        return scene.write(replace(found, verification=ENTERED_IN_ERROR), "retracted")
    if isinstance(found, Person | Coverage | Consent):
        raise Unfit(f"a {kind} is not retracted")
    if isinstance(found, Observation):
        for half in _measured_with(scene, found):
            scene.write(replace(half, status=ENTERED_IN_ERROR), "retracted")
    return scene.write(replace(found, status=ENTERED_IN_ERROR), "retracted")


def _measured_with(scene: Scene, one: Observation) -> list[Observation]:
    """The other parts of the measurement that an observation is a part of."""
    name = one.ordinal if one.group is None else one.group
    held = scene.world.chart(scene.number).observations
    return [other for other in held if name in (other.ordinal, other.group) and other.ordinal != one.ordinal]


def admission(
    scene: Scene, type: str, *, reason: int | None = None, facility: int | None = None, source: str | None = None
) -> Record:
    """The patient comes in and stays; without a `source` from the emergency room, or for an operation by referral.

    Raises:
        Unfit: they are in already, or there is no such kind of stay, reason, facility or source.
    """
    person = scene.living()
    row = named(tables.ENCOUNTERS, type, "type of encounter", lambda one: (one.type,))
    if row.key not in STAYS:
        raise Unfit(f"nobody is admitted to an encounter of type {row.key}", f"one of: {', '.join(STAYS)}")
    stay = scene.stay()
    if stay is not None:
        raise Unfit(
            f"the patient is in already: {scene.number}-encounter-{stay.ordinal} goes on", "discharge them first"
        )
    if reason is not None:
        scene.find("condition", reason)
    place = person.facility if facility is None else facility
    if not 0 <= place < len(scene.world.population.facilities):
        raise Unfit(f"no facility {place}", f"0 to {len(scene.world.population.facilities) - 1}")
    return scene.write(_encounter(scene, row, reason, place, _source(row, source)))


def _source(row: EncounterRow, source: str | None) -> str | None:
    """Where somebody is admitted from, as a row of admit_sources.csv; nobody is admitted to the emergency room."""
    if row.key == "emergency":
        if source is not None:
            raise Unfit("nobody is admitted to an emergency visit: it has no source")
        return None
    usual = "referral" if row.key == "surgical" else "emergency"
    return named(tables.ADMIT_SOURCES, source or usual, "source of admission", lambda one: (one.code,)).key


def _encounter(scene: Scene, row: EncounterRow, reason: int | None, facility: int, source: str | None) -> Encounter:
    return Encounter(
        ordinal=-1,
        type_key=row.key,
        class_code=row.class_code,
        type=row.type,
        start=scene.at,
        end=None,
        status="in-progress",
        reason=reason,
        facility=facility,
        practitioner=scene.world.population.practitioner_at(facility, scene.number),
        admit_source=source,
    )


def discharge(scene: Scene, ordinal: int | None = None, *, disposition: str = "home") -> Record:
    """An encounter that goes on ends now: the named one, or the only one. `disposition` is where they go from a stay or
    an emergency.

    Raises:
        Unfit: none goes on, the named one is over, or nobody goes there.
    """
    if ordinal is None:
        found: Record | None = scene.stay()
        if found is None:
            raise Unfit("no encounter of the patient goes on")
    else:
        found = scene.find("encounter", ordinal)
    assert isinstance(found, Encounter)
    if found.end is not None:
        raise Unfit(f"encounter {scene.number}-encounter-{found.ordinal} is over since {found.end:%Y-%m-%dT%H:%M:%SZ}")
    row = named(tables.DISPOSITIONS, disposition, "disposition", lambda one: (one.code,))
    if row.key == _DIED:
        raise Unfit("nobody is discharged as dead while they live", "let the patient die: the stay ends with it")
    return _ended(scene, found, row.key)


def _ended(scene: Scene, stay: Encounter, disposition: str) -> Record:
    end = max(scene.at, stay.start + timedelta(minutes=1))
    goes = disposition if stay.type_key in STAYS else None
    return scene.write(replace(stay, status="finished", end=end, disposition=goes))


def condition(scene: Scene, code: str, *, onset: date | None = None) -> Record:
    """A new problem.

    Raises:
        Unfit: no such condition, or not at this sex, or before birth or ahead.
    """
    person = scene.living()
    row = named(tables.CONDITIONS, code, "condition", lambda one: (one.snomed, one.icd10cm))
    if row.sex not in ("B", person.sex):
        raise Unfit(f"condition {row.key} is not for the sex of patient {scene.number}: {person.sex}")
    stay = scene.stay()
    record = Condition(
        ordinal=-1,
        key=row.key,
        codes=(row.snomed, row.icd10cm),
        text=row.icd10cm.display,
        clinical_status="active",
        verification="confirmed",
        category="problem-list-item",
        onset=_day(scene, "onset", onset),
        abatement=None,
        recorded=scene.at,
        encounter=stay.ordinal if stay else None,
        practitioner=person.practitioner,
        sensitivity=row.sensitivity,
    )
    return scene.write(record)


def resolution(scene: Scene, ordinal: int, *, abatement: date | None = None) -> Record:
    """A problem is over.

    Raises:
        Unfit: no such condition, or over already, or a day before its onset.
    """
    found = scene.find("condition", ordinal)
    assert isinstance(found, Condition)
    if found.abatement is not None:
        raise Unfit(f"condition {scene.number}-condition-{ordinal} is over since {found.abatement}")
    day = _day(scene, "abatement", abatement)
    if day < found.onset:
        raise Unfit(f"abatement lies before the onset: {day} < {found.onset}")
    row = tables.CONDITIONS.get(found.key)  # what a vendor took in may have no row
    over = "inactive" if row is not None and row.kind in ("chronic", "social") else "resolved"
    return scene.write(replace(found, clinical_status=over, abatement=day))


def allergy(scene: Scene, code: str, *, criticality: str | None = None, onset: date | None = None) -> Record:
    """A new allergy. A statement that there is none is taken back.

    Raises:
        Unfit: no such substance, or it is on the list already.
    """
    person = scene.living()
    row = named(tables.ALLERGIES, code, "allergy", lambda one: (one.code,))
    for held in scene.world.chart(scene.number).allergies:
        if held.code == row.code:
            raise Unfit(f"allergy {row.key} is on the list already: {scene.number}-allergy-{held.ordinal}")
        if held.none_known:
            scene.write(replace(held, verification=ENTERED_IN_ERROR), "retracted")
    record = Allergy(
        ordinal=-1,
        code=row.code,
        text=row.code.display.split(" (")[0],
        type=row.type,
        category=row.category,
        criticality=criticality or row.criticality,
        clinical_status="active",
        verification="confirmed",
        reactions=row.reactions[:1],
        onset=None if onset is None else _day(scene, "onset", onset),
        recorded=scene.at,
        practitioner=person.practitioner,
    )
    return scene.write(record)


def no_known_allergies(scene: Scene) -> Record:
    """Somebody asks, and writes down that there is no allergy.

    Raises:
        Unfit: something stands on the list.
    """
    person = scene.living()
    if scene.world.chart(scene.number).allergies:
        raise Unfit("the list of allergies is not empty", "retract what stands on it first")
    record = Allergy(
        ordinal=-1,
        code=NO_KNOWN_ALLERGY,
        text="No known allergies",
        type="allergy",
        category="medication",
        criticality="unable-to-assess",
        clinical_status="active",
        verification="confirmed",
        reactions=(),
        onset=None,
        recorded=scene.at,
        practitioner=person.practitioner,
        none_known=True,
    )
    return scene.write(record)


def order(scene: Scene, product: str, *, reason: int | None = None) -> Record:
    """A new medication order.

    Raises:
        Unfit: no such product or reason.
    """
    person = scene.living()
    row = named(
        tables.MEDICATIONS,
        product,
        "product",
        lambda one: (one.product, *((one.ingredient,) if one.ingredient else ())),
    )
    if reason is not None:
        scene.find("condition", reason)
    stay = scene.stay()
    record = Medication(
        ordinal=-1,
        key=row.key,
        product=row.product,
        ingredient=row.ingredient,
        text=row.product.display,
        status="active",
        intent="order",
        authored=scene.at,
        start=scene.today,
        stop=None,
        dosage=dosage_of(row),
        quantity=row.quantity,
        days_supply=row.days_supply,
        refills=row.refills,
        reason=reason,
        encounter=stay.ordinal if stay else None,
        practitioner=person.practitioner,
        dea_schedule=row.dea_schedule,
        sensitivity=row.sensitivity,
    )
    return scene.write(record)


def stop(scene: Scene, ordinal: int) -> Record:
    """A medication is stopped today.

    Raises:
        Unfit: no such medication, or over already.
    """
    found = scene.find("medication", ordinal)
    assert isinstance(found, Medication)
    if found.status != "active":
        raise Unfit(f"medication {scene.number}-medication-{ordinal} is {found.status} already")
    return scene.write(replace(found, status="stopped", stop=max(scene.today, found.start)))


def booking(scene: Scene, type: str, start: datetime, *, minutes: int = 20, text: str = "") -> Record:
    """An appointment is booked with the patient's practitioner.

    Raises:
        Unfit: no such type, or it begins in the past.
    """
    person = scene.living()
    row = named(tables.ENCOUNTERS, type, "type of encounter", lambda one: (one.type,))
    if start <= scene.at:
        raise Unfit(f"start lies before the sandbox clock: {start:%Y-%m-%dT%H:%M:%SZ}")
    record = Appointment(
        ordinal=-1,
        type_key=row.key,
        type=row.type,
        status="booked",
        start=start.astimezone(UTC),
        minutes=minutes,
        created=scene.at,
        reason=None,
        text=text or row.type.display.split(" (")[0],
        cancel_reason=None,
        encounter=None,
        facility=person.facility,
        practitioner=person.practitioner,
    )
    return scene.write(record)


def cancellation(scene: Scene, ordinal: int, *, by: str = "patient") -> Record:
    """A booked appointment is cancelled.

    Raises:
        Unfit: no such appointment, or it is not booked.
    """
    found = scene.find("appointment", ordinal)
    assert isinstance(found, Appointment)
    if found.status != "booked":
        raise Unfit(f"appointment {scene.number}-appointment-{ordinal} is {found.status}")
    return scene.write(replace(found, status="cancelled", cancel_reason=by))


def death(scene: Scene) -> Record:
    """The patient dies. An encounter that goes on ends.

    Raises:
        Unfit: they died before.
    """
    person = scene.living()
    stay = scene.stay()
    if stay is not None:
        _ended(scene, stay, _DIED)
    return scene.write(replace(person, deceased=scene.at.replace(second=0, microsecond=0)))


def move(scene: Scene, lines: tuple[str, ...], city: str, state: str, zip: str) -> Record:
    """The patient moves: another home address from today on. The one before is told as a former one.

    Raises:
        Unfit: no such state.
    """
    person = scene.living()
    known = [row.code for row in tables.STATES]
    if state not in known:
        raise Unfit(f"no state {state}", "USPS codes: MA, CA, …")
    others = tuple(one for one in person.addresses if one.use != "home")
    left = tuple(replace(one, use="old", until=scene.today) for one in person.addresses if one.use == "home")
    home = Address(lines, city, state, zip, since=scene.today)
    return scene.write(replace(person, addresses=(home, *others), former_addresses=(*left, *person.former_addresses)))


def merge(scene: Scene, into: int) -> None:
    """A registration turns out to be another patient's: it is merged into that one, with all its records.

    Raises:
        Unfit: one of them is no patient, or both are one.
    """
    for number in (scene.number, into):
        survivor = scene.world.survivor(number)
        if survivor is not None:
            raise Unfit(f"patient {number} was merged into {survivor}", f"name the survivor: {survivor}")
    if scene.world.person(into) is None:
        raise Unfit(f"no patient {into}")
    if scene.number == into:
        raise Unfit(f"patient {into} cannot be merged into themselves")
    scene.world.merge(scene.number, into, scene.who, scene.at)


def unmerge(scene: Scene) -> None:
    """A merged registration was somebody else's after all: it stands for itself again, with its records. What was
    written about the survivor since then stays there.

    Raises:
        Unfit: it was not merged.
    """
    if scene.world.survivor(scene.number) is None:
        raise Unfit(f"patient {scene.number} is not merged into anybody")
    scene.world.unmerge(scene.number, scene.who, scene.at)


# Rows and values


def named(rows: Mapping[str, _Row], text: str, what: str, codes_of: Any) -> _Row:
    """The row of that key, or the one that has that code.

    Raises:
        Unfit: there is none; the hint names those that sound alike.
    """
    found = rows.get(text) or next((row for row in rows.values() if _has_code(codes_of(row), text)), None)
    if found is None:
        near = get_close_matches(text, rows, n=3, cutoff=0.5)
        raise Unfit(
            f'unknown {what} "{text}"', f"did you mean: {', '.join(near)}" if near else "a key of the tables, or a code"
        )
    return found


def _has_code(codes: Iterable[Code], text: str) -> bool:
    return any(code.code == text for code in codes)


def _value(
    row: LabRow, number: Decimal | None, comparator: str | None, coded: str | None, text: str | None, sex: str
) -> dict[str, Any]:
    """The members of an observation that hold its value, as the kind of its test has it."""
    told = [name for name, one in (("value", number), ("coded", coded), ("text", text)) if one is not None]
    wanted = {"number": "value", "coded": "coded", "text": "text"}[row.value_type]
    if told != [wanted]:
        raise Unfit(f"test {row.key} needs {wanted}, and no more: given {', '.join(told) or 'nothing'}")
    made: dict[str, Any] = {"value": number, "value_text": text, "comparator": comparator}
    made |= dict.fromkeys(("unit", "coded", "interpretation"))
    if number is not None:
        made["unit"] = row.unit
        made["interpretation"] = interpretation(row, number, sex)
    if coded is not None:
        known = named(tables.CODED_VALUES, coded, "coded value", lambda one: (one.code,))
        made["coded"], made["interpretation"] = known.code, "A" if known.is_abnormal else "N"
    return made


def _day(scene: Scene, name: str, day: date | None) -> date:
    """A day in the patient's life up to today; today when none is given."""
    day = day or scene.today
    if not scene.person.birth_date <= day <= scene.today:
        raise Unfit(f"{name} lies outside the life of the patient so far: {day}")
    return day
