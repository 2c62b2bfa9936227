"""Breaking the glass at Epic: the proprietary calls Check, Initialize, Accept and Cancel.

Source: SOURCES.md, "Refusals" (REDCAP: paths, members of the requests, AccessType; the other answers are ours).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from simulator.auth import users
from simulator.auth.glass import LIFE, PURPOSE, Degree, Glass, who
from simulator.auth.users import User
from simulator.exchange import Exchange, Reply, Route, json_reply
from simulator.refusal import Refusal
from simulator.vendors.epic import ids, paths, patient_ids

_BASE = "/Security/BreakTheGlass/"
_STEPS = {
    "CheckBreakTheGlass" + _BASE + "AccessCheck": "check",
    "InitializeBreakTheGlass" + _BASE + "Initialize": "initialize",
    "AcceptBreakTheGlass" + _BASE + "Accept": "accept",
    "CancelBreakTheGlass" + _BASE + "Cancel": "cancel",
}
_YEARS = ("2013", "2021")
_REASONS = ("Direct Patient Care", "Billing", "Scheduling", "Research", "Other")
_NEEDS = {
    "check": ("PatientID", "UserID", "CheckType", "CheckView"),
    "accept": ("PatientID", "UserID", "DepartmentID", "CheckView", "Reason"),
    "cancel": ("PatientID", "UserID", "UserIDType", "DepartmentID", "FailedReason"),
}
BLOCKED, GRANTED, GLASS = 0, 1, 2
"""AccessType: no way in, the chart is open, the glass must be broken first."""


def route(x: Exchange, path: str) -> Route | None:
    """The door of a step, or None when the path is another."""
    for year in _YEARS:
        prefix = f"{paths.ROOT}/api/epic/{year}/Security/BreakTheGlass/"
        step = _STEPS.get(path[len(prefix) :]) if path.startswith(prefix) else None
        if step is not None and x.method == "POST":
            return Route(f"BreakTheGlass.{step}", answer, (step,), ("Patient", "r"))
    return None


def answer(x: Exchange) -> Reply:
    """One step. To accept, a reason must be stated, and explained when it is "Other"."""
    assert x.route is not None
    assert x.caller is not None
    step, said = x.route.args[0], _said(x)
    if step == "initialize":
        return _told(_INITIAL)
    for member in _NEEDS[step]:
        if not said.get(member, "").strip():
            raise _wrong(member)
    number = patient_ids.patient_of(x.site, said["PatientID"])
    if number is None:
        raise _wrong("PatientID")
    x.notes |= {"patients": [number], "user": said["UserID"]}
    glass, whom = x.site.desk.glass, who(x, _user(x, said["UserID"]))
    if step == "check":
        access = _access(glass, glass.degree(x.site.sandbox.world, number), whom, number, x.at)
        return _told({"AccessType": access, "Message": [_MESSAGE] if access == GLASS else []})
    if step == "cancel":
        glass.mend(whom, number)
        return _told({})
    reason = said["Reason"].strip().lower()
    if reason not in map(str.lower, _REASONS):
        raise _wrong("Reason")
    if reason == "other" and not said.get("Explanation", "").strip():
        raise _wrong("Explanation")
    if glass.degree(x.site.sandbox.world, number) == "restricted":
        raise Refusal("forbidden", f"patient {number} is restricted", reason="restricted_patient")
    glass.break_for(whom, number, x.at)
    x.notes |= {"purpose": PURPOSE, "reason": said["Reason"]}
    return _told({})


_MESSAGE = "This chart is protected. Who opens it must say why, and is audited."
_INITIAL: dict[str, Any] = {
    "LegalMessage": _MESSAGE,
    "InappropriateMessage": "This chart is restricted.",
    "IsReasonRequired": True,
    "IsExplanationRequired": False,
    "Reasons": [{"ID": str(number), "Title": title} for number, title in enumerate(_REASONS, 1)],
    "ExplanationOverrides": [{"Reason": "Other", "IsExplanationRequired": True}],
    "TimeoutInMinutes": int(LIFE.total_seconds() // 60),
}


def _user(x: Exchange, named: str) -> User | None:
    """The practitioner of a UserID: a login, or the FHIR id; None for what is nobody's here, as of a service's user."""
    world = x.site.sandbox.world
    found = ids.named(x.site.key, named.strip())
    if found is not None and found.type == "Practitioner":
        return users.practitioner(world, found.number)
    user = users.user_of(world, named)
    return user if user is not None and user.kind == "practitioner" else None


def _access(glass: Glass, degree: Degree, whom: str, number: int, now: datetime) -> int:
    if degree == "restricted":
        return BLOCKED
    return GLASS if degree and not glass.is_broken(whom, number, now) else GRANTED


def _said(x: Exchange) -> dict[str, str]:
    """The members of the request: a form, or JSON. A list is spelled `CheckType[0]` in a form."""
    flaw = Refusal("malformed", "the body is neither a form nor a JSON object", reason="body_malformed")
    try:
        if "json" in (x.header("content-type") or ""):
            said = orjson.loads(x.body) if x.body else {}
            if not isinstance(said, dict):
                raise flaw
            return {
                name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in said.items()
            }
        return {name.partition("[")[0]: value for name, value in x.form()}
    except ValueError:
        raise flaw from None


def _wrong(member: str) -> Refusal:
    return Refusal("malformed", f"{member} is missing or not usable", reason="member_wrong", parameter=member)


def _told(members: dict[str, Any]) -> Reply:
    return json_reply(200, members, "application/json; charset=utf-8")
