"""What a scenario asks of the driver: its `[drive]` table, checked before anything is played.

steps        what the driver is asked, in order: {action, patient, kinds, times, …}
login        "every" plays the case once for each login method that the integration declares, "certificate" for that by
             a client certificate alone
mode         "read-only" forbids to write, though the client may
client       "app" hands out an app that people log in to, for the action `login`
credentials  "wrong" hands out a secret or key that the vendor does not know
vendors      only these; all without
alone        true: nothing else runs meanwhile, because time is measured
door         true: over TLS, at a port of the vendor's own, where faults on connections act
canary       true: the next links of results lead to a listener on this machine, see `canary`
time_zone    that of the integration's own process, as `TZ` names it: a process is started for it
real_time    true: the sandbox has the time of day, two minutes behind the integration's clock
keeps        true: records are kept in the evidence, for checks that look at values
deadline_s   of each step
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from conformance.browser import WAYS
from conformance.happens import HAPPENINGS
from conformance.intents import INTENTS
from conformance.lookalikes import LOOKALIKES
from simulator.population.records import KINDS
from simulator.refusal import UsageError

ACTIONS = ("read", "read_patient", "search", "match", "write", "login", "sync")
PATIENTS = ("rich", "other", "each", "nobody", "merged", "survivor", "homonym", "junior", "context")
_SOUGHT_BY = ("family", "given", "birth_date")


@dataclass(frozen=True, slots=True)
class Step:
    """What the driver is asked once or `times` times.

    `patient` names who: rich (many results), other (another one), each (every patient of the cast), nobody (an id that
    no patient has), merged (by the id of a second registration that was merged before), survivor (into whom), homonym
    (one of two), junior (who has a father of the same name), context (whose chart was open in the last login);
    `kinds` which records, empty for all that the integration declares; `by` what a search is made with. Before it the
    sandbox clock is turned by `advance_s`, so that what the scenario has planned for then comes between two steps.
    `intent` names what is written by `write`, see `intents`; `who` is who is to be found by `match`, see `lookalikes`;
    `browser` is what the browser does in a `login` that begins in this patient's chart, see `browser`.
    `happens` is what happens to the patient before, see `happens`, after the clock was turned.
    """

    action: str
    patient: str = "rich"
    kinds: tuple[str, ...] = ()
    times: int = 1
    by: tuple[str, ...] = ()
    advance_s: float = 0.0
    intent: str = ""
    who: str = ""
    browser: str = ""
    happens: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drive:
    """What a scenario asks of the driver; see the module's first lines."""

    scenario: str
    path: Path
    vendors: tuple[str, ...]
    steps: tuple[Step, ...]
    login: str = "first"
    credentials: str = "right"
    client: str = "service"
    mode: str = ""
    is_alone: bool = False
    keeps_records: bool = False
    has_door: bool = False
    is_real_time: bool = False
    time_zone: str = ""
    has_canary: bool = False
    deadline_s: float = 30.0

    @property
    def writes(self) -> bool:
        """Whether the driver is asked to write."""
        return any(step.intent for step in self.steps)

    @property
    def family(self) -> str:
        """The catalogue's name of the situation: `S21` of `s21-throttled-date`."""
        return family_of(self.scenario)


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
    """What the scenario file at `path` asks of a driver; None when it asks nothing.

    Raises:
        UsageError: it is no TOML, or its table holds what cannot be; the message names file, key, value and what can.
    """
    try:
        return _drive_in(path, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error


@lru_cache(maxsize=512)  # a run reads every file, and a process may hold many runs
def _drive_in(path: Path, text: str) -> Drive | None:
    value = tomllib.loads(text)
    return _drive(path, _Table(value, f"{path}: ")) if "drive" in value else None


class _Table:
    """A table that says what is wrong with it. `where` is what its keys are told after: file and path."""

    def __init__(self, value: Any, where: str, known: Collection[str] = ()) -> None:
        if not isinstance(value, Mapping):
            raise UsageError(f"{where.rstrip(' .:')}: not a table: {value!r}")
        self._value = value
        self._where = where
        for key in value if known else ():
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
                raise UsageError(f"{where}{key}: unknown key", hint)

    def wrong(self, key: str, says: str, hint: str = "") -> UsageError:
        return UsageError(f"{self._where}{key}: {says}", hint)

    def has(self, key: str) -> bool:
        return key in self._value

    def table(self, key: str, known: Collection[str]) -> _Table:
        return _Table(self._value[key], f"{self._where}{key}.", known)

    def tables(self, key: str, known: Collection[str]) -> list[_Table]:
        """The tables of a list that must not be empty."""
        found = self._value.get(key)
        if not isinstance(found, list) or not found:
            raise self.wrong(key, f"not a list of tables: {found!r}", 'for example [{ action = "read" }]')
        return [_Table(one, f"{self._where}{key}[{number}].", known) for number, one in enumerate(found)]

    def one_of(self, key: str, known: Collection[str], default: str | None) -> str:
        found = self._value.get(key, default)
        if (found != default and (not isinstance(found, str) or found not in known)) or found is None:
            near = difflib.get_close_matches(str(found), known, n=1)
            hint = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"
            raise self.wrong(key, f"not known: {found!r}" if key in self._value else "is missing", hint)
        return str(found)

    def several(self, key: str, known: Collection[str] = ()) -> tuple[str, ...]:
        found = self._value.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self.wrong(key, f"not a list of texts: {found!r}")
        for one in found:
            if known and one not in known:
                raise self.wrong(key, f"not known: {one!r}", f"known: {', '.join(known)}")
        return tuple(found)

    def text(self, key: str) -> str:
        found = self._value.get(key, "")
        if not isinstance(found, str):
            raise self.wrong(key, f"not a text: {found!r}")
        return found

    def flag(self, key: str) -> bool:
        found = self._value.get(key, False)
        if not isinstance(found, bool):
            raise self.wrong(key, f"neither true nor false: {found!r}")
        return found

    def number(self, key: str, default: float, *, least: float) -> float:
        found = self._value.get(key, default)
        if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= 1e9:
            raise self.wrong(key, f"not a number of {least:g} or more: {found!r}")
        return found


_DRIVE_KEYS = (
    "steps", "vendors", "login", "credentials", "mode", "client", "alone", "door", "real_time", "time_zone", "canary",
    "keeps", "deadline_s",
)  # fmt: skip
_STEP_KEYS = ("action", "patient", "kinds", "times", "by", "advance_s", "intent", "who", "browser", "happens")


def _drive(path: Path, scenario: _Table) -> Drive:
    table = scenario.table("drive", _DRIVE_KEYS)
    return Drive(
        scenario=path.stem,
        path=path,
        vendors=table.several("vendors"),
        steps=tuple(_step(step) for step in table.tables("steps", _STEP_KEYS)),
        login=table.one_of("login", ("first", "every", "certificate"), "first"),
        credentials=table.one_of("credentials", ("right", "wrong"), "right"),
        mode=table.one_of("mode", ("", "read-only"), ""),
        client=table.one_of("client", ("service", "app"), "service"),
        is_alone=table.flag("alone"),
        keeps_records=table.flag("keeps"),
        has_door=table.flag("door"),
        is_real_time=table.flag("real_time"),
        time_zone=_zone(table),
        has_canary=table.flag("canary"),
        deadline_s=float(table.number("deadline_s", 30.0, least=0.1)),
    )


def _zone(table: _Table) -> str:
    found = table.text("time_zone")
    if found and found not in available_timezones():
        raise table.wrong("time_zone", f"not known: {found!r}", 'for example "America/Los_Angeles"')
    return found


def _step(table: _Table) -> Step:
    action = table.one_of("action", ACTIONS, None)
    for key, its, known in (("intent", "write", INTENTS), ("who", "match", LOOKALIKES), ("browser", "login", WAYS)):
        if action == its:
            table.one_of(key, known, None)
        elif table.has(key):
            raise table.wrong(key, f"goes with the action `{its}`, not with `{action}`")
    patient = table.one_of("patient", PATIENTS, "rich")
    if action == "search" and patient == "nobody":
        raise table.wrong("patient", "nobody has no name to search for", f"known: {', '.join(PATIENTS)}")
    return Step(
        action=action,
        patient=patient,
        kinds=table.several("kinds", KINDS),
        times=int(table.number("times", 1, least=1)),
        by=table.several("by", _SOUGHT_BY),
        advance_s=float(table.number("advance_s", 0, least=0)),
        intent=table.one_of("intent", INTENTS, ""),
        who=table.one_of("who", LOOKALIKES, ""),
        browser=table.one_of("browser", WAYS, ""),
        happens=table.several("happens", HAPPENINGS),
    )
