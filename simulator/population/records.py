"""The truth objects of one patient: frozen, vendor-free, exact.

Numbers are `Decimal` with the analyte's digits, instants aware UTC datetimes, calendar days dates. `ordinal` is unique
within (patient, kind) and stable: an item keeps its ordinal whatever is asked first and however the chart is filtered.
Code systems go by short name: snomed icd10cm loinc rxnorm cvx.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple, TypeVar, dataclass_transform, final

Kind = Literal[
    "patient", "encounter", "condition", "allergy", "medication", "observation", "immunization", "procedure",
    "document", "appointment", "coverage",
]  # fmt: skip


named = tuple.__new__
"""What a named tuple is made with where it counts: it saves half of the time, and a chart makes thousands."""

_Record = TypeVar("_Record")


@dataclass_transform(frozen_default=True)
def _record(made: type[_Record]) -> type[_Record]:
    """A frozen dataclass for whoever reads or type-checks the code. At run time nothing watches: Python's frozen
    dataclasses take ten times as long to make, and a chart is made of six hundred."""
    return dataclass(slots=True, unsafe_hash=True)(made)


@dataclass(frozen=True, slots=True)
class Code:
    """A coding: short system name, code, display as the code system words it."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, slots=True)
class Address:
    lines: tuple[str, ...]
    city: str
    state: str  # USPS code
    zip: str  # five digits
    use: str = "home"
    since: date | None = None  # None: not known
    until: date | None = None  # of an address of former times


@dataclass(frozen=True, slots=True)
class Telecom:
    system: str  # phone | email
    use: str  # home | mobile | work
    value: str  # phone: E.164, +1 and ten digits


@dataclass(frozen=True, slots=True)
class Facility:
    """A place of care. `index` is its number in the world; `zone` an IANA time zone."""

    index: int
    name: str
    zone: str
    address: Address
    phone: str


@dataclass(frozen=True, slots=True)
class Practitioner:
    index: int
    family: str
    given: str
    npi: str  # ten digits, Luhn over 80840, starting with 9: no real NPI does
    suffix: str = "MD"

    @property
    def dea(self) -> str:
        """A registration number for controlled substances of the right form and check digit, of nobody: there is no
        type of registrant Z."""
        digits = f"{self.index:06d}"
        odd, even = (sum(map(int, digits[place::2])) for place in (0, 1))
        initial = next((letter for letter in self.family.upper() if "A" <= letter <= "Z"), "9")
        return f"Z{initial}{digits}{(odd + 2 * even) % 10}"


@dataclass(frozen=True, slots=True)
class Person:
    """Kind `patient`."""

    number: int
    family: str
    given: tuple[str, ...]  # first, middle…
    suffix: str | None  # Jr., III
    maiden: str | None
    nickname: str | None
    birth_date: date
    sex: Literal["F", "M"]  # at birth
    gender: Literal["female", "male", "other"]  # administrative
    race: tuple[Code, ...]  # OMB categories, system "cdcrec"; empty: unknown
    ethnicity: Code | None
    language: Code | None  # system "bcp47"
    marital: Code | None  # HL7 v3 MaritalStatus, system "v3-marital"
    telecoms: tuple[Telecom, ...]
    addresses: tuple[Address, ...]
    ssn: str | None  # 9xx-xx-xxxx: an area that is never issued
    facility: int  # home clinic
    practitioner: int  # primary care
    deceased: datetime | None = None
    birth_precision: Literal["day", "month", "year"] = "day"  # how much of the birth date is known
    absent: tuple[tuple[str, str], ...] = ()  # (canonical field, why it is empty), where that is on record
    ordinal: int = 0
    former_addresses: tuple[Address, ...] = ()  # where they lived before: what is told of them is no present fact
    sensitivity: tuple[str, ...] = ()  # of the whole chart: VIP, of public figures; EMP, of employees

    kind = "patient"

    @property
    def birth(self) -> str:
        """As much of the birth date as is known: YYYY, YYYY-MM or YYYY-MM-DD."""
        return self.birth_date.isoformat()[: {"year": 4, "month": 7, "day": 10}[self.birth_precision]]

    def is_born_within(self, first: date, last: date) -> bool:
        """Whether what is known of the birth date lies within these days: a month is not within one of its days."""
        if self.birth_precision == "day":
            return first <= self.birth_date <= last
        earliest = self.birth_date.replace(day=1, month=1 if self.birth_precision == "year" else self.birth_date.month)
        latest = earliest.replace(month=12 if self.birth_precision == "year" else earliest.month, day=28)
        following = (latest + timedelta(days=4)).replace(day=1)
        return first <= earliest and following - timedelta(days=1) <= last

    def why_absent(self, field: str) -> str:
        """Why a canonical field is empty: unknown, asked-declined or not-asked; empty when it is not."""
        return next((reason for name, reason in self.absent if name == field), "")


