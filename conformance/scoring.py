"""Loss-aware scoring: what the integration put out against what a perfect one would hold.

Records are paired with facts by `source`, those without one by what they say. The score is plain data, so that a run
can be judged again:

    facts     call, fact, patient, kind, category, found, admitted, source, sources, times, mismatches, lost, rows,
              judged {fields, wrong, weight, lost}; `expected` and `got` hold what checks read themselves, when records
              are kept; `record` is the whole record when it is wrong
    extras    call, kind, source, says, assertion, verdict, severity: records of the output that are no fact
    rows      [row, shown, wrong]: the mismatch rows that a whole reading shows, not a single fact
    grouping  how the ids of the output are grouped into persons, when the integration says so
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from conformance.compare import Data, Fact, SourceKey, Telling, Truth, key_of
from conformance.pairing import naturally_paired
from simulator.population import answers
from simulator.population.judging.expectation import ABSENT, Mismatch, at, is_empty
from simulator.population.judging.fields import (
    FIELDS,
    MINOR_FIELDS,
    severity_of_extra,
    severity_of_stale,
    weight_of,
)
from simulator.population.judging.grouping import grouped

if TYPE_CHECKING:
    from conformance.evidence import Call, Exchange


def score(
    truth: Truth,
    calls: Sequence[Call],
    records: Mapping[int, Sequence[Data]],
    exchanges: Iterable[Exchange],
    *,
    keeps_records: bool,
) -> dict[str, Any]:
    """The score of every `run` call of a case; `records` are what each call gave, by its place among `calls`.

    Of the syncs of a case the last one counts, with all that is held by then.
    """
    seen = list(exchanges)
    served = Counter(pair for x in seen for pair in {(str(a), str(b)) for a, b in x.data.get("served") or ()})
    facts: list[dict[str, Any]] = []
    extras: list[dict[str, Any]] = []
    held = max((index for index, call in enumerate(calls) if call.action == "sync"), default=-1)
    for index, call in enumerate(calls):
        if call.op != "run" or call.step < 0 or (call.action == "sync" and index != held):
            continue
        scorer = _Scorer(truth.during(index), call, records.get(index, ()), index, served, keeps_records)
        facts += scorer.facts()
        extras += scorer.extras
    told = [record for index in records for record in records[index] if record.get("kind") == "patient"]
    return {
        "facts": facts,
        "extras": extras,
        "rows": [*_stale_row(truth, served, facts, extras), *_page_row(served, seen, facts)],
        **_grouping(truth, told),
    }


def _stale_row(
    truth: Truth, served: Counter[tuple[str, str]], facts: list[dict[str, Any]], extras: list[dict[str, Any]]
) -> list[list[int]]:
    """Row 30: what is told although it was taken back."""
    shown = sum((type, id) in served for those in truth.stale.values() for type, id, _ in those)
    shown += sum(one["retracted"] and tuple(pair) in served for one in facts for pair in one["sources"])
    wrong = sum(one["verdict"] == "stale" for one in extras)
    wrong += sum(one["verdict"] == "stale" for fact in facts for one in fact["mismatches"])
    return [[30, max(shown, wrong), wrong]] if shown or wrong else []


def _page_row(
    served: Counter[tuple[str, str]], exchanges: list[Exchange], facts: list[dict[str, Any]]
) -> list[list[int]]:
    """Row 31: links to further pages, and what came on more than one of them."""
    shown = sum(bool(x.data.get("next")) for x in exchanges) + sum(count > 1 for count in served.values())
    wrong = sum(one["verdict"] == "duplicate" for fact in facts for one in fact["mismatches"])
    return [[31, max(shown, wrong), wrong]] if shown or wrong else []


def _grouping(truth: Truth, patients: list[Data]) -> dict[str, Any]:
    """The integration's groups of ids, when one of its patients says `sources`."""
    groups = [
        [truth.registrations[id] for id in _ids_of(record) if id in truth.registrations]
        for record in patients
        if isinstance(record.get("sources"), list)
    ]
    if not groups:
        return {}
    found = grouped(truth.persons, groups)
    return {
        "grouping": {
            "pairs": asdict(found.pairs),
            "b_precision": round(found.b_precision, 6),
            "b_recall": round(found.b_recall, 6),
            "false_merges": [list(ids) for ids in found.false_merges],
            "missed": list(found.missed),
        }
    }


