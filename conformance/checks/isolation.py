"""Isolation: what is down takes nothing else with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, many, untested
from conformance.evidence import Call, Case, Evidence, Exchange
from simulator.source import Source

_ONE_LIST, _DOWN = "s24-one-resource", "immunization"


@check(
    "RES-11",
    area="resilience",
    severity="medium",
    level=2,
    scenarios=(_ONE_LIST,),
    source=(
        Source("https://github.com/drajer-health/eCRNow/issues/1060: one failing job blocks the queue", "seen"),
        Source("https://github.com/cerner/fhir.cerner.com/issues/966: one resource type is down", "seen"),
    ),
    mutants=("fail_fast_all", "drop_failed_kind_silently"),
    needs="read",
)
def what_is_down_takes_nothing_with_it(e: Evidence) -> Iterator[Mark]:
    """one list that is down leaves the others whole

    Holds when, of a chart of which one list is down, everything else is put out whole, and an error names the kind that
    is missing.

    A chart without its vaccines, that says so, is of use; an empty one is not, and one that keeps silent is dangerous.
    """
    met: list[Exchange] = []
    for case in e.of(_ONE_LIST):
        for call in case.runs:
            down = [x for x in case.during(call) if x.is_data and x.status >= 500 and x.fault]
            if down:
                met += down[:1]
                yield from _spread(case, call, down)
    if met:
        yield exercised(f"one list was down ({met[0].status}), told with its kind, and the others are whole", met[:2])
    yield untested("no list was down, or nobody asked for it")


def _spread(case: Case, call: Call, down: list[Exchange]) -> Iterator[Mark]:
    """Findings for kinds that are missing with the one that is down, or without a word."""
    lost = Counter(str(fact["kind"]) for fact in case.missing(call))
    for kind, count in sorted(lost.items()):
        if kind != _DOWN:
            yield fail(
                "spread", f"{many(count, f'{kind} record')} missing, although their list was not down",
                at=down[:2], case=case.id, expected=f"every {kind} record", got=call.problem or f"status {call.status}",
                fix="collect kind by kind, and keep what the others gave when one fails",
            )  # fmt: skip
            return
    if lost and not call.admits(_DOWN):
        yield fail(
            "hidden", f"{many(lost[_DOWN], f'{_DOWN} record')} missing because their list was down, and nobody is told",
            at=down[:1], case=case.id, expected=f"an error for {_DOWN}", got=f"status {call.status}",
            fix="report a list that cannot be read, with its kind",
        )  # fmt: skip
