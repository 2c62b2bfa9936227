"""One pass over charts: what the portrait of a population is drawn from. Counts only, so memory does not grow."""

from __future__ import annotations

from collections import Counter as Bag
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from simulator.population.records import KINDS, Chart, Person
from simulator.population.statistics.digest import YEAR_DAYS, Digest, digest_of
from simulator.population.statistics.estimate import Mean, Rate, Share
from simulator.population.statistics.figures import Comparison, Counter, Figure, published, years_of_age

AGE_BANDS = tuple(range(0, 100, 5))
"""First years of the five-year bands of the pyramid; the last is open."""
DECADES = tuple(range(0, 90, 10))
"""First years of the bands of curves over age; the last is open."""
CURVES = {
    "htn": "Hypertension",
    "t2dm": "Type 2 diabetes",
    "obesity": "Obesity",
    "hld": "High cholesterol",
    "oa_knee": "Arthritis of the knee",
    "asthma": "Asthma",
    "copd": "Obstructive lung disease",
    "mdd": "Depression",
    "stroke": "Stroke",
    "ckd3": "Kidney disease, stage 3",
    "cad": "Coronary heart disease",
    "alzheimers": "Alzheimer's disease",
}
"""Conditions whose share is followed over age, and what people call them."""
CLASSES = {"office": ("AMB", "HH"), "remote": ("VR",), "emergency": ("EMER",), "hospital": ("IMP", "OBSENC")}
"""Encounter classes that are counted together."""
OF_PEOPLE = ("people", "pyramid", "names", "deaths")
"""Sections of published.csv that need no chart."""
ABSENCES: dict[str, Callable[[Person], object]] = {
    "race": lambda person: person.race,
    "language": lambda person: person.language,
    "phone": lambda person: any(telecom.system == "phone" for telecom in person.telecoms),
    "email": lambda person: any(telecom.system == "email" for telecom in person.telecoms),
}
"""What may not be on record of a person; the setting for it is the rate `no_…` of the population's dirt."""
FURTHER = ("second_registration", "merged")
"""Kinds of numbers that somebody may have beside the first; the setting is the rate of that name of the dirt."""
_VISIT_YEARS = 2
_DEATH_YEARS = 5
_MOST = 4096  # records of a kind that are told apart


@dataclass
class Survey:
    """What a sample of charts says. Shares and rates are estimates with intervals; histograms are counts.

    sample    charts that were looked at
    asked     people who were asked what needs no chart; `dead` of them have died
    people    living people by (sex, first year of the five-year band)
    records   for each kind, how many patients have how many
    curves    by (condition, sex, decade): share of the living who have it now
    visits    by (class, decade): encounters a year
    deaths    by (sex, decade): deaths a year
    absences  share of the people about whom it is not on record
    further   share of the people who have a further number of a kind: on file twice; merged, or to be merged
    settings  for absences and further numbers the share that was asked for
    """

    seed: int
    size: int
    as_of: date
    sample: int = 0
    asked: int = 0
    dead: int = 0
    conditions: Mean = field(default_factory=Mean)
    ages: Mean = field(default_factory=Mean)
    people: Bag[tuple[str, int]] = field(default_factory=Bag)
    families: Bag[str] = field(default_factory=Bag)
    zones: Bag[str] = field(default_factory=Bag)
    records: dict[str, Bag[int]] = field(default_factory=lambda: {kind: Bag() for kind in KINDS})
    curves: dict[tuple[str, str, int], Share] = field(default_factory=dict)
    visits: dict[tuple[str, int], Rate] = field(default_factory=dict)
    deaths: dict[tuple[str, int], Rate] = field(default_factory=dict)
    absences: dict[str, Share] = field(default_factory=lambda: {name: Share() for name in ABSENCES})
    further: dict[str, Share] = field(default_factory=lambda: {kind: Share() for kind in FURTHER})
    settings: dict[str, float] = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()

    def verdicts(self) -> Bag[str]:
        """How many figures got which verdict."""
        return Bag(one.verdict for one in self.comparisons)

    def quantile(self, kind: str, per_cent: int) -> int:
        """The number of records of a kind that `per_cent` of the patients do not exceed."""
        counts = self.records[kind]
        wanted, seen = counts.total() * per_cent / 100, 0
        for number in sorted(counts):
            seen += counts[number]
            if seen >= wanted:
                return number
        return 0


