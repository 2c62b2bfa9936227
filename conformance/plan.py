"""The plan of a run: which scenarios are played to which vendors, and what the driver is asked meanwhile.

A scenario file feeds the judge when it has a `[drive]` table:

    steps        what the driver is asked, in order: {action, patient, kinds, times, …}
    login        "every" plays the case once for each login method that the integration declares
    credentials  "wrong" hands out a secret or key that the vendor does not know
    vendors      only these; all without
    alone        true: nothing else runs meanwhile, because time is measured
    door         true: over TLS, at a port of the vendor's own, where faults on connections act
    keeps        true: records are kept in the evidence, for checks that look at values
    deadline_s   of each step
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.check import Check
from conformance.intents import INTENTS
from conformance.judge import Scope
from conformance.lookalikes import LOOKALIKES
from conformance.manifest import VendorUse
from simulator.population.records import KINDS
from simulator.refusal import UsageError

_DRIVE_KEYS = frozenset({"steps", "vendors", "login", "credentials", "alone", "door", "keeps", "deadline_s"})
_STEP_KEYS = frozenset({"action", "patient", "kinds", "times", "by", "advance_s", "intent", "who"})


@dataclass(frozen=True, slots=True)
class Step:
    """What the driver is asked once or `times` times.

    `patient` names who: rich (many results), other (another one), each (every patient of the cast), nobody (an id that
    no patient has), merged (by the id of a second registration that was merged before), survivor (into whom), homonym
    (one of two), junior (who has a father of the same name);
    `kinds` which records, empty for all that the integration declares; `by` what a search is made with. Before it the
    sandbox clock is turned by `advance_s`, so that what the scenario has planned for then comes between two steps.
    `intent` names what is written by `write`, see `intents`; `who` is who is to be found by `match`, see `lookalikes`.
    """

    action: str
    patient: str = "rich"
    kinds: tuple[str, ...] = ()
    times: int = 1
    by: tuple[str, ...] = ()
    advance_s: float = 0.0
    intent: str = ""
    who: str = ""


@dataclass(frozen=True)
class Drive:
    """What a scenario asks of the driver; see the module's first lines."""

    scenario: str
    path: Path
    vendors: tuple[str, ...]
    steps: tuple[Step, ...]
    login: str = "first"
    credentials: str = "right"
    is_alone: bool = False
    keeps_records: bool = False
    has_door: bool = False
    deadline_s: float = 30.0

    @property
    def writes(self) -> bool:
        """Whether the driver is asked to write."""
        return any(step.intent for step in self.steps)

    @property
    def family(self) -> str:
        """The catalogue's name of the situation: `S21` of `s21-throttled-date`."""
        return family_of(self.scenario)


@dataclass(frozen=True)
class CasePlan:
    """One scenario to be played to one vendor with one login method (empty: the room's first client)."""

    drive: Drive
    vendor: str
    kinds: tuple[str, ...]
    auth: str = ""


def family_of(scenario: str) -> str:
    return scenario.partition("-")[0].upper()


def drives(folders: Iterable[Path]) -> tuple[Drive, ...]:
    """Every scenario with a `[drive]` table, by name.

    Raises:
        UsageError: a table holds what is not known, or is incomplete.
    """
    found = [drive for folder in folders for path in sorted(folder.glob("*.toml")) if (drive := drive_of(path))]
    return tuple(sorted(found, key=lambda drive: drive.scenario))


def drive_of(path: Path) -> Drive | None:
    """What the scenario file at `path` asks of a driver; None when it asks nothing."""
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error
    table = value.get("drive")
    if table is None:
        return None
    _only(table, _DRIVE_KEYS, f"{path}: drive")
    return Drive(
        scenario=path.stem,
        path=path,
        vendors=tuple(table.get("vendors") or ()),
        steps=tuple(_step(step, f"{path}: drive.steps[{number}]") for number, step in enumerate(table["steps"])),
        login=table.get("login", "first"),
        credentials=table.get("credentials", "right"),
        is_alone=table.get("alone", False),
        keeps_records=table.get("keeps", False),
        has_door=table.get("door", False),
        deadline_s=float(table.get("deadline_s", 30.0)),
    )


def _step(value: Mapping[str, Any], where: str) -> Step:
    _only(value, _STEP_KEYS, where)
    for kind in value.get("kinds", ()):
        if kind not in KINDS:
            raise UsageError(f"{where}.kinds: not a kind: {kind!r}", f"known: {', '.join(KINDS)}")
    if (value["action"] == "write") != (value.get("intent") in INTENTS):
        raise UsageError(f"{where}.intent: {value.get('intent')!r}", f"known: {', '.join(INTENTS)}")
    if (value["action"] == "match") != ("who" in value) or value.get("who", "known") not in LOOKALIKES:
        raise UsageError(f"{where}.who: {value.get('who')!r}", f"known: {', '.join(LOOKALIKES)}")
    return Step(
        action=value["action"],
        patient=value.get("patient", "rich"),
        kinds=tuple(value.get("kinds", ())),
        times=int(value.get("times", 1)),
        by=tuple(value.get("by", ())),
        advance_s=float(value.get("advance_s", 0)),
        intent=value.get("intent", ""),
        who=value.get("who", ""),
    )


def _only(table: Mapping[str, Any], accepted: frozenset[str], where: str) -> None:
    for key in table:
        if key not in accepted:
            raise UsageError(f"{where}.{key}: unknown key", f"known: {', '.join(sorted(accepted))}")


def cases(
    every: Iterable[Drive], checks: Mapping[str, Check], uses: Mapping[str, VendorUse], scope: Scope
) -> tuple[CasePlan, ...]:
    """The cases that put the checks to the test, each once a vendor; what feeds no applicable check is left out."""
    planned: list[CasePlan] = []
    for drive in every:
        for vendor, use in uses.items():
            if drive.vendors and vendor not in drive.vendors:
                continue
            if not any(_feeds(drive, one, vendor, scope) for one in checks.values()):
                continue
            planned += [CasePlan(drive, vendor, use.kinds, auth) for auth in _logins(drive, use)]
    return tuple(planned)


def _feeds(drive: Drive, one: Check, vendor: str, scope: Scope) -> bool:
    asked = "*" if one.spans_vendors else vendor
    is_for = drive.family in one.scenarios or drive.scenario in one.scenarios
    return is_for and vendor in one.vendors and not scope.excludes(one, asked)


def _logins(drive: Drive, use: VendorUse) -> tuple[str, ...]:
    if drive.login == "every" and use.auth:
        return use.auth
    return use.auth[:1] or ("",)
