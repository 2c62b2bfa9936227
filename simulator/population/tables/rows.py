"""The rows of the tables, typed. Shares are integers per million, odds multipliers integers per hundred: what decides
membership is never a float. Laboratory means and deviations are floats: only + - * / touch them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from simulator.population.records import Code


@dataclass(frozen=True, slots=True)
class FamilyName:
    name: str
    folded: str  # frozen: folding follows the Unicode tables, which grow
    weight: int
    origin: str  # row of origins.csv; empty: general
    note: str  # why the name is hard to handle; empty: it is not


@dataclass(frozen=True, slots=True)
class GivenName:
    """A given name of one sex. `born` tells by pool ("us" or an origin) how often it was given, at five years from 1930
    to 2010; counts of different pools do not compare."""

    name: str
    folded: str
    sex: str
    born: Mapping[str, tuple[int, ...]]
    is_newborn: bool  # a name given until there is one

    @property
    def weight(self) -> int:
        """How common the name is among all who live, roughly."""
        return sum(self.born.get("us", ()))


@dataclass(frozen=True, slots=True)
class OriginRow:
    """Where family names come from, and what goes with it."""

    origin: str
    heritage_per_mille: int  # who bear a given name of the origin's own pool
    races: Mapping[str, int]
    hispanic_per_mille: int
    languages: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Weighted:
    """A code with a weight; without `codes` it stands for "not known"."""

    key: str
    codes: tuple[Code, ...]
    weight: int


@dataclass(frozen=True, slots=True)
class State:
    code: str
    weight: int
    zone: str
    zip3: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConditionRow:
    key: str
    snomed: Code
    icd10cm: Code
    kind: str  # chronic | social | acute | episode
    sex: str  # B F M
    per_million: tuple[int, int, int, int]  # of males by age 0-17, 18-44, 45-64, 65+; acute: a year
    female_percent: int  # the females' share, in per cent of the males'
    onset: tuple[int, int]  # years of age
    days: tuple[int, int]
    emergency: int  # emergencies per million episodes of an acute one; of others, of a million who have it a year
    stay: tuple[int, int]  # stays in hospital likewise, before 65 and from then on
    planned: int  # planned stays of a million who have it a year
    fatal: int  # of a thousand stays for it, how many end in death
    links: tuple[tuple[str, int], ...]  # odds multipliers in per cent
    requires: tuple[str, ...]
    excludes: tuple[str, ...]
    medications: tuple[tuple[str, int], ...]  # per million
    labs: tuple[str, ...]
    sensitivity: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MedicationRow:
    key: str
    product: Code
    ingredient: Code | None
    route: str
    dose: Decimal
    dose_unit: str
    frequency: str
    as_needed: bool
    quantity: Decimal
    days_supply: int
    refills: int
    is_chronic: bool
    ages: tuple[int, int]  # in whole years, at which the product is for the patient
    dea_schedule: str
    sensitivity: tuple[str, ...]
    is_kept_from_pregnant: bool


@dataclass(frozen=True, slots=True)
class FrequencyRow:
    code: str
    words: str
    frequency: int
    period: Decimal
    period_unit: str


@dataclass(frozen=True, slots=True)
class LabRow:
    """An analyte, vital sign, score or coded finding. `decimals` is None where the value is not a number."""

    key: str
    code: Code
    short: str
    panel: str
    category: str
    unit: str | None
    value_type: str  # number | coded | text
    decimals: int
    low: dict[str, Decimal | None]  # by sex
    high: dict[str, Decimal | None]
    critical_low: Decimal | None
    critical_high: Decimal | None
    mean: dict[str, float | None]
    sd_between: float
    sd_within: float
    per_decade: float
    alt_unit: str | None
    alt_factor: str  # a number, or the formula in words
    effects: tuple[tuple[str, str, float], ...]  # condition or medication, one of + - *, amount
    limits: tuple[int, int] | None  # no value lies outside
    below: Decimal | None  # values under it are told as "< below"
    above: Decimal | None
    sensitivity: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PanelRow:
    key: str
    code: Code
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AllergyRow:
    key: str
    code: Code
    type: str
    category: str
    criticality: str
    per_million: int
    reactions: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class ImmunizationRow:
    key: str
    code: Code
    schedule: str  # months of age, or a rule in words
    start_month: int
    per_million: int
    first_day: date  # when it came into use
    last_day: date


@dataclass(frozen=True, slots=True)
class HospitalRow:
    """Where stays come from, or where they end: the code of FHIR, what people call it, and the shares of a hundred, by
    the column that a stay falls under (see `chart/admissions.py`)."""

    key: str
    code: Code
    text: str
    percent: Mapping[str, int]
    nubc: str  # of dispositions, the patient status of a hospital's bill: form locator 17 of UB-04


@dataclass(frozen=True, slots=True)
class EncounterRow:
    key: str
    class_code: str
    type: Code
    minutes: tuple[int, int]
    slot: int  # minutes that a schedule holds for it


@dataclass(frozen=True, slots=True)
class CodedValue:
    code: Code
    is_abnormal: bool


@dataclass(frozen=True, slots=True)
class GrowthRow:
    """Median vital signs of children at an age in months."""

    months: int
    medians: dict[str, float]  # by lab key


@dataclass(frozen=True, slots=True)
class GrowthCurve:
    """A growth chart of one sex: Box-Cox power, median and coefficient of variation at ages in months (LMS)."""

    months: tuple[float, ...]
    power: tuple[float, ...]
    median: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ProcedureRow:
    key: str
    code: Code
    conditions: tuple[str, ...]  # that call for it; empty: none is needed
    sex: str  # B F M
    min_age: int
    minutes: int
    classes: frozenset[str]  # of encounters in which it is done
    kinds: frozenset[str]  # of encounters, if it is not done in all of the class
    per_million: int  # of the encounters that fit
    every_days: int  # no sooner again
    sensitivity: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DocumentRow:
    key: str
    type: Code
    title: str
    formats: tuple[tuple[str, int], ...]  # MIME type and weight
    classes: frozenset[str]  # of encounters that bring it; empty: any
    kinds: frozenset[str]
    procedures: frozenset[str]  # one of them was done: without it there is nothing to write about
    per_million: int  # of the encounters that fit
    when: str  # signed | resulted: the moment of the encounter at which it is there
    sensitivity: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PayerRow:
    key: str
    name: str
    category: str  # public | commercial | self-pay
    plan: str
    ages: tuple[int, int]  # years, both included
    weight: int
    type: Code  # source of payment typology
    by: str  # employment | state | federal | person: through what somebody comes by it
    secondary: tuple[tuple[str, int], ...]  # payers that pay after it, and how often, per million
    member: str  # pattern of member ids: A letter, 9 digit, the rest as it stands
    has_group: bool
    first_dependent: int | None  # what the payer numbers those on a policy from, the holder first; None: it does not

    @property
    def is_for_families(self) -> bool:
        """Whether a policy may insure others of the household too."""
        return bool(self.member) and self.by in ("employment", "person") and self.weight > 0
