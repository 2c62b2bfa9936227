"""Pagination and search: whether everything is read, and asked for in the vendor's dialect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

from conformance.check import Mark, check, exercised, fail, many, untested, warn
from conformance.evidence import Case, Evidence, Exchange
from simulator.source import Source

R4_SEARCH = "https://hl7.org/fhir/R4/search.html"
_PAGE_NAMES = frozenset(
    {"page", "_page", "offset", "_offset", "start", "skip", "_getpagesoffset", "pagenumber", "startid"}
)


@check(
    "PAGE-01",
    area="pagination",
    severity="critical",
    level=0,
    scenarios=("S17",),
    source=(
        Source("https://hl7.org/fhir/R4/http.html#paging", "doc"),
        Source("cerner/fhir.cerner.com content/faq/common-issues.md", "doc"),
    ),
    mutants=("first_page_only", "max_5_pages"),
)
def all_pages_are_read(e: Evidence) -> Iterator[Mark]:
    """all pages are read

    Holds when every `next` that was handed out is requested, and the output holds the records of every page. A page
    that was not asked for, but whose records came by another way, is a warning. How a link was written is PAGE-02;
    whether one to another origin is followed is SEC-05.

    Stopping at page 1 is the classic loss: it is complete in every demo, and short in every hospital.
    """
    pages = 0
    for case in e.of("S17", "S14"):
        asked = {_meant(x.target) for x in case.data}
        given = [(x, target) for x in case.data for target in x.next if x.fault != "second_origin"]
        ignored = [(x, target) for x, target in given if _meant(target) not in asked]
        if ignored:
            x, target = ignored[0]
            is_whole = bool(case.scores()) and not any(case.missing(call) for call in case.runs)
            say = warn if is_whole else fail
            yield say(
                "next_ignored",
                f"never requested: {many(len(ignored), 'next link')}" + (", and yet nothing is missing" * is_whole),
                at=[x],
                expected=f"GET {target}",
                got="no such request",
                fix="follow `next` until there is none",
            )
        if given and not ignored:
            lost = [fact for call in case.runs for fact in case.missing(call) if not call.admits(fact["kind"])]
            if lost:
                yield fail(
                    "pages_lost",
                    f"{len(lost)} records of the pages read are missing",
                    at=[given[0][0]],
                    expected="the records of every page",
                    got=f"{len(lost)} fewer",
                )
        pages = max(pages, len(given))
    if pages:
        yield exercised(f"{pages} next links followed in one case")
    yield untested("no answer had a next page")


def _meant(target: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What a target asks for, however it is written."""
    parts = urlsplit(target)
    return unquote(parts.path), tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))


@check(
    "PAGE-02",
    area="pagination",
    severity="high",
    level=0,
    scenarios=("S17",),
    source=(
        Source("https://github.com/cerner/fhir.cerner.com/pull/232: do not construct page URLs", "doc"),
        Source("recorded Epic answers: next holds a session id only", "seen"),
    ),
    mutants=("rebuild_next_url", "reencode_next_url"),
)
def next_links_are_followed_as_they_are(e: Evidence) -> Iterator[Mark]:
    """next links are followed as they are

    Holds when the request for the next page is the issued link byte for byte, joined to the base URL as the dialect
    demands; no parameter is added, dropped or encoded anew.

    The link is the server's property: a session id, an opaque context, a cursor that only works as it was given.
    """
    followed = 0
    for case in e.of("S17", "S14"):
        issued = {target: x for x in case.data for target in x.next}
        asked = {x.target for x in case.data}
        followed += sum(1 for target in issued if target in asked)
        for target, x in issued.items():
            other = None if target in asked else _made_up(case, x, target, set(issued))
            if other is not None:
                yield fail(
                    "link_changed",
                    "the next page was asked for with another URL than the one given",
                    at=[x, other],
                    expected=target,
                    got=other.target,
                    fix="request the link as it is",
                )
    if followed:
        yield exercised(f"{followed} links followed byte for byte")
    yield untested("no next link was followed")


def _made_up(case: Case, x: Exchange, target: str, issued: set[str]) -> Exchange | None:
    """A later request that was meant to be `target`: the same once decoded, or with a page number of its own."""
    parts = urlsplit(target)
    wanted = parse_qsl(parts.query, keep_blank_values=True)
    first = dict(x.params)
    own = {name.lower() for name, _ in wanted if name not in first}
    for y in case.after(x):
        if not y.is_data or y.target in issued:
            continue
        same_place = unquote(unquote(y.raw_path)).lower() == unquote(unquote(parts.path)).lower()
        names = {name.lower() for name, _ in y.params}
        decoded = sorted((name, unquote(value)) for name, value in y.params)
        if decoded == sorted((name, unquote(value)) for name, value in wanted) and y.params:
            return y
        if same_place and names & (own | _PAGE_NAMES):
            return y
    return None


