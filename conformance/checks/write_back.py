"""Write-back: what the integration does when it files something, and what it says of the outcome.

A write is judged by the wire: a create that the vendor answered 201 was kept, whatever became of the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from conformance.check import Mark, check, exercised, fail, untested, warn
from conformance.evidence import Call, Case, Evidence, Exchange
from simulator.source import Source

_HTTP = Source("https://hl7.org/fhir/R4/http.html#create", "doc")
_PROBES = Source(
    "https://github.com/mock-health/the-map/tree/1757b011/tests/golden/epic (creates and what was read back)", "seen"
)
_TWICE = Source("https://github.com/hapifhir/hapi-fhir/issues/3141", "seen")


def _writes(e: Evidence, family: str) -> Iterator[tuple[Case, Call, list[Exchange]]]:
    """Every write, with the requests that create something."""
    for case in e.of(family):
        for call in case.runs:
            if call.action == "write":
                sent = [x for x in case.during(call) if x.is_data and x.method == "POST" and "_search" not in x.path]
                yield case, call, sent


def _kept(sent: Sequence[Exchange]) -> list[Exchange]:
    return [x for x in sent if x.created]


def _id(call: Call) -> str:
    """The id that the integration says the record has."""
    ref = call.answer.get("ref")
    return str(ref.get("id", "")) if isinstance(ref, dict) else str(ref or "")


@check(
    "WB-04",
    area="write-back",
    severity="critical",
    level=3,
    scenarios=("S34",),
    source=(_HTTP, _TWICE),
    mutants=("blind_post_retry",),
    vendors=("epic",),
    needs="write",
)
def an_ambiguous_create_leaves_one_record(e: Evidence) -> Iterator[Mark]:
    """a create with a lost answer leaves one record

    Holds when a create that was kept, and whose answer never arrived, is not sent again before somebody looked whether
    it is there. To report that the outcome is unknown is a warning.

    Epic has no conditional create: what is sent twice is there twice, a second problem in the chart, a second note.
    """
    seen = 0
    for case, call, sent in _writes(e, "S34"):
        lost = [x for x in _kept(sent) if x.status == 0]
        if not lost:
            continue
        seen += 1
        kept = _kept(sent)
        if len(kept) > 1:
            yield fail(
                "written_twice",
                f"one intent is there {len(kept)} times: it was sent again after its answer got lost",
                at=kept[:3],
                case=case.id,
                expected="one record",
                got=f"{len(kept)} records",
                fix="search for what may be there before a create is sent again",
            )
        elif _id(call) == kept[0].created[0][1]:
            yield exercised("the answer got lost, and the one record was found", kept)
        elif call.classes & {"timeout", "unavailable"}:
            yield warn("outcome_unknown", "the answer got lost, and the outcome is reported as unknown", at=kept)
        else:
            yield fail(
                "outcome_hidden",
                "the answer got lost, and neither the record's id nor an error is reported",
                at=kept,
                case=case.id,
                fix="report the id that was found, or that the outcome is unknown",
            )
    if not seen:
        yield untested("no create lost its answer")


@check(
    "WB-05",
    area="write-back",
    severity="medium",
    level=3,
    scenarios=("S34",),
    source=(_HTTP, Source("https://hl7.org/fhir/R4/operationoutcome.html", "doc")),
    mutants=("generic_write_error", "retry_422"),
    vendors=("epic",),
    needs="write",
)
def a_rejection_is_told_and_not_repeated(e: Evidence) -> Iterator[Mark]:
    """a rejection is told with its code, once

    Holds when a create that was refused for what it says was sent once, and is reported as `rejected` with the code of
    the issue that decided.

    At Epic the first issue is often an information; whoever reports it sends people looking in the wrong place.
    """
    seen = 0
    for case, call, sent in _writes(e, "S34"):
        refused = [x for x in sent if x.status in (400, 422)]
        if not refused:
            continue
        seen += 1
        wanted = _deciding_codes(refused[0])
        told = {str(error.get("vendor_code")) for error in call.errors if error.get("class") == "rejected"}
        if len(refused) > 1:
            yield fail(
                "sent_again",
                f"what was refused for good was sent {len(refused)} times",
                at=refused[:3],
                case=case.id,
                expected="one request",
                got=f"{len(refused)} requests",
                fix="do not repeat a write that was answered 400 or 422",
            )
        elif not told & wanted:
            yield fail(
                "code_lost",
                "the refusal is reported without the vendor's code" if call.errors else "the refusal is not reported",
                at=refused,
                case=case.id,
                expected=f"class rejected, vendor_code {' or '.join(sorted(wanted))}",
                got=", ".join(f"{one.get('class')} {one.get('vendor_code')}" for one in call.errors) or "no error",
                fix="report the code of the fatal issue",
            )
        else:
            yield exercised("a refusal was reported with its code", refused)
    if not seen:
        yield untested("no write was refused")


def _deciding_codes(x: Exchange) -> set[str]:
    """The vendor's codes of the issues that decided: those that are errors."""
    try:
        issues = json.loads(str(x.data.get("response_body") or "")).get("issue", [])
    except (ValueError, AttributeError):
        return set()
    grave = [one for one in issues if one.get("severity") in ("fatal", "error")]
    return {str(coding["code"]) for one in grave for coding in one.get("details", {}).get("coding", [])}


