"""Drift: what the integration does when the vendor's API is no longer what it was when the integration was written.

A case reads the same patient twice; between the two readings the API changes. The first reading is what the integration
can do, the second what is left of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, many, untested
from conformance.evidence import Case, Data, Evidence, Exchange
from simulator.source import Source

DRIFT = "S40"
_UPGRADES = ("s40-next-release", "s40-unknown-elements", "s40-upgrade-mid-session", "s40-years-of-upgrades")
_ADDS, _CHANGES = "add_elements", "change_element"
_GONE = frozenset({"missing", "renamed"})
_BIRTH = {"birthDate", "dob"}
"""The element whose absence is judged, by the names that vendors give it."""


@check(
    "DRIFT-01",
    area="drift",
    severity="medium",
    level=1,
    scenarios=_UPGRADES,
    source=(
        Source("https://github.com/nazrulworld/fhir.resources/pull/10", "seen"),
        Source("https://hl7.org/fhir/R4/versions.html#f-compat: unknown elements may be ignored", "doc"),
    ),
    mutants=("strict_parser",),
    needs="read",
)
def what_a_later_version_adds_is_passed_over(e: Evidence) -> Iterator[Mark]:
    """what a later version adds is passed over

    Holds when the output after an upgrade is as right as before it: elements, extensions and profiles that nobody knows
    are no reason to lose a record or to read it otherwise.

    Vendors add on any day, without a new version number; whoever refuses what is new loses patients on that day.
    """
    compared = 0
    for case in e.of(DRIFT):
        if not _was_added_to(case) or _met(case, _CHANGES):
            continue
        for before, after in pairs(case):
            compared += 1
            worse = worse_field(before, after)
            if worse:
                source = after["source"]
                yield fail(
                    f"lost_{after['kind']}" if not after["found"] else f"changed_{worse}",
                    f"{after['kind']} {source['type']}/{source['id']} {says(after, worse)}",
                    at=case.serving(source)[-1:],
                    case=case.id,
                    expected="the record as before the upgrade",
                    got="none" if not after["found"] else f"another {worse}",
                    fix="read the elements that you know and pass over all others",
                )
    if compared:
        yield exercised(f"{many(compared, 'record')} read before and after something was added")
    yield untested("nothing was read before and after an upgrade")


@check(
    "DRIFT-06",
    area="drift",
    severity="critical",
    level=1,
    scenarios=("s40-element-gone",),
    source=(
        Source("https://github.com/athenahealth/apiserver-athenaFlex/issues/191", "seen"),
        Source("an element that is gone must not be made up", "guess"),
    ),
    mutants=("stale_cache_value", "positional_fallback"),
    needs="read",
)
def what_is_gone_is_missed_and_not_made_up(e: Evidence) -> Iterator[Mark]:
    """what is gone is missed, not made up

    Holds when a value whose element the vendor no longer sends is absent in the output, or an error says so; a value
    from elsewhere, or from yesterday, does not. Everything else stays as right as it was.

    A renamed field is found in production as a wrong birth date, if nobody asks for it on upgrade day.
    """
    missed = 0
    for case in e.of(DRIFT):
        if not any(changed_into(x) in _GONE for x in case.data):
            continue
        for before, after in pairs(case):
            call, gone = case.calls[after["call"]], _gone(case, after["kind"])
            if not after["found"] and call.admits(after["kind"]):
                missed += 1
                continue
            told = next((one for one in after["mismatches"] if gone and one["field"].split(".")[0] == gone), None)
            source = after["source"]
            if gone and (told is None or told["got"] is not None):
                is_stale = told is None
                yield fail(
                    "stale_value" if is_stale else "made_up",
                    f"the {gone} of {source['type']}/{source['id']} is {'still held' if is_stale else 'another one'}, "
                    "though it is no longer sent",
                    at=case.serving(source)[-1:],
                    case=case.id,
                    expected="no value, or an error that says that it is missing",
                    got="the value of before" if is_stale else str(told["got"] if told else ""),
                    fix="take a value from its element or not at all",
                )
                continue
            missed += bool(gone)
            worse = worse_field(before, after, gone)
            if worse:
                yield fail(
                    f"changed_{worse}", f"{after['kind']} {source['type']}/{source['id']} {says(after, worse)}",
                    at=case.serving(source)[-1:], case=case.id, expected="all else as before",
                    got="none" if not after["found"] else f"another {worse}",
                    fix="let one missing element not spoil the others",
                )  # fmt: skip
    if missed:
        yield exercised(f"{many(missed, 'value')} whose element is gone, missed and not made up")
    yield untested("nothing was read whose element was gone")


@check(
    "DRIFT-05",
    area="drift",
    severity="medium",
    level=1,
    scenarios=("s40-error-shapes",),
    source=(
        Source("https://github.com/eleanorhealth/go-athenahealth", "seen"),
        Source("RFC 9110 section 15: the status says what kind of error it is", "doc"),
    ),
    mutants=("needs_operation_outcome",),
    needs="read",
)
def the_status_says_what_went_wrong(e: Evidence) -> Iterator[Mark]:
    """the status says what went wrong

    Holds when the same status leads to an error of the same class, whatever the body is: the vendor's own, empty, a
    page of a proxy, text, another kind of JSON.

    One vendor sends three shapes, and a proxy before it a fourth; who needs one of them calls a refusal an outage.
    """
    shapes = 0
    for case in e.of(DRIFT):
        told: dict[int, dict[str, Exchange]] = {}
        for call in case.runs:
            hit = next((x for x in case.during(call) if x.fault == "status" and x.is_data), None)
            if hit is None:
                continue
            shapes += 1
            classes = sorted(call.classes) if call.status in ("error", "partial") else []
            told.setdefault(hit.status, {}).setdefault(", ".join(classes) or "no error", hit)
        for status, by_class in told.items():
            if len(by_class) > 1 or "no error" in by_class:
                yield fail(
                    "other_class",
                    f"a {status} is reported as {' and as '.join(by_class)}, depending on its body",
                    at=list(by_class.values())[:3],
                    expected="one class of error for one status",
                    got=" and ".join(by_class),
                    fix="take the class from the status; take words from the body only where it has them",
                )
    if shapes > 1:
        yield exercised(f"one refusal in {shapes} shapes, one class of error")
    yield untested("no refusal came in another shape")


def _gone(case: Case, kind: str) -> str:
    """The canonical field of this kind whose element was changed; empty when it is none that is judged."""
    args = [x.data["fault"].get("args", {}) for x in case.data if x.fault == _CHANGES]
    named = {name for one in args for name in str(one.get("name", "birthDate")).split(",")}
    return "birthDate" if kind == "patient" and named & _BIRTH else ""


def _was_added_to(case: Case) -> bool:
    """Whether something was answered as of another day than the room's, or with elements that nobody knows."""
    return any(x.notes.get("api_as_of") for x in case.data) or _met(case, _ADDS)


