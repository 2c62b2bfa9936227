"""A trial: from what the user asked for to a recorded run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import simulator
from conformance import manifest as manifests
from conformance import waivers
from conformance.catalogue import select
from conformance.check import SEVERITIES, Check, Severity
from conformance.collect import LogFiles
from conformance.drive import drives
from conformance.drivers import Driver, Message, Opener
from conformance.drivers.http import HttpDriver
from conformance.drivers.python import PythonDriver, callable_of
from conformance.drivers.stdio import StdioDriver
from conformance.evidence import Case
from conformance.judge import Judgement, Scope, judge, waived
from conformance.manifest import Manifest, VendorUse
from conformance.plan import cases
from conformance.record import Run
from conformance.reference.driver import VENDORS
from conformance.reference.mutants import MUTANTS
from conformance.run import Progress, play
from conformance.settings import Settings
from conformance.verdict import exit_code
from simulator import registry
from simulator.refusal import UsageError
from simulator.scenario import GROUP as SCENARIOS
from simulator.vendor import Vendor

_REFERENCE = "conformance.reference.driver:handle"
_REFERENCE_AUTH = {
    "epic": ("private_key_jwt", "tls_client_auth"),
    "cerner": ("client_secret_basic", "private_key_jwt", "tls_client_auth"),
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `emr-sandbox check` was asked for. `kinds` are those alone that are read of what is declared; empty: all."""

    manifest: Path | None = None
    is_reference: bool = False
    mutant: str = ""
    vendors: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    level: int = 5
    severities: tuple[Severity, ...] = SEVERITIES
    only: tuple[str, ...] = ()
    seed: int = 7
    strict: bool = False
    tls: bool = False


def hold(request: Request, progress: Progress = lambda plan, seconds: None) -> Run:
    """Plays and judges what was asked for.

    Raises:
        UsageError: a flag, the manifest, the waivers or the driver is wrong.
        HarnessDefect: something of ours is broken.
    """
    rooms = registry.charting()  # what has doors alone cannot be judged by records
    manifest = _reference(rooms) if request.is_reference else _manifest(request, rooms)
    if request.mutant and request.mutant not in MUTANTS:
        raise UsageError(f'unknown mutant "{request.mutant}"', "`emr-sandbox mutants` lists them")
    uses = _uses(manifest, request, rooms)
    wanted = {id: one for id, one in select(request.only).items() if one.severity in request.severities}
    settings = manifest.settings(request.seed)
    log_files = LogFiles(manifest.folder, manifest.logs) if manifest.logs else None
    has_logs = not manifest.url or log_files is not None
    logins = {id: use.auth for id, use in uses.items()}
    scope = Scope(tuple(uses), logins, manifest.declares, request.level, has_logs, has_process=not manifest.url)
    known_failures = waivers.read(manifest.folder / manifest.waivers) if manifest.waivers else ()
    plans = cases(drives(_scenario_folders()), wanted, uses, scope)
    if not plans:
        return _run(request, manifest, {}, (), wanted, scope, settings, known_failures, 0.0, 0.0)
    played = play(
        plans,
        _opener(manifest),
        settings,
        mutant=request.mutant,
        log_files=log_files,
        progress=progress,
        tls=request.tls,
    )
    return _run(
        request, manifest, played.implementation, played.cases, wanted, scope, played.settings, known_failures,
        played.seconds, played.scheduler_p99_ms,
    )  # fmt: skip


def _reference(rooms: Mapping[str, Vendor]) -> Manifest:
    """The bundled reference integration, as if it had a manifest."""
    own = [vendor for vendor in ("epic", "cerner", "athena") if vendor in rooms]
    return Manifest(
        name="reference",
        python=_REFERENCE,
        declares=("read", "match", "sync", "write", "login"),
        vendors={
            id: VendorUse(tuple(VENDORS[id].types), _REFERENCE_AUTH.get(id, ("client_secret_basic",))) for id in own
        },
        where="reference",
    )


