"""What there is: vendors, faults, changes of APIs and scenarios, as rows of a list and explained in full."""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from simulator import registry, scenario
from simulator.drift import Change
from simulator.faults.fault import Arg, Fault
from simulator.faults.kinds import kinds
from simulator.faults.outage import Outage
from simulator.faults.outages import outages
from simulator.refusal import UsageError
from simulator.settings import Settings
from simulator.source import Trap
from simulator.vendor import Vendor

_ID = re.compile(r"[a-z][a-z0-9-]{0,39}")
EXPLAINERS = "emr_sandbox.explain"
"""Entry points that explain names of packages above: callables `(name) -> dict | None`, and lists of what they know."""


def rooms_of(settings: Settings) -> dict[str, Vendor]:
    """The rooms that a server with these settings serves, in the order asked for.

    Raises:
        UsageError: a vendor is unknown, or there is none at all.
    """
    at_hand = {room.id: room for room in settings.rooms}
    if settings.vendors is None:
        found = {**registry.charting(), **at_hand}
    else:
        found = {id: at_hand[id] if id in at_hand else registry.vendor(id) for id in dict.fromkeys(settings.vendors)}
    if not found:
        raise UsageError("no vendor is installed")
    for id in found:
        if not _ID.fullmatch(id) or id == "s":
            raise UsageError(f'a vendor cannot be called "{id}"', "small letters, digits and hyphens; not `s` alone")
    return found


def of_vendor(room: Vendor) -> dict[str, Any]:
    """One vendor as a row: how much of it is simulated, and how sure we are."""
    marks = Counter(trap.source.mark for trap in room.traps)
    sure = ", ".join(f"{marks[mark]} {mark}" for mark in ("doc", "seen", "guess") if marks[mark])
    only = "" if room.tells_charts else "logins only, "
    says = (
        f"{room.name}: {only}{len(room.traps)} traps" + (f" ({sure})" if sure else "") + f", {len(room.limits)} limits"
    )
    return {"name": room.id, "says": says, "title": room.name, "traps": len(room.traps), "marks": dict(marks)}


def faults() -> list[dict[str, Any]]:
    """Every kind of fault as a row, by name, and then the outages, which are several faults at once."""
    single = [{"name": one.name, "says": one.says, "args": one.schema()} for _, one in sorted(kinds().items())]
    several = [
        {"name": one.name, "says": f"outage: {one.says}", "args": one.schema()} for _, one in sorted(outages().items())
    ]
    return single + several


def drift(rooms: Iterable[Vendor]) -> list[dict[str, Any]]:
    """Every dated change of every vendor's API as a row, by vendor and day."""
    return [
        {"name": one.id, "says": f"{one.since} {one.what}", "vendor": room.id, **one.to_json()}
        for room in rooms
        for one in room.drift.in_order
    ]


def of_scenario(one: scenario.Scenario) -> dict[str, Any]:
    """One scenario as a row."""
    return {"name": one.name, "says": one.title, "source": one.source}


def explanation(name: str, folders: Iterable[Path] = (), commands: Iterable[Any] = ()) -> dict[str, Any]:
    """Everything about the vendor, fault or scenario of that name, or what a package above says of it.

    Raises:
        UsageError: nobody knows the name.
    """
    if name in kinds():
        return _fault("fault", kinds()[name])
    if name in outages():
        return _fault("outage", outages()[name])
    rooms = registry.vendors()
    if name in rooms:
        return _vendor(rooms[name])
    changes = {one.id: (room, one) for room in rooms.values() for one in room.drift.changes}
    if name in changes:
        return _change(*changes[name])
    stories = {one.name: one for one in scenario.list_scenarios(folders)}
    if name in stories:
        return {"what": "scenario", **stories[name].to_json()}
    for explain in _explainers(commands):
        found = explain(name)
        if found is not None:
            return dict(found)
    known = [*kinds(), *outages(), *rooms, *changes, *stories]
    known += [
        more for command in commands if callable(names := getattr(command, "explained", None)) for more in names()
    ]
    near = difflib.get_close_matches(name.casefold(), [one.casefold() for one in known], n=1)
    meant = next((one for one in known if near and one.casefold() == near[0]), None)
    listed = "names are listed by `emr-sandbox vendors`, `faults`, `drift`, `scenarios`, `checks` and `mutants`"
    raise UsageError(f'nothing is called "{name}"', f'did you mean "{meant}"?' if meant else listed)


