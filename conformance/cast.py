"""The cast of a run: a few patients chosen so that every awkward form of a fact is exposed at least once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.ids import Permutation

if TYPE_CHECKING:
    from simulator.population.records import Chart, Observation, Person
    from simulator.population.world import World

_PEOPLE = 10_000  # whose names are looked at, at most
_CHARTS = 60  # that are read, besides those of people who stand out
_PER_FEATURE = 5  # people read for each feature of a person
_CAST_MOST = 8
_RICH = (36, 90)  # observations of one category: more than five small pages, and no marathon
_LIGHT = 150  # observations that count for nothing when charts are weighed
_STAR = frozenset(("allergy", "active condition", "active medication", "immunization"))  # what silence can hide
_PARTIAL = "partial birth date"  # no vendor can be searched by one


@dataclass(frozen=True, slots=True)
class Cast:
    """`each` is everybody; `rich` the one with many observations; `exposes` which forms, each by how many of them."""

    each: tuple[int, ...]
    rich: int
    exposes: tuple[tuple[str, int], ...]


def choose(world: World) -> Cast:
    """The cast of a world: a rich patient, then those who add most, in seeded order; at most eight.

    The rich one has something of every kind, so that a kind that went missing is missed, and a whole birth date.
    """
    charts: dict[int, frozenset[str]] = {}
    sizes: dict[int, tuple[int, int]] = {}
    for number in _candidates(world):
        chart = world.chart(number)
        charts[number] = frozenset(_features(chart))
        sizes[number] = (_largest_category(chart), len(chart.observations))
    rich = [number for number in charts if _RICH[0] <= sizes[number][0] <= _RICH[1]]
    rich = [number for number in rich if charts[number] >= _STAR and _PARTIAL not in charts[number]] or rich
    star = min(rich, key=lambda number: sizes[number][1]) if rich else max(sizes, key=lambda number: sizes[number])
    each = _fewest(star, charts, {number: size for number, (_, size) in sizes.items()})
    counted = Counter(feature for number in each for feature in charts[number])
    return Cast(each, star, tuple(sorted(counted.items())))


def _candidates(world: World) -> list[int]:
    """Whose charts are read: people who stand out, which is cheap to see, and the first of everybody."""
    size = world.population.size
    order = Permutation(size, world.population.key, "cast")
    numbers = [order.forward(place) for place in range(min(size, _PEOPLE))]
    standing_out: dict[str, list[int]] = {name: [] for name in _OF_PERSON}
    for number in numbers:
        person = world.person(number)
        open_ones = [name for name, those in standing_out.items() if len(those) < _PER_FEATURE]
        if person is None or not open_ones:
            break
        for name in open_ones:
            if _OF_PERSON[name](person):
                standing_out[name].append(number)
    picked = [number for those in standing_out.values() for number in those]
    return list(dict.fromkeys([*numbers[:_CHARTS], *picked]))


def _fewest(star: int, charts: dict[int, frozenset[str]], sizes: dict[int, int]) -> tuple[int, ...]:
    """The star, and greedily those who add most for their size."""
    each = [star]
    left = frozenset().union(*charts.values()) - charts[star]
    shown_by = Counter(feature for chart in charts.values() for feature in chart)

    def adds(number: int) -> float:  # what few can show counts most, or the last places go to what anybody shows
        return sum(1 / shown_by[feature] for feature in charts[number] & left) / (_LIGHT + sizes[number])

    while left and len(each) < _CAST_MOST:
        best = max(charts, key=adds)
        each.append(best)
        left -= charts[best]
    return tuple(each)


def _largest_category(chart: Chart) -> int:
    return max(Counter(one.category for one in chart.observations).values(), default=0)


def _features(chart: Chart) -> Iterator[str]:
    yield from (name for name, holds in _OF_PERSON.items() if holds(chart.person))
    yield from (name for name, holds in _OF_CHART.items() if holds(chart))


def _any_observation(holds: Callable[[Observation], bool]) -> Callable[[Chart], bool]:
    return lambda chart: any(holds(one) for one in chart.observations)


def _keeps_a_zero(one: Observation) -> bool:
    return one.value is not None and "." in str(one.value) and str(one.value).endswith("0")


_OF_PERSON: dict[str, Callable[[Person], bool]] = {
    "name suffix": lambda person: person.suffix is not None,
    "middle name": lambda person: len(person.given) > 1,
    "apostrophe in the name": lambda person: "'" in person.family,
    "accent in the name": lambda person: not person.family.isascii(),
    "gender differs from sex at birth": lambda person: person.gender != {"F": "female", "M": "male"}[person.sex],
    "day and month of birth may be swapped": lambda person: (
        person.birth_date.day <= 12 and person.birth_date.day != person.birth_date.month
    ),
    "deceased": lambda person: person.deceased is not None,
    _PARTIAL: lambda person: person.birth_precision != "day",
}
_OF_CHART: dict[str, Callable[[Chart], bool]] = {
    "allergy": lambda chart: any(not one.none_known for one in chart.allergies),
    "no known allergies": lambda chart: any(one.none_known for one in chart.allergies),
    "nothing said of allergies": lambda chart: not chart.allergies,
    "ended condition": lambda chart: any(one.clinical_status != "active" for one in chart.conditions),
    "active condition": lambda chart: any(one.clinical_status == "active" for one in chart.conditions),
    "ended medication": lambda chart: any(one.status != "active" for one in chart.medications),
    "active medication": lambda chart: any(one.status == "active" for one in chart.medications),
    "immunization": lambda chart: bool(chart.immunizations),
    "number that ends in a zero": _any_observation(_keeps_a_zero),
    "comparator": _any_observation(lambda one: one.comparator is not None),
    "coded result": _any_observation(lambda one: one.coded is not None),
    "result in words": _any_observation(lambda one: one.value_text is not None),
    "blood pressure": _any_observation(lambda one: one.group is not None),
}


FEATURES: tuple[str, ...] = (*_OF_PERSON, *_OF_CHART)
"""The names of the forms that a cast is chosen for."""
