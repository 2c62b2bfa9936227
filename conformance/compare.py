"""Loss-aware scoring: what the integration put out against what a perfect one would hold.

A **fact** is one truth record of one patient. A vendor may tell a fact in several places (a telling each, with what it
lost there); one of them is enough. Records are paired with facts by `source`, without one by what they say. The score
is plain data, so that a run can be judged again:

    facts   call, fact, patient, kind, found, source, sources, times, mismatches, lost; `expected` and `got` hold what
            checks read themselves, when records are kept; `record` is the whole record when it is wrong
    extras  call, kind, source, says, assertion: records of the output that are no fact
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.population import answers
from simulator.population.records import Observation, Record

if TYPE_CHECKING:
    from conformance.evidence import Call, Exchange
    from simulator.sandbox import Site
    from simulator.vendor import Rendering

Data = Mapping[str, Any]
SourceKey = tuple[str, str, str]


@dataclass(frozen=True)
class Telling:
    """One place where a vendor tells a fact: its source, the expectation, the fields that it lost."""

    source: dict[str, str]
    expectation: answers.Expectation
    lost: tuple[str, ...]

    @property
    def key(self) -> SourceKey:
        return key_of(self.source)


@dataclass(frozen=True)
class Fact:
    """One truth record: `id` is the same at every vendor (`observation:12`)."""

    id: str
    kind: str
    patient: str
    tellings: tuple[Telling, ...]


@dataclass
class Truth:
    """The facts of the patients that a case asks about, by patient number."""

    facts: dict[int, tuple[Fact, ...]] = field(default_factory=dict)


def key_of(source: Data) -> SourceKey:
    return (str(source.get("type") or ""), str(source.get("id") or ""), str(source.get("part") or ""))


def truth_of(site: Site, numbers: Iterable[int]) -> Truth:
    """What a perfect integration would hold of these patients, read from this vendor."""
    truth = Truth()
    for number in numbers:
        ids = site.vendor.patient_ids(site, number)
        truth.facts[number] = tuple(_facts(site, number, ids))
    return truth


def _facts(site: Site, number: int, ids: Mapping[str, str]) -> Iterator[Fact]:
    found: dict[str, tuple[str, list[Telling]]] = {}
    for rendering in site.vendor.renderings(site, number):
        for index, record in enumerate(rendering.records):
            _, tellings = found.setdefault(f"{record.kind}:{record.ordinal}", (record.kind, []))
            tellings.append(_telling(site, number, ids, rendering, index, record))
    return (Fact(id, kind, str(number), tuple(tellings)) for id, (kind, tellings) in found.items())


def _telling(
    site: Site, number: int, ids: Mapping[str, str], rendering: Rendering, index: int, record: Record
) -> Telling:
    world = site.sandbox.world
    losses = tuple(loss for at, loss in rendering.losses if at == index)
    source = {"vendor": site.vendor.id, "type": rendering.type, "id": rendering.id}
    if len(rendering.records) > 1 and isinstance(record, Observation):
        source["part"] = record.code.code
    expectation = answers.expected(
        record,
        losses,
        chart=world.chart(number),
        world=world,
        source=source,
        patient={"vendor": site.vendor.id, "id": next(iter(ids.values())), "also": list(ids.values())},
    )
    return Telling(source, expectation, tuple(sorted({loss.field for loss in losses})))


def score(
    truth: Truth,
    calls: Sequence[Call],
    records: Mapping[int, Sequence[Data]],
    exchanges: Iterable[Exchange],
    *,
    keeps_records: bool,
) -> dict[str, Any]:
    """The score of every `run` call of a case; `records` are what each call gave, by its place among `calls`."""
    served = {pair for x in exchanges for pair in x.data.get("served") or () for pair in [tuple(pair)]}
    facts: list[dict[str, Any]] = []
    extras: list[dict[str, Any]] = []
    for index, call in enumerate(calls):
        if call.op != "run" or call.step < 0:
            continue
        scorer = _Scorer(truth, call, records.get(index, ()), index, served, keeps_records)
        facts += scorer.facts()
        extras += scorer.extras
    return {"facts": facts, "extras": extras}


class _Scorer:
    """Scores one call."""

    def __init__(
        self,
        truth: Truth,
        call: Call,
        records: Sequence[Data],
        index: int,
        served: set[tuple[str, ...]],
        keeps_records: bool,
    ) -> None:
        self._truth = truth
        self._call = call
        self._records = records
        self._index = index
        self._served = served
        self._keeps = keeps_records
        self.extras: list[dict[str, Any]] = []

    def facts(self) -> list[dict[str, Any]]:
        asked = self._asked()
        by_source = {telling.key: (fact, telling) for fact in asked for telling in fact.tellings}
        paired: dict[str, list[tuple[Telling, Data]]] = {}
        homeless: list[Data] = []
        for record in self._records:
            hit = by_source.get(key_of(record.get("source") or {}))
            if hit is not None and hit[0].kind == record.get("kind"):
                paired.setdefault(hit[0].id, []).append((hit[1], record))
            else:
                homeless.append(record)
        for record in homeless:
            self._place(record, asked, paired)
        return [self._scored(fact, paired.get(fact.id, [])) for fact in asked]

    def _asked(self) -> list[Fact]:
        if not self._call.subject:
            return []
        kinds = set(self._call.asked_kinds)
        return [fact for fact in self._truth.facts.get(int(self._call.subject), ()) if fact.kind in kinds]

    def _place(self, record: Data, asked: list[Fact], paired: dict[str, list[tuple[Telling, Data]]]) -> None:
        """Pairs a record without a known source by what it says, or writes it down as an extra."""
        source = record.get("source") or {}
        if not source.get("id"):
            fact = _natural(record, [fact for fact in asked if fact.id not in paired])
            if fact is not None:
                paired.setdefault(fact.id, []).append((fact.tellings[0], record))
                return
        if self._call.action == "search":
            return  # namesakes are right answers too
        self.extras.append(
            {
                "call": self._index,
                "kind": str(record.get("kind")),
                "source": dict(source),
                "says": self._why_extra(source),
                "assertion": record.get("assertion"),
            }
        )

    def _why_extra(self, source: Data) -> str:
        kind, id, part = key_of(source)
        if not id:
            return "has no source and fits no fact"
        if (kind, id) in self._served:
            return "was served, but is no fact of this patient and kind" + (f" (part {part})" if part else "")
        return "was never served"

    def _scored(self, fact: Fact, hits: list[tuple[Telling, Data]]) -> dict[str, Any]:
        telling, got = hits[0] if hits else (fact.tellings[0], None)
        mismatches = answers.compare(telling.expectation, dict(got)) if got is not None else []
        made: dict[str, Any] = {
            "call": self._index,
            "fact": fact.id,
            "patient": fact.patient,
            "kind": fact.kind,
            "found": got is not None,
            "source": dict(telling.source),
            "sources": sorted({(one.source["type"], one.source["id"]) for one in fact.tellings}),
            "times": len(hits),
            "lost": list(telling.lost),
            "mismatches": [
                {
                    "field": one.field,
                    "verdict": one.verdict,
                    "severity": one.severity,
                    "expected": one.expected,
                    "got": one.got,
                    "hint": one.hint,
                }
                for one in mismatches
            ],
        }
        if self._keeps:
            made["expected"] = _kept(telling.expectation.record)
            made["got"] = _kept(got)
        if mismatches:
            made["record"] = got
        return made


def _kept(record: Data | None) -> dict[str, Any] | None:
    """The members of a record that checks read themselves."""
    return None if record is None else {name: record[name] for name in ("value", "assertion") if name in record}


def _natural(record: Data, facts: list[Fact]) -> Fact | None:
    """The fact that a record without a source most likely is: same kind, a code in common, the same minute."""
    codes = {(code.get("system"), code.get("code")) for code in record.get("codes") or ()}
    best: tuple[int, Fact] | None = None
    for fact in facts:
        if fact.kind != record.get("kind"):
            continue
        truth = fact.tellings[0].expectation.record
        shared = codes & {(code["system"], code["code"]) for code in truth.get("codes") or ()}
        points = (2 if shared else 0) + (_minute(record) == _minute(truth)) + (record.get("text") == truth.get("text"))
        if (fact.kind == "patient" or shared or points >= 2) and (best is None or points > best[0]):
            best = (points, fact)
    return best[1] if best else None


def _minute(record: Data) -> str:
    for name in ("effective", "start", "authored", "date", "onset"):
        value = record.get(name)
        if isinstance(value, Mapping):
            return str(value.get("value"))[:16]
    return ""
