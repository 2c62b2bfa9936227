"""Pages that mislead: totals that are wrong, links in circles, pages with nothing on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, many, untested, warn
from conformance.evidence import Call, Case, Data, Evidence, Exchange
from simulator.source import Source

R4_PAGING = "https://hl7.org/fhir/R4/http.html#paging"
TOTALS, CYCLE, EMPTY_PAGE, MOVING = "s17-totals", "s18-cycle", "s18-empty-page", "s18-moving-data"
_MOST_FOR_ONE_PAGE = 3  # the page itself, and two repeats
_TOTALS = {
    "absent": "states no total",
    "page": "states the length of the page as its total",
    "estimate": "states an estimate as its total",
    "zero": "states a total of zero",
}


@check(
    "PAGE-03",
    area="pagination",
    severity="medium",
    level=1,
    scenarios=(TOTALS,),
    source=(
        Source("recorded Epic answers: a total of 50 beside a link to the next page", "seen"),
        Source("https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.total", "doc"),
    ),
    mutants=("stop_at_total",),
    needs="read",
)
def a_total_is_not_believed(e: Evidence) -> Iterator[Mark]:
    """a total is not believed

    Holds when the output is complete whatever a list says of its length: nothing, the length of one page, an estimate,
    or zero beside entries. What is missing and reported as missing is a warning.

    A total counts what the server likes to count. Who reads until the total is reached stops after one page.
    """
    met: dict[str, Exchange] = {}
    for case in e.of(TOTALS):
        for call in case.runs:
            lists = [x for x in case.during(call) if _false_total(x)]
            told = {_false_total(x): x for x in lists if x.next or _false_total(x) == "estimate"}
            met = {**told, **met}
            missing = case.missing(call)
            if not told or not missing:
                continue
            says, x = next(iter(told.items()))
            say = warn if all(call.admits(fact["kind"]) for fact in missing) else fail
            yield say(
                f"believes_{says}",
                f"{many(len(missing), 'record')} missing after a list that {_TOTALS[says]}",
                at=[x],
                expected="the records of every page",
                got=f"{len(missing)} fewer, status {call.status}",
                fix="follow `next` until there is none, whatever the total",
            )
    if "page" in met or "zero" in met:
        shown = [met[says] for says in _TOTALS if says in met]
        yield exercised(f"{many(len(shown), 'way')} of a false total, and every list was read to its end", shown)
    yield untested("no list with a false total had a next page")


def _false_total(x: Exchange) -> str:
    """What a list was made to say of its length; empty when it was left alone."""
    fault = x.data.get("fault") or {}
    return str(fault["args"]["says"]) if x.fault == "false_total" and "here" in fault else ""


@check(
    "PAGE-04",
    area="pagination",
    severity="medium",
    level=1,
    scenarios=(CYCLE, EMPTY_PAGE),
    source=(
        Source("https://github.com/LinuxForHealth/FHIR/issues/2607: next links where there is no next page", "seen"),
        Source(R4_PAGING, "doc"),
    ),
    mutants=("infinite_next", "stop_on_empty_page"),
    needs="read",
)
def paging_ends(e: Evidence) -> Iterator[Mark]:
    """paging ends, and an empty page is not the end

    Holds when a page whose next link leads back to itself or to the first is asked for at most three times, the list is
    then reported as incomplete (`invalid_response`), and an empty page with a next link is passed through.

    Servers hand out next links where there is no next page: a client that follows them all never comes back, and one
    that takes an empty page for the end loses the rest.
    """
    circles = empty = 0
    for case in e.of(CYCLE, EMPTY_PAGE):
        for call in case.runs:
            during = case.during(call)
            backwards = [x for x in during if x.fault == "page_cycle" and _says(x, "next")]
            blank = [x for x in during if x.fault == "moving_data" and _says(x, "skipped") and x.next]
            circles, empty = circles + bool(backwards), empty + bool(blank)
            if backwards:
                yield from _circling(case, call, backwards)
            for x in blank:
                yield from _stopped(case, call, x)
    if circles and empty:
        yield exercised(f"left {many(circles, 'circle')}, passed through {many(empty, 'list')} with an empty page")
    yield untested("not both were met: a link that leads back, and an empty page with a next link")


@check(
    "PAGE-05",
    area="pagination",
    severity="medium",
    level=1,
    scenarios=(MOVING,),
    source=(Source("https://github.com/hapifhir/hapi-fhir/pull/3609", "seen"),),
    mutants=("no_dedupe",),
    vendors=("epic", "cerner"),
    needs="read",
)
def data_may_move_while_it_is_paged(e: Evidence) -> Iterator[Mark]:
    """what moves while it is paged is held once

    Holds when, of a list into which something is filed between two pages, so that the end of one page comes again at
    the beginning of the next, every record is put out once, and none is missing.

    Charts are written while they are read: a dose that comes twice on two pages was given once.
    """
    met: list[Exchange] = []
    for case in e.of(MOVING):
        for call in case.runs:
            again = [x for x in case.during(call) if x.fault == "moving_data" and _says(x, "repeated")]
            if not again:
                continue
            met += again
            twice = [fact for fact in case.scores() if case.calls[fact["call"]] is call and fact["times"] > 1]
            lost = case.missing(call)
            if twice or lost:
                fact = (twice or lost)[0]
                yield fail(
                    "twice" if twice else "lost",
                    f"{many(len(twice or lost), 'record')} of a list that moved {'held twice' if twice else 'missing'}",
                    at=[*case.serving(fact["source"])[:1], *again[:1]],
                    case=case.id,
                    expected="every record once",
                    got=f"{fact['source']['type']}/{fact['source']['id']} {fact['times']} times",
                    fix="know entries by their id, over all pages of a list, and keep the later copy",
                )
    if met:
        yield exercised(f"{many(len(met), 'page')} told again what the one before had told; all is held once", met[:2])
    yield untested("no page told again what the one before had told")


def _says(x: Exchange, name: str) -> bool:
    """Whether the fault of an exchange did what it says under `name`."""
    return bool((x.data.get("fault") or {}).get(name))


def _circling(case: Case, call: Call, backwards: list[Exchange]) -> Iterator[Mark]:
    """Findings for a call that met a list whose pages lead back."""
    asked = Counter(x.target for x in case.during(call) if x.is_data)
    target, times = max(((x.target, asked[x.target]) for x in backwards), key=lambda pair: pair[1])
    most = _MOST_FOR_ONE_PAGE * _passes(case, call, backwards)
    if times > most or call.problem:
        yield fail(
            "endless",
            f"{many(times, 'request')} for a page whose next link leads back",
            at=[x for x in backwards if x.target == target][:3],
            expected=f"at most {most}",
            got=call.problem or str(times),
            fix="remember the links that were followed, and stop at one that comes again",
        )
        return
    missing = case.missing(call)
    hidden = [fact for fact in missing if not call.admits(fact["kind"])]
    if hidden:
        yield fail(
            "part_as_whole",
            f"{many(len(hidden), 'record')} missing behind a page that leads back, and nothing is reported",
            at=backwards[:2],
            expected="an error of class `invalid_response`",
            got=f"status {call.status}, errors {', '.join(sorted(call.classes)) or 'none'}",
            fix="report the kind as incomplete",
        )
    elif missing and not all(call.admits(fact["kind"], "invalid_response") for fact in missing):
        yield warn(
            "other_class",
            "a list that leads back is reported, but not as an answer that is invalid",
            at=backwards[:2],
            expected="an error of class `invalid_response`",
            got=", ".join(sorted(call.classes)),
        )


def _passes(case: Case, call: Call, backwards: list[Exchange]) -> int:
    """How often a list may have been read: twice when it was begun again, and where that cannot be told."""
    begun = Counter(x.target for x in case.during(call) if x.is_data and x.operation == backwards[0].operation)
    leads_to_first = any((x.data.get("fault") or {}).get("args", {}).get("to") == "first" for x in backwards)
    firsts = [x.target for x in case.during(call) if x.operation == backwards[0].operation and _page_of(x) == 1]
    return 2 if leads_to_first or any(begun[target] > 1 for target in firsts) else 1


def _page_of(x: Exchange) -> int:
    return int(x.notes.get("page") or 1)


def _stopped(case: Case, call: Call, blank: Exchange) -> Iterator[Mark]:
    """A finding for a call that took an empty page for the end of its list."""
    later = [x for x in case.after(blank) if x.target in blank.next and x.start <= call.end]
    if later:
        after = {pair for x in case.during(call) if x.start >= blank.end and x is not blank for pair in x.served}
        lost = [fact for fact in case.missing(call) if _is_in(fact, after) and not call.admits(fact["kind"])]
        if lost:
            yield fail(
                "lost_behind",
                f"{many(len(lost), 'record')} of the pages behind an empty page missing",
                at=[blank, later[0]],
                expected="the records of every page",
                got=f"{len(lost)} fewer",
            )
        return
    is_told = call.status in ("partial", "error")
    say = warn if is_told else fail
    yield say(
        "stopped",
        "an empty page that names a next one was taken for the end"
        if not is_told
        else "reading stopped at an empty page that names a next one, and that is reported",
        at=[blank],
        expected=f"GET {blank.next[0]}",
        got="no such request",
        fix="follow `next` until there is none, however many entries a page has",
    )


def _is_in(fact: Data, served: set[tuple[str, str]]) -> bool:
    return any((str(type), str(id)) in served for type, id in fact["sources"])