def survey(
    charts: Iterable[Chart],
    people: Iterable[Person] = (),
    further: Iterable[Set[str]] = (),
    *,
    seed: int,
    size: int,
    as_of: date,
    figures: Iterable[Figure] | None = None,
) -> Survey:
    """The survey of these charts, in one pass; each is forgotten once it is counted.

    `people` are asked what needs no chart: age, sex, name, death. A person costs a hundredth of a chart, so there can
    be many more; without any, those of the charts are asked. `further` says of somebody which kinds of further numbers
    they have. Compares with all published figures, or with `figures`.
    """
    found = Survey(seed, size, as_of)
    asked = [Counter(figure) for figure in (published() if figures is None else figures)]
    of_people = [counter for counter in asked if counter.figure.section in OF_PEOPLE]
    of_charts = [counter for counter in asked if counter.figure.section not in OF_PEOPLE]
    for person in people:
        _ask(digest_of(Chart(person, (), (), (), (), (), ()), as_of), found, _add_person, of_people)
    takes_charts = not found.asked
    for chart in charts:
        one = digest_of(chart, as_of)
        _ask(one, found, _add_chart, of_charts)
        if takes_charts:
            _ask(one, found, _add_person, of_people)
    for kinds in further:
        for kind, share in found.further.items():
            share.add(kind in kinds)
    found.comparisons = tuple(counter.compared() for counter in asked)
    return found


def _ask(one: Digest, found: Survey, add: Callable[[Survey, Digest], None], counters: list[Counter]) -> None:
    add(found, one)
    for counter in counters:
        counter.add(one)


def _add_person(found: Survey, one: Digest) -> None:
    found.asked += 1
    found.dead += not one.is_alive
    found.families[one.chart.person.family] += 1
    for name, told in ABSENCES.items():
        found.absences[name].add(not told(one.chart.person))
    if one.is_alive:
        found.people[one.sex, min(one.age, AGE_BANDS[-1]) // 5 * 5] += 1
        found.ages.add(one.age)
    for decade in DECADES:
        first, last = years_of_age(one, _ages(decade), one.today - timedelta(days=int(_DEATH_YEARS * YEAR_DAYS)))
        if first <= last:
            dead = one.chart.person.deceased
            died = not one.is_alive and dead is not None and first <= dead.date() <= last
            found.deaths.setdefault((one.sex, decade), Rate()).add(died, ((last - first).days + 1) / YEAR_DAYS)


def _add_chart(found: Survey, one: Digest) -> None:
    found.sample += 1
    for kind in KINDS:
        found.records[kind][min(len(one.chart.of(kind)), _MOST)] += 1
    if one.is_alive:
        found.conditions.add(len(one.active))
        for key in CURVES:
            band = (key, one.sex, min(one.age // 10 * 10, DECADES[-1]))
            found.curves.setdefault(band, Share()).add(key in one.active)
    for decade in DECADES:
        _add_visits(found, one, decade)


def _ages(decade: int) -> tuple[int, int]:
    return decade, 200 if decade == DECADES[-1] else decade + 9


def _add_visits(found: Survey, one: Digest, decade: int) -> None:
    """The encounters of one patient while in a decade of age."""
    first, last = years_of_age(one, _ages(decade), one.today - timedelta(days=int(_VISIT_YEARS * YEAR_DAYS)))
    if first <= last:
        years = ((last - first).days + 1) / YEAR_DAYS
        seen = Bag(e.class_code for e in one.chart.encounters if first <= e.start.date() <= last)
        for name, classes in CLASSES.items():
            found.visits.setdefault((name, decade), Rate()).add(sum(seen[code] for code in classes), years)


def to_json(found: Survey) -> dict[str, Any]:
    """The survey for machines."""
    return {
        "seed": found.seed,
        "patients": found.size,
        "as_of": found.as_of.isoformat(),
        "sample": found.sample,
        "people": found.asked,
        "verdicts": dict(found.verdicts()),
        "records": {
            kind: {f"p{share}": found.quantile(kind, share) for share in (5, 25, 50, 75, 95)}
            for kind, counts in found.records.items()
            if set(counts) != {0}
        },
        "not_on_record": _shares_json(found, found.absences),
        "further_numbers": _shares_json(found, found.further),
        "figures": [_figure_json(one) for one in found.comparisons],
    }


def _shares_json(found: Survey, shares: dict[str, Share]) -> dict[str, Any]:
    return {
        name: {"share": share.hits / max(1, share.n), "setting": found.settings.get(name)}
        for name, share in shares.items()
    }


def _figure_json(one: Comparison) -> dict[str, Any]:
    figure, estimate = one.figure, one.estimate
    return {
        "key": figure.key,
        "title": figure.title,
        "unit": figure.unit,
        "published": figure.value,
        "within": round(figure.within, 6),
        "year": figure.year,
        "population": figure.population,
        "source": {"url": figure.url, "mark": figure.mark},
        "found": round(estimate.value, 4) if estimate else None,
        "interval": [round(estimate.low, 4), round(estimate.high, 4)] if estimate else None,
        "n": estimate.n if estimate else 0,
        "verdict": one.verdict,
    }