@check(
    "PAGE-06",
    area="pagination",
    severity="critical",
    level=1,
    scenarios=("S18",),
    source=(
        Source("Epic: sessions of pages expire", "guess"),
        Source("https://hl7.org/fhir/R4/http.html#paging", "doc"),
    ),
    mutants=("partial_as_complete",),
    vendors=("epic", "cerner"),
    needs="read",
)
def a_dead_page_link_is_no_end(e: Evidence) -> Iterator[Mark]:
    """a dead page link is not the end of the list

    Holds when the search is started again and completed, or the kind is reported as incomplete.

    Page links hang on sessions that expire; a client that takes the error for the end hands out a part as the whole.
    """
    for case in e.of("S18"):
        for call in case.runs:
            dead = [x for x in case.during(call) if x.is_data and x.fault and 400 <= x.status < 500]
            if not dead:
                continue
            missing = case.missing(call)
            for kind in sorted({fact["kind"] for fact in missing}):
                if not call.admits(kind):
                    count = sum(1 for fact in missing if fact["kind"] == kind)
                    yield fail(
                        "part_as_whole",
                        f"{count} {kind} records are missing after a dead page link, and nothing is reported",
                        at=dead[:2],
                        expected="all records, or status partial with an error",
                        got=f"status {call.status}, errors {', '.join(sorted(call.classes)) or 'none'}",
                        fix="start the search again, or report the kind as incomplete",
                    )
            how = "reported as incomplete" if missing else "the search was started again"
            yield exercised(f"a page link died; {how}", dead[:2])
    yield untested("no page link died")


@check(
    "PAGE-07",
    area="pagination",
    severity="medium",
    level=1,
    scenarios=("S17",),
    source=(
        Source("https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.search.mode", "doc"),
        Source("https://github.com/onc-healthit/inferno-program/issues/229", "seen"),
    ),
    mutants=("outcome_as_record",),
    vendors=("epic",),
    needs="read",
)
def outcomes_are_no_matches(e: Evidence) -> Iterator[Mark]:
    """outcome entries are not records

    Holds when entries with `search.mode` outcome leave no record in the output.

    An OperationOutcome beside the matches carries warnings; counted as a match it is a record of nobody.
    """
    met: list[Exchange] = []
    for case in e.of("S17", "S14"):
        met += [x for x in case.data if x.data.get("outcomes")]
        wrong = [one for one in case.score.get("extras") or () if one["source"].get("type") == "OperationOutcome"]
        if wrong:
            shown = [x for x in case.data if x.data.get("outcomes")]
            yield fail(
                "outcome_counted",
                f"{len(wrong)} OperationOutcome entries came out as {wrong[0]['kind']} records",
                at=shown[:2],
                case=case.id,
                expected="matches only",
                got=f"{len(wrong)} more",
                fix="take entries with `search.mode` match, or without one",
            )
    if met:
        yield exercised(f"{len(met)} bundles held an outcome entry", met[:2])
    yield untested("no bundle held an outcome entry")


@check(
    "PAGE-08",
    area="pagination",
    severity="medium",
    level=0,
    scenarios=("S19", "S01"),
    source=(
        Source(R4_SEARCH, "doc"),
        Source("recorded Epic answers: 400 with 59108 when a category is missing", "seen"),
    ),
    mutants=("missing_category",),
)
def queries_are_legal(e: Evidence) -> Iterator[Mark]:
    """queries are legal in the vendor's dialect

    Holds when no request of an undisturbed case is answered 400, 414 or 422, and searched names arrive as given.

    Vendors demand parameters of their own and encode differently; what one server shrugs off another refuses.
    """
    asked = 0
    for case in e.of("S01", "S14", "S17", "S19"):
        for x in case.data:
            asked += 1
            if x.status in (400, 414, 422) and not x.fault:
                yield fail(
                    "refused",
                    f"the vendor refused the query with {x.status}",
                    at=[x],
                    expected="a query that it accepts",
                    got=x.refusal or str(x.status),
                    fix="see the vendor's search rules",
                )
        yield from _garbled(case)
    if asked:
        yield exercised(f"{asked} requests, none refused for its form")
    yield untested("no request for data was made")


def _garbled(case: Case) -> Iterator[Mark]:
    for call in case.runs:
        family = str((call.args.get("params") or {}).get("family") or "") if call.action == "search" else ""
        sent = [x for x in case.during(call) if x.is_data]
        if family and sent and not any(_names(x, family) for x in sent):
            yield fail(
                "garbled",
                "the searched name did not arrive as it was given",
                at=sent[:2],
                expected=family,
                got=sent[0].query or str(sent[0].data.get("request_body") or ""),
                fix="encode each value on its own",
            )


def _names(x: Exchange, family: str) -> bool:
    values: Sequence[tuple[str, str]] = [*x.params, *parse_qsl(str(x.data.get("request_body") or ""))]
    return any(family.casefold() in value.casefold() for _, value in values)
