"""Authentication: how the integration proves who it is, and what it does when it is not believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, many, untested, warn
from conformance.evidence import Call, Case, Evidence, Exchange
from conformance.settings import Settings
from simulator.source import Source

SMART = "https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html"
_ALGORITHMS = ("RS384", "ES384")
_LONGEST_LIFE_S = 300
_ARRIVAL_S = 2  # a claim is stamped before the request arrives, and both clocks show whole seconds
_SECRETS = frozenset({"client_secret", "client_assertion", "api_key", "password", "private_key", "assertion"})
_SECRET_WAYS = ("client_secret_basic", "client_secret_post")
_GIVEN_UP = (400, 401, 403)
_WORTH_A_LOGIN = 3  # requests
_UNDER_WAY_S = 0.25  # while no other is at work, a request that chose its token waits for a connection at most
_UNDER_WAY_SLOWLY_S = 2.0  # on a host that wakes sleepers late


@check(
    "AUTH-01",
    area="auth",
    severity="high",
    level=0,
    scenarios=("S01",),
    source=(Source(SMART, "doc"), Source("RFC 7523 section 3", "doc")),
    mutants=("jwt_exp_1h", "jwt_no_kid", "jwt_wrong_aud", "jwt_iss_ne_sub"),
    auth="private_key_jwt",
)
def assertions_are_well_formed(e: Evidence) -> Iterator[Mark]:
    """client assertions are well formed

    Holds when every assertion is signed with RS384 or ES384 by the registered key that its `kid` names, `iss` and `sub`
    are the client id, `aud` is the token URL, `jti` is there, and `exp` lies at most 300 s ahead.

    A claim that drifted from the rules fails only in production, where the vendor validates.
    """
    signed = [(case, x) for case in e.of("S01", "S14") for x in case.logins if x.assertion is not None]
    for case, x in signed:
        for sub, says, expected, got in _flaws(case, x):
            yield fail(
                f"assertion_{sub}", says, at=[x], expected=expected, got=got, sub=sub, fix=f"set `{sub}` as SMART says"
            )
    if signed:
        yield exercised(f"{many(len(signed), 'assertion')} with every claim in order", [x for _, x in signed[:3]])
    else:
        yield untested("no client assertion was presented")


def _flaws(case: Case, x: Exchange) -> Iterator[tuple[str, str, str, str]]:
    assertion = x.assertion or {}
    header, claims = assertion.get("header") or {}, assertion.get("claims") or {}
    client_id = str(case.client.get("client_id"))
    if header.get("alg") not in _ALGORITHMS:
        yield (
            "alg",
            "the algorithm is not one that every server takes",
            " or ".join(_ALGORITHMS),
            str(header.get("alg")),
        )
    if header.get("typ") != "JWT":
        yield "typ", "`typ` is not JWT", "JWT", str(header.get("typ"))
    if header.get("kid") != case.client.get("kid"):
        yield "kid", "`kid` does not name the registered key", str(case.client.get("kid")), str(header.get("kid"))
    for name in ("iss", "sub"):
        if claims.get(name) != client_id:
            yield name, f"`{name}` is not the client id", client_id, str(claims.get(name))
    audience = claims.get("aud")
    if case.client.get("token_url") not in (audience if isinstance(audience, list) else [audience]):
        yield "aud", "`aud` is not the token URL", str(case.client.get("token_url")), str(audience)
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        yield "jti", "`jti` is missing or no text", "a text, new each time", repr(claims.get("jti"))
    yield from _lifetime_flaws(x, claims.get("exp"))
    if "bad_signature" in x.refusal:
        yield "sig", "the signature does not verify with the registered key", "a valid signature", x.refusal


def _lifetime_flaws(x: Exchange, exp: object) -> Iterator[tuple[str, str, str, str]]:
    if not isinstance(exp, int | float) or isinstance(exp, bool):
        yield "exp", "`exp` is missing or no number", "seconds since 1970", repr(exp)
        return
    ahead = exp - x.epoch.timestamp() - x.start
    if ahead > _LONGEST_LIFE_S + _ARRIVAL_S:
        yield "exp", f"`exp` lies {ahead:.0f} s ahead", f"at most {_LONGEST_LIFE_S} s", f"{ahead:.0f} s"
    elif ahead < -_ARRIVAL_S:
        yield "exp", f"`exp` was {-ahead:.0f} s past on arrival", "in the future", f"{ahead:.0f} s"


@check(
    "AUTH-02",
    area="auth",
    severity="medium",
    level=0,
    scenarios=("S06",),
    source=(Source(SMART, "doc"), Source("RFC 7523 section 3, item 7", "doc")),
    mutants=("jwt_reuse_on_retry",),
    auth="private_key_jwt",
)
def no_assertion_is_presented_twice(e: Evidence) -> Iterator[Mark]:
    """no assertion is presented twice

    Holds when every request to the token endpoint carries an assertion with a `jti` of its own, retries included.

    Servers must refuse a `jti` that they have seen: a client that repeats its assertion after a 503 locks itself out
    until the assertion expires.
    """
    repeated = 0
    for case in e.cases:
        seen: dict[str, Exchange] = {}
        signed = [x for x in case.logins if x.assertion is not None]
        for x in signed:
            jti = str((x.assertion or {}).get("claims", {}).get("jti"))
            if jti in seen:
                yield fail(
                    "jti_reused",
                    "the same assertion was presented again",
                    at=[seen[jti], x],
                    expected="a new `jti`",
                    got=f"jti {jti}",
                    fix="sign a new assertion for each request, retries included",
                )
            seen[jti] = x
        repeated += len(signed) > 1
    if repeated:
        yield exercised(f"a new assertion for each request in {many(repeated, 'case')} with several logins")
    else:
        yield untested("no case had a second login")


@check(
    "AUTH-04",
    area="auth",
    severity="high",
    level=0,
    scenarios=("S01",),
    source=(Source("RFC 6749 section 2.3.1", "doc"), Source(SMART, "doc")),
    mutants=("wrong_auth_method", "secret_in_query"),
)
def the_registered_login_is_used(e: Evidence) -> Iterator[Mark]:
    """logins are as registered, no secret in a URL

    Holds when every login uses the method that the client is registered for, and no path or query holds a secret. A
    secret in the form instead of the header, or the reverse, is as good where the vendor takes both.

    The wrong method is refused on the day of going live; secrets in URLs end in the logs of every proxy.
    """
    logins = [(case, x) for case in e.cases for x in case.logins]
    for case, x in logins:
        registered, used = str(case.client.get("auth")), _methods(x)
        if (
            registered in ("private_key_jwt", *_SECRET_WAYS)
            and used != {registered}
            and not _is_taken(x, registered, used)
        ):
            shown = " and ".join(sorted(used)) or "nothing"
            yield fail(
                "wrong_method",
                f"the login used {shown}, the client is registered for {registered}",
                at=[x],
                expected=registered,
                got=shown,
                fix="use the method of the registration",
            )
    for case in e.cases:
        for x in case.exchanges:
            named = sorted({name for name, _ in x.params if name.lower() in _SECRETS})
            if named:
                yield fail(
                    "secret_in_url",
                    f"`{named[0]}` is in the URL",
                    at=[x],
                    got=x.target,
                    fix="send credentials in the header or in the body",
                )
    if logins:
        ways = ", ".join(sorted({str(case.client.get("auth")) for case, _ in logins}))
        yield exercised(f"{many(len(logins), 'login')} by {ways}", [logins[0][1]])
    else:
        yield untested("the integration never logged in")


def _is_taken(x: Exchange, registered: str, used: set[str]) -> bool:
    """Whether the vendor took the client's secret by the other of its two ways."""
    return registered in _SECRET_WAYS and len(used) == 1 and used <= set(_SECRET_WAYS) and x.status < 300