@check(
    "WB-06",
    area="write-back",
    severity="medium",
    level=3,
    scenarios=("S33",),
    source=(_HTTP, _PROBES),
    mutants=("expect_body", "recreate_if_not_found"),
    vendors=("epic",),
    needs="write",
)
def the_id_comes_from_location(e: Evidence) -> Iterator[Mark]:
    """a new id comes from Location, at first asking

    Holds when the id that is reported is the one that the vendor gave, and nothing was created a second time although
    the record could not be read at once.

    A create is answered 201 without a body; readers of the body crash after the record is there.
    """
    seen = 0
    for case, call, sent in _writes(e, "S33"):
        kept = _kept(sent)
        if not kept:
            continue
        seen += 1
        given = kept[0].created[0][1]
        if len(kept) > 1:
            yield fail(
                "created_again",
                f"one intent was created {len(kept)} times because it could not be read at once",
                at=kept[:3],
                case=case.id,
                expected="one record",
                got=f"{len(kept)} records",
                fix="wait and read again; a 404 right after a create means that the copy is behind",
            )
        elif _id(call) != given:
            yield fail(
                "id_lost",
                "the record is there, and its id is not reported",
                at=kept,
                case=case.id,
                expected="the id at the end of Location",
                got=f"status {call.status}, id {_id(call) or 'none'}",
                fix="read Location of a 201; the body may be empty",
            )
        else:
            yield exercised("the id was taken from Location", kept)
    if not seen:
        yield untested("nothing was created")


@check(
    "WB-10",
    area="write-back",
    severity="medium",
    level=3,
    scenarios=("S33",),
    source=(_PROBES,),
    mutants=("success_is_201",),
    vendors=("epic",),
    needs="write",
)
def what_was_kept_otherwise_is_told(e: Evidence) -> Iterator[Mark]:
    """what is kept otherwise than meant is told

    Holds when every member of the intent that the vendor tells otherwise afterwards, or not at all, is named in
    `differences` of the answer.

    Epic files every diagnosis as a problem and keeps no onset; who takes a 201 for success does not know it.
    """
    seen = 0
    for case, call, sent in _writes(e, "S33"):
        if not _kept(sent) or not call.changed:
            continue
        seen += 1
        told = {str(name) for name in call.answer.get("differences") or ()}
        silent = [name for name in call.changed if name not in told]
        if silent:
            yield fail(
                "difference_hidden",
                f"the vendor kept {', '.join(silent)} otherwise than meant, and nothing is reported",
                at=_kept(sent),
                case=case.id,
                expected=f"differences: {', '.join(call.changed)}",
                got=f"differences: {', '.join(sorted(told)) or 'none'}",
                fix="read the record back and compare it with what was meant",
            )
        else:
            yield exercised(f"{', '.join(call.changed)} came back otherwise, and it was reported", _kept(sent))
    if not seen:
        yield untested("the vendor kept everything as it was meant")
