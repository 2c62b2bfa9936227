"""Resilience: what the integration does when the vendor is slow to answer, gone, or talks nonsense."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import pairwise

from conformance.check import Mark, check, exercised, fail, untested, warn
from conformance.evidence import NO_ANSWERS, Call, Case, Evidence, Exchange
from conformance.settings import Settings
from simulator.source import Source

RFC9110 = "RFC 9110 section 10.2.3"
_TRANSIENT = (502, 503, 504)
_PERMANENT = (400, 403, 404, 406, 410, 422)


@check(
    "RES-01",
    area="resilience",
    severity="medium",
    level=0,
    scenarios=("S21",),
    source=(Source(RFC9110, "doc"), Source("https://github.com/mdsol/rwslib", "seen")),
    mutants=("ignore_retry_after", "no_http_date"),
)
def retry_after_is_honoured(e: Evidence) -> Iterator[Mark]:
    """Retry-After is honoured in both forms

    Holds when what was answered 429 or 503 is asked for again no earlier than the answer says, in seconds or with a
    date. Much later is a warning.

    A client that ignores the wait turns a short throttle into a lockout.
    """
    kept: list[tuple[str, Exchange, Exchange]] = []
    for case in e.cases:
        for x in case.exchanges:
            asked = x.retry_after if x.status in (429, 503) else None
            if asked is None or asked[0] <= timedelta(0):
                continue
            wait, is_date = asked
            following = next((y for y in case.after(x) if y.asks_the_same_as(x)), None)
            if following is None:
                continue
            waited = timedelta(seconds=following.start - x.end)
            form = "as a date" if is_date else "in seconds"
            if waited < wait - e.settings.early(wait, is_date=is_date):
                yield fail(
                    "too_early",
                    f"asked again {_s(waited)} after a {x.status} that wanted {_s(wait)} {form}",
                    at=[x, following],
                    expected=f"a wait of {_s(wait)}",
                    got=_s(waited),
                    fix="read Retry-After in both forms and wait that long before the next call",
                )
                continue
            if waited > wait * e.settings.late_factor + timedelta(seconds=1):
                yield warn(
                    "too_late",
                    f"asked again {_s(waited)} after a wait of {_s(wait)} was wanted",
                    at=[x, following],
                    expected=_s(wait),
                    got=_s(waited),
                )
            kept.append((f"{_s(wait)} {form}", x, following))
    if kept:
        said = " and ".join(dict.fromkeys(text for text, _, _ in kept))
        yield exercised(f"waited as asked: {said}", [x for _, *pair in kept[:2] for x in pair])
    yield untested("nothing that was answered with Retry-After was asked for again")


def _s(wait: timedelta) -> str:
    return f"{wait.total_seconds():.1f} s"


@check(
    "RES-02",
    area="resilience",
    severity="medium",
    level=0,
    scenarios=("S21",),
    source=(
        Source("https://github.com/athenahealth/apiserver-athenaFlex/issues/359", "seen"),
        Source("RFC 6585 section 4: Retry-After is optional", "doc"),
    ),
    mutants=("hot_loop_429", "fixed_100ms_retry"),
)
def a_silent_429_leads_to_growing_waits(e: Evidence) -> Iterator[Mark]:
    """a silent 429 leads to growing waits

    Holds when the waits between attempts add up to at least a second and grow, and there are at most six attempts.
    Waits that differ and do not grow are a warning: a draw from a growing range may come out so.

    Some vendors throttle without a hint, or with the hint hidden in a text: a hot loop keeps the window shut.
    """
    for case in e.of("S21"):
        for chain in _chains(case, lambda x: x.status == 429 and x.retry_after is None):
            gaps = [y.start - x.end for x, y in pairwise(chain)]
            if len(chain) > e.settings.retry_max:
                yield fail(
                    "too_many",
                    f"{len(chain)} attempts",
                    at=chain[:4],
                    expected=f"at most {e.settings.retry_max}",
                    got=str(len(chain)),
                    fix="give up with an error of class `throttled`",
                )
            yield from _flat_waits(chain, gaps, e.settings)
            if gaps:
                yield exercised("waits of " + ", ".join(f"{gap:.1f} s" for gap in gaps), chain[:4])
            else:
                yield from _gave_up(case, chain[0])
    yield untested("no 429 without Retry-After was served")


def _chains(case: Case, hit: object) -> Iterator[list[Exchange]]:
    """Requests that ask the same, from the first answer that is a hit to the first that is none (included)."""
    assert callable(hit)
    groups: dict[object, list[Exchange]] = defaultdict(list)
    for x in case.data:
        groups[x.fingerprint].append(x)
    for group in groups.values():
        chain: list[Exchange] = []
        for x in group:
            if hit(x) or chain:
                chain.append(x)
            if chain and not hit(x):
                break
        if chain:
            yield chain


def _flat_waits(chain: list[Exchange], gaps: list[float], settings: Settings) -> Iterator[Mark]:
    least = settings.blind_wait_ms / 1000 * min(1.0, len(gaps) / 3)
    shown = ", ".join(f"{gap:.2f} s" for gap in gaps)
    if gaps and sum(gaps) < least:
        yield fail(
            "hot_loop",
            f"waits of {shown} between attempts",
            at=chain[:4],
            expected=f"at least {least:.1f} s in all",
            got=f"{sum(gaps):.2f} s in all",
            fix="wait 0.5 s, then 1 s, 2 s, … with some chance in it",
        )
    elif len(gaps) > 1 and max(gaps[1:]) < gaps[0] * settings.blind_growth:
        say = fail if max(gaps) < min(gaps) * settings.blind_growth else warn
        yield say(
            "flat_waits",
            f"the waits do not grow: {shown}",
            at=chain[:4],
            expected="growing waits",
            got=shown,
            fix="double the wait after each attempt",
        )


def _gave_up(case: Case, x: Exchange) -> Iterator[Mark]:
    call = next((call for call in case.runs if call.start <= x.start <= call.end), None)
    if call is None:
        return
    if "throttled" in call.classes:
        yield exercised("gave up at once, and said `throttled`", [x])
    else:
        yield fail(
            "hidden_throttle",
            "gave up at once and did not report `throttled`",
            at=[x],
            expected="another attempt, or an error of class `throttled`",
            got=f"status {call.status}, errors {sorted(call.classes) or 'none'}",
        )


@check(
    "RES-03",
    area="resilience",
    severity="medium",
    level=0,
    scenarios=("S22",),
    source=(
        Source("RFC 9110 section 9.2.2: idempotent requests may be repeated", "doc"),
        Source("https://github.com/smart-on-fhir/smart-fetch smart_fetch/bulk_utils.py", "seen"),
    ),
    mutants=("no_retry_503", "no_retry_reset"),
)
def transient_failures_are_retried(e: Evidence) -> Iterator[Mark]:
    """transient failures are retried

    Holds when a GET that ended in 502, 503, 504 or a reset connection is sent again, and nothing is missing when the
    vendor recovers.

    Outages of a moment are daily bread; each that is not retried is a hole in the data or a call at night.
    """
    tried: list[Exchange] = []
    for case in e.of("S22"):
        for chain in _chains(case, _is_transient):
            if chain[0].method != "GET":
                continue
            if len(chain) == 1 and not _is_last_breath(case, chain[0]):
                yield fail(
                    "not_retried",
                    f"{_ending(chain[0])} was not retried",
                    at=chain[:1],
                    expected="another attempt",
                    got="none",
                    fix="retry idempotent calls with growing waits",
                )
            elif len(chain) > 1:
                tried += chain[:2]
    if tried:
        yield exercised(f"tried again after {', '.join(dict.fromkeys(_ending(x) for x in tried[::2]))}", tried[:4])
    yield untested("nothing failed in passing")


def _is_transient(x: Exchange) -> bool:
    return x.status in _TRANSIENT or x.fault == "reset_peer"


def _is_last_breath(case: Case, x: Exchange) -> bool:
    """Whether the same thing was given up before in this case: a breaker that stays open is no missing retry."""
    return any(y.path == x.path and y.start < x.start and _is_transient(y) for y in case.data)


def _ending(x: Exchange) -> str:
    return "a reset connection" if x.fault == "reset_peer" else f"a {x.status}"


@check(
    "RES-04",
    area="resilience",
    severity="medium",
    level=0,
    scenarios=("S22",),
    source=(Source("https://github.com/HKUDS/nanobot/issues/2760", "seen"),),
    mutants=("retry_forever", "stacked_retries"),
)
def retries_are_bounded(e: Evidence) -> Iterator[Mark]:
    """retries are bounded in an outage

    Holds when one thing is asked for at most five times while the vendor is down.

    Retries of a library below retries of the application multiply: twelve calls where four were meant.
    """
    most: list[Exchange] = []
    for case in e.of("S22"):
        for call in case.runs or (None,):
            within = case.data if call is None else tuple(x for x in case.during(call) if x.is_data and x.simulated)
            groups: dict[object, list[Exchange]] = defaultdict(list)
            for x in within:
                if _is_transient(x):
                    groups[x.fingerprint].append(x)
            for group in groups.values():
                if len(group) > e.settings.attempts_max:
                    yield fail(
                        "too_many",
                        f"{len(group)} attempts at one thing while the vendor was down",
                        at=group[:5],
                        expected=f"at most {e.settings.attempts_max}",
                        got=str(len(group)),
                        fix="bound the attempts in one place",
                    )
                most = max(most, group, key=len)
    if len(most) > 1:
        yield exercised(f"at most {len(most)} attempts at one thing", most[:5])
    yield untested("nothing was asked for twice in an outage")


@check(
    "RES-05",
    area="resilience",
    severity="medium",
    level=0,
    scenarios=("S22", "S07"),
    source=(Source("RFC 9110 section 15.5", "doc"),),
    mutants=("retry_all_4xx",),
)
def permanent_errors_are_not_retried(e: Evidence) -> Iterator[Mark]:
    """permanent errors are not retried

    Holds when a request that was answered 400, 403, 404, 406, 410 or 422 is not sent again in the same operation.

    It cannot succeed; it costs quota, and repeated refusals look like an attack.
    """
    seen: list[Exchange] = []
    for case in e.of("S22", "S07"):
        for call in case.runs or (None,):
            within = case.data if call is None else tuple(x for x in case.during(call) if x.is_data and x.simulated)
            groups: dict[object, list[Exchange]] = defaultdict(list)
            for x in within:
                groups[x.fingerprint].append(x)
            for group in groups.values():
                refused = [x for x in group if x.status in _PERMANENT]
                if len(refused) > 1:
                    say = warn if call is None else fail  # of traffic alone nobody knows where an operation ends
                    yield say(
                        "repeated",
                        f"a {refused[0].status} was followed by {len(refused) - 1} more of the same",
                        at=refused[:4],
                        expected="one request",
                        got=str(len(refused)),
                        fix="retry only what can pass by itself",
                    )
                seen += refused[:1]
    if seen:
        statuses = ", ".join(str(status) for status in sorted({x.status for x in seen}))
        yield exercised(f"answered {statuses}, asked once", seen[:3])
    yield untested("nothing was refused for good")


@check(
    "RES-07",
    area="resilience",
    severity="critical",
    level=1,
    scenarios=("S23",),
    source=(Source("RFC 9112 section 8: an incomplete message", "doc"),),
    mutants=("accept_truncated",),
    needs="read",
)
def a_cut_body_is_no_shorter_success(e: Evidence) -> Iterator[Mark]:
    """a cut body is no shorter success

    Holds when an answer that breaks off is fetched again, or reported with an error for the kind that is missing.

    HTTP libraries differ: several hand over a short body without an error, and the missing rows are never missed.
    """
    yield from _hidden(
        e, lambda x: x.fault == "limit_data", "a cut body", ("invalid_response", "unavailable", "timeout")
    )


@check(
    "RES-08",
    area="resilience",
    severity="critical",
    level=1,
    scenarios=("S23",),
    source=(
        Source("https://github.com/mdsol/rwslib: a failed answer with 200 becomes an empty list", "seen"),
        Source("https://hl7.org/fhir/R4/http.html", "doc"),
    ),
    mutants=("html_as_empty", "crash_on_bad_json"),
    needs="read",
)
def a_wrong_answer_is_not_data(e: Evidence) -> Iterator[Mark]:
    """a wrong answer is not data

    Holds when a login page with 200, an empty 200 and JSON that breaks off are reported as `invalid_response`, without
    a crash and without an empty result.

    Load balancers answer 200 with HTML; a parser that shrugs makes a patient without allergies of it.
    """
    yield from _hidden(e, lambda x: x.fault in NO_ANSWERS, "an answer that is none", ("invalid_response",))


def _hidden(e: Evidence, is_spoilt: object, what: str, classes: tuple[str, ...]) -> Iterator[Mark]:
    """Findings for calls that met spoilt answers and keep silent about what is missing."""
    assert callable(is_spoilt)
    met: list[Exchange] = []
    for case in e.of("S23"):
        for call in case.runs:
            spoilt = [x for x in case.during(call) if is_spoilt(x)]
            if not spoilt:
                continue
            met += spoilt[:2]
            if call.problem:
                yield fail(
                    "no_answer",
                    f"{what} ended the driver: {call.problem}",
                    at=spoilt[:2],
                    expected=f"an error of class `{classes[0]}`",
                    got=call.problem,
                )
                continue
            yield from _silences(case, call, spoilt, what, classes)
    if met:
        yield exercised(f"{what} was reported", met[:3])
    yield untested(f"{what} was never met")


def _silences(
    case: Case, call: Call, spoilt: Iterable[Exchange], what: str, classes: tuple[str, ...]
) -> Iterator[Mark]:
    missing = case.missing(call)
    for kind in sorted({fact["kind"] for fact in missing}):
        if call.admits(kind, *classes):
            continue
        count = sum(1 for fact in missing if fact["kind"] == kind)
        if call.admits(kind):
            yield fail(
                "wrong_class",
                f"{what} is reported as {', '.join(sorted(call.classes))}",
                at=list(spoilt)[:3],
                expected=f"class `{classes[0]}`",
                got=", ".join(sorted(call.classes)),
            )
        else:
            yield fail(
                "silent_loss",
                f"{count} {kind} records are missing after {what}, and nothing is reported",
                at=list(spoilt)[:3],
                expected=f"all records, or an error of class `{classes[0]}` for {kind}",
                got=f"status {call.status}, errors {', '.join(sorted(call.classes)) or 'none'}",
                fix="check length, media type and resource type before you read an answer",
            )