def _methods(x: Exchange) -> set[str]:
    """How a token request proves who asks."""
    found = set()
    if (x.request_header("authorization") or "").lower().startswith("basic "):
        found.add("client_secret_basic")
    if "client_assertion" in x.form:
        found.add("private_key_jwt")
    if "client_secret" in x.form:
        found.add("client_secret_post")
    return found


@check(
    "AUTH-05",
    area="auth",
    severity="medium",
    level=0,
    scenarios=("S02", "S01"),
    source=(
        Source("https://github.com/metriport/metriport/pull/4479", "seen"),
        Source("cerner/fhir.cerner.com content/authorization.md: no refresh below one minute", "doc"),
    ),
    mutants=("token_per_request",),
)
def tokens_are_reused(e: Evidence) -> Iterator[Mark]:
    """tokens are reused

    Holds when, for each set of scopes, there are at most two logins, however many requests a case has. Beyond that, one
    more is fair for each token that the vendor refused, for each that served three requests or more (a worker that
    keeps a token of its own), and for each that was in use beside another (workers side by side).

    Token endpoints are throttled far below data endpoints: a client with a token for each call is locked out first.
    """
    calls = tokens = 0
    shown: tuple[Exchange, ...] = ()
    for case in e.of("S01", "S02", "S14", "S17"):
        if len(case.data) < 3:
            continue
        fair = _fair_logins(case)
        wanted = Counter(x.form.get("scope", "") for x in case.logins if x.status < 300)
        for scope, logins in wanted.items():
            if logins > fair:
                those = [x for x in case.logins if x.form.get("scope", "") == scope]
                yield fail(
                    "token_per_call",
                    f"{logins} logins for {len(case.data)} requests",
                    at=those[:4],
                    expected=f"at most {fair}",
                    got=str(logins),
                    fix="keep the token until `expires_in` is nearly over",
                )
            if len(case.data) > calls:
                calls, tokens, shown = len(case.data), len({x.bearer for x in case.data}), case.logins[:1]
    if calls:
        yield exercised(f"{calls} requests shared {'one token' if tokens == 1 else many(tokens, 'token')}", shown)
    else:
        yield untested("no case had three requests")


