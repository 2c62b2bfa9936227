"""The catalogue: every check that is built, found by scanning, in the order in which reports print it."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from conformance import checks as package
from conformance.check import Check
from simulator.refusal import UsageError

AREAS = (
    "auth",
    "authorization",
    "normalization",
    "pagination",
    "resilience",
    "latency",
    "events",
    "write-back",
    "bulk",
    "security",
    "drift",
    "observability",
)


@cache
def checks() -> dict[str, Check]:
    """Every check by id: those of `conformance.checks` and of the modules behind entry points `emr_sandbox.checks`.

    Raises:
        TypeError: an id was declared twice.
    """
    modules = [import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)]
    modules += [point.load() for point in entry_points(group="emr_sandbox.checks")]
    found: dict[str, Check] = {}
    for module in modules:
        for item in vars(module).values():
            if isinstance(item, Check) and found.setdefault(item.id, item) is not item:
                raise TypeError(f"{item.id} is declared twice; ids are never reused")
    return {one.id: one for one in sorted(found.values(), key=_place)}


def _place(one: Check) -> tuple[int, str, str]:
    return (AREAS.index(one.area) if one.area in AREAS else len(AREAS), one.area, one.id)


def select(wanted: Iterable[str]) -> dict[str, Check]:
    """The checks that `wanted` names by id, id prefix (`RES`) or area; all of them when it is empty.

    Raises:
        UsageError: a name that fits no check.
    """
    names = list(wanted)
    chosen: set[str] = set()
    for name in names:
        plain = name.strip().lower()
        hits = {id for id in checks() if id.lower() in (plain, plain.partition(".")[0])}
        hits = hits or {id for id in checks() if id.lower().partition("-")[0] == plain}
        hits = hits or {id for id, one in checks().items() if one.area.startswith(plain)}
        if not hits:
            raise UsageError(f'unknown check "{name}"', "`emr-sandbox checks` lists ids and areas")
        chosen |= hits
    return {id: one for id, one in checks().items() if id in chosen or not names}