@final
@_record
class Encounter:
    ordinal: int
    type_key: str  # row of encounters.csv: office, wellness, emergency…
    class_code: str  # v3 ActCode: AMB EMER IMP OBSENC VR HH
    type: Code  # snomed
    start: datetime
    end: datetime | None  # None while it goes on
    status: str  # in-progress | finished
    reason: int | None  # ordinal of a condition
    facility: int
    practitioner: int
    sensitivity: tuple[str, ...] = ()  # of its reason and its clinic
    admit_source: str | None = None  # row of admit_sources.csv; of stays
    disposition: str | None = None  # row of dispositions.csv; of stays and emergencies that are over

    kind = "encounter"


@final
@_record
class Condition:
    ordinal: int
    key: str  # row of conditions.csv
    codes: tuple[Code, ...]  # snomed, icd10cm
    text: str
    clinical_status: str  # active | inactive | resolved
    verification: str  # confirmed | entered-in-error
    category: str  # problem-list-item | encounter-diagnosis
    onset: date
    abatement: date | None
    recorded: datetime
    encounter: int | None
    practitioner: int
    sensitivity: tuple[str, ...] = ()

    kind = "condition"


@final
@_record
class Allergy:
    """An allergy; with `none_known` the statement that there is none (then `code` is SNOMED 716186003)."""

    ordinal: int
    code: Code  # rxnorm or snomed
    text: str
    type: str  # allergy | intolerance
    category: str  # medication | food | environment
    criticality: str  # low | high | unable-to-assess
    clinical_status: str  # active
    verification: str  # confirmed | entered-in-error
    reactions: tuple[Code, ...]  # snomed
    onset: date | None
    recorded: datetime
    practitioner: int
    none_known: bool = False
    sensitivity: tuple[str, ...] = ()

    kind = "allergy"


@final
@_record
class Dosage:
    dose: Decimal
    unit: str  # tablet, mL, puff…
    route: Code  # snomed
    route_key: str  # row of routes.csv
    frequency: int
    period: Decimal
    period_unit: str  # s min h d wk mo
    frequency_code: str  # row of dose_frequencies.csv: QD BID…
    as_needed: bool
    text: str  # the sig, as a person would write it


@final
@_record
class Medication:
    ordinal: int
    key: str  # row of medications.csv
    product: Code  # rxnorm
    ingredient: Code | None  # rxnorm
    text: str
    status: str  # active | stopped | completed | entered-in-error
    intent: str  # order
    authored: datetime
    start: date
    stop: date | None
    dosage: Dosage
    quantity: Decimal
    days_supply: int
    refills: int
    reason: int | None  # ordinal of a condition
    encounter: int | None
    practitioner: int
    dea_schedule: str = ""
    sensitivity: tuple[str, ...] = ()

    kind = "medication"


@final
@_record
class Observation:
    """One analyte or vital sign. Diastolic pressure names the systolic's ordinal in `group`: rooms that tell one
    blood pressure with two components join them; the canonical records stay two."""

    ordinal: int
    key: str  # row of labs.csv
    category: str  # laboratory | vital-signs | survey | social-history
    code: Code  # loinc
    text: str
    status: str  # preliminary | final | corrected | entered-in-error
    effective: datetime
    issued: datetime
    value: Decimal | None
    unit: str | None  # UCUM
    coded: Code | None
    value_text: str | None
    comparator: str | None  # < or >
    interpretation: str | None  # N L H LL HH A
    low: Decimal | None
    high: Decimal | None
    panel: Code | None  # loinc
    panel_key: str | None
    group: int | None
    encounter: int | None
    practitioner: int
    sensitivity: tuple[str, ...] = ()

    kind = "observation"


@final
@_record
class Immunization:
    ordinal: int
    key: str  # row of immunizations.csv
    code: Code  # cvx
    text: str
    day: date
    status: str  # completed | entered-in-error
    lot: str | None
    encounter: int | None
    practitioner: int
    sensitivity: tuple[str, ...] = ()

    kind = "immunization"


@final
@_record
class Procedure:
    ordinal: int
    key: str  # row of procedures.csv
    codes: tuple[Code, ...]  # snomed
    text: str
    status: str  # completed | not-done | entered-in-error
    start: datetime
    end: datetime
    reason: int | None  # ordinal of a condition
    encounter: int | None
    facility: int
    practitioner: int
    sensitivity: tuple[str, ...] = ()

    kind = "procedure"


