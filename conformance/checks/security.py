"""Security and PHI: what leaves the integration in logs and URLs."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, untested
from conformance.evidence import Evidence
from simulator.source import Source

_TOKENS = frozenset({"access_token", "refresh_token", "id_token", "token", "bearer", "authorization"})


@check(
    "SEC-03",
    area="security",
    severity="critical",
    level=5,
    scenarios=("S07", "S19", "S23"),
    source=(
        Source("https://github.com/hapifhir/hapi-fhir/issues/4142", "seen"),
        Source("https://github.com/medplum/medplum/issues/8812", "seen"),
    ),
    mutants=("log_request_url", "log_body_on_error"),
    needs="logs",
)
def no_phi_in_logs(e: Evidence) -> Iterator[Mark]:
    """no patient data in logs

    Holds when no log line at the default level holds a patient's name beside a given name or birth date, a record
    number, a phone number, an e-mail address or a social security number, in any usual encoding.

    Payloads logged when a call fails, and search URLs with names, are the leaks that audits find.
    """
    yield from _leaks(e, "patient", "log ids and counts, never URLs with queries, never bodies")


@check(
    "SEC-04",
    area="security",
    severity="critical",
    level=5,
    scenarios=("S01", "S06"),
    source=(
        Source("https://github.com/inferno-framework/fhir_client/issues/74", "seen"),
        Source("https://github.com/icanbwell/fhir-server/pull/2381", "seen"),
    ),
    mutants=("log_authorization",),
    needs="logs",
)
def no_secrets_in_logs(e: Evidence) -> Iterator[Mark]:
    """no secrets in logs

    Holds when no log line holds an access token, a client secret, a client assertion, an API key or a private key, in
    any usual encoding.

    Logs are copied to places where tokens are not expected, and read by people who must not have them.
    """
    yield from _leaks(e, "secret", "never log headers, forms of token requests, or configuration")


def _leaks(e: Evidence, kind: str, fix: str) -> Iterator[Mark]:
    watched = [case for case in e.cases if case.has_logs and case.is_alive]
    lines = sum(len(case.logs) for case in watched)
    told: set[str] = set()
    for case in watched:
        for leak in case.leaks:
            if leak["kind"] == kind and leak["canary"] not in told:
                told.add(leak["canary"])
                count = sum(1 for one in e.cases for hit in one.leaks if hit["canary"] == leak["canary"])
                form = "" if leak["encoding"] == "plain" else f" as {leak['encoding']}"
                more = f", {count} times" if count > 1 else ""
                yield fail(
                    f"leak_{leak['canary'].replace(' ', '_')}",
                    f"a {leak['canary']} is in the log{form}{more}",
                    case=case.id,
                    got=leak["line"],
                    fix=fix,
                )
    if lines:
        yield exercised(f"{lines} log lines of {len(watched)} cases searched")
    elif watched:
        yield untested("the integration wrote no log line while it was at work: nothing to search")
    else:
        yield untested("no logs were captured while the integration was at work")


@check(
    "SEC-06",
    area="security",
    severity="medium",
    level=0,
    scenarios=("S01",),
    source=(Source("RFC 6750 section 2.3", "doc"),),
    mutants=("token_in_query",),
)
def tokens_are_not_in_urls(e: Evidence) -> Iterator[Mark]:
    """tokens are not in URLs

    Holds when no query holds a token.

    URLs end in the logs of proxies and servers, in browser histories and in error reports.
    """
    seen = 0
    for case in e.cases:
        for x in case.exchanges:
            seen += 1
            named = sorted({name for name, _ in x.params if name.lower() in _TOKENS})
            if named:
                yield fail(
                    "token_in_query",
                    f"`{named[0]}` is in the URL",
                    at=[x],
                    got=x.target,
                    fix="send the token in the Authorization header",
                )
                break
    if seen:
        yield exercised(f"{seen} URLs without a token")