def _met(case: Case, fault: str) -> bool:
    return any(x.fault == fault for x in case.data)


def pairs(case: Case) -> Iterator[tuple[Data, Data]]:
    """The facts that were right at the first reading, with what became of each at every later one."""
    first: dict[tuple[str, str], Data] = {}
    for fact in case.scores():
        key = (str(fact["kind"]), str(fact["fact"]))
        step = case.calls[fact["call"]].step
        if step == 0:
            first[key] = fact
        elif key in first and first[key]["found"]:
            yield first[key], fact


def worse_field(before: Data, after: Data, *besides: str, may_be_empty: bool = False) -> str:
    """The field that is wrong now and was not; `record` when all of it is gone, empty when nothing is worse.

    Not one of `besides`; with `may_be_empty` not one that is empty.
    """
    if not after["found"]:
        return "record"
    was = {str(one["field"]) for one in before["mismatches"]}
    told = (one for one in after["mismatches"] if not may_be_empty or one["got"] not in (None, "", [], {}))
    fields = (str(one["field"]) for one in told)
    return next((name for name in fields if name not in was and name.split(".")[0] not in besides), "")


def changed_into(x: Exchange) -> str:
    """What became of the elements that were changed in this answer: `missing`, `list` …; empty when none was."""
    return str(x.data["fault"].get("args", {}).get("into", "missing")) if x.fault == _CHANGES else ""


def says(after: Data, worse: str) -> str:
    return "is not in the output any more" if not after["found"] else f"has another {worse} than before"