@final
@_record
class Document:
    """A note, letter or report. Its bytes are written when somebody asks for them: see `documents.content_of`."""

    ordinal: int
    key: str  # row of documents.csv
    type: Code  # loinc
    text: str  # the title
    status: str  # current | superseded | entered-in-error
    doc_status: str  # preliminary | final | amended
    mime: str  # text/plain | text/rtf | text/html | application/pdf | application/xml (C-CDA)
    created: datetime  # the note's own time: it knows nothing that was written down later
    encounter: int | None
    facility: int
    practitioner: int  # its author
    sensitivity: tuple[str, ...] = ()
    amended: datetime | None = None  # when it was last amended
    body: bytes | None = None  # of a document that was put in by somebody: its bytes as they came

    kind = "document"


@final
@_record
class Appointment:
    ordinal: int
    type_key: str  # row of encounters.csv
    type: Code  # snomed
    status: str  # booked | arrived | fulfilled | cancelled | noshow | entered-in-error
    start: datetime
    minutes: int
    created: datetime  # when it was booked
    reason: int | None  # ordinal of a condition
    text: str  # what the patient comes for, in a few words
    cancel_reason: str | None  # patient | provider, with `cancelled`
    encounter: int | None  # ordinal of the encounter, once it is fulfilled
    facility: int
    practitioner: int
    sensitivity: tuple[str, ...] = ()

    kind = "appointment"


@final
@_record
class Coverage:
    ordinal: int
    key: str  # row of payers.csv
    payer: str
    plan: str
    category: str  # public | commercial | self-pay
    type: Code | None  # source of payment typology, system "sopt"
    member_id: str | None  # of the policy: of all who are on it
    group: str | None
    relationship: str  # self | spouse | child
    order: int  # 1 is primary
    status: str  # active | cancelled
    start: date
    end: date | None
    dependent: str | None = None  # the payer's number for who one is on the policy, where it gives any
    holder: int | None = None  # the patient who holds the policy, if that is another one and on file

    kind = "coverage"

    @property
    def card_number(self) -> str | None:
        """The number on the card: that of the policy, and of who one is on it where the payer gives any."""
        return None if self.member_id is None else f"{self.member_id}{self.dependent or ''}"


@final
@_record
class Consent:
    """What a patient allowed or forbade about sensitive items. Truth, but no canonical record of its own."""

    ordinal: int
    labels: tuple[str, ...]  # rows of sensitivity.csv that it is about
    decision: str  # permit | deny
    status: str  # active | inactive
    recorded: datetime
    until: date | None

    kind = "consent"


Record = (
    Person
    | Encounter
    | Condition
    | Allergy
    | Medication
    | Observation
    | Immunization
    | Procedure
    | Document
    | Appointment
    | Coverage
    | Consent
)


class Change(NamedTuple):
    """One thing that happened to one record: from `at` on it is as `record` says."""

    at: datetime
    what: str  # created | updated | corrected | retracted | deleted | merged | unmerged
    record: Record


class State(NamedTuple):
    """How often a record has changed by the moment of a chart, and when it last did. Version 1 is its creation."""

    version: int
    updated: datetime


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that is so about one patient at one moment, each tuple in order of time, oldest first.

    What was entered in error and taken back is not so: it stands in `retracted`, for vendors that go on telling it.
    """

    person: Person
    encounters: tuple[Encounter, ...]
    conditions: tuple[Condition, ...]
    allergies: tuple[Allergy, ...]
    medications: tuple[Medication, ...]
    observations: tuple[Observation, ...]
    immunizations: tuple[Immunization, ...]
    procedures: tuple[Procedure, ...] = ()
    documents: tuple[Document, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    coverages: tuple[Coverage, ...] = ()
    consents: tuple[Consent, ...] = ()
    retracted: tuple[Record, ...] = ()
    states: Mapping[tuple[str, int], State] = field(default_factory=dict, hash=False)  # by kind and ordinal

    def state(self, record: Record) -> State | None:
        """How often this record has changed and when it last did; None for a record that is no part of a log."""
        return self.states.get((record.kind, record.ordinal))

    def of(self, kind: str) -> tuple[Record, ...]:
        """The records of one kind.

        Raises:
            KeyError: no such kind.
        """
        return _OF[kind](self)


_OF: dict[str, Callable[[Chart], tuple[Record, ...]]] = {
    "patient": lambda c: (c.person,),
    "encounter": lambda c: c.encounters,
    "condition": lambda c: c.conditions,
    "allergy": lambda c: c.allergies,
    "medication": lambda c: c.medications,
    "observation": lambda c: c.observations,
    "immunization": lambda c: c.immunizations,
    "procedure": lambda c: c.procedures,
    "document": lambda c: c.documents,
    "appointment": lambda c: c.appointments,
    "coverage": lambda c: c.coverages,
}
KINDS: tuple[str, ...] = tuple(_OF)
FIELDS: dict[str, str] = {
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
    "consent": "consents",
}
"""Where a chart keeps the records of a kind."""
