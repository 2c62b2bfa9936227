"""Borders: between patients, between tenants, between what may be read and what may be written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, many, untested
from conformance.evidence import Call, Case, Data, Evidence, Exchange
from simulator.source import Source

_CHARTS, _TENANT, _FOREIGN, _READ_ONLY = (
    "s12-two-charts", "s12-the-other-tenant", "s44-foreign-entries", "s33-only-to-be-read",
)  # fmt: skip
_TOLD = re.compile(r'"access_token"\s*:\s*"([^"]*)"')
_CHANGES = ("POST", "PUT", "PATCH", "DELETE")


@check(
    "AUTHZ-02",
    area="authorization",
    severity="critical",
    level=3,
    scenarios=(_CHARTS,),
    source=(Source("https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html", "doc"),),
    mutants=("sticky_patient_context",),
    vendors=("epic", "cerner"),
    needs="login",
)
def the_open_chart_is_read(e: Evidence) -> Iterator[Mark]:
    """the chart that is open is read, and no other

    Holds when, after each login from a chart, what is read in the context of that login (`patient` with `in_context`)
    is about the patient whose chart it was, though another one was open before in the same process.

    A context that sticks shows one person's chart under another person's name.
    """
    for case in e.of(_CHARTS):
        asked = [call for call in case.runs if call.action == "read"]
        read = [call for call in asked if call.status in ("ok", "partial") and not call.problem]
        if len(read) < len(asked) or not asked:
            told = next((call.problem or call.status for call in asked if call not in read), "no login")
            yield untested(f"`login` is declared, and a read in its context was answered with {told}")
            continue
        for call in read:
            others = [one for one in _extras(case, call) if one["verdict"] == "wrong-patient"]
            missing = case.missing(call)
            if others or missing:
                seen = [x for x in case.during(call) if x.is_data]
                login = [x for x in case.logins if x.end <= call.start]
                what = f"{many(len(others), 'record')} of another patient" if others else "the patient is not there"
                yield fail(
                    "other_chart",
                    f"{what}, after a login from one chart and a read in its context",
                    at=[*login[-1:], *seen[:2]],
                    case=case.id,
                    expected=f"patient {call.subject}, who is told with the token",
                    got=_first_of(others) or f"status {call.status}, {many(call.count, 'record')}",
                    fix="take `patient` from the answer of each login, and keep it with that token alone",
                )
                break
        else:
            yield exercised(f"{many(len(read), 'read')} in the context of as many logins, each of the open chart")


@check(
    "AUTHZ-04",
    area="authorization",
    severity="critical",
    level=1,
    scenarios=("S01", _TENANT),
    source=(
        Source("cerner/fhir.cerner.com content/millennium/r4.md: an id means nothing outside its full URL", "doc"),
        Source("https://github.com/CDCgov/dibbs-ecr-viewer/pull/1674: a cache by bare id", "seen"),
    ),
    mutants=("shared_token_cache", "cache_by_bare_id"),
    needs="read",
)
def tenants_do_not_mix(e: Evidence) -> Iterator[Mark]:
    """tenants do not mix

    Holds when a token goes only to the tenant that gave it, and what is put out was served by the tenant that was
    asked, though ids of patients and clients are the same in both. Every case of a run is a tenant of its own.

    Two hospitals of one vendor have the same ids more often than anybody plans for.
    """
    given = {case.id: _tokens_of(case) for case in e.cases}
    alive = [case for case in e.cases if case.is_alive]
    for case in e.cases:
        strange = [x for x in case.data if x.bearer and x.bearer not in given[case.id]]
        lent = [x for x in strange if any(x.bearer in those for those in given.values())]
        if lent:
            yield fail(
                "token_of_another",
                f"{many(len(lent), 'request')} with a token that another tenant gave",
                at=lent[:3],
                case=case.id,
                expected="a token of this tenant",
                got=lent[0].refusal or "the token of another base URL",
                fix="keep tokens by base URL, client and scopes",
            )
        kept = [fact for fact in case.scores() if fact["found"] and not case.serving(fact["source"]) and _leaks(fact)]
        elsewhere = [(fact, x) for fact in kept for x in _served_elsewhere(e, case, fact)[:1]]
        if elsewhere:
            fact, x = elsewhere[0]
            yield fail(
                "record_of_another",
                f"{many(len(elsewhere), 'record')} put out that another tenant served",
                at=[x],
                case=case.id,
                expected="what this tenant serves",
                got=f"{fact['source']['type']}/{fact['source']['id']}, served to another case",
                fix="keep what was read by tenant and id, never by id alone",
            )
    if len(alive) > 1:
        yield exercised(f"{many(len(alive), 'tenant')} with the same ids, none with another's token or records")
    yield untested("fewer than two tenants were read")


@check(
    "AUTHZ-05",
    area="authorization",
    severity="critical",
    level=1,
    scenarios=(_FOREIGN,),
    source=(Source("defence in depth: whose record it is stands in the record", "guess"),),
    mutants=("trust_bundle_subject",),
    needs="read",
)
def a_foreign_subject_is_refused(e: Evidence) -> Iterator[Mark]:
    """a record of somebody else is refused, and told

    Holds when a resource in a patient's list that names another patient as its subject is not put out as the patient's,
    and an error of class `invalid_response`, or `dropped` with the reason `filtered`, says so.

    A vendor that mixes two charts is rare; an integration that passes it on makes it everybody's.
    """
    met: list[Exchange] = []
    for case in e.of(_FOREIGN):
        for call in case.runs:
            mixed = [x for x in case.during(call) if x.status == 200 and (x.data.get("fault") or {}).get("foreign")]
            if not mixed:
                continue
            met += mixed[:1]
            others = [one for one in _extras(case, call) if one["verdict"] == "wrong-patient"]
            says = {str(one.get("reason")) for one in call.answer.get("dropped") or ()}
            if others:
                yield fail(
                    "foreign_subject", f"{many(len(others), 'record')} of another patient in this one's chart",
                    at=mixed[:2], case=case.id, expected="records whose subject is the patient who was asked for",
                    got=_first_of(others), fix="compare `subject` or `patient` of every resource with whom you asked",
                )  # fmt: skip
            elif "invalid_response" not in call.classes and "filtered" not in says and not call.problem:
                yield fail(
                    "untold", "a record of another patient was left out, and nobody hears that two charts are mixed",
                    at=mixed[:1], case=case.id, expected="an error of class `invalid_response`, or `dropped`: filtered",
                    got=f"status {call.status}", fix="report it: somebody at the vendor must look into it",
                )  # fmt: skip
    if met:
        yield exercised(f"{many(len(met), 'list')} with a record of somebody else, refused and told", met[:2])
    yield untested("no list held a record of another patient")


@check(
    "WB-08",
    area="write-back",
    severity="critical",
    level=3,
    scenarios=(_READ_ONLY,),
    source=(Source("`mode` of `configure`, emr-driver/1", "doc"),),
    mutants=("write_in_readonly",),
    vendors=("epic",),
    needs="write",
)
def read_only_writes_nothing(e: Evidence) -> Iterator[Mark]:
    """who may only read writes nothing

    Holds when an integration that is configured with the mode `read-only`, and asked to write all the same, sends no
    request that changes anything and says so with an error, while it still reads.

    The switch that keeps a dry run dry is tried out when it is too late, or now.
    """
    for case in e.of(_READ_ONLY):
        asked = [call for call in case.runs if call.action == "write"]
        sent = [x for x in case.data if x.method in _CHANGES and not x.path.rstrip("/").endswith("/_search")]
        if sent:
            yield fail(
                "wrote", f"{many(len(sent), 'request')} that would change the chart, in the mode `read-only`",
                at=sent[:2], expected="no request but reads", got=str(sent[0]),
                fix="look at `mode` before anything is sent that is no GET and no search",
            )  # fmt: skip
        elif any(call.status in ("ok", "partial") for call in asked):
            yield fail(
                "told_done", "a write was told as done, and nothing was sent", at=case.data[-1:], case=case.id,
                expected="an error", got=f"status {asked[0].status}",
            )  # fmt: skip
        elif not asked or any(call.problem for call in asked):
            yield untested("the driver was not asked to write, or gave no answer")
        elif not case.is_alive:
            yield untested("nothing was read in the mode `read-only`")
        else:
            yield exercised(f"asked to write, answered with {asked[0].status}; {many(len(case.data), 'read')} beside")


def _extras(case: Case, call: Call) -> list[Data]:
    """The records of a call that are no fact of it."""
    return [one for one in case.score.get("extras") or () if case.calls[one["call"]] is call]


def _first_of(extras: list[Data]) -> str:
    """The kind and source of the first; empty when there is none."""
    if not extras:
        return ""
    source = extras[0]["source"]
    return f"{extras[0]['kind']} {source.get('type')}/{source.get('id')}"


def _tokens_of(case: Case) -> set[str]:
    """The fingerprints of the access tokens that a case gave."""
    bodies = (str(x.data.get("response_body") or "") for x in case.logins)
    return {found[1] for body in bodies if (found := _TOLD.search(body))}


def _leaks(fact: Data) -> bool:
    return any(one["verdict"] == "leak" for one in fact["mismatches"])


def _served_elsewhere(e: Evidence, case: Case, fact: Data) -> list[Exchange]:
    """Where another case served the record of a fact."""
    return [x for other in e.cases if other is not case for x in other.serving(fact["source"])]
