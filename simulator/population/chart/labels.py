"""Sensitivity labels: rows of sensitivity.csv that an item carries because of what it is, why, where and at which age.

A label follows from the tables' flags alone, so a leak can be proved. What implies a sensitive fact carries its label
too: a prescription, a procedure, an appointment, an encounter or a note.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from simulator.ids import h64
from simulator.population import tables
from simulator.population.chart.conditions import Episode
from simulator.population.chart.life import Life

OPEN = frozenset(("SDOH",))
"""Labels that keep nothing back."""
OF_PATIENTS = frozenset(("VIP", "EMP"))
"""Labels of whole patients, whose charts not everybody may open."""

_BY_KIND = {"psych": ("BH",), "prenatal": ("REPRO",)}  # an encounter of such a kind tells by itself
CONFIDENTIAL = frozenset(("BH", "SUD", "HIV", "STI", "REPRO", "DV"))
"""Labels that a minor may have for itself."""
_TEEN_DAYS = (12 * 365 + 3, 18 * 365 + 5)
_PART_2_IN = 3  # one programme in so many facilities
_ORDER = {key: place for place, key in enumerate(tables.LABELS)}


def labels_of(
    life: Life, day: int, facility: int, flags: Collection[str], episode: Episode | None = None, kind: str = ""
) -> tuple[str, ...]:
    """The labels of an item of `day`: the flags of its own row, those of the condition that is its reason, those of
    the kind of its encounter; then what follows from who performs it and how old the patient is."""
    of_reason = () if episode is None else episode.row.sensitivity
    if not flags and not of_reason and kind not in _BY_KIND:
        return ()
    found = {*flags, *of_reason, *_BY_KIND.get(kind, ())}
    if "SUD" in found and (is_part_2(life.key, facility) or _is_in_programme(life)):
        found.add("PART2")
    if _TEEN_DAYS[0] <= life.age_days(day) < _TEEN_DAYS[1] and found & CONFIDENTIAL:
        found.add("TEEN")
    return tuple(sorted(found, key=_ORDER.__getitem__))


def _is_in_programme(life: Life) -> bool:
    """Whether one of the cast is treated by a programme wherever they are seen."""
    return life.wishes is not None and "part2" in life.wishes.flags


@lru_cache(maxsize=1024)
def is_part_2(key: bytes, facility: int) -> bool:
    """Whether a facility is a programme under 42 CFR Part 2: what it says of substance use needs a consent, and none of
    it may be passed on without another. Source: 42 CFR 2.11, 2.31, 2.32."""
    return (h64(key, "part 2") + facility) % _PART_2_IN == 0
