"""Deadlines: nobody waits for ever."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, untested, warn
from conformance.evidence import Call, Case, Evidence, Exchange
from simulator.source import Source

_HANGS = "s22-hangs"
_SAYS = {"black_hole": "nothing ever came", "slicer": "the answer came drop by drop"}


@check(
    "RES-06",
    area="resilience",
    severity="high",
    level=1,
    scenarios=(_HANGS,),
    source=(
        Source("https://github.com/mdsol/rwslib: no timeout by default", "seen"),
        Source("https://github.com/fastenhealth/fasten-onprem/issues/274", "seen"),
    ),
    mutants=("no_timeout", "timeout_per_read"),
    needs="read",
)
def every_call_has_a_deadline(e: Evidence) -> Iterator[Mark]:
    """every call has a deadline

    Holds when a call to which nothing is answered, and one whose answer comes drop by drop, end with an error of class
    `timeout` by the `deadline_ms` that the driver was told (a tenth or half a second later is forgiven), and what is
    asked afterwards works. An error of another class is a warning.

    One socket that hangs stops a sync for a night, and nobody is woken, for nothing has failed.
    """
    seen: dict[str, Exchange] = {}
    for case in e.of(_HANGS):
        hung = [(call, x) for call in case.runs if (x := _hangs(case, call)) is not None]
        for call, x in hung:
            seen.setdefault(x.fault, x)
            yield from _judged(case, call, x)
        last = case.runs[-1] if case.runs else None
        if hung and last is not None and (last.problem or case.missing(last)):
            yield fail(
                "stuck",
                "after a call that hung, nothing works any more",
                at=[hung[-1][1], *case.during(last)[:1]],
                case=case.id,
                expected="the patient",
                got=last.problem or f"status {last.status}",
                fix="give up the connection with the call, and free what waited for it",
            )
    if len(seen) == len(_SAYS):
        yield exercised("given up in time: " + ", ".join(_SAYS[name] for name in sorted(seen)), seen.values())
    yield untested("no call hung: " + (", ".join(_SAYS[name] for name in _SAYS if name not in seen)))


def _hangs(case: Case, call: Call) -> Exchange | None:
    return next((x for x in case.during(call) if x.fault in _SAYS), None)


def _judged(case: Case, call: Call, x: Exchange) -> Iterator[Mark]:
    took = f"{call.end - call.start:.1f} s"
    missing = case.missing(call)
    if call.problem:
        yield fail(
            f"hangs_{x.fault}", f"{_SAYS[x.fault]}, and the integration waits past its deadline",
            at=[x], case=case.id, expected="an error of class `timeout` by the deadline", got=f"no answer after {took}",
            fix="bound the whole call, from the connection to the last byte, not each read of it",
        )  # fmt: skip
    elif missing and not call.errors:
        yield fail(
            f"silent_{x.fault}", f"{_SAYS[x.fault]}, and what is missing is not told",
            at=[x], case=case.id, expected="an error of class `timeout`", got=f"status {call.status} after {took}",
        )  # fmt: skip
    elif missing and "timeout" not in call.classes:
        yield warn(
            f"other_class_{x.fault}", f"{_SAYS[x.fault]}, told as {', '.join(sorted(call.classes))}",
            at=[x], case=case.id, expected="an error of class `timeout`", got=", ".join(sorted(call.classes)),
        )  # fmt: skip
