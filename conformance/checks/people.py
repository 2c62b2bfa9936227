"""People who log in to the integration: the way there and back, and the token that outlives their visit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from conformance.browser import COMES_BACK, LEADS_IN, WAYS
from conformance.check import Mark, check, exercised, fail, many, untested
from conformance.evidence import Call, Case, Evidence, Exchange
from simulator.source import Source

_SHIFTS, _BENT = "s05-days-of-refreshing", "s08-bent-ways-back"
_TOLD = re.compile(r'"refresh_token"\s*:\s*"([^"]*)"')
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_LEAST_STATE = 21  # letters of base64url: 122 bits and more
_ENOUGH = 10  # launches, to say that states are not guessed
_REMEDY = {
    "same_state": "make a state for each login, from a source of random bytes",
    "short_state": "make a state of 16 random bytes or more",
    "no_pkce": "send `code_challenge` with S256, whatever discovery says, and `code_verifier` with the code",
    "weak_pkce": "send the SHA-256 of the verifier, as base64url without padding",
    "other_uri": "send one of the redirect URIs of the registration, letter by letter",
    "no_aud": "send the URL of the FHIR server as `aud`: it keeps a token from going to another server",
}
_LAUNCH = "https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html"


@check(
    "AUTH-10",
    area="auth",
    severity="high",
    level=2,
    scenarios=(_SHIFTS,),
    source=(
        Source("https://hl7.org/fhir/smart-app-launch/STU2.2/best-practices.html", "doc"),
        Source("https://github.com/fastenhealth/fasten-sources/issues/87", "seen"),
        Source("RFC 6749 section 6; RFC 9700 section 4.14.2", "doc"),
    ),
    mutants=("old_refresh_token", "null_refresh_token"),
    vendors=("epic", "cerner"),
    needs="login",
)
def the_newest_refresh_token_is_used(e: Evidence) -> Iterator[Mark]:
    """the newest refresh token is used

    Holds when every refresh presents the refresh token that was told last: an older one never again, and the one in
    hand still when an answer tells none. What is read after each refresh is the same as before.

    Where refresh tokens rotate, a token that comes twice looks stolen: the grant ends, and the user must log in again.
    """
    for case in e.of(_SHIFTS):
        if why := _not_in(case):
            yield untested(why)
            continue
        refreshes = [x for x in case.logins if x.form.get("grant_type") == "refresh_token"]
        yield from _old_ones(case)
        yield from _left_off(case)
        good = [x for x in refreshes if x.status == 200]
        rotated = [x for x in good if _TOLD.search(_body(x))]
        if len(rotated) > 1 and len(good) > len(rotated) + 1:
            says = f"{many(len(rotated), 'refresh token')} replaced the one before, then one was kept"
            yield exercised(says, [*rotated[:2], good[-1]])
        else:
            says = f"{many(len(good), 'refresh')} in the case: too few to see one replaced and one kept"
            yield untested(says.replace("refreshs", "refreshes"))


def _not_in(case: Case) -> str:
    """Why nobody is logged in in a case; empty when somebody is."""
    call = next((call for call in case.runs if call.action == "login" and call.browser in LEADS_IN), None)
    if call is None or call.status == "unsupported" or call.problem:
        return f"`login` is declared, and answered with {call.problem or call.status if call else 'nothing'}"
    if not any(x.form.get("grant_type") == "authorization_code" and x.status == 200 for x in case.logins):
        return "nobody was let in: no code was redeemed"
    return ""


def _body(x: Exchange) -> str:
    return str(x.data.get("response_body") or "")


def _old_ones(case: Case) -> Iterator[Mark]:
    """A finding for each refresh token that is not the newest when it is presented."""
    told: list[tuple[str, Exchange]] = []
    for x in case.logins:
        shown = x.form.get("refresh_token", "")
        if x.form.get("grant_type") == "refresh_token" and told and shown != told[-1][0]:
            before = next((y for text, y in told if text == shown), told[-1][1])
            is_old = any(text == shown for text, _ in told)
            yield fail(
                "old_token" if is_old else "unknown_token",
                "a refresh token that was replaced is presented again"
                if is_old
                else "a refresh token is presented that was never told",
                at=[before, told[-1][1], x],
                expected=f"the one told last, {told[-1][0]}",
                got=shown or "none",
                fix="keep the refresh token of every answer that has one, before anything else is done with it",
            )
            return
        if x.status == 200 and (found := _TOLD.search(_body(x))):
            told.append((found[1], x))


def _left_off(case: Case) -> Iterator[Mark]:
    """A finding when records are missing after a refresh, or after one that was not made."""
    for call in case.runs:
        missing = case.missing(call) if call.action == "read_patient" else []
        if not missing:
            continue
        seen = case.during(call)
        before = [x for x in case.logins if x.end <= call.start]
        is_kept = bool(before) and before[-1].status == 200 and not _TOLD.search(_body(before[-1]))
        yield fail(
            "forgot_token" if is_kept else "lost_login",
            "an answer without a refresh token ended the login"
            if is_kept
            else "the user must log in again, hours after they did",
            at=[*before[-1:], *seen[:3]],
            case=case.id,
            expected="the patient, read with a new token",
            got=f"status {call.status}, errors {', '.join(sorted(call.classes)) or 'none'}",
            fix="when an answer tells no refresh token, keep the one in hand" if is_kept else "",
        )
        return


@check(
    "AUTH-13",
    area="auth",
    severity="critical",
    level=3,
    scenarios=(_BENT,),
    source=(
        Source(_LAUNCH, "doc"),
        Source("RFC 9700 section 2.1.1; RFC 7636; RFC 9207 section 2.4", "doc"),
    ),
    mutants=("no_pkce", "pkce_plain", "constant_state", "skip_state_check", "trust_any_iss"),
    vendors=("epic", "cerner"),
    needs="login",
)
def logins_cannot_be_bent(e: Evidence) -> Iterator[Mark]:
    """a login cannot be bent on its way

    Holds when people are sent to the vendor with a state that nobody guesses, new each time, with PKCE (S256), `aud`,
    and a registered redirect URI; when a way back with another state, with none, from before, or with another server's
    name asks for no token and is reported; when a launch by a server that is not known leads nowhere; and when
    somebody who comes back as they were sent is let in.

    Whoever follows an attacker's link must not end up in the attacker's account, or give away their own.
    """
    for case in e.of(_BENT):
        asked = [(call, url) for call in case.runs if (url := str(call.answer.get("authorize_url") or ""))]
        yield from _flaws_of_ways(case, asked)
        yield from _bent_ways(case)
        if why := _not_in(case):
            yield untested(why)
            continue
        yield from _unproved(case)
        if len(asked) < _ENOUGH:
            yield untested(f"{many(len(asked), 'login')} begun, {_ENOUGH} are needed")
            continue
        bent = {call.browser for call in case.runs if call.browser not in LEADS_IN and call.action == "login"}
        redeemed = [x for x in case.logins if x.form.get("grant_type") == "authorization_code"]
        says = f"{many(len(asked), 'login')} begun, {many(len(bent) - 1, 'bent way')} refused, one let in"
        yield exercised(says, redeemed[:1])


def _flaws_of_ways(case: Case, asked: list[tuple[Call, str]]) -> Iterator[Mark]:
    """What is wrong with the addresses that people are sent to, once each."""
    pages = [x for x in case.exchanges if x.path.rstrip("/").endswith("/authorize")]
    told = [dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)) for _, url in asked]
    states = Counter(one.get("state", "") for one in told)
    for one in told:
        flaw = _flaw_of(one, case, states)
        if flaw is not None:
            cause, says, expected, got = flaw
            yield fail(cause, says, at=pages[:2], case=case.id, expected=expected, got=got, fix=_REMEDY[cause])
            return


def _flaw_of(one: dict[str, str], case: Case, states: Counter[str]) -> tuple[str, str, str, str] | None:
    """(cause, sentence, expected, got) of the first thing wrong with an authorization request."""
    state, method = one.get("state", ""), one.get("code_challenge_method", "")
    registered = [str(uri) for uri in case.client.get("redirect_uris") or ()]
    if states[state] > 1:
        return "same_state", f"{states[state]} logins were begun with one state", "a new state each time", state
    if len(state) < _LEAST_STATE:
        return "short_state", "a state is so short that it can be guessed", f"{_LEAST_STATE} letters or more", state
    if "code_challenge" not in one:
        return "no_pkce", "people are sent to the vendor without PKCE", "code_challenge and S256", "none"
    if method != "S256" or not _CHALLENGE.fullmatch(one["code_challenge"]):
        return "weak_pkce", "the proof of PKCE travels in the open", "code_challenge_method S256", method or "none"
    if registered and one.get("redirect_uri") not in registered:
        return "other_uri", "the redirect URI is not registered", " or ".join(registered), one.get("redirect_uri", "")
    if not one.get("aud"):
        return "no_aud", "people are sent to the vendor without `aud`", "the URL of the FHIR server", "none"
    return None


def _bent_ways(case: Case) -> Iterator[Mark]:
    """A finding for each bent way back that was taken for a straight one."""
    for call in case.runs:
        if call.action != "login" or call.browser in LEADS_IN or call.browser == "leaves":
            continue
        is_return = "redirect_url" in call.args
        if not is_return and (call.browser in COMES_BACK or not call.answer.get("authorize_url")):
            continue
        tokens = [x for x in case.during(call) if x.is_token]
        if is_return and not tokens and call.status not in ("ok", "partial"):
            continue
        pages = [x for x in case.exchanges if x.path.rstrip("/").endswith("/authorize") and x.end <= call.start]
        yield fail(
            f"{call.browser}_is_taken",
            f"somebody who {WAYS[call.browser]} is {'let in' if is_return else 'sent on to log in'}",
            at=[*pages[-1:], *tokens[:2]],
            case=case.id,
            expected="an error, and no request for a token" if is_return else "an error, and no address to go to",
            got=f"status {call.status}, {many(len(tokens), 'request')} for a token" if is_return else "an address",
            fix="compare `state`, and `iss` where it is told, with what this browser was sent away with, and once only"
            if is_return
            else "let nobody be sent by a server that is not on your list",
        )


def _unproved(case: Case) -> Iterator[Mark]:
    """A finding when the honest one is not let in, or codes are redeemed without a verifier."""
    codes = [x for x in case.logins if x.form.get("grant_type") == "authorization_code"]
    verifiers = Counter(x.form.get("code_verifier", "") for x in codes)
    for x in codes:
        if verifiers[x.form.get("code_verifier", "")] > 1 and x.form.get("code_verifier"):
            yield fail("same_verifier", "two logins have one verifier", at=codes[:2], expected="a new one each time")
            break
    for call in case.runs:
        for _ in case.missing(call)[:1]:
            yield fail(
                "not_let_in", "who came back as they were sent is let in, and the patient cannot be read",
                at=case.during(call)[:3], case=case.id, expected="the patient", got=f"status {call.status}",
            )  # fmt: skip