def _manifest(request: Request, rooms: Mapping[str, Vendor]) -> Manifest:
    return manifests.read(request.manifest or Path(manifests.NAME), rooms)


def _uses(manifest: Manifest, request: Request, rooms: Mapping[str, Vendor]) -> dict[str, VendorUse]:
    """The declared vendors that are asked for, each with its login methods spelt out."""
    wanted = list(dict.fromkeys(request.vendors)) or list(manifest.vendors)
    for vendor in wanted:
        if vendor not in rooms:
            raise registry.unknown(vendor, rooms)
        if vendor not in manifest.vendors:
            declared = ", ".join(manifest.vendors)
            raise UsageError(f'{manifest.where}: "{vendor}" is not declared', f"declared: {declared}")
    return {id: _narrowed(manifest.vendors[id], request.kinds) for id in wanted}


def _narrowed(use: VendorUse, kinds: Collection[str]) -> VendorUse:
    return replace(use, kinds=tuple(kind for kind in use.kinds if kind in kinds)) if kinds else use


def _scenario_folders() -> list[Path]:
    return [Path(str(point.load())) for point in entry_points(group=SCENARIOS)]


def _opener(manifest: Manifest) -> Opener:
    if manifest.python:
        return partial(_python, callable_of(manifest.python), manifest.python)
    if manifest.url:
        return lambda environment: HttpDriver(manifest.url)
    return lambda environment: StdioDriver(manifest.command, folder=manifest.folder, environment=environment)


def _python(handle: Callable[[Message], Message], spec: str, environment: Mapping[str, str]) -> Driver:
    """The callable here, or in a process of its own where that must have another time zone."""
    if "TZ" not in environment:
        return PythonDriver(handle)
    command = [sys.executable, "-m", "conformance.drivers.loop", spec]
    return StdioDriver(command, environment={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment})


def _run(
    request: Request, manifest: Manifest, implementation: Mapping[str, Any], played: tuple[Case, ...],
    wanted: Mapping[str, Check], scope: Scope, settings: Settings, known_failures: Iterable[waivers.Waiver],
    seconds: float, late_ms: float,
) -> Run:  # fmt: skip
    judgements = judge(wanted, played, scope, settings)
    excused, stale = waivers.apply(judgements, known_failures, datetime.now(UTC).date(), only=wanted)
    secure = ["--tls"] if request.tls else []
    how = ["--reference", *(["--mutant", request.mutant] if request.mutant else [])]
    return recorded(
        waived(judgements, excused),
        played,
        scope,
        settings,
        how=[*(how if request.is_reference else [str(request.manifest)] if request.manifest else []), *secure],
        name=manifest.name,
        implementation={**implementation, **({"mutant": request.mutant} if request.mutant else {})},
        manifest_digest=manifest.digest,
        seconds=seconds,
        late_ms=late_ms,
        stale=tuple(f"{one.waiver.check} {one.waiver.vendor}: {one.why}" for one in stale),
        strict=request.strict,
    )


def recorded(
    judgements: tuple[Judgement, ...], played: tuple[Case, ...], scope: Scope, settings: Settings, *,
    how: list[str], name: str, implementation: Mapping[str, Any], seconds: float, late_ms: float = 0.0,
    manifest_digest: str = "", stale: tuple[str, ...] = (), strict: bool = False,
) -> Run:  # fmt: skip
    """The record of a run, with its header and exit code."""
    header = {
        "harness": simulator.__version__,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "integration": name,
        "implementation": dict(implementation),
        "manifest": manifest_digest,
        "how": how,
        "seed": settings.seed,
        "seconds": round(seconds, 1),
        "scheduler_p99_ms": late_ms,
        "strict": strict,
        "scope": asdict(scope),
        "settings": asdict(settings),
        "checks": list(dict.fromkeys(one.check for one in judgements)),
    }
    counted = [one.verdict for one in judgements if not one.is_waived]
    return Run(header, played, judgements, exit_code(counted, has_stale_waiver=bool(stale), strict=strict), stale)
