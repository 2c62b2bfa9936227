"""Logging in and consenting: from an authorization request to a code at the app's redirect URI, in plain forms.

One door, the vendor's authorization endpoint. A request opens a sitting and shows the login form; each answer brings
the next form: password, patient (where a practitioner chooses one), consent. A form may answer several questions at
once, so a script needs two requests: one to ask, one with `sitting`, `username`, `password` and `decision=allow`.

An EHR launch by a practitioner shows no form at all: the user is logged in already, and the EHR has chosen.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from typing import Any

from simulator.auth import authorize, pages, users
from simulator.auth.authorize import Asked
from simulator.auth.grants import Grant
from simulator.auth.launches import Launch
from simulator.auth.manner import Manner, access_of, wants_patient, withheld
from simulator.auth.sittings import Sitting
from simulator.auth.users import User
from simulator.exchange import Exchange, Reply
from simulator.refusal import OAuthRefusal


def door(x: Exchange, manner: Manner) -> Reply:
    """The authorization endpoint: a page, or the way back to the app.

    Raises:
        OAuthRefusal: see `simulator.auth.authorize`; with `redirect_uri` among its facts when it goes to the app.
    """
    pairs = authorize.pairs_of(x)
    try:
        if x.method == "POST" and any(name == "sitting" for name, _ in pairs):
            return _go_on(x, manner, pairs)
        return _begin(x, manner, pairs)
    except OAuthRefusal as refusal:
        x.notes["client_id"] = refusal.facts.get("client_id", "")
        if refusal.reason in manner.on_page:
            refusal.facts.pop("redirect_uri", None)
        raise


def _begin(x: Exchange, manner: Manner, pairs: list[tuple[str, str]]) -> Reply:
    site = x.site
    asked = authorize.read(
        pairs,
        site.clients.get,
        audiences=manner.audiences(x),
        aud_needed=manner.aud_needed,
        state_needed=manner.state_needed,
        pkce_of_all=manner.pkce_of_all,
    )
    x.notes["client_id"] = asked.client.client_id
    try:
        if asked.client.persona and asked.client.persona not in manner.kinds:
            raise OAuthRefusal("access_denied", "persona_mismatch", f"the app is for {asked.client.persona}s")
        launch = _launch(x, asked)
        if not manner.offered(x, asked.client, asked.scopes):
            raise OAuthRefusal("invalid_scope", "empty_scopes", f"nothing to grant of {' '.join(asked.scopes)!r}")
    except OAuthRefusal as refusal:
        raise _towards(refusal, asked) from None
    sitting = site.desk.sittings.open(x.path, asked, launch, x.at)
    if launch is not None:
        sitting.user, sitting.patient = launch.user, launch.patient
        if launch.user.kind == "practitioner":
            return _end(x, manner, sitting, _offered(x, manner, sitting))
    return _next(x, manner, sitting, {})


def _launch(x: Exchange, asked: Asked) -> Launch | None:
    if not asked.launch:
        return None
    if "launch" not in asked.scopes:
        raise OAuthRefusal("invalid_scope", "launch_scope_missing", "a launch value without the scope launch")
    return x.site.desk.launches.take(asked.launch, asked.client.client_id, x.at)


def _towards(refusal: OAuthRefusal, asked: Asked) -> OAuthRefusal:
    return authorize.towards(refusal, asked.client, asked.redirect_uri, asked.state)


def _go_on(x: Exchange, manner: Manner, pairs: list[tuple[str, str]]) -> Reply:
    """The next step of a sitting."""
    form = dict(reversed(pairs))
    sitting = x.site.desk.sittings.find(form.get("sitting", ""), x.path, x.at)
    if sitting is None:
        raise OAuthRefusal("invalid_request", "sitting_unknown", "the login took too long, or was never begun")
    x.notes["client_id"] = sitting.asked.client.client_id
    if form.get("decision") == "deny":
        raise _denied(x, sitting, "denied_by_user", "the user said no")
    if sitting.user is None:
        flaw = _log_in(x, manner, sitting, form)
        if flaw:
            return pages.login(x, manner, sitting, flaw=flaw)
    assert sitting.user is not None
    if sitting.asked.client.persona not in ("", sitting.user.kind):
        raise _denied(x, sitting, "user_mismatch", f"the app is for {sitting.asked.client.persona}s")
    flaw = _choose(x, manner, sitting, form)
    if flaw:
        return pages.picker(x, manner, sitting, form.get("find", ""), flaw=flaw)
    if form.get("decision") == "allow" and not _lacks_patient(manner, sitting):
        return _end(x, manner, sitting, _allowed(x, manner, sitting, form, pairs))
    return _next(x, manner, sitting, form)


def _denied(x: Exchange, sitting: Sitting, reason: str, detail: str) -> OAuthRefusal:
    x.site.desk.sittings.close(sitting)
    return _towards(OAuthRefusal("access_denied", reason, detail), sitting.asked)


def _log_in(x: Exchange, manner: Manner, sitting: Sitting, form: dict[str, str]) -> str:
    """Fills the user of a sitting; gives what to tell when it cannot."""
    found = user_of(x, manner, form.get("username", ""), form.get("password", ""))
    if isinstance(found, str):
        return found
    sitting.user = found
    if found.kind == "patient" and len(found.patients) == 1:
        sitting.patient = found.patients[0]
    return ""


def user_of(x: Exchange, manner: Manner, login: str, password: str) -> User | str:
    """The user with this name and password who may pass this door; else what to tell."""
    if not login:
        return "Enter a user name."
    found = users.user_of(x.sandbox.world, login)
    if found is None:
        number = x.site.vendor.patient_of(x.site, login)
        found = users.patient(x.sandbox.world, number) if number is not None else None
    expected = str(x.site.settings.get("password", users.PASSWORD))
    if not hmac.compare_digest(password.encode(), expected.encode()) or found is None:
        return "User name or password is wrong."
    if found.kind not in manner.kinds:
        return f"This door is for {' and '.join(f'{kind}s' for kind in manner.kinds)}."
    return found


def _choose(x: Exchange, manner: Manner, sitting: Sitting, form: dict[str, str]) -> str:
    """Fills the patient of a sitting from the form's `patient` (a key, or an id of the vendor); gives what is wrong."""
    named = form.get("patient", "").strip()
    assert sitting.user is not None
    is_chosen_here = sitting.user.kind == "patient" or manner.picks_patient
    if not named or sitting.launch is not None or not is_chosen_here:
        return ""
    number = int(named) if named.isascii() and named.isdigit() and len(named) < 12 else None
    if number is None or x.sandbox.world.person(number) is None:
        number = x.site.vendor.patient_of(x.site, named)
    if number is None:
        return f"No patient {named[:40]}."
    if sitting.user.kind == "patient" and number not in sitting.user.patients:
        return "That record is not yours."
    sitting.patient = number
    return ""


