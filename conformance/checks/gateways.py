"""Gateways: one status with three meanings, told apart by a header."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, many, untested
from conformance.evidence import Call, Case, Evidence, Exchange
from simulator.source import Source

_SECOND, _DAY = "s21-a-full-second", "s21-a-day-used-up"
_HEADER, _QPS, _RATE = "x-mashery-error-code", "ERR_403_DEVELOPER_OVER_QPS", "ERR_403_DEVELOPER_OVER_RATE"
_FAIR = 4  # requests under way when the quota ended, and one more look


@check(
    "RES-13",
    area="resilience",
    severity="medium",
    level=1,
    scenarios=(_SECOND, _DAY),
    source=(
        Source("docs.athenahealth.com: 403 Developer Over Qps, 403 Developer Over Rate", "doc"),
        Source("https://github.com/athenahealth/apiserver-athenaFlex/issues/342", "seen"),
    ),
    mutants=("all_403_forbidden", "retry_all_403"),
    vendors=("athena",),
    needs="read",
)
def throttles_are_told_from_refusals(e: Evidence) -> Iterator[Mark]:
    """a throttle is told from a refusal

    Holds when a 403 whose header says that the second is full is waited out, and nothing is missing in the end; and
    when one whose header says that the day's quota is used up ends the traffic, with an error of class `throttled` for
    what is missing, never `forbidden`. A plain 403 is a matter of AUTHZ-03 and RES-05.

    The wrong guess is a storm of retries against a closed gate, or a chart that looks empty until midnight.
    """
    full = [(case, [x for x in case.data if _code(x) == _QPS]) for case in e.of(_SECOND)]
    spent = [(case, [x for x in case.data if _code(x) == _RATE]) for case in e.of(_DAY)]
    for case, those in full:
        for call in case.runs if those else ():
            yield from _given_up(case, call, those)
    for case, those in spent:
        if those:
            yield from _asks_on(case, those)
            for call in case.runs:
                yield from _misnamed(case, call, those)
    met = [those for _, those in (*full, *spent) if those]
    if len(met) > 1:
        yield exercised(
            f"{many(len(met[0]), 'full second')} waited out, a used-up day left after {many(len(met[1]), 'answer')}",
            [met[0][0], met[1][0]],
        )
    yield untested("no answer said that the second was full, or none that the day was used up")


def _code(x: Exchange) -> str:
    return (x.response_header(_HEADER) or "") if x.status == 403 else ""


def _given_up(case: Case, call: Call, those: list[Exchange]) -> Iterator[Mark]:
    missing = case.missing(call)
    if missing:
        yield fail(
            "gave_up",
            f"{many(len(missing), 'record')} missing because a second was full",
            at=those[:2],
            case=case.id,
            expected="everything, a second later",
            got=f"status {call.status}, errors {', '.join(sorted(call.classes)) or 'none'}",
            fix=f"read `{_HEADER}` of a 403: `{_QPS}` passes in a second",
        )


def _asks_on(case: Case, those: list[Exchange]) -> Iterator[Mark]:
    later = [x for x in case.after(those[0]) if x.is_data]
    if len(later) > _FAIR:
        yield fail(
            "asks_on",
            f"{many(len(later), 'request')} after the quota of the day was used up",
            at=[those[0], *later[-2:]],
            expected=f"at most {_FAIR}",
            got=str(len(later)),
            fix=f"stop at `{_RATE}` until the quota is anew, at midnight GMT",
        )


def _misnamed(case: Case, call: Call, those: list[Exchange]) -> Iterator[Mark]:
    for kind in sorted({str(fact["kind"]) for fact in case.missing(call)}):
        if not call.admits(kind, "throttled"):
            said = sorted({str(one.get("class")) for one in call.errors if one.get("kind") in (kind, None)})
            yield fail(
                "misnamed" if said else "hidden",
                f"{kind} records are missing because the quota is used up, "
                + (f"told as {said[0]}" if said else "and nobody hears of it"),
                at=those[:1],
                case=case.id,
                expected=f"an error of class `throttled` for {kind}",
                got=", ".join(said) or f"status {call.status}",
                fix=f"read `{_HEADER}` of a 403 before you call it a missing permission",
            )
            return
