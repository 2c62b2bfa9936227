"""Authorization and data access: what the integration makes of a refusal."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, untested
from conformance.evidence import Evidence
from simulator.source import Source


@check(
    "AUTHZ-03",
    area="authorization",
    severity="critical",
    level=1,
    scenarios=("S07",),
    source=(
        Source("https://hl7.org/fhir/R4/http.html#Status-Codes", "doc"),
        Source("recorded Epic answers: 403 without a body", "seen"),
    ),
    mutants=("forbidden_as_empty",),
    needs="read",
)
def no_access_is_not_no_data(e: Evidence) -> Iterator[Mark]:
    """no access is not the same as no data

    Holds when a refused kind is reported with an error of class `forbidden` that names it, never as an empty list, and
    the kinds that were not refused are complete.

    An empty allergy list that was in truth a refused one is a safety risk.
    """
    seen = 0
    for case in e.of("S07"):
        for call in case.runs:
            refused = [x for x in case.during(call) if x.is_data and x.status == 403]
            missing = case.missing(call)
            for kind in sorted({fact["kind"] for fact in missing}):
                count = sum(1 for fact in missing if fact["kind"] == kind)
                if call.admits(kind, "forbidden"):
                    continue
                said = sorted(call.classes)
                yield fail(
                    "wrong_class" if call.admits(kind) else "refusal_hidden",
                    f"{count} {kind} records are missing, reported as {said[0]}"
                    if call.admits(kind)
                    else f"{count} {kind} records are missing and nothing is reported",
                    at=refused[:3],
                    case=case.id,
                    expected=f"an error of class `forbidden` for {kind}",
                    got=f"status {call.status}, errors {', '.join(said) or 'none'}",
                    fix="report a 403 for the kind it was answered to, whatever its body",
                )
            if refused:
                seen += 1
                yield exercised(f"{len(refused)} refused requests were reported", refused[:3])
    if not seen:
        yield untested("no request was answered 403")