def _fair_logins(case: Case) -> int:
    """How many logins a case explains: two, and those of refused tokens, of workers, and of workers side by side."""
    refused = {x.bearer for x in case.data if x.status == 401}
    used: dict[str, list[Exchange]] = {}
    for x in case.data:
        used.setdefault(x.bearer, []).append(x)
    served = sum(len(those) >= _WORTH_A_LOGIN for those in used.values())
    spans = [(those[0].start, max(x.end for x in those)) for those in used.values()]
    beside = max((sum(start <= other < end for start, end in spans) for other, _ in spans), default=1)
    return max(2, served + 1) + len(refused) + beside - 1


@check(
    "AUTH-06",
    area="auth",
    severity="high",
    level=0,
    scenarios=("S02",),
    source=(
        Source("https://github.com/drajer-health/eCRNow/issues/317", "seen"),
        Source("cerner/fhir.cerner.com content/authorization.md: tokens live 570 s", "doc"),
    ),
    mutants=("never_refresh", "refresh_only_at_start"),
)
def work_outlives_the_token(e: Evidence) -> Iterator[Mark]:
    """a run that outlives its token loses nothing

    Holds when a new token is fetched, the expired one is not presented again, and nothing is missing at the end.

    Tokens live for minutes and syncs for hours: a token that expires between two calls must cost one call, not the run.
    """
    for case in e.of("S02"):
        jump = next((x for x in case.exchanges if x.fault == "clock_advance"), None)
        late = [x for x in case.after(jump) if x.is_data and x.simulated] if jump else []
        if jump is None or not late:
            continue
        yield from _stale_tokens(case, late, e.settings)
        refused = [x for x in late if x.status == 401]
        renewed = [x for x in case.after(jump) if x.is_token and x.status < 300]
        if refused and not renewed:
            yield fail(
                "never_renewed",
                "the expired token was refused and no new one was fetched",
                at=[jump, *refused[:2]],
                fix="fetch a new token when `expires_in` is over or a request is answered 401",
            )
        yield from _losses(case, "the work after the expiry is missing", [jump, *refused[:1]])
        if renewed:
            yield exercised(
                f"expired within a read, renewed once, {len(late)} requests later", [jump, *refused[:1], *renewed[:1]]
            )
    yield untested("no token expired while the integration was at work")