def _explainers(commands: Iterable[Any]) -> Iterable[Any]:
    for command in commands:
        explain = getattr(command, "explain", None)
        if callable(explain):
            yield explain
    for point in entry_points(group=EXPLAINERS):
        yield point.load()


def _fault(what: str, kind: Fault | Outage) -> dict[str, Any]:
    args = {name: arg.default for name, arg in kind.args.items() if arg.default is not ...}
    needed = {name: f"<{arg.says}>" for name, arg in kind.args.items() if arg.default is ...}
    return {
        "what": what,
        "name": kind.name,
        "says": kind.says,
        "args": {name: _told_arg(arg) for name, arg in kind.args.items()},
        "example": {"when": {"path": "/Observation*"}, "fault": kind.name, "args": {**needed, **args}},
    }


def _told_arg(arg: Arg) -> str:
    """What an argument means, what it may be, and what it is when nothing is said."""
    choices = f"; one of {', '.join(map(str, arg.one_of))}" if arg.one_of else ""
    otherwise = "; must be given" if arg.default is ... else f"; {json.dumps(arg.default)} if not given"
    return arg.says + choices + otherwise


def _vendor(room: Vendor) -> dict[str, Any]:
    return {
        "what": "vendor",
        **of_vendor(room),
        "limits": [
            f"{one.name}: {one.calls} calls in {one.per.total_seconds():g} s ({one.window}) a {one.scope} "
            f"[{one.source.mark}] {one.source.where}"
            for one in room.limits
        ],
        "in trouble": [f"{name}: [{one.source.mark}] {one.source.where}" for name, one in sorted(room.trouble.items())],
        "as of": str(room.drift.as_of),
        "drift": [f"{one.id}: {one.since} {one.what} [{one.source.mark}]" for one in room.drift.in_order],
        "traps": [
            f"{trap.id}: {trap.says} ({_switched(room, trap)}) [{trap.source.mark}] {trap.source.where}"
            for trap in room.traps
        ],
        "switches": [
            f"{one.name} = {json.dumps(room.defaults[one.name])}: {one.says}; {one.takes(room.defaults[one.name])} "
            f"[{one.source.mark}] {one.source.where}"
            for one in room.switches
        ],
        "to switch": {
            "while it runs": f'PUT …/sandboxes/default/vendors/{room.id}/settings {{"set": {{"<switch>": <value>}}}}',
            "in a scenario": f'settings = {{ vendor = "{room.id}", set = {{ <switch> = <value> }} }}',
            "as delivered": f"DELETE …/sandboxes/default/vendors/{room.id}/settings, or a reset",
        },
    }


def _switched(room: Vendor, trap: Trap) -> str:
    """How a trap is switched: by which settings, by which call, or not at all."""
    names = [f"`{one.name}`" for one in room.switches if trap.id in one.traps]
    hows = [*([f"switch {', '.join(names)}"] if names else []), *([trap.by] if trap.by else [])]
    return "; ".join(hows) or "always on"


def _change(room: Vendor, change: Change) -> dict[str, Any]:
    where = f"sandboxes/default/vendors/{room.id}/upgrade"
    moves = {"before": change.since - timedelta(days=1), "from then on": change.since}
    return {
        "what": "change",
        "name": change.id,
        "since": f"{change.since} [{change.day}]",
        "says": change.what,
        "why": change.why,
        "source": f"[{change.source.mark}] {change.source.where}",
        "room": f"{room.id}, written as of {room.drift.as_of}",
        "to see it": {name: f'POST …/{where} {{"as_of": "{day}"}}' for name, day in moves.items()},
    }


def told(found: Mapping[str, Any]) -> str:
    """An explanation for people: one member a line, lists and tables below their name."""
    lines = []
    for name, value in found.items():
        if isinstance(value, Mapping) and name != "example":
            lines += [name, *(f"  {key}  {one}" for key, one in value.items())]
        elif isinstance(value, list):
            lines += [name, *(f"  {one if isinstance(one, str) else json.dumps(one, default=str)}" for one in value)]
        else:
            lines.append(f"{name}  {value if isinstance(value, str | int) else json.dumps(value, default=str)}")
    return "\n".join(lines)
