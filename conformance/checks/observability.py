"""Observability: whether the integration can say what it did, and what it lost."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, untested
from conformance.evidence import Call, Case, Data, Evidence
from simulator.source import Source

_FAILING = ("s07-reduced-rights", "s22-permanent", "s24-one-resource")
_WORTH_A_TRY = ("throttled", "unavailable", "timeout")
_OF_ANSWERS = ("auth", "forbidden", "not_found", "rejected", "conflict", "throttled", "unavailable")
_FINAL = ("auth", "forbidden", "not_found", "rejected", "conflict", "config")


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


@check(
    "OBS-02",
    area="observability",
    severity="medium",
    level=1,
    scenarios=_FAILING,
    source=(Source("emr-driver/1: class, retryable, vendor, kind, http_status of an error", "doc"),),
    mutants=("error_string_only", "wrong_retryable"),
    needs="read",
)
def failures_are_structured(e: Evidence) -> Iterator[Mark]:
    """a failure is told by class, status and vendor

    Holds when every error that is reported for an answer of the vendor names the vendor and the HTTP status that was
    answered, and says that another try is worth it where it is (`throttled`, `unavailable`, `timeout`), and is not
    where it is not (`auth`, `forbidden`, `not_found`, `rejected`, `conflict`, `config`).

    Who is on call sorts by class and status; a sentence can only be read, one by one, at night.
    """
    told = 0
    for case in e.of(*_FAILING):
        for call in case.runs:
            refused = [x for x in case.during(call) if x.is_data and x.status >= 400]
            answered = {x.status for x in case.data if x.status >= 400 and x.start <= call.end}  # some are remembered
            for error in call.errors if refused else ():
                if error.get("class") not in _OF_ANSWERS:
                    continue
                told += 1
                flaw = _flaw_of(error, answered)
                if flaw is not None:
                    cause, says, expected, got = flaw
                    yield fail(
                        cause, says, at=refused[:2], case=case.id, expected=expected, got=got,
                        fix="fill the members of an error where it is made: see `conformance/protocol/driver-v1.json`",
                    )  # fmt: skip
                    break
    if told:
        yield exercised(f"{told} errors with class, status and vendor, each worth another try or not as its class is")
    yield untested("nothing that was refused is reported")


def _flaw_of(error: Data, statuses: set[int]) -> tuple[str, str, str, str] | None:
    """(cause, sentence, expected, got) of the first thing wrong with an error."""
    named, status = str(error.get("class")), error.get("http_status")
    seen = " or ".join(map(str, sorted(statuses)))
    if not error.get("vendor"):
        return "no_vendor", f"an error of class `{named}` does not say which vendor it is about", "`vendor`", "none"
    if status is None:
        return (
            "no_status",
            f"an error of class `{named}` does not say what was answered",
            f"`http_status` {seen}",
            "none",
        )
    if status not in statuses:
        return "other_status", f"an error tells a status that was not answered: {status}", seen, str(status)
    expected = True if named in _WORTH_A_TRY else False if named in _FINAL else None
    if expected is not None and error.get("retryable") is not expected:
        says = f"an error of class `{named}` says that another try {'is not' if expected else 'is'} worth it"
        return "wrong_retryable", says, f"retryable {str(expected).lower()}", str(error.get("retryable")).lower()
    return None