def _stale_tokens(case: Case, late: list[Exchange], settings: Settings) -> Iterator[Mark]:
    """A finding for a request that shows a token which it, or a newer login, should have buried.

    Requests that were under way when the refusal came are forgiven: the same thing asked again with the same token is
    not, and neither is the old token chosen after a new one was given.
    """
    under_way_s = _UNDER_WAY_SLOWLY_S if settings.is_host_slow else _UNDER_WAY_S
    refused: dict[str, Exchange] = {}
    asked: dict[object, Exchange] = {}
    for x in late:
        first = refused.get(x.bearer)
        same = asked.get((x.fingerprint, x.bearer))
        if (same is not None and x.start >= same.end) or (
            first is not None and _is_of_old(case, first, x, under_way_s)
        ):
            yield fail(
                "same_token",
                "the refused token was presented again",
                at=[same or first or x, x],
                expected="a new token",
                got="the same token",
                fix="drop a token as soon as it is refused",
            )
            return
        if x.status == 401 and x.bearer:
            refused.setdefault(x.bearer, x)
            asked.setdefault((x.fingerprint, x.bearer), x)


def _is_of_old(case: Case, refused: Exchange, x: Exchange, under_way_s: float) -> bool:
    """Whether `x` chose the refused token after a new one had been given.

    The order says so when it belongs to a later call of the driver, or asks for a page that was named to the new token.
    Otherwise it may have waited for its turn while other requests were at work; while none was, it waits for a
    connection at most.
    """
    given = [y.end for y in case.logins if y.status < 300 and y.start >= refused.end and y.end <= x.start]
    if not given:
        return False
    since = min(given)
    is_later_call = any(since <= call.start <= x.start <= call.end for call in case.runs)
    is_later_page = any(
        x.target in y.next and y.bearer not in ("", x.bearer) and since <= y.start and y.end <= x.start
        for y in case.data
    )
    busy_until = max((y.end for y in case.exchanges if y.start < x.start and y is not x), default=0.0)
    return is_later_call or is_later_page or x.start - max(since, busy_until) > under_way_s


def _losses(case: Case, says: str, at: list[Exchange]) -> Iterator[Mark]:
    """A finding when facts that were asked for are missing at the end."""
    lost = [fact for call in case.runs for fact in case.missing(call)]
    if lost:
        kinds = ", ".join(sorted({fact["kind"] for fact in lost}))
        yield fail(
            "work_lost",
            f"{says}: {len(lost)} records ({kinds})",
            at=at,
            expected="everything that was asked for",
            got=f"{len(lost)} records fewer",
        )


