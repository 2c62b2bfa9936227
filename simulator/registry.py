"""Which rooms there are: scans `simulator.vendors` and the entry points `emr_sandbox.vendors`; lists none by hand."""

from __future__ import annotations

import difflib
import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

import simulator.vendors
from simulator.refusal import UsageError
from simulator.vendor import Vendor

GROUP = "emr_sandbox.vendors"


def _own() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(simulator.vendors.__path__) if module.ispkg)


@cache
def _room(name: str) -> Vendor | None:
    """The room in one folder; None when the folder has no `VENDOR` and so is no room."""
    found = getattr(import_module(f"simulator.vendors.{name}"), "VENDOR", None)
    return found if isinstance(found, Vendor) else None


@cache
def _plugins() -> dict[str, Vendor]:
    found: dict[str, Vendor] = {}
    for point in entry_points(group=GROUP):
        made = point.load()
        if not isinstance(made, Vendor):
            raise UsageError(f"entry point `{point.name}` of {GROUP} is not a Vendor: {point.value}")
        found[made.id] = made
    return found


def vendors() -> dict[str, Vendor]:
    """Every room that is found, by id, in the order of the ids."""
    found = dict(_plugins())
    for name in _own():
        room = _room(name)
        if room is not None:
            found[room.id] = room
    return dict(sorted(found.items()))


def charting() -> dict[str, Vendor]:
    """The rooms that tell charts: those that are served when nobody says which."""
    return {id: room for id, room in vendors().items() if room.tells_charts}


def vendor(id: str) -> Vendor:
    """The room `id`; only that one is loaded when it is one of ours.

    Raises:
        UsageError: there is none.
    """
    room = _room(id) if id in _own() else None
    if room is not None and room.id == id:
        return room
    known = vendors()
    if id not in known:
        raise unknown(id, known)
    return known[id]


def unknown(id: str, known: Iterable[str]) -> UsageError:
    """What to say of a vendor that is not there."""
    listed = sorted(known)
    near = difflib.get_close_matches(id.lower(), listed, n=1)
    return UsageError(
        f'unknown vendor "{id}"; known: {", ".join(listed) or "none"}', f'did you mean "{near[0]}"?' if near else ""
    )
