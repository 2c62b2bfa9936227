"""Published figures, and what the population says to the same question.

A row of published.csv is a question put to every chart (`measure`, `of`, among whom), an answer from the literature
with its tolerance, and the place where it stands. The measures:

people        share of everybody who is of the age and sex
named         share whose family name is `of`
has, had      share with one of the conditions `of`, now or ever
has_several   share with at least `at` of the groups of conditions (`a|b c d|e`)
mean          of the latest values of the analyte
below, at_least   share whose latest value is below, or not below, `at`; of those who have one
takes         share who take one of the products, or of a class (`class:statin`)
visits        encounters of these classes or types a year, over two years
deaths        deaths a year, over five years
births        conditions `of` that came to an end a year, over five years
vaccinated    share who got one of the vaccines in the last twelve months
allergic      share with one of the allergies
begun         share of the stays that began with one of the sources `of`
arrived       share of the emergencies that began in the hours `of` on the clock at home
ended         share of the stays that are over that ended with one of the dispositions `of`
died          share of the dead whose chart has an encounter that ended with one of the dispositions `of`
missing       share about whom `of` is not known
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Literal

from simulator.population import tables
from simulator.population.statistics.digest import YEAR_DAYS, Digest
from simulator.population.statistics.estimate import Estimate, Interval, Mean, Rate, Share
from simulator.population.zones import zone_info

Verdict = Literal["within", "unsure", "outside", "none"]
_FOREVER = 200
_SCALES = {"%": 100.0, "per 100 a year": 100.0, "per 1,000 a year": 1e3, "per 100,000 a year": 1e5}
_FEW = 30


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of published.csv. `value` and `within` are in `unit`; `mark` says how sure the citation is."""

    key: str
    section: str
    title: str
    measure: str
    of: tuple[str, ...]
    given: tuple[str, ...]  # conditions or products that those asked have; with `!` before, have not
    sex: str  # B F M
    ages: tuple[int, int]
    at: float
    value: float
    unit: str
    within: float
    year: str
    population: str
    url: str
    mark: str
    note: str

    @property
    def scale(self) -> float:
        """What an estimate is multiplied by to be in `unit`."""
        return 1.0 if self.measure == "mean" else _SCALES[self.unit]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure and what the sample says to it, in the figure's unit.

    verdict  `within`: the estimate is inside the tolerance; `outside`: its whole interval is not; `unsure`: the
             interval touches the tolerance but the estimate does not lie in it; `none`: too few were asked
    """

    figure: Figure
    estimate: Interval | None
    verdict: Verdict

    @property
    def ratio(self) -> float | None:
        """The estimate over the published value."""
        return self.estimate.value / self.figure.value if self.estimate and self.figure.value else None


@cache
def published() -> tuple[Figure, ...]:
    """The rows of published.csv."""
    return tuple(_figure(row) for row in tables.raw("published"))


def _figure(row: dict[str, str]) -> Figure:
    value, within = float(row["value"]), row["within"]
    return Figure(
        key=row["key"],
        section=row["section"],
        title=row["title"],
        measure=row["measure"],
        of=tuple(row["of"].split()),
        given=tuple(row["given"].split()),
        sex=row["sex"],
        ages=(int(row["age_lo"] or 0), int(row["age_hi"] or _FOREVER)),
        at=float(row["at"] or 0),
        value=value,
        unit=row["unit"],
        within=value * float(within[:-1]) / 100 if within.endswith("%") else float(within),
        year=row["year"],
        population=row["population"],
        url=row["url"],
        mark=row["mark"],
        note=row["note"],
    )


class Counter:
    """The answers of a sample to one figure's question."""

    __slots__ = ("_ask", "_ask_each", "figure", "given", "sum")

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.sum: Estimate = _SUMS.get(figure.measure, Share)()
        self.given = tuple((key.removeprefix("!"), key.startswith("!")) for key in figure.given)
        self._ask = _MEASURES.get(figure.measure, _nothing)(figure)
        self._ask_each = _OF_ENCOUNTERS.get(figure.measure)

    def add(self, one: Digest) -> None:
        """Asks one patient."""
        figure = self.figure
        if figure.sex not in ("B", one.sex) and figure.measure != "people":
            return
        if isinstance(self.sum, Rate):
            events, years = _over_time(figure, one)
            if years > 0:
                self.sum.add(events, years)
            return
        if self._ask_each is not None:
            for said in self._ask_each(figure, one):
                self.sum.add(said)
            return
        if not one.is_alive or (figure.measure != "people" and not figure.ages[0] <= one.age <= figure.ages[1]):
            return
        if any((key in one.active or key in one.taken) == is_not for key, is_not in self.given):
            return
        answer = self._ask(one)
        if answer is not None:
            self.sum.add(answer)

    def compared(self) -> Comparison:
        """The figure beside the sample's answer."""
        found, figure = self.sum.interval(), self.figure
        if found is None or found.n < _FEW:
            return Comparison(figure, found and _scaled(found, figure.scale), "none")
        estimate = _scaled(found, figure.scale)
        return Comparison(figure, estimate, verdict_of(estimate, figure.value, figure.within))


def verdict_of(estimate: Interval, value: float, within: float) -> Verdict:
    """Whether an estimate agrees with a value and its tolerance."""
    low, high = value - within, value + within
    if estimate.high < low or estimate.low > high:
        return "outside"
    return "within" if low <= estimate.value <= high else "unsure"