def _ids_of(record: Data) -> list[str]:
    """Every id under which an integration holds the person."""
    return [str(one.get("id")) for one in (record.get("patient"), *record["sources"]) if isinstance(one, Mapping)]


class _Scorer:
    """Scores one call."""

    def __init__(
        self,
        truth: Truth,
        call: Call,
        records: Sequence[Data],
        index: int,
        served: Counter[tuple[str, str]],
        keeps_records: bool,
    ) -> None:
        self._truth = truth
        self._call = call
        self._records = records
        self._index = index
        self._served = served
        self._keeps = keeps_records
        self._asked = self._facts_asked()
        self.extras: list[dict[str, Any]] = []

    def facts(self) -> list[dict[str, Any]]:
        by_source = {telling.key: fact for fact in self._asked for telling in fact.tellings}
        paired: dict[str, list[tuple[Telling, Data]]] = {}
        homeless: list[Data] = []
        for record in self._records:
            key = key_of(record.get("source") or {})
            fact = by_source.get(key)
            if fact is not None and fact.kind == record.get("kind"):
                paired.setdefault(fact.id, []).append((_best_telling(fact, record, key), record))
            else:
                homeless.append(record)
        nameless = [record for record in homeless if not (record.get("source") or {}).get("id")]
        left = [fact for fact in self._asked if fact.id not in paired]
        placed = naturally_paired(nameless, left)
        for place, fact in placed.items():
            paired.setdefault(fact.id, []).append((_best_telling(fact, nameless[place]), nameless[place]))
        unplaced = {id(record) for place, record in enumerate(nameless) if place not in placed}
        for record in homeless:
            if (record.get("source") or {}).get("id") or id(record) in unplaced:
                self._extra(record)
        return [
            self._scored(fact, paired.get(fact.id, []))
            for fact in self._asked
            if fact.id in paired or self._is_due(fact)
        ]

    def _is_due(self, fact: Fact) -> bool:
        """Whether a fact that is not held is missing: not what was so for a part of the call only, nor what was taken
        back or withheld, unless this client was served it."""
        is_told = not (fact.is_retracted or fact.is_withheld) or self._is_served(fact)
        return is_told and not fact.is_passing

    def _facts_asked(self) -> list[Fact]:
        if not self._call.subject:
            return []
        kinds = set(self._call.asked_kinds)
        return [fact for fact in self._truth.facts.get(int(self._call.subject), ()) if fact.kind in kinds]

    def _is_served(self, fact: Fact) -> bool:
        return any((one.source["type"], one.source["id"]) in self._served for one in fact.tellings)

    # Records that are no fact

    def _extra(self, record: Data) -> None:
        """Writes down a record that fits no fact; what says itself that it was entered in error is no extra."""
        if self._call.action in ("search", "match"):
            return  # namesakes are right answers too
        source = record.get("source") or {}
        kind = str(record.get("kind"))
        if self._call.subject and key_of(source) in self._truth.aside.get(int(self._call.subject), ()):
            return
        verdict, says = self._what_extra(kind, source)
        if verdict == "stale" and "entered-in-error" in (record.get("status"), record.get("verification")):
            return
        severity = severity_of_stale(kind) if verdict == "stale" else severity_of_extra(kind, verdict)
        self.extras.append(
            {
                "call": self._index,
                "kind": kind,
                "source": dict(source),
                "says": says,
                "assertion": record.get("assertion"),
                "verdict": verdict,
                "severity": severity,
            }
        )

    def _what_extra(self, kind: str, source: Data) -> tuple[str, str]:
        type, id, part = key = key_of(source)
        if not id:
            return "extra", "has no source and fits no fact"
        if any((type, id, "") in those for those in self._truth.stale.values()):
            return "stale", "was served as entered in error, or under an id that was merged away"
        owner = self._owner(key)
        if owner is not None and str(owner) != self._call.subject:
            return "wrong-patient", "belongs to another patient"
        if (type, id) in self._served:
            more = f" (part {part})" if part else ""
            return "extra", f"was served, but is no fact of this patient and kind{more}"
        return "hallucinated", "was never served"

    def _owner(self, key: SourceKey) -> int | None:
        for number, facts in self._truth.facts.items():
            told = (telling.key for fact in facts for telling in fact.tellings)
            if key in self._truth.beside.get(number, ()) or key in told:
                return number
        return None

    # Facts

    def _scored(self, fact: Fact, hits: list[tuple[Telling, Data]]) -> dict[str, Any]:
        telling, got = hits[0] if hits else (fact.tellings[0], None)
        mismatches = self._mismatches(fact, telling, got, hits) if got is not None else []
        made: dict[str, Any] = {
            "call": self._index,
            "fact": fact.id,
            "patient": fact.patient,
            "kind": fact.kind,
            "category": str(telling.expectation.truth.get("category") or ""),
            "found": got is not None,
            "admitted": got is None and self._call.admits(fact.kind),
            "retracted": fact.is_retracted,
            "source": dict(telling.source),
            "sources": sorted({(one.source["type"], one.source["id"]) for one in fact.tellings}),
            "times": len(hits),
            "lost": list(telling.lost),
            "rows": self._rows(fact, hits),
            "judged": _judged(telling, got, mismatches),
            "mismatches": [asdict(one) for one in mismatches],
        }
        if self._keeps:
            made["expected"] = _kept(telling.expectation.record)
            made["got"] = _kept(got)
        if mismatches:
            made["record"] = got
        return made

    def _mismatches(self, fact: Fact, telling: Telling, got: Data, hits: list[tuple[Telling, Data]]) -> list[Mismatch]:
        if fact.is_retracted:
            if "entered-in-error" in (got.get("status"), got.get("verification")):
                return []
            hint = "it was entered in error and is held as valid"
            return [
                Mismatch("status", "stale", severity_of_stale(fact.kind), "entered-in-error", got.get("status"), hint)
            ]
        found = answers.compare(telling.expectation, dict(got))
        if (self._served or fact.is_withheld) and not self._is_served(fact):
            hint = "held although nothing that tells it was served to this client"
            found.append(Mismatch("source", "leak", "critical", None, dict(telling.source), hint))
        times = Counter(one.key for one, _ in hits)
        most = max(times.values())
        if most > 1:
            found.append(Mismatch("source", "duplicate", "major", 1, most, "the same record more than once"))
        elif len(times) > 1:
            found.append(Mismatch("source", "duplicate", "minor", 1, len(times), "one fact from several places"))
        return found

    def _rows(self, fact: Fact, hits: list[tuple[Telling, Data]]) -> list[int]:
        """The rows that the integration was shown of this fact."""
        shown = {
            row for one in fact.tellings if (one.source["type"], one.source["id"]) in self._served for row in one.rows
        }
        return sorted(shown.union(*(telling.rows for telling, _ in hits)))


