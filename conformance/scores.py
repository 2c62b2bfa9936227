"""What a run's output is worth, vendor by vendor: rates and accuracy by category, error classes with their first
examples, the gate, and which mismatch rows the run met.

Averages never excuse a safety error: one critical error closes the gate, whatever the score. And a row that the run did
not meet is not tested; it never counts as passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import floor
from typing import Any

from conformance.evidence import Case
from conformance.mismatches import NOT_SHOWN, ROWS, row_of
from simulator.population.judging.fields import severity_of_absence
from simulator.population.judging.rates import Rates, wilson

Data = Mapping[str, Any]
FAMILY = "S14"
MERGED_FAMILY = "S16"
"""Where row 22 is met: who is on file twice is no part of the golden records."""
WEIGHTS = {"observations": 25, "medications": 25, "allergies": 15, "conditions": 15, "person": 15, "rest": 5}
"""How much a category counts, in hundredths; of those that a run met."""
_CATEGORY = {
    "observation": "observations",
    "medication": "medications",
    "allergy": "allergies",
    "condition": "conditions",
    "patient": "person",
}
_EXAMPLES = 3
_RANK = ("critical", "major", "minor")


def percent(share: float) -> str:
    """A share as people read it, rounded down: what is not whole is not 100 %."""
    return f"{floor(share * 1000 + 1e-9) / 10:.1f} %"


def category_of(kind: str) -> str:
    """The category in which records of `kind` are counted."""
    return _CATEGORY.get(kind, "rest")


@dataclass(frozen=True, slots=True)
class Example:
    """One error as it happened: where, what was wanted and what came."""

    case: str
    source: Data
    field: str
    expected: Any
    got: Any
    hint: str
    row: int


@dataclass(slots=True)
class ErrorClass:
    """All errors of one kind in one kind of record: how many, how bad the worst, the first three."""

    verdict: str
    kind: str
    severity: str
    count: int = 0
    examples: list[Example] = field(default_factory=list)

    def add(self, example: Example, severity: str) -> None:
        self.count += 1
        self.severity = min(self.severity, severity, key=_RANK.index)
        if len(self.examples) < _EXAMPLES:
            self.examples.append(example)


@dataclass(slots=True)
class Category:
    """One category of records: items, fields, and how sure the share of right fields is."""

    name: str
    items: Rates = field(default_factory=lambda: Rates(0, 0, 0))
    fields: int = 0
    wrong: int = 0
    weight: int = 0
    lost: int = 0

    @property
    def accuracy(self) -> float:
        """The share of the judged fields that is right, by weight."""
        return 1 - self.lost / self.weight if self.weight else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the plain share of right fields."""
        return wilson(self.fields - self.wrong, self.fields)

    @property
    def score(self) -> float:
        """Accuracy of the fields times F1 of the items."""
        return self.accuracy * self.items.f1

    def add(self, fact: Data) -> None:
        """Counts one fact; of copies one is right."""
        judged = fact.get("judged") or {}
        times = int(fact["times"])
        self.items += Rates(not fact.get("retracted"), times, times > 0 and not fact.get("retracted"))
        self.fields += judged.get("fields", 0)
        self.wrong += judged.get("wrong", 0)
        self.weight += judged.get("weight", 0)
        self.lost += judged.get("lost", 0)


@dataclass(frozen=True, slots=True)
class RowSeen:
    """One mismatch row in one run: how often it was shown and how often the integration got it wrong."""

    number: int
    shown: int = 0
    wrong: int = 0

    @property
    def verdict(self) -> str:
        return "not tested" if not self.shown else "failed" if self.wrong else "passed"

    @property
    def why(self) -> str:
        """Why it is not tested; empty when it is, or when nobody knows."""
        return "" if self.shown else NOT_SHOWN.get(self.number, "no record of this run shows it")