@check(
    "AUTH-07",
    area="auth",
    severity="medium",
    level=0,
    scenarios=("S03",),
    source=(Source("RFC 6750 section 3.1", "doc"),),
    mutants=("no_retry_on_401", "retry_401_same_token"),
)
def one_401_leads_to_one_new_token(e: Evidence) -> Iterator[Mark]:
    """one 401 leads to one new token

    Holds when a token that is refused before its time is replaced by exactly one new one, the failed request is sent
    once more with it, and nothing is missing at the end.

    Vendors revoke tokens early, for a restart or a key rotation; clients give up, or loop.
    """
    for case in e.of("S03"):
        refused = next((x for x in case.data if x.status == 401 and x.bearer), None)
        if refused is None:
            continue
        yield from _stale_tokens(case, [x for x in case.data if x.start >= refused.start], e.settings)
        # A search whose page was refused may as well be started again: same path, another query.
        replay = next(
            (x for x in case.after(refused) if x.path == refused.path and x.bearer not in ("", refused.bearer)), None
        )
        until = replay.start if replay else float("inf")
        logins = [x for x in case.logins if refused.end <= x.start < until]
        if not logins:
            yield fail(
                "gave_up",
                "no new token was fetched after the 401",
                at=[refused],
                expected="one login",
                got="none",
                fix="log in once more when a live token is refused, then repeat the request",
            )
        elif len(logins) > (most := sum(x.status == 401 and x.bearer == refused.bearer for x in case.data)):
            yield fail(
                "many_logins",
                f"{many(most, 'refused request')} led to {len(logins)} logins",
                at=[refused, *logins[:3]],
                expected="one login" if most == 1 else f"at most {most}",
                got=str(len(logins)),
            )
        if logins and replay is None:
            yield fail(
                "not_repeated",
                "the refused request was never repeated",
                at=[refused, *logins[:1]],
                fix="repeat the request with the new token",
            )
        yield from _losses(case, "the refused request was never made good", [refused])
        if replay is not None and logins:
            yield exercised("the request was repeated with a new token", [refused, logins[0], replay])
    yield untested("no live token was refused")


@check(
    "AUTH-08",
    area="auth",
    severity="critical",
    level=0,
    scenarios=("S06",),
    source=(
        Source("RFC 6749 section 5.2", "doc"),
        Source("https://github.com/Cure-HHT/hht_diary spec/prd-rave-sync.md: lockout after three", "seen"),
    ),
    mutants=("login_hot_loop", "swallow_auth_error"),
)
def a_final_refusal_stops_the_logins(e: Evidence) -> Iterator[Mark]:
    """a final refusal stops the logins

    Holds when at most three token requests follow the first rejection that repeating cannot cure, and the integration
    reports an error of class `auth` that is not retryable.

    Vendors lock an account after a few bad logins, and a person must unlock it.
    """
    for case in e.of("S06"):
        first = _final_refusal(case)
        if first is None:
            continue
        more = [x for x in case.logins if x.start >= first.end]
        if len(more) > e.settings.login_max:
            yield fail(
                "login_loop",
                f"{len(more)} more logins after the refusal",
                at=[first, *more[:4]],
                expected=f"at most {e.settings.login_max}",
                got=str(len(more)),
                fix="treat invalid_client, invalid_grant and a second 401 as final",
            )
        for call in case.runs:
            if call.end >= first.end:
                yield from _unreported(call, first)
        yield exercised(f"{many(len(more), 'login')} after the refusal", [first, *more[:2]])
    yield untested("no login was refused for good")


def _final_refusal(case: Case) -> Exchange | None:
    """The first rejection that repeating cannot cure: a refused login, or a 401 in a case without any success."""
    refused = next((x for x in case.logins if x.status in _GIVEN_UP), None)
    if refused is None and not case.is_alive:
        refused = next((x for x in case.data if x.status == 401), None)
    return refused


def _unreported(call: Call, first: Exchange) -> Iterator[Mark]:
    if call.problem:
        yield fail("no_answer", f"the driver gave no answer: {call.problem}", at=[first])
    elif call.status not in ("error", "partial") or "auth" not in call.classes:
        got = f"status {call.status}, errors {sorted(call.classes) or 'none'}"
        yield fail(
            "unreported",
            "the refusal is not reported as an auth error",
            at=[first],
            expected="an error of class `auth`",
            got=got,
            fix="report refused logins; an empty result is a wrong result",
        )
    elif any(error.get("class") == "auth" and error.get("retryable") for error in call.errors):
        yield warn(
            "retryable", "the auth error is called retryable", at=[first], expected="retryable: false", got="true"
        )
