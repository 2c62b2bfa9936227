"""Waivers: known failures, pinned with a reason and an end. A waiver that no longer fits is red itself."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.verdict import Verdict
from simulator.refusal import UsageError

if TYPE_CHECKING:
    from conformance.judge import Judgement

_KEYS = ("check", "vendor", "says", "reason", "issue", "expires")


@dataclass(frozen=True, slots=True)
class Waiver:
    """One known failure: which check at which vendor, how its message begins, why, where it is tracked, until when."""

    check: str
    vendor: str
    says: str
    reason: str
    issue: str
    expires: date

    def fits(self, judgement: Judgement) -> bool:
        return (
            judgement.verdict in (Verdict.FAIL, Verdict.UNTESTED)
            and (judgement.check, judgement.vendor) == (self.check, self.vendor)
            and judgement.says.startswith(self.says)
        )


@dataclass(frozen=True, slots=True)
class Stale:
    """A waiver that is red, and why."""

    waiver: Waiver
    why: str


def read(path: Path) -> tuple[Waiver, ...]:
    """The waivers of a TOML file: `[[waiver]]` with check, vendor, says, reason, issue, expires.

    Raises:
        UsageError: the file cannot be read or an entry is incomplete.
    """
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from error
    listed = value.get("waiver", [])
    if not isinstance(listed, list):
        raise UsageError(f"{path}: waiver: not a list of tables", "write [[waiver]]")
    return tuple(_waiver(entry, f"{path}: waiver[{number}]") for number, entry in enumerate(listed))


def _waiver(entry: Any, where: str) -> Waiver:
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: not a table: {entry!r}")
    for key in entry:
        if key not in _KEYS:
            raise UsageError(f"{where}.{key}: unknown key; known: {', '.join(_KEYS)}")
    for key in _KEYS[:-1]:
        if not isinstance(entry.get(key), str) or (not entry[key] and key != "says"):
            raise UsageError(f"{where}.{key}: a waiver needs this as text: {entry.get(key)!r}")
    expires = entry.get("expires")
    if not isinstance(expires, date):
        raise UsageError(f"{where}.expires: not a date: {expires!r}", "a date without quotes: 2026-12-31")
    return Waiver(entry["check"], entry["vendor"], entry["says"], entry["reason"], entry["issue"], expires)


def apply(
    judgements: Iterable[Judgement], waivers: Iterable[Waiver], today: date, only: Iterable[str] | None = None
) -> tuple[set[tuple[str, str]], tuple[Stale, ...]]:
    """Which (check, vendor) cells are waived, and which waivers are stale: expired, passing now, or failing otherwise.

    With `only` (a partial run) waivers of checks outside it are left alone.
    """
    cells = {(one.check, one.vendor): one for one in judgements}
    ran = set(only) if only is not None else {check for check, _ in cells}
    waived: set[tuple[str, str]] = set()
    stale: list[Stale] = []
    for waiver in waivers:
        if waiver.check not in ran:
            continue
        found = cells.get((waiver.check, waiver.vendor))
        if waiver.expires < today:
            stale.append(Stale(waiver, f"it expired on {waiver.expires.isoformat()}"))
        elif found is None or found.verdict in (Verdict.PASS, Verdict.WARN, Verdict.NOT_APPLICABLE):
            said = found.verdict.value if found else "not judged"
            stale.append(Stale(waiver, f"the check is {said} now: delete the waiver"))
        elif not waiver.fits(found):
            stale.append(Stale(waiver, f'it fails differently now: "{found.says}"'))
        else:
            waived.add((waiver.check, waiver.vendor))
    return waived, tuple(stale)
