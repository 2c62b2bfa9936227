"""The vendor is upgraded at this very call: in the middle of a page session, between a read and a write."""

from __future__ import annotations

from datetime import date

from simulator.drift import check_day
from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault
from simulator.refusal import UsageError


def _before(act: Act) -> None:
    site, day = act.x.site, date.fromisoformat(act.args["as_of"])
    is_there = site.as_of == day
    act.say(came_from=None if is_there else site.as_of.isoformat())
    if not is_there:
        site.upgrade(day)


def _is_day(text: str) -> bool:
    try:
        check_day(date.fromisoformat(text))
    except (ValueError, UsageError):
        return False
    return True


FAULT = Fault(
    name="upgrade",
    says="lets the vendor's API be that of the day `as_of` when the call comes in, and from then on",
    args={"as_of": Arg(str, ..., "a day, for example 2026-12-01; later or earlier", fits=_is_day)},
    before=_before,
)