@dataclass(slots=True)
class Score:
    """What one vendor's part of a run is worth."""

    vendor: str
    categories: dict[str, Category] = field(default_factory=dict)
    errors: dict[tuple[str, str], ErrorClass] = field(default_factory=dict)
    rows: dict[int, RowSeen] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """The weighted mean over the categories that the run met."""
        weights = sum(WEIGHTS[name] for name in self.categories)
        return sum(WEIGHTS[one.name] * one.score for one in self.categories.values()) / weights if weights else 1.0

    @property
    def classes(self) -> list[ErrorClass]:
        """The error classes, the worst and most frequent first."""
        return sorted(self.errors.values(), key=lambda one: (_RANK.index(one.severity), -one.count, one.verdict))

    @property
    def critical(self) -> list[ErrorClass]:
        """The error classes of which one is enough to close the gate."""
        return [one for one in self.classes if one.severity == "critical"]

    def below(self, least: float) -> list[Category]:
        """The categories whose score is less than `least`."""
        return [one for one in self.categories.values() if one.score < least]

    def _category(self, kind: str) -> Category:
        name = category_of(kind)
        return self.categories.setdefault(name, Category(name))

    def _error(self, verdict: str, kind: str, severity: str, example: Example) -> None:
        self.errors.setdefault((verdict, kind), ErrorClass(verdict, kind, severity)).add(example, severity)

    def _row(self, number: int, shown: int, wrong: int) -> None:
        seen = self.rows.get(number, RowSeen(number))
        self.rows[number] = RowSeen(number, seen.shown + max(shown, wrong), seen.wrong + wrong)

    def add(self, case: Case) -> None:
        """Counts what one case read."""
        served = {pair for x in case.data for pair in x.served}
        for fact in case.score.get("facts") or ():
            was_served = any((str(type), str(id)) in served for type, id in fact.get("sources") or ())
            if was_served or not fact.get("admitted"):  # an error excuses what the vendor did not give, no more
                self._add_fact(case, fact)
        for extra in case.score.get("extras") or ():
            category = self._category(extra["kind"])
            category.items += Rates(0, 1, 0)
            verdict, severity = extra.get("verdict", "extra"), extra.get("severity", "major")
            row = row_of(extra["kind"], {"field": "source", "verdict": verdict})
            example = Example(case.id, extra["source"], "", None, extra["kind"], extra["says"], row)
            self._error(verdict, extra["kind"], severity, example)
        for number, shown, wrong in case.score.get("rows") or ():
            self._row(number, shown, wrong)
        self.add_grouping(case)

    def _add_fact(self, case: Case, fact: Data) -> None:
        kind = fact["kind"]
        self._category(kind).add(fact)
        wrong = set()
        for one in fact["mismatches"]:
            if one["verdict"] == "missing" and one["hint"] == "not carried" and one["severity"] == "minor":
                continue  # an integration need not carry everything
            row = row_of(kind, {**one, "category": fact.get("category")})
            wrong.add(row)
            example = Example(case.id, fact["source"], one["field"], one["expected"], one["got"], one["hint"], row)
            self._error(one["verdict"], kind, one["severity"], example)
        shown = set(fact.get("rows") or ())
        if not fact["found"] and not fact.get("retracted"):
            wrong |= shown
            example = Example(case.id, fact["source"], "", "a record", None, "it is not in the output", 0)
            self._error("missing", kind, severity_of_absence(kind), example)
        for row in shown | wrong:
            if row not in (30, 31):  # counted over the whole reading
                self._row(row, 1, int(row in wrong))

    def add_grouping(self, case: Case) -> None:
        """Counts how one case groups ids into persons."""
        told = case.score.get("grouping")
        if not told:
            return
        wrong = [("wrong-patient", "critical", one) for one in told["false_merges"]]
        wrong += [("missing", "major", one) for one in told["missed"]]
        self._row(22, told["pairs"]["truth"], len(wrong))
        for verdict, severity, ids in wrong:
            says = "ids of different persons held as one" if severity == "critical" else "ids of one person held apart"
            self._error(verdict, "patient", severity, Example(case.id, {}, "sources", None, ids, says, 22))


def scores_of(cases: Iterable[Case]) -> tuple[Score, ...]:
    """The score of every vendor whose meaning was tested; none when no case tested it."""
    found: dict[str, Score] = {}
    merged = []
    for case in cases:
        if case.family == FAMILY:
            found.setdefault(case.vendor, Score(case.vendor)).add(case)
        elif case.family == MERGED_FAMILY:
            merged.append(case)
    for case in merged:
        if case.vendor in found:
            found[case.vendor].add_grouping(case)
    return tuple(found.values())


def coverage(scores: Iterable[Score]) -> Iterator[tuple[RowSeen, dict[str, RowSeen]]]:
    """Every mismatch row: over all vendors, and vendor by vendor."""
    those = list(scores)
    for number in ROWS:
        each = {one.vendor: one.rows.get(number, RowSeen(number)) for one in those}
        shown, wrong = sum(one.shown for one in each.values()), sum(one.wrong for one in each.values())
        yield RowSeen(number, shown, wrong), each