def _best_telling(fact: Fact, record: Data, key: SourceKey | None = None) -> Telling:
    """The telling that a record most likely comes from: of those with its source, when it names one."""
    tellings = [one for one in fact.tellings if key in (None, one.key)]
    if len(tellings) == 1:
        return tellings[0]
    return min(tellings, key=lambda one: len(answers.compare(one.expectation, dict(record))))


def _judged(telling: Telling, got: Data | None, mismatches: Sequence[Mismatch]) -> dict[str, int]:
    """How many fields were there to be judged and how many are wrong, plain and by weight.

    A field of little weight that the integration does not carry at all is no field to be judged.
    """
    counted = {"fields": 0, "wrong": 0, "weight": 0, "lost": 0}
    if got is None:
        return counted
    kind = telling.expectation.kind
    bad = [one.field for one in mismatches]
    for name in FIELDS[kind]:
        want, held = at(telling.expectation.record, name), at(dict(got), name)
        if (is_empty(want) and is_empty(held)) or (held is ABSENT and name in MINOR_FIELDS):
            continue
        weight = weight_of(kind, name)
        is_wrong = any(one == name or one.startswith(f"{name}.") or name.startswith(f"{one}.") for one in bad)
        counted["fields"] += 1
        counted["weight"] += weight
        counted["wrong"] += is_wrong
        counted["lost"] += weight * is_wrong
    return counted


def _kept(record: Data | None) -> dict[str, Any] | None:
    """The members of a record that checks read themselves."""
    return None if record is None else {name: record[name] for name in _READ_BY_CHECKS if name in record}


_READ_BY_CHECKS = (
    "value", "assertion", "status", "clinicalStatus", "verification", "criticality", "interpretation", "sha256",
    "start",
)  # fmt: skip