def _scaled(found: Interval, scale: float) -> Interval:
    return Interval(found.value * scale, found.low * scale, found.high * scale, found.n)


# What is asked

Question = Callable[[Digest], "float | None"]


def _people(figure: Figure) -> Question:
    low, high = figure.ages
    return lambda one: low <= one.age <= high and figure.sex in ("B", one.sex)


def _has_several(figure: Figure) -> Question:
    groups = [frozenset(group.split("|")) for group in figure.of]
    return lambda one: sum(one.has_any(group) for group in groups) >= figure.at


def _any(figure: Figure, name: str) -> Question:
    wanted = frozenset(figure.of)
    return lambda one: not wanted.isdisjoint(getattr(one, name))


def _value(figure: Figure, answer: Callable[[float], float]) -> Question:
    key = figure.of[0]
    return lambda one: answer(one.latest[key]) if key in one.latest else None


def _vaccinated(figure: Figure) -> Question:
    wanted = frozenset(figure.of)
    return lambda one: any(key in wanted and (one.today - day).days <= YEAR_DAYS for key, day in one.vaccines)


def _allergic(figure: Figure) -> Question:
    wanted = {tables.ALLERGIES[key].code.code for key in figure.of}
    return lambda one: any(allergy.code.code in wanted for allergy in one.chart.allergies)


def _missing(figure: Figure) -> Question:
    told: Callable[[Digest], object] = {
        "race": lambda one: one.chart.person.race,
        "ethnicity": lambda one: one.chart.person.ethnicity,
        "language": lambda one: one.chart.person.language,
        "phone": lambda one: any(telecom.system == "phone" for telecom in one.chart.person.telecoms),
        "email": lambda one: any(telecom.system == "email" for telecom in one.chart.person.telecoms),
    }[figure.of[0]]
    return lambda one: not told(one)


def _nothing(figure: Figure) -> Question:
    return lambda one: None


_MEASURES: dict[str, Callable[[Figure], Question]] = {
    "people": _people,
    "named": lambda figure: lambda one: one.chart.person.family == figure.of[0],
    "has": lambda figure: _any(figure, "active"),
    "had": lambda figure: _any(figure, "ever"),
    "has_several": _has_several,
    "mean": lambda figure: _value(figure, lambda value: value),
    "below": lambda figure: _value(figure, lambda value: value < figure.at),
    "at_least": lambda figure: _value(figure, lambda value: value >= figure.at),
    "takes": lambda figure: _any(figure, "taken"),
    "vaccinated": _vaccinated,
    "allergic": _allergic,
    "missing": _missing,
    "visits": _nothing,
    "deaths": _nothing,
    "births": _nothing,
}


def _begun(figure: Figure, one: Digest) -> Iterable[bool]:
    return (e.admit_source in figure.of for e in one.chart.encounters if e.class_code == "IMP")


def _ended(figure: Figure, one: Digest) -> Iterable[bool]:
    stays = (e for e in one.chart.encounters if e.class_code == "IMP" and e.end is not None)
    return (e.disposition in figure.of for e in stays)


def _died(figure: Figure, one: Digest) -> Iterable[bool]:
    return () if one.is_alive else (any(e.disposition in figure.of for e in one.chart.encounters),)


def _arrived(figure: Figure, one: Digest) -> Iterable[bool]:
    zone = zone_info(_ZONES[one.chart.person.addresses[0].state])
    emergencies = (e for e in one.chart.encounters if e.class_code == "EMER")
    return (str(e.start.astimezone(zone).hour) in figure.of for e in emergencies)


_ZONES = {state.code: state.zone for state in tables.STATES}
_OF_ENCOUNTERS: dict[str, Callable[[Figure, Digest], Iterable[bool]]] = {
    "arrived": _arrived,
    "begun": _begun,
    "died": _died,
    "ended": _ended,
}
"""Measures that ask of every encounter or death, not of every patient."""
_SUMS: dict[str, type[Mean] | type[Rate]] = {"mean": Mean, "visits": Rate, "deaths": Rate, "births": Rate}
_YEARS = {"visits": 2, "deaths": 5, "births": 5}


def _over_time(figure: Figure, one: Digest) -> tuple[int, float]:
    """What happened to one patient while of the age, and for how many years of those looked at that was."""
    first, last = years_of_age(one, figure.ages, one.today - timedelta(days=int(_YEARS[figure.measure] * YEAR_DAYS)))
    if last < first:
        return 0, 0.0
    wanted = frozenset(figure.of)
    if figure.measure == "visits":
        days = (e.start.date() for e in one.chart.encounters if not wanted.isdisjoint((e.class_code, e.type_key)))
    elif figure.measure == "births":
        days = (c.abatement for c in one.chart.conditions if c.key in wanted and c.abatement is not None)
    else:
        dead = one.chart.person.deceased
        days = (dead.date() for _ in range(dead is not None and not one.is_alive) if dead is not None)
    return sum(first <= day <= last for day in days), ((last - first).days + 1) / YEAR_DAYS


def years_of_age(one: Digest, ages: tuple[int, int], since: date) -> tuple[date, date]:
    """The first and the last day since `since` on which the patient was of these ages, alive; reversed when never."""
    born, dead = one.chart.person.birth_date, one.chart.person.deceased
    end = one.today - timedelta(days=1) if one.is_alive or dead is None else dead.date()
    first = max(since, born + timedelta(days=int(ages[0] * YEAR_DAYS)))
    return first, min(end, born + timedelta(days=int((ages[1] + 1) * YEAR_DAYS) - 1))
