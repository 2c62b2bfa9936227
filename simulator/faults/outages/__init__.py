"""One outage, one file. A module here that has an `OUTAGE` is found by itself; nothing is listed by hand."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from simulator.faults.outage import Outage


@cache
def outages() -> dict[str, Outage]:
    """Every kind of outage, by name."""
    found: dict[str, Outage] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        outage: Outage = import_module(f"{__name__}.{module.name}").OUTAGE
        found[outage.name] = outage
    return found
