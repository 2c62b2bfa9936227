"""Security and PHI: whom the integration talks to, and what leaves it in logs and URLs."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.check import Exercised, Mark, check, exercised, fail, many, untested
from conformance.evidence import Case, Evidence, Exchange
from simulator.source import Source

_TOKENS = frozenset({"access_token", "refresh_token", "id_token", "token", "bearer", "authorization"})


_BAD_CERTIFICATES, _OLD_PROTOCOL = "s37-bad-certificates", "s37-old-protocol"
_CERTIFICATE, _BY_CERTIFICATE = "s37-client-certificate", "tls_client_auth"
_DOWNGRADE = "s37-redirect-out-of-tls"
_CERTIFICATES = {
    "self_signed": "a certificate that signs itself",
    "untrusted_ca": "a certificate of an authority that nobody knows",
    "expired": "a certificate that has ended",
    "not_yet_valid": "a certificate that has not begun",
    "wrong_host": "a certificate of another host",
    "plain": "plain HTTP",
    "handshake_failure": "a handshake that fails",
}
_OLD = {"tls11": "TLS 1.1"}


@check(
    "SEC-01",
    area="security",
    severity="critical",
    level=0,
    scenarios=(_BAD_CERTIFICATES, _DOWNGRADE),
    source=(
        Source("SMART App Launch 2.2.0: servers are authenticated by TLS", "doc"),
        Source("RFC 9525 section 6, RFC 9325 section 7", "doc"),
    ),
    mutants=("verify_false", "no_hostname_check", "follow_http_downgrade"),
)
def a_bad_certificate_ends_the_exchange(e: Evidence) -> Iterator[Mark]:
    """a bad certificate ends the exchange

    Holds when no request comes over a connection that showed a certificate that is its own authority, of an unknown
    one, over, not begun or of another host; when nothing goes out in plain HTTP instead, not even where a redirect
    leads there; and when the error is told.

    Who goes on sends the client's secret and the patients' names to whoever sits in between.
    """
    yield from _led_out(e.of(_DOWNGRADE))
    yield from _walked_in(
        e.of(_BAD_CERTIFICATES),
        _CERTIFICATES,
        "verify the chain and the host; trust an authority by its file, never all",
    )


@check(
    "SEC-02",
    area="security",
    severity="medium",
    level=0,
    scenarios=(_OLD_PROTOCOL, _CERTIFICATE),
    source=(
        Source("SMART App Launch 2.2.0, client-confidential-asymmetric: TLS 1.2 or newer", "doc"),
        Source("RFC 8996: TLS 1.0 and 1.1 are deprecated", "doc"),
        Source("RFC 8705 sections 2.1 and 3: mutual TLS", "doc"),
    ),
    mutants=("allow_tls11", "no_client_cert"),
)
def nothing_older_than_tls_1_2_is_spoken(e: Evidence) -> Iterator[Mark]:
    """TLS 1.2 or newer, with one's own certificate

    Holds when no request goes to a server that speaks TLS 1.1 and nothing else, and the error is told; and, where the
    login by a client certificate is declared (`tls_client_auth`), when the certificate is shown on every connection:
    the login succeeds, and no token is used without it.

    Old protocols can be broken by whoever sits in between, good certificate or not.
    """
    certified = [case for case in e.of(_CERTIFICATE) if case.client.get("auth") == _BY_CERTIFICATE]
    shown = [mark for case in certified for mark in _shown_certificate(case)]
    yield from (mark for mark in shown if not isinstance(mark, Exercised))
    for mark in _walked_in(e.of(_OLD_PROTOCOL), _OLD, "speak TLS 1.2 and newer"):
        also = [one for one in shown if isinstance(one, Exercised)]
        if isinstance(mark, Exercised) and also:
            yield Exercised(f"{mark.says}; {also[0].says}", also[0].at)
        else:
            yield mark


def _shown_certificate(case: Case) -> Iterator[Mark]:
    """What was made of the client certificate in a case in which it is the way to log in."""
    logins = [x for x in case.logins if x.status == 200]
    unshown = [x for x in case.exchanges if "certificate" in x.refusal and x.status in (400, 401)]
    if unshown:
        what = "for a token" if unshown[0].is_token else "with a token that is bound to it"
        yield fail(
            "no_certificate", f"a request {what} came without the client's certificate",
            at=unshown[:3], expected="the certificate that `configure` handed out", got=unshown[0].refusal,
            fix="show `certificate_pem` with its key on every connection to this vendor, to its token endpoint too",
        )  # fmt: skip
        return
    for call in case.runs:
        for _ in case.missing(call)[:1]:
            yield fail(
                "lost_by_certificate", "the certificate was shown, and nothing is read with it",
                at=case.during(call)[:3], case=case.id, expected="the patient", got=f"status {call.status}",
            )  # fmt: skip
            return
    if logins:
        yield exercised(f"{many(len(logins), 'login')} by the client's certificate", logins[:1])
    else:
        yield fail(
            "no_login", "the login by a certificate is declared, and nobody logs in by it",
            at=case.logins[:2], case=case.id, expected="a token", got=f"{many(len(case.logins), 'request')} for one",
            fix="log in with `client_id` alone, over a connection that shows `certificate_pem`",
        )  # fmt: skip


def _led_out(cases: tuple[Case, ...]) -> Iterator[Mark]:
    """Findings for redirects out of TLS that were followed, or that nobody heard of."""
    for case in cases:
        for call in case.runs:
            during = case.during(call)
            leads = [x for x in during if x.fault == "redirect" and "location" in (x.data.get("fault") or {})]
            came = [x for x in during if leads and not x.is_connection and not x.data.get("tls")]
            if came:
                with_token = ", its token with it" if came[0].bearer else ""
                yield fail(
                    "follows_to_http", f"a redirect from https to http was followed{with_token}",
                    at=[leads[0], came[0]], expected="no request", got=f"{came[0].method} {came[0].path} without TLS",
                    fix="follow no redirect out of TLS, and send a token to no other origin",
                )  # fmt: skip
            elif leads and call.status == "ok" and case.missing(call):
                yield fail(
                    "silent_redirect", "what a redirect out of TLS kept back is missing, and no error is reported",
                    at=leads[:1], expected="an error", got=f"ok, {many(call.count, 'record')}",
                    fix="report the failure",
                )  # fmt: skip


def _walked_in(cases: tuple[Case, ...], shown: dict[str, str], fix: str) -> Iterator[Mark]:
    """Findings for each kind of bad door through which requests came, or whose error nobody heard of."""
    met: set[str] = set()
    alive = [case for case in cases if case.is_alive]
    for case in alive:
        told: set[str] = set()
        for knock in case.connections:
            kind = _shows(knock)
            if kind not in shown or kind in told:
                continue
            met.add(kind)
            came = [x for x in case.exchanges if x.connection == knock.connection and not x.is_connection]
            call = next((one for one in case.runs if one.start <= knock.start <= one.end), None)
            if came:
                yield fail(
                    f"accepts_{kind}", f"requests went out although the server showed {shown[kind]}",
                    at=[knock, *came[:2]], expected="no request", got=f"{came[0].method} {came[0].path}", fix=fix,
                )  # fmt: skip
            elif call is not None and call.status == "ok":
                yield fail(
                    f"silent_{kind}", f"the server showed {shown[kind]}, and the integration reports no error",
                    at=[knock], expected="an error", got=f"ok, {many(call.count, 'record')}", fix="report the failure",
                )  # fmt: skip
            else:
                continue
            told.add(kind)
    if met:
        yield exercised(f"turned away: {', '.join(shown[kind] for kind in shown if kind in met)}")
    if alive:
        yield untested("no connection met a bad door")
    yield untested("no data came over TLS with a good certificate: is the file `ca_file` trusted?")


def _shows(knock: Exchange) -> str:
    fault = knock.data.get("fault") or {}
    return str(fault.get("args", {}).get("shows", "")) if knock.fault == "bad_tls" else ""


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