def _lacks_patient(manner: Manner, sitting: Sitting) -> bool:
    """Whether a patient is still to be chosen."""
    if sitting.patient is not None or sitting.user is None or sitting.launch is not None:
        return False
    return sitting.user.kind == "patient" or (manner.picks_patient and wants_patient(sitting.asked.scopes))


def _next(x: Exchange, manner: Manner, sitting: Sitting, form: dict[str, str]) -> Reply:
    """The form that comes next."""
    if sitting.user is None:
        return pages.login(x, manner, sitting)
    if _lacks_patient(manner, sitting):
        return pages.picker(x, manner, sitting, form.get("find", ""))
    return pages.consent(x, manner, sitting, _offered(x, manner, sitting))


def _offered(x: Exchange, manner: Manner, sitting: Sitting) -> tuple[str, ...]:
    """What can be granted in this sitting: nothing about a patient when there is none."""
    offered = withheld(x.site.settings, manner.offered(x, sitting.asked.client, sitting.asked.scopes))
    if sitting.patient is None:
        offered = tuple(one for one in offered if not wants_patient((one,)))
    return offered


def _allowed(
    x: Exchange, manner: Manner, sitting: Sitting, form: dict[str, str], pairs: list[tuple[str, str]]
) -> tuple[str, ...]:
    """What the person ticked; everything when the form did not ask (`choose` is absent)."""
    offered = _offered(x, manner, sitting)
    if "choose" not in form:
        return offered
    ticked = {value for name, value in pairs if name == "scope"}
    return tuple(one for one in offered if one in ticked)


def _end(x: Exchange, manner: Manner, sitting: Sitting, scopes: tuple[str, ...]) -> Reply:
    """A code, and the way back."""
    asked, user, desk = sitting.asked, sitting.user, x.site.desk
    assert user is not None
    if not scopes:
        raise _denied(x, sitting, "nothing_granted", "nothing was allowed")
    desk.sittings.close(sitting)
    launch = sitting.launch
    grant = desk.grants.add(
        Grant(
            id="",
            client_id=asked.client.client_id,
            user=user,
            scopes=scopes,
            told=manner.told(x, asked.client, scopes),
            at=x.at,
            patient=sitting.patient if launch is not None or _tells_patient(scopes, user) else None,
            encounter=launch.encounter if launch is not None else "",
            aud=asked.aud,
            nonce=asked.nonce,
            access=access_of(asked.client, scopes),
            is_launch=launch is not None,
            facts=dict(launch.facts) if launch is not None else {},
        )
    )
    code = desk.grants.code_for(
        grant, redirect_uri=asked.redirect_uri, challenge=asked.challenge, now=x.at, life=manner.code_life
    )
    x.notes["grant"] = {"id": grant.id, "user": user.login, "scopes": list(scopes)}
    return authorize.redirected(asked.redirect_uri, code=code, state=asked.state)


def _tells_patient(scopes: Collection[str], user: User) -> bool:
    return user.kind == "patient" or wants_patient(scopes)


def context_of(x: Exchange, manner: Manner, grant: Grant) -> dict[str, Any]:
    """The launch context as members of a token answer: `patient`, `encounter`, and what the launch told."""
    told: dict[str, Any] = {}
    if grant.patient is not None:
        told["patient"] = manner.patient_id(x.site, grant.patient)
    if grant.encounter:
        told["encounter"] = grant.encounter
    return told | dict(grant.facts)
