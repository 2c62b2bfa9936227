"""Observability: whether the integration can say what it did, and what it lost."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, untested
from conformance.evidence import Call, Case, Evidence
from simulator.source import Source


@check(
    "OBS-01",
    area="observability",
    severity="critical",
    level=1,
    scenarios=("S14", "S01"),
    source=(Source("conservation: what goes in comes out or is accounted for", "guess"),),
    mutants=("silent_drop",),
    needs="read",
)
def nothing_gets_lost_on_the_way(e: Evidence) -> Iterator[Mark]:
    """what was served is put out or accounted for

    Holds when every record that the vendor served in a whole answer is in the output, is counted in `dropped`, or is of
    a kind that is reported as failed; and every record in the output was served.

    The only honest answer to the question whether anything was lost.
    """
    served = 0
    for case in e.cases:
        for call in case.runs:
            if call.problem:
                continue
            yield from _lost(case, call)
            yield from _invented(case, call)
            served += sum(1 for fact in case.scores() if fact["found"] and case.calls[fact["call"]] is call)
    if served:
        yield exercised(f"{served} records served and put out, none lost on the way")
    yield untested("no record was served")


def _lost(case: Case, call: Call) -> Iterator[Mark]:
    seen = {pair for x in case.during(call) for pair in x.served}
    lost = [
        fact
        for fact in case.missing(call)
        if any((str(kind), str(id)) in seen for kind, id in fact["sources"]) and not call.admits(fact["kind"])
    ]
    unexplained = len(lost) - call.dropped
    if lost and unexplained > 0:
        first = lost[0]["source"]
        kinds = ", ".join(sorted({fact["kind"] for fact in lost}))
        yield fail(
            "lost",
            f"{unexplained} served records are neither in the output nor accounted for ({kinds})",
            at=case.serving(first)[:2],
            case=case.id,
            expected=f"{first['type']}/{first['id']} in the output or in `dropped`",
            got=f"status {call.status}, {call.count} records, {call.dropped} dropped",
            fix="count what you leave out, and say why",
        )


def _invented(case: Case, call: Call) -> Iterator[Mark]:
    extras = [one for one in case.score.get("extras") or () if case.calls[one["call"]] is call]
    never = [one for one in extras if one["says"] == "was never served"]
    if never:
        source = never[0]["source"]
        yield fail(
            "never_served",
            f"{len(never)} records in the output were never served",
            case=case.id,
            expected="records that can be traced to an answer",
            got=f"{never[0]['kind']} from {source.get('type')}/{source.get('id')}",
            fix="`source` names the vendor's own type and id",
        )
