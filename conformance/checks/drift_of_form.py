"""Drift of form: the same facts under words that nobody knows, in another shape, under other headers.

A case reads the same patient again and again; between two readings the form changes. The first reading is what the
integration can do, the later ones what is left of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, many, untested, warn
from conformance.checks.drift import changed_into, pairs, says, worse_field
from conformance.evidence import Call, Case, Data, Evidence
from simulator.faults.kinds.change_element import NEW_CODE
from simulator.source import Source

CODES, SHAPES, TRANSPORT = "s40-unknown-codes", "s40-other-shapes", "s40-other-transport"
_WORDS = {
    "status": "status",
    "resultstatus": "status",
    "clinicalStatus": "clinicalStatus",
    "verificationStatus": "verification",
    "criticality": "criticality",
    "interpretation": "interpretation",
}
"""The fields of records that say what one element of the vendor says, by that element."""
_UNKNOWN = frozenset({"unknown", NEW_CODE})
_STILL_THERE = frozenset({"list", "single", "text"})
_RESHAPED = _STILL_THERE | {"null", "empty"}


@check(
    "DRIFT-02",
    area="drift",
    severity="critical",
    level=1,
    scenarios=(CODES,),
    source=(
        Source("https://hl7.org/fhir/R4/terminologies.html: extensible bindings, and value sets that grow", "doc"),
        Source("an unknown status must not be read as a known one", "guess"),
    ),
    mutants=("enum_crash", "unknown_to_default"),
    needs="read",
)
def what_nobody_knows_is_unknown(e: Evidence) -> Iterator[Mark]:
    """a word that nobody knows is told as unknown

    Holds when a record whose status, flag or criticality is a code that no version knows is still there, and says
    `unknown` or the code itself; not a word that somebody guessed. Everything else in it stays as right as it was.

    Code systems grow with every release: who maps what is new to `active` or `final` makes facts of it.
    """
    seen = 0
    for case in e.of(CODES):
        for before, after in pairs(case):
            anew = _told_anew(case, after)
            seen += bool(anew)
            yield from _lost_or_worse(case, before, after, "keep a record whose word you do not know", *anew)
            yield from _guessed(case, after, anew)
    if seen:
        yield exercised(f"{many(seen, 'record')} with a word that nobody knows")
    yield untested("no record came with a word that nobody knows")


def _told_anew(case: Case, fact: Data) -> tuple[str, ...]:
    """The fields whose words were changed in what told this fact in its reading; none when none was."""
    during = case.during(case.calls[fact["call"]])
    changed = [x.data["fault"] for x in case.serving(fact["source"]) if x in during and changed_into(x) == "new_code"]
    names = {name for one in changed if one.get("changed") for name in one["args"]["name"].split(",")}
    return tuple(sorted({field for element, field in _WORDS.items() if element in names}))


def _guessed(case: Case, fact: Data, anew: tuple[str, ...]) -> Iterator[Mark]:
    if not fact["found"]:
        return
    source, got, wanted = fact["source"], fact.get("got") or {}, fact.get("expected") or {}
    for name in anew:
        if wanted.get(name) is None or got.get(name) in _UNKNOWN or name not in got:
            continue
        at = case.serving(source)[-1:]
        if got[name] is None:
            yield warn(
                f"no_{name}", f"the {name} of {source['type']}/{source['id']} is told as absent, though it is there",
                at=at, case=case.id, expected="`unknown`, or the code as it came", got="null",
                fix="tell what is not known from what is not there",
            )  # fmt: skip
            continue
        yield fail(
            f"guessed_{name}",
            f"the {name} of {source['type']}/{source['id']} is `{got[name]}`, which the vendor does not say",
            at=at,
            case=case.id,
            expected="`unknown`, or the code as it came",
            got=str(got[name]),
            fix="map the words that you know, and tell every other as unknown beside the code that came",
        )


@check(
    "DRIFT-03",
    area="drift",
    severity="medium",
    level=1,
    scenarios=(SHAPES,),
    source=(
        Source("https://github.com/athenahealth/apiserver-athenaFlex/issues/191", "seen"),
        Source("https://hl7.org/fhir/R4/datatypes.html#id: ids are case sensitive", "doc"),
    ),
    mutants=("int_ids", "lowercase_ids", "assume_array", "truthy_false_string"),
    needs="read",
)
def another_shape_is_read_or_reported(e: Evidence) -> Iterator[Mark]:
    """another shape is read or reported

    Holds when the output is as before after a list of one has lost its brackets, a single thing has got some, numbers
    and truth values are text, something optional is null or empty; or an error says what could not be read. And ids
    are kept letter by letter.

    Between two releases ids changed from numbers to text, and truth values from text to JSON: `"false"` is true to who
    does not look.
    """
    compared, ids = 0, set()
    for case in e.of(SHAPES):
        yield from _altered_ids(case)
        ids |= {str(one["source"]["id"]) for one in case.scores() if one["found"] and _has_letters(one["source"])}
        for before, after in pairs(case):
            call = case.calls[after["call"]]
            into = _shape_of(case, call)
            if not into:
                continue
            compared += 1
            if not call.admits(after["kind"]):
                yield from _lost_or_worse(
                    case, before, after, "read the shapes that you can, report the others", into=into
                )
    if compared:
        yield exercised(f"{many(compared, 'record')} read in another shape, {len(ids)} ids kept letter by letter")
    yield untested("nothing was read in another shape")


def _shape_of(case: Case, call: Call) -> str:
    found = (changed_into(x) for x in case.during(call))
    return next((into for into in found if into in _RESHAPED), "")


def _has_letters(source: Data) -> bool:
    return re.search(r"[^0-9]", str(source["id"])) is not None


def _altered_ids(case: Case) -> Iterator[Mark]:
    """Records under an id that nobody served, which is one that was, with other letters or without some."""
    served: dict[tuple[str, str], str] = {}
    for x in case.data:
        for type, id in x.served:
            served.setdefault((type, id.casefold()), id)
            served.setdefault((type, re.sub(r"[^0-9]", "", id)), id)
    for extra in case.score.get("extras") or ():
        source = extra["source"]
        type, id = str(source.get("type")), str(source.get("id"))
        if extra.get("verdict") == "hallucinated" and (told := served.get((type, id), id)) != id:
            yield fail(
                "altered_id",
                f"{type}/{told} is held as {type}/{id}",
                at=case.serving({"type": type, "id": told})[:1],
                case=case.id,
                expected=told,
                got=id,
                fix="keep ids as text, as they come: they are case sensitive and not numbers",
            )


@check(
    "DRIFT-04",
    area="drift",
    severity="low",
    level=1,
    scenarios=(TRANSPORT,),
    source=(
        Source("Epic's recorded answers say application/json+fhir of R4", "seen"),
        Source("Epic's published endpoints: statements of 4.0.0, and some without OAuth", "seen"),
        Source("RFC 9110 sections 5.1 and 8.3: names of headers have no case, media types have parameters", "doc"),
    ),
    mutants=("exact_content_type", "case_sensitive_headers", "metadata_required", "smart_block_required"),
    needs="read",
)
def other_headers_change_nothing(e: Evidence) -> Iterator[Mark]:
    """other headers change nothing

    Holds when the output is as before while the same bodies come under another media type for JSON, with parameters,
    under names of headers in another case, with cookies, compressed, and while the CapabilityStatement is refused, says
    another patch of R4, or nothing of how to log in.

    A gateway is replaced on a Saturday, and nobody tells the integrations.
    """
    compared = 0
    for case in e.of(TRANSPORT):
        for before, after in pairs(case):
            compared += 1
            yield from _lost_or_worse(case, before, after, "read what is in the body, whatever its label")
    if compared:
        yield exercised(f"{many(compared, 'record')} read under other headers")
    yield untested("nothing was read under other headers")


def _lost_or_worse(case: Case, before: Data, after: Data, fix: str, *besides: str, into: str = "") -> Iterator[Mark]:
    """A finding when a record is gone, or a field is wrong that was right; of what was taken away, nothing is right."""
    worse = worse_field(before, after, *besides, may_be_empty=bool(into) and into not in _STILL_THERE)
    if worse:
        source, got = after["source"], "none" if not after["found"] else f"another {worse}"
        yield fail(
            f"lost_{after['kind']}" if not after["found"] else f"changed_{worse}",
            f"{after['kind']} {source['type']}/{source['id']} {says(after, worse)}" + (f" ({into})" if into else ""),
            at=case.serving(source)[-1:],
            case=case.id,
            expected="the record as before",
            got=got,
            fix=fix,
        )
