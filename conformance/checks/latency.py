"""Latency: what the integration adds to the vendor's own time."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, untested
from conformance.evidence import Call, Case, Evidence
from simulator.source import Source


@check(
    "LAT-01",
    area="latency",
    severity="low",
    level=1,
    scenarios=("S26",),
    source=(Source("https://github.com/grafana/k6/issues/1346: thresholds without samples", "seen"),),
    mutants=("sleep_200ms",),
    needs="read",
)
def own_overhead_is_small(e: Evidence) -> Iterator[Mark]:
    """own overhead is small

    Holds when 95 of 100 operations spend no more than the budget outside the vendor's answers. On a host that wakes
    sleepers late only half of them are asked to, because the rest measures the host.

    Separates the integration's cost from the vendor's. Fewer samples than `min_samples` prove nothing.
    """
    taken = [(_overhead_s(case, call), case, call) for case in e.of("S26") for call in _timed(case)]
    samples = sorted(taken, key=lambda sample: sample[0])
    least, budget = e.settings.min_samples, e.settings.overhead_p95_ms
    if len(samples) < least:
        yield untested(f"{len(samples)} operations; {least} are needed")
        return
    share = 0.5 if e.settings.is_host_slow else 0.95
    spent, case, call = samples[max(0, int(len(samples) * share) - 1)]
    of = "half" if e.settings.is_host_slow else "95 of 100"
    if spent * 1000 > budget:
        yield fail(
            "slow",
            f"{of} of the operations take up to {spent * 1000:.0f} ms of their own",
            at=case.during(call)[:3],
            case=case.id,
            expected=f"at most {budget:.0f} ms",
            got=f"{spent * 1000:.0f} ms over {len(samples)} operations",
            fix="look for sleeps, new connections and work done twice",
        )
    yield exercised(f"{of} operations take at most {spent * 1000:.0f} ms of their own, {len(samples)} timed")


def _timed(case: Case) -> tuple[Call, ...]:
    """The operations that succeeded and asked the vendor: doing nothing is quick."""
    return tuple(call for call in case.runs if call.status == "ok" and any(x.is_data for x in case.during(call)))


def _overhead_s(case: Case, call: Call) -> float:
    """Seconds of `call` in which no request to the vendor was open."""
    busy, until = 0.0, call.start
    for x in case.during(call):
        start, end = max(x.start, until), min(x.end, call.end)
        if end > start:
            busy += end - start
        until = max(until, end)
    return max(0.0, call.end - call.start - busy)
