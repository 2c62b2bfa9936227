"""One fault, one file. A module here that has a `FAULT` is found by itself; nothing is listed by hand."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from simulator.faults.fault import Fault


@cache
def kinds() -> dict[str, Fault]:
    """Every kind of fault, by name."""
    found: dict[str, Fault] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        fault: Fault = import_module(f"{__name__}.{module.name}").FAULT
        found[fault.name] = fault
    return found
