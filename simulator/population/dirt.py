"""How dirty a population is: a rate for every kind of defect, per million, and nothing else.

Charts in production hold second registrations, merged numbers, values in the wrong unit, codes that nobody mapped. Each
kind of defect is drawn by name from (patient, item, vendor where it is the vendor's), so that changing one rate moves
nothing else, and each is known: see `defects`. What a defect is:

second_registration  of patients: the same human being under a second number; of those
  nickname             under a nickname
  swapped_date         with day and month of birth exchanged, where that gives a date
  transposed_digits    with two neighbouring digits of phone and social security number exchanged
  maiden_name          under the name before marriage, of those who have one
  no_middle            without the middle name
  old_address          at a former address
merged               of patients: a second number that was merged into the first; of those
  unmerged             taken apart again some weeks later
no_race, no_language, no_phone, no_email
                     of patients: not on record; why not is on record for some
partial_birth_date   of patients: only the year, or year and month, are known
retracted            of items: entered in error and taken back later
wrong_unit           of weights: pounds typed as kilograms
carried_forward      of weights and heights: nobody measured, the last value was typed again
duplicated           of weights and heights: the same value is on file twice
transposed_value     of weights: two digits exchanged
local_labs           of the tests of a vendor's laboratory: no standard code, the words remain
local_drugs          of the products of a vendor's catalogue: no standard code, the words remain
free_text            of allergies at a vendor: typed as words, not picked from the catalogue

What is wrong with the record of one patient, and what is true instead, `known_defects` says.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from simulator.refusal import UsageError

MILLION = 1_000_000
MOST_SECOND_REGISTRATIONS = 250_000
"""Of a million patients. So many numbers are set aside for second registrations, and as many for merged ones."""
_MOST = {
    "second_registration": MOST_SECOND_REGISTRATIONS,
    "merged": MOST_SECOND_REGISTRATIONS,
    "retracted": MILLION // 8,  # one visit in eight may have items that are taken back
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dirt:
    """A rate per million for each kind of defect; see the module's first lines.

    The defaults are guesses but for those of weights and heights, which are the rates of Synthea's growth data errors
    (github.com/synthetichealth/synthea, growth_data_error_rates.json: unit .0014, carried forward .1324, duplicated
    .1385, transposed .001); carried forward and duplicated are a tenth of them: Synthea's are those of children's
    clinics.
    """

    second_registration: int = 20_000
    nickname: int = 300_000
    swapped_date: int = 100_000
    transposed_digits: int = 150_000
    maiden_name: int = 100_000
    no_middle: int = 200_000
    old_address: int = 400_000
    merged: int = 3_000
    unmerged: int = 100_000
    no_race: int = 80_000
    no_language: int = 250_000
    no_phone: int = 60_000
    no_email: int = 300_000
    partial_birth_date: int = 3_000
    retracted: int = 4_000
    wrong_unit: int = 1_400
    carried_forward: int = 13_000
    duplicated: int = 14_000
    transposed_value: int = 1_000
    local_labs: int = 60_000
    local_drugs: int = 30_000
    free_text: int = 40_000

    def __post_init__(self) -> None:
        for name, rate in asdict(self).items():
            most = _MOST.get(name, MILLION)
            if isinstance(rate, bool) or not isinstance(rate, int) or not 0 <= rate <= most:
                raise UsageError(f"dirt.{name}: not a rate per million: {rate!r}", f"a whole number from 0 to {most:,}")

    @classmethod
    def none(cls) -> Dirt:
        """Nothing is wrong, and everything is on record."""
        return cls(**{field.name: 0 for field in fields(cls)})

    @classmethod
    def heavy(cls) -> Dirt:
        """Five times as much as by default, and half of the second registrations perturbed in every way."""
        usual = asdict(cls())
        made = {name: min(5 * rate, _MOST.get(name, MILLION)) for name, rate in usual.items()}
        return cls(**made | dict.fromkeys(PERTURBATIONS, MILLION // 2) | {name: usual[name] for name in _ABSENCES})

    @classmethod
    def of(cls, wish: str | Mapping[str, Any] | Path | None) -> Dirt:
        """The dirt that somebody asks for: `none`, `default`, `heavy`, a TOML file of rates, or a mapping of them. What
        a file or a mapping does not name is as by default.

        Raises:
            UsageError: an unknown name, or no rate.
        """
        if wish is None or wish == "default":
            return cls()
        if isinstance(wish, Mapping):
            return cls._of_rates(wish)
        if wish in ("none", "heavy"):
            return cls.none() if wish == "none" else cls.heavy()
        path = Path(wish)
        if not path.is_file():
            raise UsageError(f'not a degree of dirt, and no file: "{wish}"', "none, default, heavy, or a TOML file")
        try:
            return cls._of_rates(tomllib.loads(path.read_text(encoding="utf-8")))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as flaw:
            raise UsageError(f"{path}: {flaw}", "lines like `second_registration = 20_000`") from flaw

    @classmethod
    def _of_rates(cls, rates: Mapping[str, Any]) -> Dirt:
        known = [field.name for field in fields(cls)]
        for name in rates:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1)
                hint = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"
                raise UsageError(f'dirt: unknown kind of defect "{name}"', hint)
        return cls(**rates)


PERTURBATIONS = ("nickname", "swapped_date", "transposed_digits", "maiden_name", "no_middle", "old_address")
"""What may be different in a second registration."""
_ABSENCES = ("no_race", "no_language", "no_phone", "no_email")
