"""Origins: where credentials belong, and where links lead."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from conformance.canary import OPERATION
from conformance.check import Mark, check, exercised, fail, many, untested
from conformance.evidence import Case, Evidence, Exchange
from simulator.source import Source

_REDIRECT, _LINKS, _NEIGHBOUR = "s12-redirect-elsewhere", "s17-second-origin", "s39-link-to-a-neighbour"
_SECRETS = ("client_secret", "client_assertion", "access_token", "refresh_token")


@check(
    "SEC-05",
    area="security",
    severity="critical",
    level=0,
    scenarios=(_REDIRECT, _LINKS),
    source=(
        Source("RFC 9110 section 15.4: what was meant for one origin is removed from a redirect to another", "doc"),
        Source("https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html: theft through references", "doc"),
        Source("CVE-2018-1000007; https://github.com/Azure/azure-sdk-for-net/pull/59606", "seen"),
    ),
    mutants=("auth_on_any_host",),
)
def credentials_stay_with_their_origin(e: Evidence) -> Iterator[Mark]:
    """credentials stay with their origin

    Holds when no request that goes to another scheme, host or port than those that were configured carries a token, a
    secret or an assertion: not after a redirect, not along the link to a next page. Whether such a link is followed
    without credentials, or reported, is the integration's choice; what is missing then must be told.

    Whoever can write a link into an answer would be sent a token that opens every chart.
    """
    led = 0
    for case in e.cases:
        away = [x for x in case.exchanges if _is_away(case, x)]
        shown = [x for x in away if _carries(x)]
        offers = [x for x in case.exchanges if _leads_away(x)]
        led += bool(offers)
        if shown:
            x = shown[0]
            before = [y for y in offers if y.end <= x.start]
            yield fail(
                "sent_elsewhere",
                f"{many(len(shown), 'request')} with credentials went to {_host(x)}, which is another origin",
                at=[*before[-1:], *shown[:2]],
                expected=f"credentials for {_home(case)} only",
                got=f"{x.method} {x.path} with {_carries(x)} to {_host(x)}",
                fix="compare scheme, host and port of every address with those that a token was issued for",
            )
    for case in e.of(_REDIRECT, _LINKS):
        yield from _silent(case)
    if led:
        yield exercised(f"{many(led, 'case')} in which an answer led to another origin, and no credential went there")
    yield untested("no answer led to another origin")


@check(
    "SEC-09",
    area="security",
    severity="high",
    level=1,
    scenarios=(_NEIGHBOUR,),
    source=(
        Source("https://owasp.org/API-Security/editions/2023/en/0xa7-server-side-request-forgery/", "doc"),
        Source(
            "https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html: references to other servers", "doc"
        ),
    ),
    mutants=("fetch_any_url",),
    vendors=("epic", "cerner"),
    needs="process",
)
def nobody_is_sent_inward(e: Evidence) -> Iterator[Mark]:
    """a link into the own network is not followed

    Holds when a next link that leads to another port of the machine on which the integration runs is not called, with
    credentials or without, and what is missing for that is told.

    Whoever can write into an answer of the vendor would call, from inside, what only the inside may call. To an
    integration that runs elsewhere, and would not meet our listener, the check does not apply.
    """
    for case in e.of(_NEIGHBOUR):
        for call in case.runs:
            led = [x for x in case.during(call) if x.fault == "dead_link" and "next" in (x.data.get("fault") or {})]
            heard = [x for x in case.during(call) if x.operation == OPERATION]
            if heard:
                yield fail(
                    "called_inward", f"{many(len(heard), 'request')} to a neighbour on the integration's own machine",
                    at=[*led[:1], *heard[:2]], expected="no request", got=f"{heard[0].method} {heard[0].path}",
                    fix="follow links to the origins that were configured, and report all others",
                )  # fmt: skip
            elif led and call.status == "ok" and case.missing(call):
                yield fail(
                    "silent_link", "records behind a link into the own network are missing, and nothing is reported",
                    at=led[:1], expected="an error of class `invalid_response`", got="status ok",
                    fix="report a link that is not followed",
                )  # fmt: skip
            elif led:
                yield exercised(f"{many(len(led), 'link')} into the own network, none called", led[:2])
    yield untested("no answer led into the own network")


def _home(case: Case) -> str:
    """Host and port of the vendor: where the integration logs in; it may know that by another name than we do."""
    login = next((_host(x) for x in case.logins if _host(x)), "")
    return login or urlsplit(str(case.client.get("token_url") or "")).netloc.lower()


def _host(x: Exchange) -> str:
    return (x.request_header("host") or "").lower()


def _is_away(case: Case, x: Exchange) -> bool:
    return not x.is_connection and _host(x) not in ("", _home(case)) and _home(case) != ""


def _carries(x: Exchange) -> str:
    """Which credentials a request shows; empty when it shows none."""
    if x.request_header("authorization"):
        return "Authorization"
    key = next((name for name, value in x.data.get("request_headers") or () if "api_key:" in str(value)), "")
    return key or next((name for name in _SECRETS if name in x.form or name in dict(x.params)), "")


def _leads_away(x: Exchange) -> bool:
    """Whether an answer led to another origin."""
    fault = x.data.get("fault") or {}
    if x.fault == "redirect":
        return "location" in fault
    return x.fault == "second_origin" and bool(x.next)


def _silent(case: Case) -> Iterator[Mark]:
    """A finding when records behind such a link are missing, and nobody hears of it."""
    for call in case.runs:
        offers = [x for x in case.during(call) if _leads_away(x)]
        missing = case.missing(call)
        if offers and missing and call.status == "ok":
            yield fail(
                "lost_behind", f"{many(len(missing), 'record')} behind a link to another origin are missing",
                at=offers[:1], expected="the records, or an error that says what is missing", got="status ok",
                fix="report a link that is not followed",
            )  # fmt: skip
            return
