"""Authorization and data access: what the integration makes of a refusal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, many, untested
from conformance.evidence import Call, Case, Data, Evidence, Exchange
from simulator.source import Source

_SHORT_GRANT = "s07-short-grant"


@check(
    "AUTHZ-03",
    area="authorization",
    severity="critical",
    level=1,
    scenarios=("s07-reduced-rights",),
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


@check(
    "AUTH-12",
    area="auth",
    severity="medium",
    level=1,
    scenarios=(_SHORT_GRANT,),
    source=(
        Source(
            "RFC 6749 section 5.1: the answer with the token says which scopes were granted, where they differ", "doc"
        ),
        Source("recorded Epic answers: more scopes than asked for, in another order, in mixed letter case", "seen"),
    ),
    mutants=("ignore_granted_scope", "scopes_must_equal"),
    vendors=("epic", "cerner"),
    needs="read",
)
def the_grant_is_read(e: Evidence) -> Iterator[Mark]:
    """what was granted is read

    Holds when kinds that were asked for and not granted are reported as `forbidden` after one call at most with each
    token, and all that was granted is read, however the grant is written: in another order, in other letters, with more
    in it.

    Who finds out call by call what it may not see fills the vendor's log with refusals, and somebody's pager.
    """
    short = 0
    for case in e.of(_SHORT_GRANT):
        denied = _denied(case)
        if not denied:
            continue
        short += 1
        refused = [x for x in case.data if x.status == 403 and _type_of(x) in denied]
        calls = Counter((_type_of(x), x.token_id) for x in refused)
        for (type, token), count in sorted(calls.items()):
            if count > 1:
                yield fail(
                    f"asks_on_{type}",
                    f"{count} calls for {type} with a token that says that it was not granted",
                    at=[x for x in refused if (_type_of(x), x.token_id) == (type, token)][:3],
                    expected="one call at most",
                    got=f"{count} refusals",
                    fix="read `scope` in the token's answer",
                )
        for call in case.runs:
            for fact in case.missing(call):
                yield from _not_told(case, call, fact, denied)
    if short:
        yield exercised(f"{many(short, 'login')} with less granted than was asked for")
    yield untested("nothing less than was asked for was granted, or nobody asked for it")


def _not_told(case: Case, call: Call, fact: Data, denied: set[str]) -> Iterator[Mark]:
    kind = fact["kind"]
    if fact["source"]["type"] not in denied:
        yield fail(
            f"gives_up_{kind}", f"{kind} records were granted and are not in the output",
            at=case.logins[-1:], case=case.id, expected="what was granted", got=f"status {call.status}",
            fix="compare scopes as a set, without regard to letter case, and only with what you need",
        )  # fmt: skip
    elif not call.admits(kind, "forbidden"):
        yield fail(
            f"hides_{kind}", f"{kind} records were not granted, and no error of class `forbidden` says so",
            at=case.logins[-1:], case=case.id, expected=f"`forbidden` for {kind}",
            got=", ".join(sorted(call.classes)) or "no error", fix="report what was not granted",
        )  # fmt: skip


def _denied(case: Case) -> set[str]:
    """The FHIR types that the last login asked for and was not granted; none when the answer says nothing of scopes."""
    login = next((x for x in reversed(case.logins) if x.status == 200), None)
    told = re.search(r'"scope":"([^"]*)"', str(login.data.get("response_body"))) if login is not None else None
    if login is None or told is None:
        return set()
    asked, granted = (_types(one) for one in (login.form.get("scope", ""), told[1]))
    return {type for type in asked if type.lower() not in {one.lower() for one in granted}}


def _type_of(x: Exchange) -> str:
    return x.operation.partition(".")[0]


def _types(scope: str) -> set[str]:
    return {one.partition("/")[2].partition(".")[0] for one in scope.split() if "/" in one}
